"""The picture of one frame: passes brought up to date, four draw calls, one framebuffer."""

from typing import Any

import moderngl
import numpy as np

from valuescape.gpu.bindings import Block
from valuescape.gpu.constants import BACKGROUND, END_MARKS
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.heights import Surface, scene_points
from valuescape.gpu.individuals import Agents
from valuescape.gpu.layers.layer import Field, Inputs
from valuescape.gpu.layers.registry import MAPS, MapRegistry
from valuescape.gpu.owner import Owner
from valuescape.gpu.structs import FRAME
from valuescape.gpu.trail_ring import TrailSource
from valuescape.render.overlay.axes import HEIGHT, MapAxis
from valuescape.render.overlay.labels import Annotations, Labels, Scales
from valuescape.render.scene.fields import Fields, Shown
from valuescape.render.scene.layers import SurfaceLayer
from valuescape.render.scene.target import Target, over
from valuescape.render.scene.trails import Trails
from valuescape.render.view.camera import Rect
from valuescape.render.view.picking import Positions
from valuescape.render.view.viewer import Viewer
from valuescape.sim.arrays import Float32Array
from valuescape.sim.config.picture_sections import TRAIL_COLORS
from valuescape.sim.insight.plane import MapPlane, map_plane
from valuescape.sim.insight.signals import Signals
from valuescape.sim.insight.subject import Subject

SLANTED = 0.5
"""Length on the screen of the height field's far edge, in heights of the picture."""


class Scene(Owner):
    """Draws maps, trails and marks into `picture`, a framebuffer of any size.

    subject: the world and the checkpoints that maps are about. critic: its field, lent; without one the
    density is shown, and lifts the surface. pixel_scale: framebuffer pixels per logical pixel. maps: those
    that `heatmap.layer` may name.
    revision: a number that changes when colour scales may have other ends.
    """

    def __init__(
        self,
        gl: Any,
        subject: Subject,
        critic: Field | None,
        meter: FrameMeter,
        pixel_scale: float,
        maps: MapRegistry = MAPS,
    ) -> None:
        super().__init__()
        self._gl, self._subject, self._meter, self._critic = gl, subject, meter, critic
        self._config, world = subject.config, subject.world
        self._pixel_scale, self._termination = pixel_scale, world.termination
        self.plane = map_plane(self._config, world)
        self.revision = 0
        self._heights_stale = True
        self._frame = np.zeros(1, FRAME)
        with self._making():
            self._make(maps)

    def _make(self, maps: MapRegistry) -> None:
        gl, config, meter, own = self._gl, self._config, self._meter, self._own
        bounds = self.plane.bounds
        self.trails = own(Trails(gl, config, bounds, HEIGHT, meter))
        inputs = Inputs(gl, self._subject, self.trails.ring, bounds, self._critic, meter)
        self.fields = own(Fields(inputs, self._termination, maps))
        self._surface = own(SurfaceLayer(gl, config.render.mesh_resolution, meter))
        x, y = (MapAxis(each.label, each.low, each.high) for each in self.plane.variables)
        self._labels = own(
            Labels(
                gl,
                (x, y),
                self._pixel_scale,
                meter,
                text_px=config.render.text_px,
                termination=self._termination,
            )
        )
        self._target = own(Target(gl, config.render.msaa, meter))
        self._block = own(gl.buffer(reserve=FRAME.itemsize))

    @property
    def picture(self) -> Any:
        """The framebuffer of the finished frame."""
        return self._target.picture

    def plot(self) -> Rect:
        """Return the rectangle of the flat map in the picture, pixels."""
        return self._labels.plot(self._target.size)

    def resize(self, size_px: tuple[int, int]) -> None:
        """Make `picture` `size_px` large, if it is not."""
        self._target.resize(size_px)

    def field_changed(self, plane: MapPlane | None = None) -> None:
        """Take over new values of the critic's field. plane: another slice, along the same axes."""
        self.plane = plane or self.plane
        self.fields.critic_changed()
        self._heights_stale = True
        self.revision += 1

    def put_map(self, name: str, values: Float32Array, certainty: Float32Array | None = None) -> None:
        """Give a map that the processor computes its values [height, width], lowest row first.

        certainty: of the same shape, from 0 (drawn pale) to 1; None draws all of it fully. Raises KeyError
        for a map without the input ARRAY.
        """
        self.fields.put(name, values, certainty)
        self.revision += 1

    def take_ticks(self, source: TrailSource, newest: int, signals: Signals | None = None) -> None:
        """Take over the ticks up to `newest`. signals: colour the trails; None: by age or agent."""
        with self._meter.section("upload"):
            other = signals is not self.trails.signals
            ticks = self.trails.take_ticks(source, newest, signals)
        self.revision += bool(ticks) or other
        with self._meter.section("density"):
            self.fields.take_ticks(ticks)
        with self._meter.section("place"):
            self._place(ticks)
        # The critic's field stays as it is; a density that is the height moves every trail with it.
        self._heights_stale = self._heights_stale or not self._critic

    def keep_to_budget(self, segments: int, busy_ms: float, frame_ms: float) -> None:
        """Decide how many agents to draw one by one from now on; the others are a crowd over the map.

        segments: drawn in the last frame. busy_ms, frame_ms: time that frames took lately, and may take.
        """
        if self.trails.keep_to_budget(segments, busy_ms, frame_ms):
            self._place_all()

    def highlight(self, agents: Agents) -> None:
        """Highlight `agents`, indices in ascending order; all others are drawn faint, if there are any."""
        if self.trails.highlight(agents):
            self._place_all()

    def points(self, positions: Positions) -> Positions:
        """Return the scene points [n, 3] of map positions [n, 2]; GPU queries."""
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
        """Bring the numbers of all colour scales up to date; GPU queries."""
        self.fields.read_ranges()
        self.trails.refresh_colors()

    def draw(self, viewer: Viewer, said: Annotations) -> None:
        """Draw a frame into `picture`: surface, trails, marks, labels."""
        shown = self._prepare(viewer)
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
            self._label(viewer, said, shown)

    def _prepare(self, viewer: Viewer) -> Shown:
        """Bring everything up to date that the frame needs, and bind it; return the maps in it."""
        if self.fields.take_looks(viewer.looks, signed=self.trails.signed):
            self._heights_stale = True
            self.revision += 1
        shown = self.fields.resolve(viewer.layer)
        self.fields.show(shown)
        section = self._meter.section
        if self._heights_stale and viewer.lift > 0:
            with section("place"):
                self._place_all()
        with section("crowd"):
            self.trails.stamp(self._crowd_cells(flat=viewer.lift == 0))
        self._write_frame(viewer, shown)
        self._block.bind_to_uniform_block(Block.FRAME)
        self.trails.bind()
        self.fields.bind()
        with section("shade"):
            self.fields.shade(shown)
        with section("level of detail"):
            self.trails.choose(viewer.looks, self._pixel_scale)
        return shown

    def _crowd_cells(self, *, flat: bool) -> tuple[int, int]:
        """Return the number of cells of the crowd's map: each about `lod.crowd_cell_px` on the screen.

        The height field is seen at a slant: a cell smaller than a pixel would break lines.
        """
        cell_px = self._config.lod.crowd_cell_px * self._pixel_scale
        if flat:
            plot = self.plot()
            return max(round(plot.width / cell_px), 16), max(round(plot.height / cell_px), 16)
        edge = max(round(SLANTED * self._target.size[1] / cell_px), 16)
        return edge, edge

    def _write_frame(self, viewer: Viewer, shown: Shown) -> None:
        frame, looks, size, plot = self._frame, viewer.looks, self._target.size, self.plot()
        frame["view_projection"] = viewer.matrix(size, plot).T
        frame["viewport_px"] = size
        frame["height_scale"] = HEIGHT * viewer.raised
        frame["lift"], frame["pixel_scale"] = viewer.raised, self._pixel_scale
        frame["mesh_edge"] = self._surface.mesh_edge
        frame["surface_opacity"] = looks.heatmap.opacity
        frame["selected"] = -1 if viewer.selected is None else viewer.selected
        frame["trail_color_by"] = TRAIL_COLORS.index(self.trails.color_by(viewer.trail_color))
        frame["tone_mapping"] = looks.render.tone_mapping
        frame["uv_px"] = viewer.map_camera.reach / (plot.width * plot.height) ** 0.5
        self.fields.fill(frame, shown, looks.heatmap.contours, flat=viewer.lift == 0)
        self.trails.fill(frame, looks, viewer.trail_color, self._pixel_scale)
        mark = "DIAMOND" if self._termination == "goal" else "CROSS"
        frame["end_marks"] = END_MARKS.index(mark if looks.trails.end_marks else "NONE")
        self._block.write(frame.tobytes())
        self._meter.upload_bytes += frame.nbytes

    def _plot_scissor(self) -> tuple[int, int, int, int]:
        plot, height = self.plot(), self._target.size[1]
        return round(plot.left), round(height - plot.bottom), round(plot.width), round(plot.height)

    def _label(self, viewer: Viewer, said: Annotations, shown: Shown) -> None:
        slice_label = self.plane.label if self._critic else ""
        bars, height = self.fields.bars(shown), self.fields.height_bar()
        scales = Scales(bars, self.trails.bar(viewer.trail_color), height)
        for line in (slice_label, scales.meaning()):
            said = said.also(line) if line else said
        self._labels.update(viewer, self._target.size, said, scales)
        over(self._gl)
        self._labels.draw()
