"""Heights of a scene: the surface that trails lie on, and when their samples have to be placed anew."""

from valuescape.gpu.heights import Bounds, Surface, scene_points
from valuescape.render.overlay.axes import HEIGHT
from valuescape.render.scene.fields import Fields
from valuescape.render.scene.trails import Trails
from valuescape.render.view.picking import Positions


class Placing:
    """Places samples of trails on the surface.

    at_once: on the GPU; False: in a Python loop, the plain path. stale: the surface may have another height
    than at the last `all`. revision: a number that changes when it may. The surface that `points` reads is
    stale then, too.
    """

    def __init__(self, fields: Fields, trails: Trails, bounds: Bounds, *, at_once: bool) -> None:
        self._fields, self._trails = fields, trails
        self._bounds, self._at_once = bounds, at_once
        self.stale = True
        self.revision = 0
        self._surface: Surface | None = None

    def changed(self) -> None:
        """Place trails anew before the next frame."""
        self.stale, self._surface = True, None
        self.revision += 1

    def points(self, positions: Positions) -> Positions:
        """Return the scene points [n, 3] of map positions [n, 2]; GPU queries if heights have changed."""
        return scene_points(positions, self._read())

    def _read(self) -> Surface:
        if self._surface is None:
            self._surface = Surface(self._bounds, *self._fields.read_heights(), HEIGHT)
        return self._surface

    def all(self) -> None:
        """Place the samples of all ticks."""
        self.these(self._trails.ring.ticks)
        self.stale = False

    def these(self, ticks: range) -> None:
        """Place the samples of some ticks."""
        if not self._at_once:
            self._trails.place_one_by_one(ticks, self._read())
            return
        self._fields.bind_heights()
        self._trails.place(ticks, self._fields.height_layer)
