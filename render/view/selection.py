"""The selected part of the map: a box on the flat map, or the region under a frame on the height field."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.render.view.camera import OrbitCamera, Rect
from valuescape.render.view.picking import Positions, inside, on_screen
from valuescape.sim.arrays import BoolArray

Box = tuple[float, float, float, float]
"""A rectangle: low x, low y, high x, high y on the scene's ground; left, top, right, bottom in pixels."""

Lift = Callable[[Positions], Positions]
"""Maps points of the ground [n, 2] to the scene points [n, 3] of the surface above them."""

_CELLS = 384
"""Cells of a region along each edge of the map; each is about a pixel or two of the picture."""

_SIDE_POINTS, _STEPS = 20, 96
"""Points of an outline on each side of the frame, and steps along the line of sight of each."""


@dataclass(frozen=True, eq=False, slots=True)
class Region:
    """The part of the map under a frame that was dragged over the height field.

    cells: [n, n] bool, the parts of the map that are in it, rows along y. outline: [m, 3] scene points where
    the frame's edge meets the surface; NaN where it does not.
    """

    cells: BoolArray
    outline: Positions

    def holds(self, ground: Positions) -> BoolArray:
        """Return which scene points [n, 2] are in the region: [n] bool."""
        edge = len(self.cells)
        column, row = np.floor((ground.T + 1) / 2 * edge)
        on_map = (column >= 0) & (column < edge) & (row >= 0) & (row < edge)  # False for NaN
        held = np.zeros(len(ground), np.bool_)
        held[on_map] = self.cells[row[on_map].astype(np.intp), column[on_map].astype(np.intp)]
        return held


Selection = Box | Region


def within(ground: Positions, selection: Selection) -> NDArray[Any]:
    """Return which scene points [n, 2] are in a selection: [n] bool."""
    return selection.holds(ground) if isinstance(selection, Region) else inside(ground, selection)


def region_of(
    frame: Box,
    camera: OrbitCamera,
    size_px: tuple[int, int],
    lift: Lift,
    plot: Rect | None = None,
) -> Region:
    """Return the region of the height field that a frame (pixels) covers, seen with `camera`.

    plot: as for `OrbitCamera.lens`.
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
    lift: Lift,
    plot: Rect | None,
) -> Positions:
    """Return the points where the frame's edge meets the surface, found along lines of sight from above."""
    left, top, right, bottom = frame
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    pixels = np.concatenate([np.linspace(start, end, _SIDE_POINTS) for start, end in pairwise(corners)])
    return meetings(pixels, camera, size_px, lift, plot)


def meetings(
    pixels: NDArray[Any],
    camera: OrbitCamera,
    size_px: tuple[int, int],
    lift: Lift,
    plot: Rect | None,
    steps: int = _STEPS,
) -> Positions:
    """Return the points [n, 3] of the surface that are seen at pixels [n, 2]; NaN where it is not met.

    steps: along each line of sight; the result is as exact as one of them. Others: as for `region_of`.
    """
    highest = 1.0
    sights = [
        [camera.ground_at(x, y, size_px, z, plot) or (np.nan, np.nan) for z in (highest, 0)]
        for x, y in pixels
    ]
    above, below = np.array(sights, np.float32).swapaxes(0, 1)
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None, None]
    ground = above + share * (below - above)  # [steps, pixels, 2]
    flat = np.nan_to_num(ground.reshape(-1, 2), nan=9.0)  # 9: off the map
    points = lift(flat).reshape(*ground.shape[:2], 3)
    on_map = (np.abs(ground) <= 1).all(axis=2)
    met = on_map & (points[..., 2] >= highest * (1 - share[..., 0]))
    first = met.argmax(axis=0), np.arange(len(pixels))
    seen: Positions = np.where(met.any(axis=0)[:, None], points[first], np.nan).astype(np.float32)
    return seen
