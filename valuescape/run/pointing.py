"""The place on the map under the pointer, and the cross that marks it in both halves of a picture."""

import numpy as np

from valuescape.render.view.camera import Rect
from valuescape.render.view.cross import Cross
from valuescape.render.view.picking import Positions
from valuescape.render.view.selection import meetings
from valuescape.render.view.viewer import Viewer
from valuescape.run.stage import Stage
from valuescape.sim.insight.place import Place

_STEPS = 768
"""Steps along the line of sight; at a usual slant one is a thousandth of the map."""

_ARM, _ARM_POINTS = 0.12, 13
"""Length of the cross's arms on the height field, in half widths of the map, and the points along two."""

_GAP = np.full((1, 3), np.nan, np.float32)


class Pointing:
    """Finds places on a stage's map.

    Performance: nothing while the pointer, the cameras and the surface rest; else 0.3 ms on the height field.
    Visits, which change all the time, are read every `stats.gpu_frames` frames, and when the cross moves.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._key: object = None
        self._values, self._frames = (-1, -1), 0
        self._place: Place | None = None
        self._cross: Cross | None = None

    def place_at(self, viewer: Viewer, pixel: tuple[float, float], size_px: tuple[int, int]) -> Place | None:
        """Return the place at a pixel of a pane of `size_px`; None off the map and while the view changes."""
        plot = self._plot(viewer)
        if viewer.lift == 0:
            inside = plot.left <= pixel[0] <= plot.right and plot.top <= pixel[1] <= plot.bottom
            x, y = viewer.map_camera.scene_at(*pixel, plot)
        elif viewer.lift == 1:
            met = meetings(np.array([pixel]), viewer.orbit_camera, size_px, self._lift, plot, _STEPS)
            (x, y, _), inside = met[0].tolist(), True
        else:
            return None
        return (x, y) if inside and -1 <= x <= 1 and -1 <= y <= 1 else None

    def cross(self, viewer: Viewer, size_px: tuple[int, int], *, waits: bool = False) -> Cross | None:
        """Return the cross at the pointer where two maps are shown; None elsewhere.

        size_px: of a pane. waits: for the newest numbers.
        """
        if not viewer.split or viewer.pointer is None:
            self._key = self._cross = None
            return None
        scene = self._stage.scene
        surface = viewer.shown, viewer.lift, scene.heights_revision if viewer.lift else None
        key = viewer.pointer, viewer.map_camera, viewer.orbit_camera, size_px, *surface
        moved = key != self._key
        if moved:
            self._key, self._place = key, self.place_at(viewer, viewer.pointer, size_px)
        self._frames += 1
        values, before = (scene.fields.revision, scene.revision), self._values
        due = waits or self._frames >= self._stage.config.stats.gpu_frames
        if moved or values[0] != before[0] or (due and values != before):
            self._values, self._frames = values, 0
            cross = self._cross_at(viewer, self._place) if self._place else None
            self._cross = self._cross if cross and cross.same_as(self._cross) else cross
        return self._cross

    def _cross_at(self, viewer: Viewer, place: Place) -> Cross:
        x, y = place
        said = self._stage.scene.said_at(viewer, place)
        if viewer.lift == 0:
            low_x, low_y, high_x, high_y = viewer.map_camera.visible()
            ends = [[(low_x, y, 0), (high_x, y, 0)], [(x, low_y, 0), (x, high_y, 0)]]
            first, second = np.array(ends, np.float32)
            point = np.array([(x, y, 0)], np.float32)
        else:
            along = np.linspace(-_ARM, _ARM, _ARM_POINTS, dtype=np.float32)
            still = np.zeros_like(along)
            first, second = (
                self._lift(np.clip(np.add(np.column_stack(each), (x, y)), -1, 1).astype(np.float32))
                for each in ((along, still), (still, along))
            )
            point = self._lift(np.array([place], np.float32))
        return Cross(point, np.concatenate([first, _GAP, second]), said)

    def _lift(self, ground: Positions) -> Positions:
        """Return the scene points [n, 3] of the surface above points of the ground [n, 2]."""
        low, high = (np.array(corner, np.float32) for corner in self._stage.scene.plane.bounds)
        return self._stage.scene.points(low + (ground + 1) / 2 * (high - low))

    def _plot(self, viewer: Viewer) -> Rect:
        return self._stage.scene.plot(split=viewer.split)
