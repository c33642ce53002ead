"""All trails and marks: the ring and the passes over it, and how they are drawn."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.context import driver_info
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.heights import Bounds, Surface
from valuescape.gpu.individuals import Agents, Individuals
from valuescape.gpu.passes.crowd import CrowdPass
from valuescape.gpu.passes.hindsight import HindsightPass
from valuescape.gpu.passes.lod import LodPass, segments
from valuescape.gpu.passes.place import PlacePass
from valuescape.gpu.trail_ring import TrailRing, TrailSource
from valuescape.render.overlay.legends import ColorBar
from valuescape.render.scene.budget import Budget
from valuescape.render.scene.color_scale import Scale, scale_of
from valuescape.render.scene.colormaps import AGE_ROW, AGENT_ROW, DIVERGING_ROW, OUTCOME_ROW, SEQUENTIAL_ROW
from valuescape.render.scene.layers import AgentLayer, TrailLayer
from valuescape.render.view.looks import Looks
from valuescape.sim.config.files import Config
from valuescape.sim.config.picture_sections import PLAIN_COLORS
from valuescape.sim.insight.signals import Signal, Signals

_SAMPLED_TICKS, _SAMPLED_AGENTS = 3, 4096
"""Of the ring: what the scale of a signal is found from."""


_MEANINGS = {
    Signal.VALUE: "the return that the critic expects",
    Signal.TD_ERROR: "red is better than the critic expected, blue is worse",
    Signal.ADVANTAGE: "red is better than usual there, blue is worse",
}


@dataclass(frozen=True, slots=True)
class Thinned:
    """What is left out of the trails: `individuals` are whole, the others' reach back `ticks` only."""

    individuals: int
    ticks: float


class Trails:
    """Ribbons and marks of individuals, and the crowd's stamps, which the surface shows.

    height: as for PlacePass. Whoever calls binds the field that is the height, and its range.
    """

    def __init__(self, gl: Any, config: Config, bounds: Bounds, height: float, meter: FrameMeter) -> None:
        self._gl, self._config, self._meter = gl, config, meter
        self._owned = ExitStack()
        try:
            self._make(bounds, height)
        except BaseException:
            self._owned.close()
            raise
        self.signals: Signals | None = None
        self.scale = Scale(0.0, 1.0)

    def _own(self, made: Any) -> Any:
        self._owned.callback(made.release)
        return made

    def _make(self, bounds: Bounds, height: float) -> None:
        gl, config, meter, own = self._gl, self._config, self._meter, self._own
        features, agents = config.features, config.agents.count
        self.ring: TrailRing = own(TrailRing(gl, agents, config.trails.length, meter))
        self.individuals: Individuals = own(Individuals(gl, agents, meter))
        limited = config.lod.segment_budget if features.trail_lod else 0
        self.budget = Budget.of(limited, software=driver_info(gl).software)
        self.individuals.choose(self.budget.first_individuals(agents, config.trails.length))
        self.crowd: CrowdPass = own(CrowdPass(gl, self.ring, bounds, meter))
        self._place = own(PlacePass(gl, self.ring, self.individuals, bounds, height, meter))
        self._hindsight = own(HindsightPass(gl, self.ring, self.individuals, meter))
        self._lod = own(
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
        self._ribbons = own(TrailLayer(gl, self._lod, batched=features.batched_trails, meter=meter))
        self._marks = own(AgentLayer(gl, self.individuals, instanced=features.instanced_agents, meter=meter))

    @property
    def segments_drawn(self) -> int:
        """Trail segments of the frame drawn last; a GPU query."""
        return segments(self._lod.read_commands())

    @property
    def segments_there(self) -> int:
        """Trail segments that there would be to draw, one a tick and agent."""
        return self.ring.agents * max(len(self.ring.ticks) - 1, 0)

    @property
    def thinned(self) -> Thinned | None:
        """What is left out of the trails, None if nothing is."""
        if self.individuals.everyone:
            return None
        return Thinned(self.individuals.count, self.crowd.ticks_shown)

    def upload(self, source: TrailSource, newest: int, signals: Signals | None) -> range:
        """Take over what happened up to tick `newest`; returns the ticks that are new.

        signals: what trails are coloured by, None for ages and agents. With others than before, those of
        ticks that are here already stay unknown.
        """
        changed = signals is not self.signals
        if changed:
            self._change_signals(signals)
        ticks = self.ring.upload(source, newest, signals.row if signals else None)
        if ticks and signals and signals.signal in (Signal.ADVANTAGE, Signal.OUTCOME):
            self._judge()
        if changed:
            self.refresh_scale()
        return ticks

    def _change_signals(self, signals: Signals | None) -> None:
        self.signals = signals
        self.scale = scale_of(signals.scale) if signals else Scale(0.0, 1.0)
        if signals:
            self.ring.keep_signal(raw=signals.signal is Signal.ADVANTAGE)
        else:
            self.ring.forget_signal()

    def _judge(self) -> None:
        assert self.signals
        self._hindsight.update(outcome=self.signals.signal is Signal.OUTCOME, decay=self.signals.decay)

    def refresh_scale(self) -> None:
        """Let the colour scale follow the signal that is shown; GPU queries, none for ages and agents."""
        if self.signals is None or self.ring.newest < 0:
            self.crowd.color(None)
            return
        self.scale = self.scale.following(self._sample(), self.signals.scale)
        self.crowd.color((self.scale.low, self.scale.high))

    def _sample(self) -> NDArray[np.float32]:
        ring = self.ring
        ticks = np.unique(np.linspace(ring.oldest, ring.newest, _SAMPLED_TICKS).astype(int))
        agents = self.individuals.read()[:_SAMPLED_AGENTS]
        return np.concatenate([ring.read_signal(int(tick))[agents] for tick in ticks])

    def place(self, ticks: range, layer: int) -> None:
        """Put the samples of `ticks` on the field that is bound as the height, which is that of `layer`."""
        self._place.update(ticks, layer)

    def place_one_by_one(self, ticks: range, surface: Surface) -> None:
        """Do the same in a loop: `features.vectorized_heights` off."""
        self._place.update_one_by_one(ticks, surface)

    @property
    def signed(self) -> bool:
        """Whether colours have 0 in their middle."""
        return self.signals is not None and self.signals.scale.signed

    def color_by(self, wanted: str) -> str:
        """Return what trails are coloured by: the signal there is, or else their age or agent, as wanted."""
        if self.signals:
            return self.signals.signal
        return wanted if wanted in PLAIN_COLORS else "age"

    def bar(self, wanted: str) -> ColorBar | None:
        """Return the colour bar of trails; None where colours mean nothing by themselves (agents)."""
        by = self.color_by(wanted)
        if self.signals is None:
            return ColorBar("age (ticks)", AGE_ROW, 1.0 - self.ring.length, 0.0) if by == "age" else None
        scale = self.signals.scale
        title, meaning = scale.title, _MEANINGS.get(self.signals.signal, "")
        ends = self.scale.low, self.scale.high
        return ColorBar(title, self._row(wanted), *ends, names=scale.names, meaning=meaning)

    def _row(self, wanted: str) -> int:
        """Return the colour map's row."""
        if self.signals is None:
            return AGENT_ROW if wanted == "agent" else AGE_ROW
        if self.signals.signal is Signal.OUTCOME:
            return OUTCOME_ROW
        return DIVERGING_ROW if self.signed else SEQUENTIAL_ROW

    def keep_to_budget(self, segments: int, busy_ms: float, frame_ms: float) -> bool:
        """Decide how many agents are individuals from now on; return whether that is a change.

        segments: drawn in the last frame. busy_ms, frame_ms: what frames took lately, and what they may take.
        """
        self.budget = self.budget.after(busy_ms, frame_ms)
        agents, length = self.ring.agents, self.ring.length
        changed = self.individuals.choose(
            self.budget.individuals(agents, length, self.individuals.count, segments)
        )
        if not self.individuals.everyone:
            self.crowd.fit()
        return changed

    def set_budget(self, setting: int | str) -> None:
        """Draw so many segments from now on, as `lod.segment_budget` says it."""
        self.budget = Budget.of(setting, software=driver_info(self._gl).software)

    def highlight(self, agents: Agents) -> bool:
        """Highlight these agents; return whether there are other individuals now."""
        return self.individuals.highlight(agents)

    def fill(self, frame: NDArray[Any], looks: Looks, wanted: str, scale: float) -> None:
        """Write what shaders have to know of trails into the frame block; scale: pixels a logical pixel."""
        ring, crowd = self.ring, self.crowd
        frame["newest"], frame["oldest"] = ring.newest, ring.oldest
        frame["trail_rows"], frame["agents"] = ring.length, ring.agents
        frame["trail_width_px"] = looks.trails.width_px * scale
        frame["trail_opacity"] = looks.trails.opacity
        frame["agent_size_px"] = looks.agents.size_px * scale
        frame["agent_opacity"] = looks.agent_opacity
        frame["trail_row"] = self._row(wanted)
        frame["signal_low"], frame["signal_high"] = self.scale.low, self.scale.high
        frame["individuals"] = self.individuals.count
        frame["highlighting"] = len(self.individuals.highlighted) > 0
        cells = (0, 0) if self.individuals.everyone else crowd.cells
        frame["crowd_width"], frame["crowd_height"] = cells
        frame["crowd_first_tick"], frame["crowd_ticks"] = crowd.first_tick, crowd.ticks_shown

    def stamp(self, cells: tuple[int, int]) -> None:
        """Bring the crowd's map up to date, with about so many cells."""
        if not self.individuals.everyone:
            self.crowd.resize(cells)
            self.crowd.update()

    def choose(self, looks: Looks, scale: float) -> None:
        """List the trails in view, for the frame block that is bound."""
        self._lod.update(margin_px=2 * looks.trails.width_px * scale + 2)

    def bind(self) -> None:
        """Make the ring and the stamps visible to shaders."""
        self.ring.bind()
        self.crowd.bind()
        self.individuals.bind()

    def draw(self, looks: Looks) -> None:
        """Draw ribbons, then marks."""
        if looks.trails.opacity:
            self._ribbons.draw()
        if looks.agent_opacity:
            self._marks.draw(ends=looks.trails.end_marks)

    def release(self) -> None:
        """Free all of it."""
        self._owned.close()
