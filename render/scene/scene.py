"""The whole picture of one frame: passes brought up to date, four draw calls, one framebuffer."""

from contextlib import ExitStack
from typing import Any

import moderngl
import numpy as np

from valuescape.gpu.bindings import Block
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.heights import Surface, scene_points
from valuescape.gpu.individuals import Agents
from valuescape.gpu.shader_source import BACKGROUND, END_MARKS
from valuescape.gpu.structs import FRAME
from valuescape.gpu.trail_ring import TrailSource
from valuescape.render.overlay.axes import HEIGHT, MapAxis
from valuescape.render.overlay.labels import Annotations, Labels, Scales
from valuescape.render.scene.fields import Field, Fields
from valuescape.render.scene.layers import SurfaceLayer
from valuescape.render.scene.target import Target, over
from valuescape.render.scene.trails import Trails
from valuescape.render.view.camera import Rect
from valuescape.render.view.picking import Positions
from valuescape.render.view.viewer import Viewer
from valuescape.sim.config.files import Config
from valuescape.sim.config.picture_sections import TRAIL_COLORS
from valuescape.sim.insight.plane import MapPlane, map_plane
from valuescape.sim.insight.signals import Signals
from valuescape.sim.worlds import World

SLANTED = 0.5
"""Of the picture's height: what an edge of the height field spans, at the side that is further away."""


class Scene:
    """Draws trails from a source and a critic's field into `picture`, a framebuffer of any size.

    critic: None where there is no critic; the density is then what is shown and what makes the height.
    All that it makes is released by `release`; the context and the field are lent.
    revision: another one once the colour scales may have other ends.
    """

    def __init__(
        self, gl: Any, config: Config, world: World, critic: Field | None, meter: FrameMeter, scale: float
    ) -> None:
        self._gl, self._config, self._meter, self._critic = gl, config, meter, critic
        self._scale, self._termination = scale, world.termination
        self.plane = map_plane(config, world)
        self._owned = ExitStack()
        try:
            self._make(self.plane)
        except BaseException:
            self._owned.close()
            raise

    def _own(self, made: Any) -> Any:
        self._owned.callback(made.release)
        return made

    def _make(self, plane: MapPlane) -> None:
        gl, config, meter, own = self._gl, self._config, self._meter, self._own
        self.trails: Trails = own(Trails(gl, config, plane.bounds, HEIGHT, meter))
        self.fields: Fields = own(
            Fields(gl, config, self.trails.ring, plane.bounds, self._critic, meter, self._termination)
        )
        self._surface: SurfaceLayer = own(SurfaceLayer(gl, config.render.mesh_resolution, meter))
        x, y = (MapAxis(each.label, each.low, each.high) for each in plane.variables)
        self._labels: Labels = own(
            Labels(
                gl,
                (x, y),
                self._scale,
                meter,
                text_px=config.render.text_px,
                termination=self._termination,
            )
        )
        self._target: Target = own(Target(gl, config.render.msaa, meter))
        self._block = own(gl.buffer(reserve=FRAME.itemsize))
        self._frame = np.zeros(1, FRAME)
        self._frame["map_low"], self._frame["map_high"] = plane.bounds
        self._heights_stale = True
        self.revision = 0

    @property
    def picture(self) -> Any:
        """The framebuffer that a frame ends up in."""
        return self._target.picture

    def plot(self) -> Rect:
        """Return where the flat map is in the picture."""
        return self._labels.plot(self._target.size)

    def resize(self, size_px: tuple[int, int]) -> None:
        """Make `picture` so many pixels large."""
        self._target.resize(size_px)

    def field_changed(self, plane: MapPlane | None = None) -> None:
        """Tell the scene that the critic's field has new values.

        plane: another slice, along the same axes.
        """
        self.plane = plane or self.plane
        self.fields.value_changed()
        self._heights_stale = True
        self.revision += 1

    def upload(self, source: TrailSource, newest: int, signals: Signals | None = None) -> None:
        """Take over what happened up to tick `newest`.

        signals: what trails are coloured by; None: ages, agents.
        """
        with self._meter.section("upload"):
            other = signals is not self.trails.signals
            ticks = self.trails.upload(source, newest, signals)
        self.revision += bool(ticks) or other
        with self._meter.section("density"):
            self.fields.count(ticks)
        with self._meter.section("place"):
            self._place(ticks)
        # A critic's landscape stays as it is, a density that is the height moves every trail with it.
        self._heights_stale = self._heights_stale or not self._critic

    def keep_to_budget(self, segments: int, busy_ms: float, frame_ms: float) -> None:
        """Decide how many agents to draw one by one from now on; the others are a crowd over the map.

        segments: drawn in the last frame. busy_ms, frame_ms: what frames took lately, and what they may take.
        """
        if self.trails.keep_to_budget(segments, busy_ms, frame_ms):
            self._place_all()

    def highlight(self, agents: Agents) -> None:
        """Highlight these agents, indices in ascending order; if there are any, the others step back."""
        if self.trails.highlight(agents):
            self._place_all()

    def points(self, positions: Positions) -> Positions:
        """Return where map positions [n, 2] are in the scene, [n, 3]; GPU queries."""
        return scene_points(positions, self._read_surface())

    def _read_surface(self) -> Surface:
        return Surface(self.plane.bounds, *self.fields.read_heights(), HEIGHT)

    def _place_all(self) -> None:
        self._place(self.trails.ring.ticks)
        self._heights_stale = False

    def _place(self, ticks: range) -> None:
        if not self._config.features.vectorized_heights:
            self.trails.place_one_by_one(ticks, self._read_surface())
            return
        self.fields.bind_heights()
        self.trails.place(ticks, self.fields.height_layer)

    def read_scales(self) -> None:
        """Bring the colour scales' numbers up to date; GPU queries."""
        self.fields.read_ranges()
        self.trails.refresh_scale()

    def draw(self, viewer: Viewer, said: Annotations) -> None:
        """Draw a frame into `picture`: surface, trails, marks, labels."""
        self._prepare(viewer)
        looks, flat = viewer.looks, viewer.lift == 0
        target = self._target.begin()
        target.clear(*BACKGROUND, 0.0, depth=1.0)
        part = self._plot_scissor() if flat else None
        target.scissor = part
        self._gl.enable_only(moderngl.NOTHING if flat else moderngl.DEPTH_TEST)
        section = self._meter.section
        with section("surface"):
            self._surface.draw(flat=flat)
        over(self._gl)
        target.depth_mask = False
        with section("trails"):
            self.trails.draw(looks)
        target.depth_mask = True
        target.scissor = None
        self._gl.disable(moderngl.DEPTH_TEST)
        with section("effects"):
            self._target.finish(looks, part)
        with section("labels"):
            self._label(viewer, said)

    def release(self) -> None:
        """Free everything this scene made."""
        self._owned.close()

    def _prepare(self, viewer: Viewer) -> None:
        """Bring all that is drawn up to date, and bind it."""
        if self.fields.take_colors(viewer.looks, signed=self.trails.signed):
            self._heights_stale = True
            self.revision += 1
        section = self._meter.section
        if self._heights_stale and viewer.lift > 0:
            with section("place"):
                self._place_all()
        with section("crowd"):
            self.trails.stamp(self._crowd_cells(flat=viewer.lift == 0))
        self._write_frame(viewer)
        self._block.bind_to_uniform_block(Block.FRAME)
        self.trails.bind()
        self.fields.bind()
        with section("shade"):
            self.fields.shade(self.fields.layer(viewer.layer))
        with section("level of detail"):
            self.trails.choose(viewer.looks, self._scale)

    def _crowd_cells(self, *, flat: bool) -> tuple[int, int]:
        """Return how many cells the crowd's map has: about as large as `lod.crowd_cell_px` on the screen.

        The height field is seen at a slant: a cell must not be smaller than a pixel, or lines would break.
        """
        cell_px = self._config.lod.crowd_cell_px * self._scale
        if flat:
            plot = self.plot()
            return max(round(plot.width / cell_px), 16), max(round(plot.height / cell_px), 16)
        edge = max(round(SLANTED * self._target.size[1] / cell_px), 16)
        return edge, edge

    def _write_frame(self, viewer: Viewer) -> None:
        frame, looks, size = self._frame, viewer.looks, self._target.size
        frame["view_projection"] = viewer.matrix(size, self.plot()).T
        frame["viewport_px"] = size
        frame["height_scale"] = HEIGHT * viewer.raised
        frame["lift"], frame["pixel_scale"] = viewer.raised, self._scale
        frame["height_layer"] = self.fields.height_layer
        frame["layer"] = self.fields.layer(viewer.layer)
        frame["contours"] = looks.heatmap.contours
        frame["mesh_edge"] = self._surface.mesh_edge
        frame["surface_opacity"] = looks.heatmap.opacity
        frame["selected"] = -1 if viewer.selected is None else viewer.selected
        frame["trail_color_by"] = TRAIL_COLORS.index(self.trails.color_by(viewer.trail_color))
        frame["tone_mapping"] = looks.render.tone_mapping
        plot = self.plot()
        frame["uv_px"] = viewer.map_camera.reach / (plot.width * plot.height) ** 0.5
        self.trails.fill(frame, looks, viewer.trail_color, self._scale)
        mark = "DIAMOND" if self._termination == "goal" else "CROSS"
        frame["end_marks"] = END_MARKS.index(mark if looks.trails.end_marks else "NONE")
        self._block.write(frame.tobytes())
        self._meter.upload_bytes += frame.nbytes

    def _plot_scissor(self) -> tuple[int, int, int, int]:
        plot, height = self.plot(), self._target.size[1]
        return round(plot.left), round(height - plot.bottom), round(plot.width), round(plot.height)

    def _label(self, viewer: Viewer, said: Annotations) -> None:
        slice_label = self.plane.label if self._critic else ""
        layer = self.fields.layer(viewer.layer)
        bars, height = tuple(self.fields.bars(layer)), self.fields.height_bar()
        scales = Scales(bars, self.trails.bar(viewer.trail_color), height)
        for line in (slice_label, scales.meaning()):
            said = said.also(line) if line else said
        self._labels.update(viewer, self._target.size, said, scales)
        over(self._gl)
        self._labels.draw()
