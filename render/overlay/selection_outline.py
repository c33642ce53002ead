"""The outline of the part of the map that is selected, and of the frame that is being dragged."""

from itertools import pairwise

import numpy as np

from valuescape.render.overlay.axes import Matrix, draw_rectangle, project
from valuescape.render.overlay.overlay import INK, Overlay
from valuescape.render.view.camera import Rect
from valuescape.render.view.picking import Positions
from valuescape.render.view.selection import Region
from valuescape.render.view.viewer import Viewer


def draw_selection(overlay: Overlay, viewer: Viewer, size_px: tuple[int, int], plot: Rect) -> None:
    """Draw the edge of the selection, and the frame that is being dragged. plot: as for `Viewer.matrix`."""
    matrix = viewer.matrix(size_px, plot)
    if isinstance(viewer.box, Region):
        _draw_outline(overlay, viewer.box.outline * (1, 1, viewer.raised), matrix, size_px)
    elif viewer.box:
        draw_rectangle(overlay, matrix, size_px, viewer.box)
    if viewer.frame:
        left, top, right, bottom = viewer.frame
        corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
        for start, end in pairwise(corners):
            overlay.line(start, end, 1.5, INK)


def _draw_outline(overlay: Overlay, outline: Positions, matrix: Matrix, size_px: tuple[int, int]) -> None:
    pixels = [
        project(matrix, size_px, (float(x), float(y), float(z))) if np.isfinite(z) else None
        for x, y, z in outline
    ]
    for start, end in pairwise(pixels):
        if start and end:
            overlay.line(start, end, 1.5, INK)
