"""Comes to the tick of a picture again: a stage whose scene has seen the same ticks."""

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.layers.layer import Input
from valuescape.gpu.layers.registry import MAPS
from valuescape.provenance.contents import Canvas, Moment
from valuescape.recordings.changes import Changes
from valuescape.remake.means import Original
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.run.stage import Stage
from valuescape.run.starting import UnwatchedStart, start_engine
from valuescape.sim.arrays import Float32Array
from valuescape.sim.config.picture_sections import PLAIN_COLORS
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.signal_kinds import find_signal
from valuescape.sim.insight.signals import Signals


@contextmanager
def stage_of(original: Original, canvas: Canvas) -> Iterator[Stage]:
    """Open a stage at tick 0 that draws without a window, of the size that a picture had."""
    device, size = original.config.render.device, (canvas.width, canvas.height)
    display = HeadlessDisplay(size, device, pixel_scale=canvas.pixel_scale)
    try:
        start = UnwatchedStart(original.means.interrupts)
        engine = start_engine(original.config, original.checkpoint, start)
        stage = Stage(engine, original.checkpoint, display, FrameMeter(), start)
        try:
            yield stage
        finally:
            stage.release()
    finally:
        display.release()


def come_to(
    stage: Stage,
    moment: Moment,
    original: Original,
    color: str = "age",
    since: int = 0,
    shown: tuple[str, ...] = (),
) -> None:
    """Simulate to the tick of a moment, with its changes; let the scene see the ticks that the picture saw.

    color: of trails, from tick `since` on. shown: names of the maps in the picture. Raises UsageError if the
    moment cannot have been one of this run.
    """
    if len(moment.plane) != len(stage.engine.world.state):
        raise UsageError("the plane in this picture's metadata does not fit its world")
    witness, means = Witness(stage.engine, moment), original.means
    check = means.interrupts.check
    changes = Changes(original.path, moment.changes, means.workers, means.checkpoint, check)
    signals = _signals(stage, color, moment)
    every = any(made_of_ticks(name) for name in shown)
    for stop in stops(moment, stage.config.trails.length, since, every=every):
        check()
        before = stage.scene.trails.ring.newest
        stage.engine.advance_to(stop)
        late = stop >= since and stop > moment.tick - stage.config.trails.length
        stage.scene.take_ticks(witness, stop, signals if late else None)
        if stop == moment.agents_seen:
            stage.maps.see_agents(stop)
        taken = range(before + 1, stage.scene.trails.ring.newest + 1)
        stage.maps.update(stage.scene, shown, taken, waits=every)
        if stop in changes.ticks:
            signals = _change(stage, changes, signals) or _signals(stage, color, moment)
        means.on_progress(max(stop, 0) / max(moment.tick, 1), f"tick {stop:,} of {moment.tick:,}")
    stage.move_slice(tuple(moment.plane))


def stops(moment: Moment, length: int, since: int, *, every: bool) -> Iterator[int]:
    """Yield the ticks at which the scene looks at the simulation, the last of them the moment's.

    length: of trails. Their endings and signals are only there for a few ticks, so the last `length` ticks
    come one by one. A look that begins before ticks that the picture missed ends before them: the scene
    leaves out what came before a gap. every: look at every tick.
    """
    looks = {since - 1, moment.agents_seen, *(each.tick for each in moment.changes)}
    ends = sorted({start - 1 for start, _ in moment.missed} | looks)
    exact, tick = moment.tick - length, -1
    while tick < moment.tick:
        step = tick + 1 if every or tick >= exact else min(tick + length, exact)
        index = bisect_right(ends, tick)
        tick = min(step, *ends[index : index + 1], moment.tick)
        yield tick


def _signals(stage: Stage, color: str, moment: Moment) -> "_Signals | None":
    """Return the signals of a colouring, as the critic has them that there is now; None of a plain one."""
    if color in PLAIN_COLORS:
        return None
    rules, world = stage.engine.rules, stage.engine.world
    signals = _Signals(find_signal(color, world), world, stage.engine, rules.map_axes, stage.critic)
    signals.unknown = frozenset(moment.unsigned)
    return signals


def _change(stage: Stage, changes: Changes, signals: "_Signals | None") -> "_Signals | None":
    """Make the changes that are due; return the signals, None if they are another critic's from now on."""
    before = stage.checkpoint
    changes.make(stage.engine)
    stage.keep_up()
    if signals:
        signals.renew(stage.engine.world)
    return signals if stage.checkpoint is before else None


class _Signals(Signals):
    """Signals that are unknown at the ticks at which the picture did not know them."""

    unknown: frozenset[int] = frozenset()

    def row(self, tick: int, agents: int) -> Float32Array:
        """Return the signal at `tick`, [agents] float32, a new array."""
        row = super().row(tick, agents)
        return np.full(agents, np.nan, np.float32) if tick in self.unknown else row


class Witness:
    """An engine as a picture saw it: without the ticks that it missed."""

    def __init__(self, engine: Engine, moment: Moment) -> None:
        self._engine = engine
        self._starts = [start for start, _ in moment.missed]
        self._ends = [end for _, end in moment.missed]
        self._untold = frozenset(moment.untold)

    def row(self, name: str, tick: int) -> NDArray[Any]:
        """Return a row of the engine."""
        return self._engine.row(name, tick)

    def trail_intact(self, tick: int) -> bool:
        """Whether the picture saw the tick."""
        index = bisect_right(self._starts, tick) - 1
        return (index < 0 or tick >= self._ends[index]) and self._engine.trail_intact(tick)

    def recent_row(self, name: str, tick: int, agents: slice = slice(None)) -> NDArray[Any] | None:
        """Return a copy of a row of the engine; None if it was gone when the picture's run asked for it."""
        return None if tick in self._untold else self._engine.recent_row(name, tick, agents)


def made_of_ticks(map_name: str) -> bool:
    """Return whether a map is made from what agents did at every tick, which is soon overwritten."""
    parts = MAPS.find(map_name).parts
    return any(Input.ARRAY in each.inputs and each.compute is None for each in parts)
