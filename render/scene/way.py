"""The way from the selected place, lifted onto the surface."""

from collections.abc import Callable

import numpy as np

from valuescape.render.view.picking import Positions
from valuescape.render.view.viewer import Viewer
from valuescape.sim.insight.place import place_of

_JUMP = 1.0
"""Greatest step along the ground; a longer one crosses a periodic edge. The map is 2 wide."""


class Way:
    """Keeps the scene points of a viewer's way. lift: points of map positions, on the surface.

    Performance: lifted again only if the way or the surface has changed.
    """

    def __init__(self, lift: Callable[[Positions], Positions]) -> None:
        self._lift = lift
        self._key: tuple[str, int] | None = None
        self._path: Positions | None = None
        self._points: Positions | None = None

    def points(self, viewer: Viewer, heights_revision: int) -> Positions | None:
        """Return the points [n, 3], NaN where the way breaks; of a way not known yet, the place alone.

        None without a place.
        """
        key = viewer.place, heights_revision
        if key != self._key or viewer.path is not self._path:
            self._key, self._path = key, viewer.path
            place = place_of(viewer.place)
            self._points = None if place is None else self._lifted(viewer.path, place)
        return self._points

    def _lifted(self, path: Positions | None, place: tuple[float, float]) -> Positions:
        points = self._lift(np.array([place], np.float32) if path is None else path)
        jumps = (np.abs(np.diff(points[:, :2], axis=0)) > _JUMP).any(axis=1)
        return np.insert(points, np.flatnonzero(jumps) + 1, np.nan, axis=0)
