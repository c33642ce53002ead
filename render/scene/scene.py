"""The picture of one frame: passes brought up to date, four draw calls, one framebuffer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import moderngl

from valuescape.gpu.constants import BACKGROUND
from valuescape.gpu.context import driver_info
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.individuals import Agents
from valuescape.gpu.layers.layer import Field, Inputs, Legend
from valuescape.gpu.layers.registry import MAPS, MapRegistry
from valuescape.gpu.owner import Owner
from valuescape.render.overlay.axes import HEIGHT, MapAxis
from valuescape.render.overlay.labels import Annotations, Labels, Scales
from valuescape.render.overlay.layout import PARTS
from valuescape.render.overlay.legends import ColorBar
from valuescape.render.scene.backdrop import Backdrop, Scissor
from valuescape.render.scene.colormaps import colormap_rows
from valuescape.render.scene.fields import Fields
from valuescape.render.scene.frame_block import FrameBlock
from valuescape.render.scene.layers import SurfaceLayer
from valuescape.render.scene.made_maps import Shown
from valuescape.render.scene.painted_map import PaintedMap
from valuescape.render.scene.placing import Placing
from valuescape.render.scene.target import Target, over
from valuescape.render.scene.trails import MOST_THREADS, Trails, TrailState, reads_drawn_rows
from valuescape.render.scene.way import Way
from valuescape.render.view.camera import Rect
from valuescape.render.view.panes import Pane, panes
from valuescape.render.view.picking import Positions
from valuescape.render.view.viewer import Viewer
from valuescape.sim.arrays import Float32Array
from valuescape.sim.cells.reader import TrailSource
from valuescape.sim.insight.plane import MapPlane, map_plane
from valuescape.sim.insight.signals import Signals
from valuescape.sim.insight.subject import Subject
from valuescape.sim.resources import usable_cores
from valuescape.sim.worlds.base import Termination

SLANTED = 0.5
"""Length on the screen of the height field's far edge, in heights of the picture."""


@dataclass(frozen=True, slots=True)
class SceneState:
    """What a picture depends on beside ticks, view and configuration. ends: of colour scales, by map."""

    ends: Mapping[str, tuple[float, float]]
    trails: TrailState


class Scene(Owner):
    """Draws maps, trails and marks into `picture`, a framebuffer of any size.

    subject: the world and the checkpoints that maps are about. critic: its field, lent; without one the
    density is shown, and lifts the surface. pixel_scale: framebuffer pixels per logical pixel. maps: those
    that `heatmap.layer` may name. target: of another scene, lent, to be drawn into beside it (`ScenePair`).
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
        target: Target | None = None,
    ) -> None:
        super().__init__()
        self._gl, self._subject, self._meter, self._critic = gl, subject, meter, critic
        self._config, world = subject.config, subject.world
        self._pixel_scale = pixel_scale
        self.plane = map_plane(self._config, world)
        self.revision = 0
        self._way = Way(self.points)
        self._shaded: object = None
        with self._making():
            self._make(maps, target, world.termination)

    def _make(self, maps: MapRegistry, target: Target | None, termination: Termination) -> None:
        gl, config, meter, own = self._gl, self._config, self._meter, self._own
        bounds = self.plane.bounds
        drawn = reads_drawn_rows(gl, config, maps)
        self.trails = own(Trails(gl, config, bounds, HEIGHT, meter, drawn=drawn))
        self.trails.colormaps = colormap_rows((), termination)
        inputs = Inputs(gl, self._subject, self.trails.ring, bounds, self._critic, meter)
        self.fields = own(Fields(inputs, termination, maps))
        self._surface = own(SurfaceLayer(gl, config.render.mesh_resolution, meter))
        self._backdrop = own(Backdrop(gl, self._surface, meter))
        edge = self._surface.mesh_edge
        self._frame = own(FrameBlock(gl, self._pixel_scale, edge, termination, meter))
        at_once = config.features.vectorized_heights
        self._placing = Placing(self.fields, self.trails, bounds, at_once=at_once)
        self.labels = own(
            Labels(
                gl,
                self.axes,
                self._pixel_scale,
                meter,
                text_px=config.render.text_px,
                termination=termination,
            )
        )
        self.target = target or own(Target(gl, config.render.msaa, meter))
        paints = drawn and driver_info(gl).software and not self.target.samples
        self._painter = None
        if paints and config.features.painted_map:
            self._painter = own(PaintedMap(min(usable_cores(), MOST_THREADS), meter))

    @property
    def axes(self) -> tuple[MapAxis, MapAxis]:
        """The axes of the map, x and y."""
        x, y = (MapAxis(each.label, each.low, each.high) for each in self.plane.variables)
        return x, y

    @property
    def picture(self) -> Any:
        """The framebuffer of the finished frame."""
        return self.target.picture

    def plot(self, *, split: bool = False) -> Rect:
        """Return the rectangle of the flat map in the picture, or in each half of it, pixels."""
        return self.labels.plot(panes(self.target.size, split=split)[0].size_px, split=split)

    def resize(self, size_px: tuple[int, int]) -> None:
        """Make `picture` `size_px` large, if it is not."""
        self.target.resize(size_px)

    def take_subject(self, subject: Subject) -> None:
        """Show another checkpoint, or the same one in another world; `field_changed` brings its field."""
        self._subject = subject
        self.fields.take_subject(subject)

    def field_changed(self, plane: MapPlane | None = None) -> None:
        """Take over new values of the critic's field. plane: another slice, along the same axes."""
        self.plane = plane or self.plane
        self.fields.critic_changed()
        self.heights_changed()
        self.revision += 1

    def put_map(
        self,
        name: str,
        values: Float32Array,
        certainty: Float32Array | None = None,
        legend: Legend | None = None,
        about: object = None,
    ) -> None:
        """Give a map that the processor computes its values [height, width], lowest row first.

        certainty: of the same shape, from 0 (drawn pale) to 1; None draws all of it fully. legend: what the
        colour bar says; None leaves it as it is. about: as `Fields.put` takes it. Raises KeyError for a map
        without the input ARRAY.
        """
        if self.fields.put(name, values, certainty, legend, about):
            self.heights_changed()
        self.revision += 1

    def resize_crowd(self, agents: int, since: int, source: TrailSource) -> None:
        """Have another number of agents from tick `since` on; those that stay keep their trails.

        Maps of visits go on counting. source: has the rows of all agents by now.
        """
        self.trails.resize(agents, since, source)
        self._placing.all()
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
            self._placing.these(self.trails.ring.ticks if self.trails.rewritten else ticks)
        # The critic's field stays as it is; a density that is the height moves every trail with it.
        if not self._critic:
            self.heights_changed()

    def keep_to_budget(self, segments: int, busy_ms: float, frame_ms: float) -> None:
        """Decide how many agents to draw one by one from now on; the others are a crowd over the map.

        segments: drawn in the last frame. busy_ms, frame_ms: time that frames took lately, and may take.
        """
        if self.trails.keep_to_budget(segments, busy_ms, frame_ms):
            self._placing.all()

    def highlight(self, agents: Agents) -> None:
        """Highlight `agents`, indices in ascending order; all others are drawn faint, if there are any."""
        if self.trails.highlight(agents):
            self._placing.all()

    def points(self, positions: Positions) -> Positions:
        """Return the scene points [n, 3] of map positions [n, 2]; GPU queries if heights have changed."""
        return self._placing.points(positions)

    def said_at(self, viewer: Viewer, place: tuple[float, float]) -> tuple[str, ...]:
        """Return title and number of the map in each pane at a place of the scene's ground, in words."""
        u, v = ((each + 1) / 2 for each in place)
        return tuple(self.fields.numbers.said_at(shown.base, u, v) for shown in self._resolve(viewer))

    def heights_changed(self) -> None:
        """Place trails anew before the next frame: the surface may have another height."""
        self._placing.changed()

    @property
    def heights_revision(self) -> int:
        """A number that changes when the surface may have another height."""
        return self._placing.revision

    def read_scales(self) -> None:
        """Bring the numbers of all colour scales up to date; GPU queries."""
        self.fields.scales.read()
        self.trails.refresh_colors()

    def draw_afresh(self, viewer: Viewer, said: Annotations) -> None:
        """Draw a frame that depends on ticks, view and ends of scales alone; GPU queries.

        Other frames keep colours and places of earlier ones where that makes little difference. Draws twice,
        as maps that are shown for the first time have no ends before.
        """
        self.draw(viewer, said)
        self.read_scales()
        self._draw_whole(viewer, said)

    def draw_as(self, viewer: Viewer, said: Annotations, state: SceneState) -> None:
        """Draw the frame that `draw_afresh` drew in another scene at the same ticks, whose state this is."""
        self.trails.restore(state.trails)
        self.draw(viewer, said)
        self.fields.scales.set_ends(state.ends)
        self._draw_whole(viewer, said)

    def _draw_whole(self, viewer: Viewer, said: Annotations) -> None:
        self.fields.shade_anew()
        self.forget_places()
        self.draw(viewer, said)

    def forget_places(self) -> None:
        """Place trails and stamp the crowd anew, as nothing was kept from earlier frames; GPU queries."""
        self.heights_changed()
        self._placing.all()  # the flat map does not, but other agents may be individuals now
        self.trails.look_back()
        self.trails.crowd.clear()

    @property
    def drawing(self) -> tuple[object, ...]:
        """Numbers that change when the picture does, ticks, view and texts apart."""
        return self.revision, self.heights_revision, self.fields.revision, self.trails.state

    @property
    def state(self) -> SceneState:
        """What the frame drawn last depended on beside ticks, view and configuration."""
        return SceneState(self.fields.scales.ends(), self.trails.state)

    def draw(self, viewer: Viewer, said: Annotations) -> None:
        """Draw a frame into `picture`: surface, trails, marks, labels.

        Two maps side by side are drawn one after the other, each in its half of the picture, with the same
        trails: levels of detail are chosen once.
        """
        pictures = self.resolve(viewer)
        parts = panes(self.target.size, split=viewer.split)
        self.clear()
        scissors = self.paint(viewer, pictures, parts)
        self.finish(viewer, scissors)
        with self._meter.section("labels"):
            self._label(viewer, said, pictures)

    def clear(self) -> None:
        """Begin a frame: nothing but background."""
        self.target.begin().clear(*BACKGROUND, 0.0, depth=1.0)

    def paint(self, viewer: Viewer, pictures: tuple[Shown, ...], parts: Sequence[Pane]) -> list[Scissor]:
        """Draw maps, trails and marks into panes of the frame that has begun; return where, as scissors.

        pictures: of `resolve`, one for each of `parts`.
        """
        self._prepare(viewer, pictures, parts[0])
        target = self.target.begin()
        scissors = [self._scissor(viewer, pane) for pane in parts]
        key = self._backdrop_key(viewer, scissors)
        for index, (shown, pane, scissor) in enumerate(zip(pictures, parts, scissors, strict=True)):
            if index:
                self._write_frame(viewer, shown, pane.size_px)
                self.fields.shade(shown, index)
            if viewer.split:
                target.viewport = pane.scissor
            self._draw_pane(target, viewer, scissor, key, (shown, index))
        if viewer.split:
            target.viewport = 0, 0, *self.target.size
        return scissors

    def finish(self, viewer: Viewer, scissors: list[Scissor]) -> None:
        """Bring what was painted into `picture`, with effects."""
        with self._meter.section("effects"):
            self.target.finish(viewer.looks, scissors)

    def _backdrop_key(self, viewer: Viewer, scissors: Sequence[Scissor]) -> object:
        """Return what the map's pixels depend on, trails apart; None where they are not to be kept."""
        kept = self._config.features.still_background and not self.target.multisampled
        if not kept or viewer.split or viewer.versus:
            return None
        scales = self.fields.scales
        heights = self.heights_revision, scales.moves(self.fields.height_layer)
        return self._frame.of_map(), self._shaded, heights, tuple(scissors), self.target.size

    def _draw_pane(
        self, target: Any, viewer: Viewer, scissor: Scissor, key: object, shown: tuple[Shown, int]
    ) -> None:
        """Draw surface, trails and marks into the viewport of `target`, inside of the scissor.

        key: of `_backdrop_key`. shown: the maps, and the number of the pane.
        """
        flat, section = viewer.lift == 0, self._meter.section
        self._gl.enable_only(moderngl.NOTHING if flat else moderngl.DEPTH_TEST)
        with section("surface"):
            crowd = self._frame.crowd
            if flat and self._painter and scissor:
                colors = self.trails.crowd.colors if crowd else None
                content = partial(self.fields.painted, *shown)
                self._painter.draw(target, self._frame.values, scissor, colors, content, key)
                target.scissor = scissor
            else:
                self.trails.crowd.send()
                self._backdrop.draw(target, key, flat=flat, crowd=crowd, scissor=scissor)
        over(self._gl)
        target.depth_mask = False
        with section("trails"):
            self.trails.draw(viewer.looks, target, flat=flat)
        target.depth_mask = True
        target.scissor = None
        self._gl.disable(moderngl.DEPTH_TEST)

    def resolve(self, viewer: Viewer) -> tuple[Shown, ...]:
        """Return the maps that a view shows, after bringing them, their scales and colours up to date."""
        if self.fields.take_looks(viewer.looks, signed=self.trails.signed):
            self.heights_changed()
            self.revision += 1
        pictures = self._resolve(viewer)
        self.fields.show(*pictures)
        return pictures

    def _prepare(self, viewer: Viewer, pictures: tuple[Shown, ...], pane: Pane) -> None:
        """Bring everything else up to date that the frame needs; bind the first map."""
        section = self._meter.section
        if self._placing.stale and viewer.lift > 0:
            with section("place"):
                self._placing.all()
        with section("crowd"):
            self.trails.stamp(self._crowd_cells(viewer))
        self._write_frame(viewer, pictures[0], pane.size_px)
        self.bind()
        with section("crowd"):
            self.trails.paint_crowd(viewer.looks, viewer.trail_color)
        with section("shade"):
            self._shaded = self.fields.shade(pictures[0])
        with section("level of detail"):
            self.trails.choose(viewer.looks, self._pixel_scale, len(pictures))

    def bind(self) -> None:
        """Make the frame block, trails and maps visible to shaders."""
        self._frame.bind()
        self.trails.bind()
        self.fields.bind()

    def _resolve(self, viewer: Viewer) -> tuple[Shown, ...]:
        if not viewer.beside:
            return (self.fields.resolve(viewer.layer),)
        return self.fields.resolve_both(viewer.layer, viewer.beside, linked=viewer.linked)

    def _crowd_cells(self, viewer: Viewer) -> tuple[int, int]:
        """Return the number of cells of the crowd's map: each about `lod.crowd_cell_px` on the screen.

        The height field is seen at a slant: a cell smaller than a pixel would break lines.
        """
        cell_px = self._config.lod.crowd_cell_px * self._pixel_scale
        if viewer.lift == 0:
            plot = self.plot(split=viewer.split)
            return max(round(plot.width / cell_px), 16), max(round(plot.height / cell_px), 16)
        edge = max(round(SLANTED * self.target.size[1] / cell_px), 16)
        return edge, edge

    def _write_frame(self, viewer: Viewer, shown: Shown, size: tuple[int, int]) -> None:
        """Write the frame block. size: of a pane, pixels."""
        plot = self.plot(split=viewer.split)
        self._frame.write(viewer, size, plot, self.fields, self.trails, shown)

    def _scissor(self, viewer: Viewer, pane: Pane) -> Scissor:
        """Return the part of the picture that a pane's scene is drawn in; None for all of it."""
        if viewer.lift == 0:
            return pane.within(self.plot(split=viewer.split))
        return pane.scissor if viewer.split else None

    def _label(self, viewer: Viewer, said: Annotations, pictures: tuple[Shown, ...]) -> None:
        scales = self.scales(viewer, *(self.fields.bars(each) for each in pictures))
        said = self.explained(said, scales, pictures)
        self.labels.update(viewer, self.target.size, said, scales, self.way(viewer))
        self.draw_labels(viewer)

    def scales(self, viewer: Viewer, *bars: tuple[ColorBar, ...]) -> Scales:
        """Return the scales of a frame. bars: of the maps, for each pane."""
        trails, height = self.trails.bar(viewer.trail_color), self.fields.height_bar()
        return Scales(bars[0], trails, height, *bars[1:])

    def explained(self, said: Annotations, scales: Scales, pictures: tuple[Shown, ...]) -> Annotations:
        """Return texts with the slice that the maps show, and what colours mean, in the heading."""
        places = dict.fromkeys(self.fields.place(each) or self.plane.label for each in pictures)
        slice_label = PARTS.join(filter(None, places)) if self._critic else ""
        for line in (slice_label, scales.meaning()):
            said = said.also(line) if line else said
        return said

    def way(self, viewer: Viewer) -> Positions | None:
        """Return the way from the selected place, as scene points; None without one."""
        return self._way.points(viewer, self.heights_revision)

    def draw_labels(self, viewer: Viewer) -> None:
        """Draw the labels that are up to date over `picture`; the scene must be bound."""
        if viewer.split:
            self._frame.cover(self.target.size)
        over(self._gl)
        self.labels.draw(self.picture)
