"""Panels of text over the picture: help, an agent's card, a box's, a frame's costs. No OpenGL."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle

from render.overlay import FAINT, INK, PANEL, Color, Overlay

_ROW_GAP, _LEAST_ROW_GAP = 1.35, 0.85  # from line to line of the help, in ems
_CARD_GAP = 0.95
_MARGIN = 0.7  # around a card's text, in ems
_PLOT_EMS = 2.6
_BAR_PX = 2
_NOTE_EMS = 17  # width that a sentence may have at least
_COLORS: tuple[Color, ...] = (
    (0.90, 0.62, 0.0, 1.0),
    (0.34, 0.71, 0.91, 1.0),
    (0.0, 0.62, 0.45, 1.0),
    (0.94, 0.89, 0.26, 1.0),
    (0.0, 0.45, 0.70, 1.0),
    (0.84, 0.37, 0.0, 1.0),
    (0.80, 0.47, 0.65, 1.0),
    (0.60, 0.60, 0.60, 1.0),
)
"""Okabe and Ito (2008): told apart with all forms of colour blindness."""

_LAMPS: dict[bool | None, Color] = {
    None: (0.5, 0.5, 0.5, 1.0),
    True: (0.0, 0.62, 0.45, 1.0),
    False: (0.84, 0.37, 0.0, 1.0),
}


@dataclass(frozen=True, slots=True)
class Card:
    """A title, rows of name and value, and below them a plot of `values`, the newest last.

    mark: a line across the plot, at this value. parts: what something is made of, name and amount, shown as a
    stacked bar with its key. lamps: name, and whether it is well; None is not known. note: a sentence.
    """

    title: str
    rows: tuple[tuple[str, str], ...] = ()
    values: tuple[float, ...] = ()
    mark: float = 0.0
    parts: tuple[tuple[str, float], ...] = ()
    lamps: tuple[tuple[str, bool | None], ...] = ()
    note: str = ""


def draw_help(overlay: Overlay, keys: Sequence[tuple[str, str]], size_px: tuple[int, int]) -> None:
    """Write a panel of keys and what they do in the middle of the picture, in columns if it must be.

    A picture that is too small for all of them says so in the last row.
    """
    em = overlay.font.line_px
    column_px = _rows_width(overlay, keys) + 1.5 * em
    columns = 1
    while columns < 3 and _gap(len(keys), columns, size_px[1] / em) < _LEAST_ROW_GAP:
        columns += 1
    columns = min(columns, max(int((size_px[0] - 1.5 * em) / column_px), 1))
    fitting = columns * int((size_px[1] / em - 2) / _LEAST_ROW_GAP)
    if fitting < len(keys):
        keys = [*keys[: fitting - 1], ("…", "in a larger window")]
    gap = min(_ROW_GAP, max(_LEAST_ROW_GAP, _gap(len(keys), columns, size_px[1] / em)))
    each = -(-len(keys) // columns)
    width, height = columns * column_px + 1.5 * em, (each * gap + 2) * em
    x, y = (size_px[0] - width) / 2, (size_px[1] - height) / 2
    overlay.rect(x, y, width, height, PANEL)
    for column in range(columns):
        rows = keys[column * each : (column + 1) * each]
        _write_rows(overlay, rows, x + 1.5 * em + column * column_px, y + em, gap, (INK, FAINT))


def _gap(rows: int, columns: int, height_ems: float) -> float:
    """Return how far apart rows may be, in ems, to fit in so many columns."""
    return (height_ems - 2) / -(-rows // columns)


def draw_cards(overlay: Overlay, cards: Sequence[Card], right: float, top: float, height: float) -> None:
    """Stack cards downwards, their right edges at `right`, as far as they fit into `height`.

    A card that does not fit leaves out its plot, then its lamps, then its parts.
    """
    end = top + height
    for card in cards:
        smaller = replace(card, values=())
        variants = (card, smaller, replace(smaller, lamps=()), replace(smaller, lamps=(), parts=()))
        fitting = [each for each in variants if top + _Block(overlay, each).height <= end + 1]
        if not fitting:
            return
        block = _Block(overlay, fitting[0])
        block.draw(right - block.width, top)
        top += block.height + 0.5 * overlay.font.line_px


class _Block:
    """A card's parts one below the other: how large they are, and drawing them."""

    def __init__(self, overlay: Overlay, card: Card) -> None:
        em = overlay.font.line_px
        self._overlay, self._card, self._em = overlay, card, em
        rows = [*card.rows, *((f"    {name}", f"{amount:.1f} ms") for name, amount in card.parts)]
        widths = _rows_width(overlay, rows), overlay.font.width(card.title), len(card.values) * _BAR_PX
        self._inner = max(*widths, _NOTE_EMS * em * bool(card.note))
        self._note = wrapped(overlay, card.note, self._inner)
        self._heights = (
            1.25 * em,
            len(card.rows) * _CARD_GAP * em,
            (_PLOT_EMS + 0.5) * em * bool(card.values),
            (1.0 + len(card.parts) * _CARD_GAP) * em * bool(card.parts),
            (len(card.lamps) * _CARD_GAP + 0.3) * em * bool(card.lamps),
            len(self._note) * _CARD_GAP * em,
        )

    @property
    def width(self) -> float:
        """Pixels."""
        return self._inner + 2 * _MARGIN * self._em

    @property
    def height(self) -> float:
        """Pixels."""
        return 2 * _MARGIN * self._em + sum(self._heights)

    def draw(self, left: float, top: float) -> None:
        """Draw it with its corner there."""
        overlay, card, em = self._overlay, self._card, self._em
        x, y = left + _MARGIN * em, top + _MARGIN * em
        title, rows, plot, parts, lamps, _ = self._heights
        overlay.rect(left, top, self.width, self.height, PANEL)
        overlay.text(x, y, card.title, INK)
        _write_rows(overlay, card.rows, x, y + title, _CARD_GAP, (FAINT, INK))
        y += title + rows + plot
        if card.values:
            _plot(overlay, card, x, y, self._inner)
        if card.parts:
            _stack(overlay, card.parts, x, y + 0.3 * em, self._inner)
        _light_lamps(overlay, card.lamps, x, y + parts)
        for index, line in enumerate(self._note):
            overlay.text(x, y + parts + lamps + index * _CARD_GAP * em, line, INK)


def wrapped(overlay: Overlay, text: str, width: float) -> list[str]:
    """Return a sentence as lines no wider than `width`, but for words that are wider themselves."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and overlay.font.width(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _stack(overlay: Overlay, parts: Sequence[tuple[str, float]], x: float, y: float, width: float) -> None:
    """Draw the parts as one bar, and below it what each colour is."""
    em, whole = overlay.font.line_px, sum(amount for _, amount in parts) or 1.0
    at = x
    for color, (_, amount) in zip(cycle(_COLORS), parts, strict=False):
        overlay.rect(at, y, width * amount / whole, 0.5 * em, color)
        at += width * amount / whole
    for index, (color, (name, amount)) in enumerate(zip(cycle(_COLORS), parts, strict=False)):
        line = y + (0.7 + index * _CARD_GAP) * em
        overlay.rect(x, line + 0.25 * em, 0.5 * em, 0.5 * em, color)
        overlay.text(x + 0.9 * em, line, name, FAINT)
        overlay.text(x + width, line, f"{amount:.1f} ms", INK, anchor=(1, 0))


def _light_lamps(overlay: Overlay, lamps: Sequence[tuple[str, bool | None]], x: float, y: float) -> None:
    em = overlay.font.line_px
    for index, (name, well) in enumerate(lamps):
        line = y + index * _CARD_GAP * em
        overlay.rect(x, line + 0.25 * em, 0.5 * em, 0.5 * em, _LAMPS[well])
        overlay.text(x + 0.9 * em, line, name, FAINT)


def _rows_width(overlay: Overlay, rows: Sequence[tuple[str, str]]) -> float:
    """Return how wide rows of a name and a value are, pixels."""
    first = max((overlay.font.width(name) for name, _ in rows), default=0.0)
    second = max((overlay.font.width(text) for _, text in rows), default=0.0)
    return first + 1.5 * overlay.font.line_px + second


def _write_rows(
    overlay: Overlay,
    rows: Sequence[tuple[str, str]],
    x: float,
    y: float,
    gap: float,
    inks: tuple[Color, Color],
) -> None:
    em = overlay.font.line_px
    second = x + max((overlay.font.width(name) for name, _ in rows), default=0.0) + 1.5 * em
    for index, (name, text) in enumerate(rows):
        overlay.text(x, y + index * em * gap, name, inks[0])
        overlay.text(second, y + index * em * gap, text, inks[1])


def _plot(overlay: Overlay, card: Card, x: float, bottom: float, width: float) -> None:
    """Draw the newest values as bars, on a scale from 0 to a half more than the mark, or to the highest."""
    height = _PLOT_EMS * overlay.font.line_px
    shown = card.values[-int(width // _BAR_PX) :]
    most = max(1.5 * card.mark, max(shown), 1e-9)
    for index, value in enumerate(shown):
        bar = height * value / most
        overlay.rect(x + index * _BAR_PX, bottom - bar, _BAR_PX, bar, FAINT)
    if card.mark:
        y = bottom - height * card.mark / most
        overlay.line((x, y), (x + width, y), 1, INK)
