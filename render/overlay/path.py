"""The selected place of the map, and the way that an episode takes from there."""

import numpy as np

from valuescape.render.overlay.overlay import Color, Overlay
from valuescape.render.view.camera import Rect
from valuescape.render.view.picking import Positions, inside, on_screen
from valuescape.render.view.viewer import Viewer

_BRIGHT: Color = (1.0, 0.95, 0.35, 1.0)
_CASING: Color = (0.0, 0.0, 0.0, 0.75)
_WIDTH_EMS = 0.11
_RING_EMS, _RING_POINTS = 0.45, 25


def draw_path(
    overlay: Overlay, viewer: Viewer, points: Positions, size_px: tuple[int, int], plot: Rect
) -> None:
    """Draw the way as a bright line with a dark edge, and a ring at its start.

    points: [n, 3] in the scene at the full height of the surface, NaN where the line breaks. plot: as for
    `Viewer.matrix`.
    """
    matrix, width = viewer.matrix(size_px, plot), _WIDTH_EMS * overlay.font.line_px
    pixels = on_screen(points * np.array((1, 1, viewer.raised), np.float32), matrix, size_px)
    if viewer.lift == 0:
        pixels = _inside(pixels, plot)
    turn = np.linspace(0, 2 * np.pi, _RING_POINTS, dtype=np.float32)
    ring = pixels[0] + _RING_EMS * overlay.font.line_px * np.column_stack([np.cos(turn), np.sin(turn)])
    for wide, color in ((2.6 * width, _CASING), (width, _BRIGHT)):
        for line in (pixels, ring.astype(np.float32)):
            overlay.polyline(line, wide, color)


def _inside(pixels: Positions, plot: Rect) -> Positions:
    """Return pixels [n, 2] with NaN for those outside of the plot."""
    kept = pixels.copy()
    kept[~inside(pixels, (plot.left, plot.top, plot.right, plot.bottom))] = np.nan
    return kept
