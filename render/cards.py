"""Panels of text over the picture: help, an agent's card, a box's, a frame's costs. No OpenGL."""

from collections.abc import Sequence
from dataclasses import dataclass

from render.overlay import FAINT, INK, PANEL, Color, Overlay

_ROW_GAP, _LEAST_ROW_GAP = 1.35, 0.85  # from line to line of the help, in ems
_CARD_GAP = 0.95
_MARGIN = 0.7  # around a card's text, in ems
_PLOT_EMS = 2.6
_BAR_PX = 2


@dataclass(frozen=True, slots=True)
class Card:
    """A title, rows of name and value, and below them a plot of `values`, the newest last.

    mark: a line across the plot, at this value.
    """

    title: str
    rows: tuple[tuple[str, str], ...] = ()
    values: tuple[float, ...] = ()
    mark: float = 0.0


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
    """Stack cards downwards, their right edges at `right`, as far as they fit into `height`."""
    em = overlay.font.line_px
    end = top + height
    for card in cards:
        inner = max(
            _rows_width(overlay, card.rows), overlay.font.width(card.title), len(card.values) * _BAR_PX
        )
        rows = len(card.rows) * _CARD_GAP * em
        plot = (_PLOT_EMS + 0.5) * em if card.values else 0.0
        width, height = inner + 2 * _MARGIN * em, (2 * _MARGIN + 1.25) * em + rows + plot
        if top + height > end + 1:
            return
        x, y = right - width + _MARGIN * em, top + _MARGIN * em
        overlay.rect(right - width, top, width, height, PANEL)
        overlay.text(x, y, card.title, INK)
        _write_rows(overlay, card.rows, x, y + 1.25 * em, _CARD_GAP, (FAINT, INK))
        if card.values:
            _plot(overlay, card, x, top + height - _MARGIN * em, inner)
        top += height + 0.5 * em


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
