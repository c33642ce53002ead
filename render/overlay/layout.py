"""Where text may go in a picture: what is taken already, and texts made short enough for what is left."""

import math
from collections.abc import Iterable
from typing import Protocol

from valuescape.render.view.camera import Rect

PARTS = " · "
"""Between the parts of a line, of which the last ones go first where a line is too long."""

_ELLIPSIS = "…"


class Widths(Protocol):
    """What is asked of a font here: `render.overlay.text.Font`."""

    def width(self, text: str) -> float:
        """Return how wide a text is, pixels."""


class Layout:
    """The rectangles of a picture that are taken. A rectangle fits if it is inside and apart from them all.

    size_px: None for a picture without edges. gap_px: how far apart what is claimed stays.
    """

    def __init__(
        self, size_px: tuple[int, int] | None = None, gap_px: float = 0.0, taken: Iterable[Rect] = ()
    ) -> None:
        self._edges: tuple[float, float] = size_px or (math.inf, math.inf)
        self._bounded = size_px is not None
        self._gap = gap_px
        self.taken: list[Rect] = list(taken)

    def fits(self, box: Rect) -> bool:
        """Whether a box is inside the picture and apart from all that is taken."""
        if not self.inside(box):
            return False
        gap = self._gap
        left, top, right, bottom = box.left - gap, box.top - gap, box.right + gap, box.bottom + gap
        # `overlap`, without its calls: a view that turns asks for hundreds.
        return not any(
            each.top < bottom
            and each.left < right
            and top < each.top + each.height
            and left < each.left + each.width
            for each in self.taken
        )

    def inside(self, box: Rect) -> bool:
        """Whether a box is inside the picture."""
        if not self._bounded:
            return True
        return box.left >= 0 and box.top >= 0 and box.right <= self._edges[0] and box.bottom <= self._edges[1]

    def take(self, box: Rect) -> None:
        """Note that a box is taken."""
        self.taken.append(box)

    def claim(self, box: Rect) -> bool:
        """Take a box if it fits; return whether it does."""
        if not self.fits(box):
            return False
        self.take(box)
        return True

    def room(self, left: float, top: float, height: float, right: float) -> float:
        """Return how wide a box of this height may be that begins at (left, top) and ends before `right`."""
        row = Rect(left, top, max(right - left, 0.0), height)
        ends = [each.left - self._gap for each in self.taken if overlap(row, each, self._gap)]
        return max(min([right, *ends]) - left, 0.0)


def overlap(one: Rect, other: Rect, gap: float = 0.0) -> bool:
    """Whether two boxes overlap, or are less than `gap` apart."""
    return (
        one.left < other.right + gap
        and other.left < one.right + gap
        and one.top < other.bottom + gap
        and other.top < one.bottom + gap
    )


def shortened(font: Widths, text: str, width: float) -> str:
    """Return a text that is no wider than `width` pixels, "" if nothing of it is.

    Of parts set apart by a middle dot the last ones go first; what is left ends in an ellipsis.
    """
    parts = text.split(PARTS)
    while len(parts) > 1 and font.width(PARTS.join(parts)) > width:
        parts.pop()
    text = PARTS.join(parts)
    if font.width(text) <= width:
        return text
    while text and font.width(text + _ELLIPSIS) > width:
        text = text[:-1].rstrip()
    return text + _ELLIPSIS if len(text) > 1 else ""


def wrapped(font: Widths, text: str, width: float, most: int = 1000) -> list[str]:
    """Return a text as at most so many lines that are no wider than `width` pixels.

    Lines break at spaces, words that are too wide anywhere. What does not fit is an ellipsis.
    """
    lines: list[str] = []
    for line in text.splitlines():
        lines += _wrapped_line(font, line, width)
    if len(lines) <= most:
        return lines
    last = shortened(font, lines[most - 1], width - font.width(_ELLIPSIS)) if most else ""
    return [*lines[: most - 1], last.removesuffix(_ELLIPSIS) + _ELLIPSIS] if most else []


def _wrapped_line(font: Widths, line: str, width: float) -> list[str]:
    lines = [""]
    for word in line.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if font.width(longer) <= width:
            lines[-1] = longer
            continue
        pieces = _pieces(font, word, width)
        lines += pieces
    return [each for each in lines if each]


def _pieces(font: Widths, word: str, width: float) -> list[str]:
    """Break a word that is too wide into pieces that are not, but for single characters."""
    pieces = [""]
    for character in word:
        if pieces[-1] and font.width(pieces[-1] + character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces
