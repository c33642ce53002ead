"""Room for text in a picture: the rectangles that are taken, and texts shortened or wrapped to fit."""

import math
from collections.abc import Iterable
from typing import Protocol

from valuescape.render.view.camera import Rect

PARTS = " · "
"""Separates the parts of a line; a line that is too long loses its last parts first."""

_ELLIPSIS = "…"


class Widths(Protocol):
    """The part of a font that layout needs; `render.overlay.text.Font` has it."""

    def width(self, text: str) -> float:
        """Return the width of a text in pixels."""


class Layout:
    """The rectangles of a picture that are taken. A box fits if it is inside and apart from all of them.

    size_px: None for a picture without edges. gap_px: least distance between claimed boxes and taken ones.
    """

    def __init__(
        self, size_px: tuple[int, int] | None = None, gap_px: float = 0.0, taken: Iterable[Rect] = ()
    ) -> None:
        self._edges: tuple[float, float] = size_px or (math.inf, math.inf)
        self._bounded = size_px is not None
        self._gap = gap_px
        self.taken: list[Rect] = list(taken)

    def fits(self, box: Rect) -> bool:
        """Return whether a box is inside the picture and apart from all that are taken.

        Performance: written without calls, since a turning view asks hundreds of times a frame.
        """
        if not self.inside(box):
            return False
        gap = self._gap
        left, top, right, bottom = box.left - gap, box.top - gap, box.right + gap, box.bottom + gap
        return not any(
            each.top < bottom
            and each.left < right
            and top < each.top + each.height
            and left < each.left + each.width
            for each in self.taken
        )

    def inside(self, box: Rect) -> bool:
        """Return whether a box is inside the picture."""
        if not self._bounded:
            return True
        return box.left >= 0 and box.top >= 0 and box.right <= self._edges[0] and box.bottom <= self._edges[1]

    def take(self, box: Rect) -> None:
        """Mark a box as taken, whether it fits or not."""
        self.taken.append(box)

    def claim(self, box: Rect) -> bool:
        """Take a box if it fits; return whether it does."""
        if not self.fits(box):
            return False
        self.take(box)
        return True

    def room(self, left: float, top: float, height: float, right: float) -> float:
        """Return the greatest width of a box of `height` with its corner at (left, top), up to `right`."""
        row = Rect(left, top, max(right - left, 0.0), height)
        ends = [each.left - self._gap for each in self.taken if overlap(row, each, self._gap)]
        return max(min([right, *ends]) - left, 0.0)


def overlap(one: Rect, other: Rect, gap: float = 0.0) -> bool:
    """Return whether two boxes overlap, or are less than `gap` apart."""
    return (
        one.left < other.right + gap
        and other.left < one.right + gap
        and one.top < other.bottom + gap
        and other.top < one.bottom + gap
    )


def shortened(font: Widths, text: str, width: float) -> str:
    """Return a text no wider than `width` pixels; "" if not even its beginning is.

    The last of the parts between middle dots go first; then the rest is cut, with an ellipsis at its end.
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
    """Return a text as lines no wider than `width` pixels, at most `most` of them.

    Lines break at spaces; words that are too wide break anywhere. An ellipsis stands for text that is left
    out.
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
    """Break a word into pieces no wider than `width`, of at least one character each."""
    pieces = [""]
    for character in word:
        if pieces[-1] and font.width(pieces[-1] + character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces
