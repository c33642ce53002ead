"""Part of the map that a person chose: a box on the map, or what was dragged over in the height field."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.render.view.camera import OrbitCamera, Rect
from valuescape.render.view.picking import Positions, inside, on_screen

Box = tuple[float, float, float, float]
"""Part of the scene's ground: x and y from, x and y to. In pixels: left, top, right, bottom."""

_CELLS = 384
"""Along each edge of the map; about a pixel or two of the picture each."""

_SIDE_POINTS, _STEPS = 20, 96


@dataclass(frozen=True, eq=False, slots=True)
class Region:
    """What was dragged over in the height field.

    cells: [n, n] bool, which parts of the map are in it, rows along y. outline: [m, 3] scene points where the
    frame lies on the surface; NaN where it lies beside it.
    """

    cells: NDArray[np.bool_]
    outline: Positions

    def holds(self, ground: Positions) -> NDArray[np.bool_]:
        """Return which scene points [n, 2] are in it, [n] bool."""
        edge = len(self.cells)
        column, row = np.floor((ground.T + 1) / 2 * edge)
        on_map = (column >= 0) & (column < edge) & (row >= 0) & (row < edge)  # which NaN is not
        held = np.zeros(len(ground), np.bool_)
        held[on_map] = self.cells[row[on_map].astype(np.intp), column[on_map].astype(np.intp)]
        return held


Selection = Box | Region


def within(ground: Positions, selection: Selection) -> NDArray[Any]:
    """Return which scene points [n, 2] are in a selection, [n] bool."""
    return selection.holds(ground) if isinstance(selection, Region) else inside(ground, selection)


def region_of(
    frame: Box,
    camera: OrbitCamera,
    size_px: tuple[int, int],
    lift: Callable[[Positions], Positions],
    plot: Rect | None = None,
) -> Region:
    """Return what a frame of the picture (pixels) covers of the height field as `camera` sees it.

    lift: gives the scene points [n, 3] on the surface over points of the ground [n, 2]. plot: as for
    `OrbitCamera.lens`.
    """
    middles = ((np.arange(_CELLS) + 0.5) / _CELLS * 2 - 1).astype(np.float32)
    ground = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
    pixels = on_screen(lift(ground), camera.matrix(size_px, plot), size_px)
    cells = inside(pixels, frame).reshape(_CELLS, _CELLS)
    return Region(cells, _outline(frame, camera, size_px, lift, plot))


def _outline(
    frame: Box,
    camera: OrbitCamera,
    size_px: tuple[int, int],
    lift: Callable[[Positions], Positions],
    plot: Rect | None,
) -> Positions:
    """Return where the frame's edge meets the surface: along each line of sight, from above the ground."""
    left, top, right, bottom = frame
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    pixels = np.concatenate([np.linspace(start, end, _SIDE_POINTS) for start, end in pairwise(corners)])
    highest = 1.0
    sights = [
        [camera.ground_at(x, y, size_px, z, plot) or (np.nan, np.nan) for z in (highest, 0)]
        for x, y in pixels
    ]
    above, below = np.array(sights, np.float32).swapaxes(0, 1)
    share = np.linspace(0, 1, _STEPS, dtype=np.float32)[:, None, None]
    ground = above + share * (below - above)  # [steps, pixels, 2]
    flat = ground.reshape(-1, 2)
    points = lift(np.nan_to_num(flat, nan=9.0)).reshape(*ground.shape[:2], 3)
    on_map = (np.abs(ground) <= 1).all(axis=2)
    met = on_map & (points[..., 2] >= highest * (1 - share[..., 0]))
    first = met.argmax(axis=0), np.arange(len(pixels))
    outline: Positions = np.where(met.any(axis=0)[:, None], points[first], np.nan).astype(np.float32)
    return outline
