"""The whole picture of one frame: passes brought up to date, four draw calls, one framebuffer."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import moderngl
import numpy as np

from gpu.bindings import Block, Texture
from gpu.context import driver_info
from gpu.individuals import Individuals
from gpu.meter import FrameMeter
from gpu.passes.crowd import CrowdPass
from gpu.passes.density import DensityPass
from gpu.passes.lod import LodPass, segments
from gpu.passes.place import PlacePass
from gpu.passes.ranges import RangePass
from gpu.passes.shade import ShadePass
from gpu.source import LAYERS, TRAIL_COLORS
from gpu.structs import FRAME
from gpu.textures import clamped
from gpu.trails import TrailRing, TrailSource
from render.axes import (
    ColorBar,
    MapAxis,
    draw_color_bars,
    draw_heading,
    draw_help,
    draw_map_axes,
    draw_orbit_axes,
    plot_rect,
)
from render.budget import Budget
from render.camera import Rect
from render.colormaps import DENSITY_ROW, VALUE_ROW, colormap_rows
from render.events import KEYS, MOUSE
from render.layers import AgentLayer, SurfaceLayer, TrailLayer
from render.overlay import Overlay, OverlayRenderer
from render.text import Font
from render.viewer import Viewer
from sim.config import Config
from sim.landscape import map_plane
from sim.worlds import World

BACKGROUND = (0.055, 0.062, 0.078)
_FONT_PX = 13
HEIGHT = 0.62
"""Of the height field, in units of half the map's width."""

SLANTED = 0.5
"""Of the picture's height: what an edge of the height field spans, at the side that is further away."""

_RANGE_EVERY = 4
"""Frames between two looks at the density's range, which changes slowly and costs two passes."""

_LAYER_VALUE, _LAYER_DENSITY = LAYERS.index("value"), LAYERS.index("density")


class Field(Protocol):
    """Whatever holds the critic's landscape in a texture."""

    texture: Any


@dataclass(frozen=True, slots=True)
class Heading:
    """The lines of text at the top of the picture."""

    left: tuple[str, ...] = ()
    right: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Thinned:
    """What is left out of the trails: `individuals` are whole, the others' reach back `ticks` only."""

    individuals: int
    ticks: float


class Scene:
    """Draws trails from a source and a critic's field into `picture`, a framebuffer of any size.

    critic: None where there is no critic; the density is then what is shown and what makes the height.
    All that it makes is released by `release`; the context and the field are lent.
    """

    def __init__(
        self, gl: Any, config: Config, world: World, critic: Field | None, meter: FrameMeter, scale: float
    ) -> None:
        self._gl, self._config, self._meter, self._critic = gl, config, meter, critic
        self._scale = scale
        plane = map_plane(config, world)
        x, y = (MapAxis(each.label, each.low, each.high) for each in plane.variables)
        self._axes = (x, y)
        self._slice = (plane.label,) if critic and plane.label else ()
        self._owned = ExitStack()
        try:
            self._make(plane.bounds)
        except BaseException:
            self._owned.close()
            raise

    def _own(self, made: Any) -> Any:
        self._owned.callback(made.release)
        return made

    def _make(self, bounds: tuple[tuple[float, float], tuple[float, float]]) -> None:
        gl, config, meter = self._gl, self._config, self._meter
        features, agents = config.features, config.agents.count
        self.ring = self._own(TrailRing(gl, agents, config.trails.length, meter))
        self.individuals = self._own(Individuals(gl, agents, meter))
        limited = config.lod.segment_budget if features.trail_lod else 0
        self.budget = Budget.of(limited, software=driver_info(gl).software)
        self.individuals.choose(self.budget.first_individuals(agents, config.trails.length))
        self._crowd = self._own(CrowdPass(gl, self.ring, bounds, meter))
        half_life = config.heatmap.density_half_life * (config.sim.ticks_per_s or 60.0)
        self.density = self._own(
            DensityPass(gl, self.ring, config.heatmap.density_resolution, bounds, half_life, meter)
        )
        self._ranges = self._own(RangePass(gl, 2, config.heatmap.range_hysteresis, meter))
        self._place = self._own(
            PlacePass(gl, self.ring, self.individuals, bounds, self._height_layer, HEIGHT, meter)
        )
        self._lod = self._own(
            LodPass(
                gl,
                self.ring,
                self.individuals,
                config.lod.levels,
                config.lod.tolerance_px,
                use_levels=features.trail_lod,
                use_culling=features.spatial_culling,
                meter=meter,
            )
        )
        self._shade = self._own(
            ShadePass(gl, max(config.heatmap.resolution, config.heatmap.density_resolution), meter)
        )
        self._surface = self._own(SurfaceLayer(gl, config.render.mesh_resolution, meter))
        self._trails = self._own(TrailLayer(gl, self._lod, batched=features.batched_trails, meter=meter))
        self._agents = self._own(
            AgentLayer(gl, self.individuals, instanced=features.instanced_agents, meter=meter)
        )
        self._font = Font(round(_FONT_PX * self._scale))
        self._overlay = self._own(OverlayRenderer(gl, self._font, meter))
        rows = colormap_rows()
        self._colormaps = self._own(clamped(gl.texture((256, len(rows)), 4, rows.tobytes())))
        self._block = self._own(gl.buffer(reserve=FRAME.itemsize))
        self._frame = np.zeros(1, FRAME)
        self._frame["map_low"], self._frame["map_high"] = bounds
        self._overlay_key: object = None
        self._uploads = 0
        self._heights_stale = True
        self._shown_ranges = self._ranges.read()
        self.picture: Any = None
        self._attachments = ExitStack()
        self._owned.callback(self._attachments.close)

    @property
    def segments_drawn(self) -> int:
        """Trail segments of the frame drawn last; a GPU query."""
        return segments(self._lod.read_commands())

    @property
    def thinned(self) -> Thinned | None:
        """What is left out of the trails, None if nothing is."""
        if self.individuals.everyone:
            return None
        return Thinned(self.individuals.count, self._crowd.ticks_shown)

    def plot(self) -> Rect:
        """Return where the flat map is in the picture."""
        return plot_rect(self.picture.size, self._font.line_px)

    def resize(self, size_px: tuple[int, int]) -> None:
        """Make `picture` so many pixels large."""
        if self.picture is not None and self.picture.size == size_px:
            return
        self._attachments.close()
        color = self._gl.texture(size_px, 4)
        depth = self._gl.depth_renderbuffer(size_px)
        self.picture = self._gl.framebuffer([color], depth)
        for each in (color, depth, self.picture):
            self._attachments.callback(each.release)
        # First of all let go of it: making the next framebuffer, moderngl binds again what was bound before.
        self._attachments.callback(lambda: self._gl.detect_framebuffer(0).use())

    def field_changed(self) -> None:
        """Tell the scene that the critic's field has new values."""
        if self._critic:
            self._ranges.update(_LAYER_VALUE, self._critic.texture)
            self._heights_stale = True

    def upload(self, source: TrailSource, newest: int) -> None:
        """Take over what happened up to tick `newest`."""
        ticks = self.ring.upload(source, newest)
        self.density.update(ticks)
        if self._uploads % _RANGE_EVERY == 0:
            self._ranges.update(_LAYER_DENSITY, self.density.texture)
        self._uploads += 1
        self._place_trails(ticks)
        # A critic's landscape stays as it is, a density that is the height moves every trail with it.
        self._heights_stale = self._heights_stale or not self._critic

    def keep_to_budget(self, segments: int, busy_ms: float, frame_ms: float) -> None:
        """Decide how many agents to draw one by one from now on; the others are a crowd over the map.

        segments: drawn in the last frame. busy_ms, frame_ms: what frames took lately, and what they may take.
        """
        self.budget = self.budget.after(busy_ms, frame_ms)
        ring = self.ring
        if self.individuals.choose(
            self.budget.individuals(ring.agents, ring.length, self.individuals.count, segments)
        ):
            self._place_trails(self.ring.ticks)
            self._heights_stale = False
        if not self.individuals.everyone:
            self._crowd.fit()

    def _place_trails(self, ticks: range) -> None:
        self._ranges.bind()
        (self._critic or self.density).texture.use(Texture.VALUE)
        self._place.update(ticks)

    def read_ranges(self) -> None:
        """Bring the colour bars' numbers up to date; a GPU query."""
        self._shown_ranges = self._ranges.read()

    def draw(self, viewer: Viewer, heading: Heading) -> None:
        """Draw a frame into `picture`: surface, trails, agents, labels."""
        if self._heights_stale and not viewer.flat:
            self._place_trails(self.ring.ticks)
            self._heights_stale = False
        if not self.individuals.everyone:
            self._crowd.resize(self._crowd_cells(viewer))
            self._crowd.update()
        self._write_frame(viewer)
        self._bind()
        self._shade.update(self._layer(viewer))
        self._lod.update(margin_px=self._config.trails.width_px * self._scale + 2)
        gl, picture = self._gl, self.picture
        picture.use()
        picture.clear(*BACKGROUND, 1.0, depth=1.0)
        picture.scissor = self._plot_scissor() if viewer.flat else None
        gl.enable_only(moderngl.NOTHING if viewer.flat else moderngl.DEPTH_TEST)
        self._surface.draw(flat=viewer.flat)
        gl.enable(moderngl.BLEND)
        gl.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        picture.depth_mask = False
        self._trails.draw()
        self._agents.draw()
        picture.depth_mask = True
        picture.scissor = None
        gl.disable(moderngl.DEPTH_TEST)
        self._label(viewer, heading)
        self._overlay.draw()

    def release(self) -> None:
        """Free everything this scene made."""
        self._owned.close()

    @property
    def _height_layer(self) -> int:
        return _LAYER_VALUE if self._critic else _LAYER_DENSITY

    def _layer(self, viewer: Viewer) -> int:
        return LAYERS.index(viewer.layer) if self._critic else _LAYER_DENSITY

    def _crowd_cells(self, viewer: Viewer) -> tuple[int, int]:
        """Return how many cells the crowd's map has: about as large as `lod.crowd_cell_px` on the screen.

        The height field is seen at a slant: a cell must not be smaller than a pixel, or lines would break.
        """
        cell_px = self._config.lod.crowd_cell_px * self._scale
        if viewer.flat:
            plot = self.plot()
            return max(round(plot.width / cell_px), 16), max(round(plot.height / cell_px), 16)
        edge = max(round(SLANTED * self.picture.size[1] / cell_px), 16)
        return edge, edge

    def _write_frame(self, viewer: Viewer) -> None:
        size, frame, config = self.picture.size, self._frame, self._config
        if viewer.flat:
            matrix = viewer.map_camera.matrix(size, self.plot())
        else:
            matrix = viewer.orbit_camera.matrix(size)
        frame["view_projection"] = matrix.T
        frame["viewport_px"] = size
        frame["height_scale"] = 0.0 if viewer.flat else HEIGHT
        frame["height_layer"] = self._height_layer
        frame["newest"], frame["oldest"] = self.ring.newest, self.ring.oldest
        frame["trail_rows"], frame["agents"] = self.ring.length, self.ring.agents
        frame["trail_width_px"] = config.trails.width_px * self._scale
        frame["trail_opacity"] = config.trails.opacity
        frame["trail_color_by"] = TRAIL_COLORS.index(viewer.trail_color)
        frame["agent_size_px"] = config.agents.size_px * self._scale
        frame["layer"] = self._layer(viewer)
        frame["contours"] = config.heatmap.contours
        frame["individuals"] = self.individuals.count
        crowd = (0, 0) if self.individuals.everyone else self._crowd.cells
        frame["crowd_width"], frame["crowd_height"] = crowd
        frame["crowd_first_tick"], frame["crowd_ticks"] = self._crowd.first_tick, self._crowd.ticks_shown
        frame["mesh_edge"] = self._surface.mesh_edge
        self._block.write(frame.tobytes())
        self._meter.upload_bytes += frame.nbytes

    def _bind(self) -> None:
        self._block.bind_to_uniform_block(Block.FRAME)
        self.ring.bind()
        self._crowd.bind()
        self._ranges.bind()
        critic = self._critic or self.density
        critic.texture.use(Texture.VALUE)
        self.density.texture.use(Texture.DENSITY)
        self._colormaps.use(Texture.COLORMAPS)
        self._shade.texture.use(Texture.SHADES)

    def _plot_scissor(self) -> tuple[int, int, int, int]:
        plot, height = self.plot(), self.picture.size[1]
        return round(plot.left), round(height - plot.bottom), round(plot.width), round(plot.height)

    def _label(self, viewer: Viewer, heading: Heading) -> None:
        """Build and upload the overlay if anything in it changed."""
        camera = viewer.map_camera if viewer.flat else viewer.orbit_camera
        key = (camera, self.picture.size, heading, viewer.help_shown, self._layer(viewer))
        if (*key, self._shown_ranges.tobytes()) == self._overlay_key:
            return
        self._overlay_key = (*key, self._shown_ranges.tobytes())
        overlay, size, plot = Overlay(self._font), self.picture.size, self.plot()
        if viewer.flat:
            draw_map_axes(overlay, viewer.map_camera, plot, self._axes)
        else:
            draw_orbit_axes(overlay, viewer.orbit_camera, size, self._axes)
        draw_color_bars(overlay, self._bars(self._layer(viewer)), size, plot)
        draw_heading(overlay, [*heading.left, *self._slice], list(heading.right), size)
        if viewer.help_shown:
            draw_help(overlay, [(key, text) for key, _, text in KEYS] + list(MOUSE), size)
        self._overlay.upload(overlay.quads())

    def _bars(self, layer: int) -> list[ColorBar]:
        value, density = (
            (float(each["shown_low"]), float(each["shown_high"])) for each in self._shown_ranges
        )
        bars = [
            ColorBar("V(s)", VALUE_ROW, *value),
            ColorBar("visits", DENSITY_ROW, *density, exponential=True),
        ]
        return bars if LAYERS[layer] == "both" else [bars[layer]]
