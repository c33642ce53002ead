"""The uniform block of a frame: what all shaders of a scene know of view and looks."""

from typing import Any

import numpy as np

from valuescape.gpu.bindings import Block
from valuescape.gpu.constants import END_MARKS
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.owner import Owner
from valuescape.gpu.structs import FRAME
from valuescape.render.overlay.axes import HEIGHT
from valuescape.render.scene.fields import Fields
from valuescape.render.scene.made_maps import Shown
from valuescape.render.scene.trails import Trails
from valuescape.render.view.camera import Rect
from valuescape.render.view.viewer import Viewer
from valuescape.sim.worlds.base import Termination

_BACKDROP = (
    *("view_projection", "viewport_px", "height_scale", "height_layer", "base_layer", "contours"),
    *("mesh_edge", "surface_opacity", "pixel_scale", "uv_px", "tone_mapping"),
)
"""Fields that the map's colours and depths depend on."""


class FrameBlock(Owner):
    """Fills the block for a pane and uploads it. values: as uploaded last, [1] (dtype FRAME).

    termination: its meaning in the world, for marks of episodes' ends. mesh_edge: vertices of the surface.
    """

    def __init__(
        self, gl: Any, pixel_scale: float, mesh_edge: int, termination: Termination, meter: FrameMeter
    ) -> None:
        super().__init__()
        self._pixel_scale, self._mesh_edge = pixel_scale, mesh_edge
        self._termination, self._meter = termination, meter
        self.values = np.zeros(1, FRAME)
        self._buffer = self._own(gl.buffer(reserve=FRAME.itemsize))

    def write(
        self,
        viewer: Viewer,
        size: tuple[int, int],
        plot: Rect,
        fields: Fields,
        trails: Trails,
        shown: Shown,
    ) -> None:
        """Fill and upload it for the maps of a pane. size, plot: of the pane, and of the flat map in it."""
        frame, looks = self.values, viewer.looks
        frame["view_projection"] = viewer.matrix(size, plot).T
        frame["viewport_px"] = size
        frame["height_scale"] = HEIGHT * viewer.raised
        frame["lift"], frame["pixel_scale"] = viewer.raised, self._pixel_scale
        frame["mesh_edge"] = self._mesh_edge
        frame["surface_opacity"] = looks.heatmap.opacity
        frame["selected"] = -1 if viewer.selected is None else viewer.selected
        frame["trail_color_by"] = trails.color_index(viewer.trail_color)
        frame["tone_mapping"] = looks.render.tone_mapping
        frame["uv_px"] = viewer.map_camera.reach / (plot.width * plot.height) ** 0.5
        fields.fill(frame, shown, looks.heatmap.contours, flat=viewer.lift == 0)
        trails.fill(frame, looks, viewer.trail_color, self._pixel_scale)
        mark = "DIAMOND" if self._termination == "goal" else "CROSS"
        frame["end_marks"] = END_MARKS.index(mark if looks.trails.end_marks else "NONE")
        self._upload()

    def cover(self, size: tuple[int, int]) -> None:
        """Let what is drawn next be placed in a whole picture of this size."""
        self.values["viewport_px"] = size
        self._upload()

    def _upload(self) -> None:
        self._buffer.write(self.values.tobytes())
        self._meter.upload_bytes += self.values.nbytes

    @property
    def crowd(self) -> bool:
        """Whether there are agents that are not drawn one by one."""
        return bool(self.values["crowd"][0])

    def of_map(self) -> tuple[bytes, ...]:
        """Return what colours and depths of the map depend on."""
        return tuple(self.values[name].tobytes() for name in _BACKDROP)

    def bind(self) -> None:
        """Make it visible to shaders."""
        self._buffer.bind_to_uniform_block(Block.FRAME)
