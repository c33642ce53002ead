"""Trails and marks: the ring, the passes over it, and the drawing of ribbons, crowd and marks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.context import driver_info
from valuescape.gpu.drawn_ring import DrawnRing
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.heights import Bounds, Surface
from valuescape.gpu.individuals import Agents, Individuals
from valuescape.gpu.layers.density import DENSITY
from valuescape.gpu.layers.layer import Input
from valuescape.gpu.layers.registry import MapRegistry
from valuescape.gpu.owner import Owner
from valuescape.gpu.passes.crowd import CrowdPass
from valuescape.gpu.passes.hindsight import HindsightPass
from valuescape.gpu.passes.lod import Detail, LodPass, segments
from valuescape.gpu.passes.place import PlacePass
from valuescape.gpu.passes.splat import SplatPass
from valuescape.gpu.trail_ring import TrailRing
from valuescape.render.overlay.legends import ColorBar
from valuescape.render.scene.budget import Budget
from valuescape.render.scene.color_scale import ColorScale, scale_of
from valuescape.render.scene.colormaps import (
    AGE_ROW,
    AGENT_ROW,
    DIVERGING_ROW,
    OUTCOME_ROW,
    SEQUENTIAL_ROW,
    colormap_rows,
)
from valuescape.render.scene.crowd_colors import cell_ages, cell_colors
from valuescape.render.scene.layers import AgentLayer, SplattedTrails, TrailLayer
from valuescape.render.view.looks import Looks
from valuescape.sim.arrays import Float32Array
from valuescape.sim.cells.choose import cell_code
from valuescape.sim.cells.grid import VisitGrid
from valuescape.sim.cells.local import LocalReader
from valuescape.sim.cells.reader import CellReader, News, ReadsCells, SignalRow, TrailSource
from valuescape.sim.cells.threads import ThreadedCells
from valuescape.sim.codegen import available
from valuescape.sim.config.files import Config
from valuescape.sim.config.picture_sections import PLAIN_COLORS
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.signals import ENDING, Signal, Signals
from valuescape.sim.resources import usable_cores

_SAMPLED_TICKS, _SAMPLED_AGENTS = 3, 4096
"""Samples of the ring that the ends of a signal's colour scale are found from."""


MOST_THREADS = 4
"""Threads that reduce a large crowd to cells at most: they share the memory's bandwidth."""


def _plain(wanted: str) -> str:
    """Return a colour of trails that needs no signal."""
    return wanted if wanted in PLAIN_COLORS else "age"


@dataclass(frozen=True, slots=True)
class Thinned:
    """Trails that are cut short, to `ticks`: those of all agents but `individuals` of them."""

    individuals: int
    ticks: float


@dataclass(frozen=True, slots=True)
class TrailState:
    """What trails look like beside their ticks: the ends of their scale, individuals, the crowd's map.

    ends: None without a signal. signals_since: the first tick with a signal. crowd_ticks: length of the
    crowd's trails.
    """

    ends: tuple[float, float] | None
    signals_since: int
    individuals: int
    crowd_cells: tuple[int, int]
    crowd_ticks: float


class Trails(Owner):
    """Ribbons and marks of individuals, and the crowd's stamps, which the surface shows.

    drawn: hold rows of the agents that are drawn one by one alone, and cells of all, which a reader makes.
    height: as for PlacePass. The caller binds the field that lifts the surface, and its range. color_scale:
    of the signal that colours the trails. rewritten: whether the last `take_ticks` wrote all rows, for other
    agents; all samples have to be placed then. signals_since: the first tick with that signal.
    """

    def __init__(
        self,
        gl: Any,
        config: Config,
        bounds: Bounds,
        height: float,
        meter: FrameMeter,
        *,
        drawn: bool = False,
    ) -> None:
        super().__init__()
        self._gl, self._config, self._meter = gl, config, meter
        self._code = cell_code(simd=config.features.simd)
        self._visits = VisitGrid(config.heatmap.density_resolution, *bounds)
        self._read: tuple[TrailSource | None, CellReader | None] = None, None
        self.signals: Signals | None = None
        self.signals_since = 0
        self.color_scale = ColorScale(0.0, 1.0)
        self.colormaps = colormap_rows(())
        self._both: list[Trails] = [self]
        self._panes = 1
        self.rewritten = False
        with self._making():
            self._make(bounds, height, drawn)

    def _make(self, bounds: Bounds, height: float, drawn: bool) -> None:
        gl, config, meter, own = self._gl, self._config, self._meter, self._own
        features, agents = config.features, config.agents.count
        self.ring = own((DrawnRing if drawn else TrailRing)(gl, agents, config.trails.length, meter))
        self.individuals = own(Individuals(gl, agents, meter, drawn=drawn))
        limited = config.lod.segment_budget if features.trail_lod else 0
        self.budget = Budget.of(limited, software=driver_info(gl).software)
        self.individuals.choose(self.budget.first_individuals(agents, config.trails.length))
        self.crowd = own(CrowdPass(gl, self.ring, bounds, meter))
        self._place = own(PlacePass(gl, self.ring, self.individuals, bounds, height, meter))
        self._hindsight = own(HindsightPass(gl, self.ring, self.individuals, meter))
        lod = config.lod
        detail = Detail(lod.levels, lod.tolerance_px, features.trail_lod, features.spatial_culling)
        self._lod = own(LodPass(gl, self.ring, self.individuals, detail, meter))
        self._ribbons = own(TrailLayer(gl, self._lod, batched=features.batched_trails, meter=meter))
        self._splatted = None
        if config.trails.renderer == "compute":
            splats = own(SplatPass(gl, self.ring, self._lod, meter))
            self._splatted = own(SplattedTrails(gl, splats, meter))
        self._marks = own(AgentLayer(gl, self.individuals, instanced=features.instanced_agents, meter=meter))

    @property
    def segments_drawn(self) -> int:
        """Number of trail segments in the last frame; a GPU query."""
        return segments(self._lod.read_commands()) * self._panes

    @property
    def segments_there(self) -> int:
        """Number of trail segments in the ring, one a tick and agent."""
        return self.ring.agents * max(len(self.ring.ticks) - 1, 0)

    @property
    def thinned(self) -> Thinned | None:
        """The trails that are cut short; None if none is."""
        if self.individuals.everyone:
            return None
        return Thinned(self.individuals.count, self.crowd.ticks_shown)

    @property
    def state(self) -> TrailState:
        """What a picture depends on beside the ring."""
        ends = (self.color_scale.low, self.color_scale.high) if self.signals else None
        return TrailState(
            ends, self.signals_since, self.individuals.count, self.crowd.cells, self.crowd.ticks_shown
        )

    def restore(self, state: TrailState) -> None:
        """Look as another scene's trails did."""
        self._choose(state.individuals)
        self.crowd.resize(state.crowd_cells)
        self.crowd.ticks_shown = state.crowd_ticks
        if state.ends and self.signals:
            self.color_scale = ColorScale(*state.ends, known=True)
            self.crowd.color(state.ends)

    def resize(self, agents: int, since: int, source: TrailSource) -> None:
        """Have another number of agents from tick `since` on; those that stay keep their trails.

        source: as for TrailRing. The samples of all ticks have to be placed again.
        """
        everyone, count = self.individuals.everyone, self.individuals.count
        self.ring.resize(agents, since, source)
        first = self.budget.first_individuals(agents, self.ring.length)
        self.individuals.resize(agents, first if everyone else count)
        self._lod.fit_to_ring()
        self._ribbons.fit_to_lists()
        self._marks.fit_to_agents()
        self.crowd.clear()
        if self.ring.drawn:
            self._reader(source).resize(agents, since)
            self._redraw()
        self.look_back()

    def take_ticks(self, source: TrailSource, newest: int, signals: Signals | None) -> range:
        """Take over the ticks up to `newest`; returns those that are new.

        signals: colour the trails; None: by age or agent. With others than before, the signal is unknown at
        the ticks that are in the ring already.
        """
        changed = signals is not self.signals
        if changed:
            self._change_signals(signals)
        ticks = self._take(source, newest)
        if ticks:
            self.look_back()
        if changed:
            self.refresh_colors()
        return ticks

    def _take(self, source: TrailSource, newest: int) -> range:
        signal = SignalRow(self.signals.signal.name, self.signals.row) if self.signals else None
        self.rewritten, ring = False, self.ring
        if not isinstance(ring, DrawnRing):
            return ring.upload(source, newest, signal)
        reader, wanted = self._reader(source), self.individuals.wanted
        return self._take_news(ring, reader.take(newest, wanted, self._visits, signal))

    def _take_news(self, ring: DrawnRing, news: News) -> range:
        slots, ticks = ring.slots, ring.take(news)
        if ring.slots != slots:
            self._lod.fit_to_ring()
            self._ribbons.fit_to_lists()
        self.individuals.show(news.drawn)
        self.rewritten = len(news.ticks) > len(news.new)
        return ticks

    def _reader(self, source: TrailSource) -> CellReader:
        """Return the reader of a source, made when the first one comes."""
        known, reader = self._read
        if reader is None or known is not source:
            length = self.ring.length
            if isinstance(reader, LocalReader):
                reader.read_from(source)
            elif isinstance(source, ReadsCells):
                reader = source.cell_reader(length)
            else:
                code = self._own(ThreadedCells(self._code, min(usable_cores(), MOST_THREADS)))
                reader = LocalReader(source, self.ring.arrivals, length, code)
            self._read = source, reader
        return reader

    def _choose(self, count: int) -> bool:
        """Draw `count` agents one by one; return whether it is another count."""
        changed = self.individuals.choose(count)
        if changed:
            self._redraw()
        return changed

    def _redraw(self) -> None:
        """Have rows of the agents that were chosen."""
        source, reader = self._read
        if self.ring.drawn and source is not None and reader is not None and self.ring.newest >= 0:
            self._take(source, self.ring.newest)
            self.look_back()

    def read_places(self) -> Float32Array | None:
        """Return where all agents are at the newest tick, [n, 2]; None before the first, or if it is gone."""
        if self.ring.newest < 0:
            return None
        if self.ring.drawn:
            return self._read[1].places() if self._read[1] else None
        return self.ring.read_row(self.ring.newest)[0]

    def _change_signals(self, signals: Signals | None) -> None:
        self.signals, self.signals_since = signals, self.ring.newest + 1
        self.color_scale = scale_of(signals.scale) if signals else ColorScale(0.0, 1.0)
        if signals:
            self.ring.keep_signal(raw=callable(signals.signal.later))
        else:
            self.ring.forget_signal()

    def look_back(self) -> None:
        """Bring signals that depend on later ticks up to date, for those that are individuals now."""
        if self.signals is None or not self.signals.signal.looks_back:
            return
        self._hindsight.update(outcome=self.signals.signal.later == ENDING, decay=self.signals.decay)

    def refresh_colors(self) -> None:
        """Adapt the colour scale to the signal that is shown; GPU queries, none for ages and agents."""
        if self.signals is None or self.ring.newest < 0:
            self.crowd.color(None)
            return
        both = [each for each in self._both if each._shows(self.signals.signal)]
        values = np.concatenate([each._sample() for each in both])
        scale = self._both[0].color_scale.following(values, self.signals.scale)
        for each in both:
            each.color_scale = scale
            each.crowd.color((scale.low, scale.high))

    def _shows(self, signal: Signal) -> bool:
        return self.signals is not None and self.signals.signal == signal and self.ring.newest >= 0

    def share(self, other: "Trails") -> None:
        """Have one colour scale with another scene's trails from now on."""
        self._both = other._both = [other, self]

    def match(self, other: "Trails") -> bool:
        """Draw as many agents one by one as another scene does; return whether the number changed."""
        self.budget = other.budget
        self.crowd.ticks_shown = other.crowd.ticks_shown
        return self._choose(other.individuals.count)

    def _sample(self) -> Float32Array:
        """Return the signal [n] of some individuals at some ticks of the ring."""
        ring = self.ring
        ticks = np.unique(np.linspace(ring.oldest, ring.newest, _SAMPLED_TICKS).astype(int))
        slots = self.individuals.slots()[:_SAMPLED_AGENTS]
        return np.concatenate([ring.read_signal(int(tick))[slots] for tick in ticks])

    def place(self, ticks: range, layer: int) -> None:
        """Put the samples of `ticks` on the field bound as HEIGHT; layer: index of its range."""
        self._place.update(ticks, layer)

    def place_one_by_one(self, ticks: range, surface: Surface) -> None:
        """Put the samples of `ticks` on `surface` in a Python loop: `features.vectorized_heights` off."""
        self._place.update_one_by_one(ticks, surface)

    @property
    def signed(self) -> bool:
        """Whether the colour scale has 0 in its middle."""
        return self.signals is not None and self.signals.scale.signed

    def color_index(self, wanted: str) -> int:
        """Return the number by which shaders know the colours: an index into PLAIN_COLORS, or the next."""
        return len(PLAIN_COLORS) if self.signals else PLAIN_COLORS.index(_plain(wanted))

    def bar(self, wanted: str) -> ColorBar | None:
        """Return the colour bar of trails; None for colours of agents, which have no scale."""
        if self.signals is None:
            by_age = _plain(wanted) == "age"
            return ColorBar("age (ticks)", AGE_ROW, 1.0 - self.ring.length, 0.0) if by_age else None
        setting, ends = self.signals.scale, (self.color_scale.low, self.color_scale.high)
        meaning = self.signals.signal.meaning
        return ColorBar(setting.title, self._row(wanted), *ends, names=setting.names, meaning=meaning)

    def _row(self, wanted: str) -> int:
        """Return the row of the trails' colour map."""
        if self.signals is None:
            return AGENT_ROW if wanted == "agent" else AGE_ROW
        if self.signals.signal.later == ENDING:
            return OUTCOME_ROW
        return DIVERGING_ROW if self.signed else SEQUENTIAL_ROW

    def keep_to_budget(self, segments: int, busy_ms: float, frame_ms: float) -> bool:
        """Decide how many agents are individuals from now on; return whether the number changed.

        segments: drawn in the last frame. busy_ms, frame_ms: time that frames took lately, and may take.
        """
        self.budget = self.budget.after(busy_ms, frame_ms)
        agents, length = self.ring.agents, self.ring.length
        changed = self._choose(self.budget.individuals(agents, length, self.individuals.count, segments))
        if not self.individuals.everyone:
            self.crowd.fit()
        return changed

    def set_budget(self, setting: int | str) -> None:
        """Change the budget of segments a frame; setting: a value of `lod.segment_budget`."""
        self.budget = Budget.of(setting, software=driver_info(self._gl).software)

    def highlight(self, agents: Agents) -> bool:
        """Highlight `agents`; return True if the list of individuals was written anew."""
        changed = self.individuals.highlight(agents)
        if changed:
            self._redraw()
        return changed

    def fill(self, frame: NDArray[Any], looks: Looks, wanted: str, pixel_scale: float) -> None:
        """Write into the frame block what shaders need of the trails."""
        ring = self.ring
        frame["newest"], frame["oldest"] = ring.newest, ring.oldest
        frame["trail_rows"], frame["trail_slots"] = ring.length, ring.slots
        frame["trail_width_px"] = looks.trails.width_px * pixel_scale
        frame["trail_opacity"] = looks.trails.opacity
        frame["agent_size_px"] = looks.agents.size_px * pixel_scale
        frame["agent_opacity"] = looks.agent_opacity
        frame["trail_row"] = self._row(wanted)
        frame["signal_low"], frame["signal_high"] = self.color_scale.low, self.color_scale.high
        frame["individuals"] = self.individuals.count
        frame["highlighting"] = len(self.individuals.highlighted) > 0
        frame["crowd"] = not self.individuals.everyone

    def stamp(self, cells: tuple[int, int]) -> None:
        """Bring the crowd's map up to date, with about `cells` cells along x and y."""
        if not self.individuals.everyone:
            self.crowd.resize(cells)
            if not self.ring.drawn:
                self.crowd.update()
            elif self._read[1]:
                self.crowd.take(self._read[1])

    def paint_crowd(self, looks: Looks, wanted: str) -> None:
        """Colour the crowd's cells, if they look otherwise than before."""
        if self.individuals.everyone:
            return
        ring, crowd = self.ring, self.crowd
        opacity = looks.trails.opacity * (0.5 if len(self.individuals.highlighted) else 1.0)
        ages = cell_ages(crowd.ticks_shown, ring.newest - ring.oldest)
        colors = self.colormaps[self._row(wanted)]
        plainly = PLAIN_COLORS[self.color_index(wanted)] if self.signals is None else ""
        crowd.paint(cell_colors(colors, ages, opacity, plainly), self._code)

    def choose(self, looks: Looks, pixel_scale: float, panes: int = 1) -> None:
        """List the trails in view, for the frame block that is bound. panes: how often they will be drawn."""
        self._panes = panes
        self._lod.update(margin_px=2 * looks.trails.width_px * pixel_scale + 2)

    def bind(self) -> None:
        """Make the ring and the stamps visible to shaders."""
        self.ring.bind()
        self.crowd.bind()
        self.individuals.bind()

    def draw(self, looks: Looks, target: Any, *, flat: bool) -> None:
        """Draw ribbons, then marks, into `target`, which is bound. flat: the map does not hide any."""
        if looks.trails.opacity and self._splatted is None:
            self._ribbons.draw()
        elif looks.trails.opacity and self._splatted is not None:
            self._splatted.draw(target, self.individuals.count, flat=flat)
        if looks.agent_opacity:
            self._marks.draw(ends=looks.trails.end_marks)


def reads_drawn_rows(gl: Any, config: Config, maps: MapRegistry) -> bool:
    """Return whether a scene has rows of drawn agents only, and cells of the others from compiled code.

    So it is where the processor draws anyway, unless a map of a plug-in reads the rows of all agents; and
    always where nodes of a cluster have them. Raises UsageError if both are so.
    """
    plugged = [each for each in maps.layers if Input.TRAILS in each.inputs and each is not DENSITY]
    if config.workers.cluster:
        if plugged:
            said = f"the map {plugged[0].name!r} reads the trails of all agents"
            raise UsageError(f"{said}, which a run on a cluster does not have here", "leave --cluster out")
        return True
    features = config.features
    if not (features.binned_crowd and features.simd and available() and driver_info(gl).software):
        return False
    return not plugged
