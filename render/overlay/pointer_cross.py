"""The cross at the pointer's place, drawn in each of two panes, with its map's number there."""

import math

from valuescape.render.overlay.overlay import FAINT, INK, Overlay
from valuescape.render.view.camera import Rect
from valuescape.render.view.cross import Cross
from valuescape.render.view.panes import Pane
from valuescape.render.view.picking import on_screen
from valuescape.sim.arrays import Float32Array

_AWAY_EMS = 0.6
"""Distance between the cross and its number."""


def draw_cross(overlay: Overlay, cross: Cross, pane: Pane, matrix: Float32Array) -> None:
    """Draw a cross into a pane. matrix: from scene to clip space."""
    em, size_px = overlay.font.line_px, pane.size_px
    flat = not cross.point[0, 2]
    overlay.polyline(on_screen(cross.lines, matrix, size_px), 1.0 if flat else 1.5, FAINT if flat else INK)
    x, y = on_screen(cross.point, matrix, size_px)[0].tolist()
    if not cross.said or not math.isfinite(x):
        return
    text = cross.said[min(pane.number, len(cross.said) - 1)]
    width, height = overlay.font.width(text), overlay.font.ascent + overlay.font.descent
    left = x + _AWAY_EMS * em if x + width + 2 * em < size_px[0] else x - width - _AWAY_EMS * em
    top = y - height - _AWAY_EMS * em if y > 5 * em else y + _AWAY_EMS * em
    overlay.panel(Rect(left - 0.2 * em, top - 0.1 * em, width + 0.4 * em, height + 0.2 * em))
    overlay.text(left, top, text, INK)
