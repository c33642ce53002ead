"""The help panel: keys, gestures of the mouse, and a glossary. No OpenGL."""

from collections.abc import Sequence
from itertools import product

from valuescape.render.displays.events import KEYS, MOUSE
from valuescape.render.overlay.cards import rows_width, write_rows
from valuescape.render.overlay.overlay import FAINT, INK, Overlay
from valuescape.render.view.camera import Rect

_ROW_GAPS = (1.3, 1.15, 1.0, 0.85)  # line spacings in ems, tried from wide to narrow
_MARGIN = 1.0  # around the text
_COLUMN_GAP = 2.0

Rows = Sequence[tuple[str, str]]

GLOSSARY: Rows = (
    ("value, V(s)", "return that the critic expects from a state on"),
    ("critic", "network that learned to tell values"),
    ("density", "how often agents came by lately"),
    ("TD error", "reward and next value, less the value before: a surprise"),
    ("advantage", "surprises from here on, those further off count less"),
    ("crowd", "agents shown together where all trails would take too long"),
    ("slice", "values of the state variables that the map does not show"),
    ("truncated", "an episode ended by its time limit"),
)
"""Words in the picture and their meanings."""

_MORE = ("…", "in a larger window")


def draw_help(overlay: Overlay, size_px: tuple[int, int]) -> None:
    """Draw a panel in the middle of the picture with keys, mouse and glossary, in two columns or one.

    A picture too small for the glossary gets keys and mouse; if those do not fit either, it gets as many keys
    as fit.
    """
    keys: Rows = [(key, text) for key, _, text in KEYS]
    whole: tuple[list[Rows], ...] = (
        [keys, [*MOUSE, ("", ""), *GLOSSARY]],
        [keys[:-5], [*keys[-5:], *MOUSE, ("", ""), *GLOSSARY]],
        [[*keys, *MOUSE, ("", ""), *GLOSSARY]],
    )
    parts: tuple[list[Rows], ...] = (
        [[*keys, *MOUSE]],
        [keys, [*MOUSE, ("", ""), _MORE]],
        _halves([*keys, *MOUSE, _MORE]),
    )
    for gap, columns in (*product(_ROW_GAPS, whole), *product(_ROW_GAPS, parts)):
        if _draw(overlay, columns, gap, size_px):
            return
    em = overlay.font.line_px
    most = int((size_px[1] / em - 2 * _MARGIN) / _ROW_GAPS[-1]) - 1
    width = size_px[0] - 2 * _MARGIN * em - rows_width(overlay, [(key, "") for key, _ in keys])
    short = [(key, overlay.short(text, width)) for key, text in keys[: max(most, 0)]]
    _draw(overlay, [[*short, _MORE]], _ROW_GAPS[-1], size_px)


def _halves(rows: Rows) -> list[Rows]:
    half = -(-len(rows) // 2)
    return [rows[:half], rows[half:]]


def _draw(overlay: Overlay, columns: Sequence[Rows], gap: float, size_px: tuple[int, int]) -> bool:
    """Draw the panel if it fits, and claim its place; return whether it fits."""
    em = overlay.font.line_px
    widths = [rows_width(overlay, rows) for rows in columns]
    width = sum(widths) + ((len(columns) - 1) * _COLUMN_GAP + 2 * _MARGIN) * em
    height = (max(map(len, columns)) * gap + 2 * _MARGIN - (gap - 0.8)) * em
    box = Rect((size_px[0] - width) / 2, (size_px[1] - height) / 2, width, height)
    if not overlay.layout.claim(box):
        return False
    overlay.panel(box)
    x = box.left + _MARGIN * em
    for rows, column_px in zip(columns, widths, strict=True):
        write_rows(overlay, rows, x, box.top + _MARGIN * em, gap, (INK, FAINT))
        x += column_px + _COLUMN_GAP * em
    return True
