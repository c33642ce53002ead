"""Cards and notices over the picture: of an agent, of a selection, of the frame's costs. No OpenGL."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle

from valuescape.render.overlay.curves import Curve, curves_size, draw_curves
from valuescape.render.overlay.layout import overlap, wrapped
from valuescape.render.overlay.overlay import FAINT, INK, Color, Overlay
from valuescape.render.view.camera import Rect

_CARD_GAP = 0.95  # from line to line, in ems
_TITLE = 1.25  # from a title to the first row, in ems
_LEAST_EMS, _LEAST_WIDTH_EMS = 4.6, 12  # height and width of a card of two rows
_COLUMN_GAP = 1.5
_MARGIN = 0.7  # around a card's text, in ems
_PLOT_EMS = 2.6
_BAR_PX = 2
_NOTE_EMS = 17  # least width of a note
_NOTICE_EMS = 30  # greatest width of a notice
_MOST_SHARE = 0.25  # of the area that a card with curves may cover before they are small
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
"""Colours by Okabe and Ito (2008), distinct in all forms of colour blindness."""

_LAMPS: dict[bool | None, Color] = {
    None: (0.5, 0.5, 0.5, 1.0),
    True: (0.0, 0.62, 0.45, 1.0),
    False: (0.84, 0.37, 0.0, 1.0),
}


@dataclass(frozen=True, slots=True)
class Card:
    """A title, rows of name and value, and below them a plot of `values`, the newest last.

    mark: the value of a line across the plot; 0 for none. parts: names and milliseconds, shown as a stacked
    bar with its key. lamps: names, and whether each is well (None: unknown). note: a sentence. curves: over
    training steps, below the rows; steps: where a line marks them, None for none; small: curves of a line's
    height.
    """

    title: str
    rows: tuple[tuple[str, str], ...] = ()
    values: tuple[float, ...] = ()
    mark: float = 0.0
    parts: tuple[tuple[str, float], ...] = ()
    lamps: tuple[tuple[str, bool | None], ...] = ()
    note: str = ""
    curves: tuple[Curve, ...] = ()
    steps: float | None = None
    small: bool = False


class _Block:
    """A card laid out in one column or two: its size, and how it is drawn.

    In two columns rows and plot are on the left, parts and lamps on the right, the note below both. reduced:
    whether something of the card is left out.
    """

    def __init__(self, overlay: Overlay, card: Card, columns: int, *, reduced: bool) -> None:
        em = overlay.font.line_px
        self.reduced = reduced
        self._overlay, self._card, self._em, self._columns = overlay, card, em, columns
        width = overlay.font.width
        curves = curves_size(overlay, card.curves, small=card.small)
        parts = rows_width(overlay, [(f"    {name}", f"{amount:.1f} ms") for name, amount in card.parts])
        lamps = max((width(name) + 0.9 * em for name, _ in card.lamps), default=0.0)
        widths = [
            max(
                *(rows_width(overlay, card.rows), width(card.title), len(card.values) * _BAR_PX, curves[0]),
            ),
            max(parts * bool(card.parts), lamps),
        ]
        if columns == 1:
            widths = [max(*widths, _NOTE_EMS * em * bool(card.note))] * 2
        self._widths = widths
        self._inner = widths[0] if columns == 1 else sum(widths) + _COLUMN_GAP * em
        self._note = wrapped(overlay.font, card.note, self._inner)
        left = len(card.rows) * _CARD_GAP, (_PLOT_EMS + 0.5) * bool(card.values)
        right = (
            (1.0 + len(card.parts) * _CARD_GAP) * bool(card.parts),
            (len(card.lamps) * _CARD_GAP + 0.3) * bool(card.lamps),
        )
        self._left, self._right = sum(left) * em + curves[1], sum(right) * em
        self._parts, self._curves = right[0] * em, curves[1]

    @property
    def width(self) -> float:
        """The width in pixels."""
        return self._inner + 2 * _MARGIN * self._em

    @property
    def height(self) -> float:
        """The height in pixels."""
        body = self._left + self._right if self._columns == 1 else max(self._left, self._right)
        return (2 * _MARGIN + _TITLE + len(self._note) * _CARD_GAP) * self._em + body

    def fits(self, room: tuple[float, float]) -> bool:
        """Return whether the card is no larger than `room` (width, height)."""
        return self.width <= room[0] and self.height <= room[1] + 1

    def draw(self, left: float, top: float) -> None:
        """Draw the card with its upper left corner at (left, top)."""
        overlay, card, em = self._overlay, self._card, self._em
        x, y = left + _MARGIN * em, top + _MARGIN * em
        overlay.panel(Rect(left, top, self.width, self.height))
        overlay.text(x, y, card.title, INK)
        y += _TITLE * em
        write_rows(overlay, card.rows, x, y, _CARD_GAP, (FAINT, INK))
        if card.values:
            _plot(overlay, card, x, y + self._left - self._curves, self._widths[0])
        at = x, y + self._left - self._curves
        draw_curves(overlay, card.curves, at, self._widths[0], card.steps, small=card.small)
        beside = x, y + self._left
        if self._columns == 2:
            beside = x + self._widths[0] + _COLUMN_GAP * em, y
        if card.parts:
            _stack(overlay, card.parts, beside[0], beside[1] + 0.3 * em, self._widths[1])
        _light_lamps(overlay, card.lamps, beside[0], beside[1] + self._parts)
        below = top + self.height - (_MARGIN + len(self._note) * _CARD_GAP) * em
        for index, line in enumerate(self._note):
            overlay.text(x, below + index * _CARD_GAP * em, line, INK)


def draw_cards(overlay: Overlay, cards: Sequence[Card], area: Rect, *, at_left: bool = False) -> None:
    """Stack cards downwards at the right edge of an area, then in a column further left, while they fit.

    Curves are small where the card would cover more than a quarter of the area with them, and but one is left
    where it still would. A card that does not fit is laid out in two columns, or leaves out its parts, its
    note, its lamps, its plot, its curves, and then its last rows. The first cards leave room for a few rows
    of the others.
    at_left: begin at the left edge, and go right.
    """
    em = overlay.font.line_px
    bottom, right = _free_below(overlay, area), area.right
    top, left = area.top, area.right
    for index, card in enumerate(_modest(overlay, each, area) for each in cards):
        block = _fitting(overlay, card, (right - area.left, bottom - top))
        if block and right - block.width - area.left < _LEAST_WIDTH_EMS * em:  # no column beside
            others = _LEAST_EMS * em * (len(cards) - index - 1)
            height = max(bottom - top - others, min(_LEAST_EMS * em, bottom - top))
            block = _fitting(overlay, card, (right - area.left, height))
        if block is None or block.reduced:
            aside = left - 0.5 * em
            beside = _fitting(overlay, card, (aside - area.left, bottom - area.top)) if index else None
            if beside:
                block, top, right = beside, area.top, aside
        block = block or _fitting(overlay, card, (right - area.left, bottom - top))
        if block is None:
            continue
        at = area.left + area.right - right if at_left else right - block.width
        if overlay.layout.claim(Rect(at, top, block.width, block.height)):
            block.draw(at, top)
            left, top = min(left, right - block.width), top + block.height + 0.5 * em


def _modest(overlay: Overlay, card: Card, area: Rect) -> Card:
    """Return a card, with small curves, or the first of them, if it would cover much of an area otherwise."""
    small = replace(card, small=bool(card.curves))
    most = _MOST_SHARE * area.width * area.height
    for form in (card, small) if card.curves else ():
        whole = _Block(overlay, form, columns=1, reduced=False)
        if whole.width * whole.height <= most:
            return form
    return replace(small, curves=card.curves[:1])


def _free_below(overlay: Overlay, area: Rect) -> float:
    """Return the top of the uppermost box that is taken in an area, or the area's bottom."""
    return min([area.bottom, *(each.top for each in overlay.layout.taken if overlap(each, area))])


def _fitting(overlay: Overlay, card: Card, room: tuple[float, float]) -> _Block | None:
    """Return the largest layout of a card that fits into `room` (width, height); None if none does."""
    narrow = _narrowed(overlay, card, room[0] - 2 * _MARGIN * overlay.font.line_px)
    return next((each for each in _variants(overlay, narrow) if each.fits(room)), None)


def _narrowed(overlay: Overlay, card: Card, width: float) -> Card:
    """Return a card with title and values shortened to `width` pixels."""
    names = max((overlay.font.width(name) for name, _ in card.rows), default=0.0)
    rest = width - names - 1.5 * overlay.font.line_px
    rows = tuple((name, overlay.short(text, rest)) for name, text in card.rows)
    return replace(card, title=overlay.short(card.title, width), rows=rows)


def _variants(overlay: Overlay, card: Card) -> Iterator[_Block]:
    """Yield layouts of a card, each with less of it than the one before."""
    small = replace(card, small=bool(card.curves))
    few = replace(small, parts=())
    least = replace(few, note="")
    no_lamps = replace(least, lamps=())
    forms = (
        card,
        small,
        few,
        least,
        no_lamps,
        replace(no_lamps, values=()),
        replace(no_lamps, values=(), curves=()),
    )
    for form in dict.fromkeys(forms):
        for columns in (1, 2) if form.parts or form.lamps else (1,):
            yield _Block(overlay, form, columns, reduced=form != card)
    for rows in range(len(card.rows) - 1, 0, -1):
        yield _Block(overlay, replace(forms[-1], rows=card.rows[:rows]), columns=1, reduced=True)


def draw_notice(overlay: Overlay, notice: str, area: Rect) -> None:
    """Write a notice at the lower edge of an area, on a backing, no wider than is easy to read."""
    em = overlay.font.line_px
    width = min(area.width - 2 * _MARGIN * em, _NOTICE_EMS * em)
    most = max(int((area.height - 2 * _MARGIN * em) / (_CARD_GAP * em)), 0)
    lines = wrapped(overlay.font, notice, width, most)
    if not lines:
        return
    wide = max(overlay.font.width(line) for line in lines)
    height = (len(lines) * _CARD_GAP + 2 * _MARGIN) * em
    box = Rect(area.left, area.bottom - height, wide + 2 * _MARGIN * em, height)
    if overlay.layout.claim(box):
        overlay.panel(box)
        for index, line in enumerate(lines):
            overlay.text(box.left + _MARGIN * em, box.top + (_MARGIN + index * _CARD_GAP) * em, line)


def _stack(overlay: Overlay, parts: Sequence[tuple[str, float]], x: float, y: float, width: float) -> None:
    """Draw the parts as one stacked bar, with their key below."""
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


def rows_width(overlay: Overlay, rows: Sequence[tuple[str, str]]) -> float:
    """Return the width in pixels of rows of a name and a value."""
    first = max((overlay.font.width(name) for name, _ in rows), default=0.0)
    second = max((overlay.font.width(text) for _, text in rows), default=0.0)
    return first + 1.5 * overlay.font.line_px + second


def write_rows(
    overlay: Overlay,
    rows: Sequence[tuple[str, str]],
    x: float,
    y: float,
    gap: float,
    inks: tuple[Color, Color],
) -> None:
    """Write rows of a name and a value below each other, `gap` ems apart. inks: of names, of values."""
    em = overlay.font.line_px
    second = x + max((overlay.font.width(name) for name, _ in rows), default=0.0) + 1.5 * em
    for index, (name, text) in enumerate(rows):
        overlay.text(x, y + index * em * gap, name, inks[0])
        overlay.text(second, y + index * em * gap, text, inks[1])


def _plot(overlay: Overlay, card: Card, x: float, bottom: float, width: float) -> None:
    """Draw the newest values as bars, on a scale from 0 to 1.5 times the mark or to the highest."""
    height = _PLOT_EMS * overlay.font.line_px
    shown = card.values[-int(width // _BAR_PX) :]
    most = max(1.5 * card.mark, max(shown), 1e-9)
    for index, value in enumerate(shown):
        bar = height * value / most
        overlay.rect(x + index * _BAR_PX, bottom - bar, _BAR_PX, bar, FAINT)
    if card.mark:
        y = bottom - height * card.mark / most
        overlay.line((x, y), (x + width, y), 1, INK)
