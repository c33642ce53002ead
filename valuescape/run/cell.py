"""The selected place of the map: what the critic says there, what follows, and the way it takes."""

import math
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from valuescape.render.overlay.cards import Card
from valuescape.render.view.viewer import Viewer
from valuescape.run.stage import Stage
from valuescape.sim.arrays import Float32Array
from valuescape.sim.config.insight_section import InsightConfig
from valuescape.sim.insight.place import Place, place_of
from valuescape.sim.insight.plane import MapPlane
from valuescape.sim.insight.student import reach_95
from valuescape.sim.insight.subject import Subject
from valuescape.sim.rollouts.choose import state_rollouts, why_no_rollouts
from valuescape.sim.rollouts.judging import rollouts_differ, rules_of_run
from valuescape.sim.rollouts.path import path_from
from valuescape.sim.rollouts.rules import RolloutEnd, Rollouts
from valuescape.sim.stepping.stepper import on_map
from valuescape.sim.worlds.base import ArrayWorld

ROLLOUTS = 256
"""Rollouts from the place, where the policy draws its actions or the world has chance of its own."""

_MOST_S = 60.0
"""Seconds that a picture waits for rollouts."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What follows from a state. rollouts: of n, one if actions are certain. path: map positions [n, 2]."""

    rollouts: Rollouts
    path: Float32Array

    @property
    def mean(self) -> float:
        """The mean discounted return, G."""
        return float(self.rollouts.value.mean())

    @property
    def half_width(self) -> float:
        """Half of its 95 % interval; 0 of one rollout, which says all."""
        values = self.rollouts.value
        if len(values) < 2:
            return 0.0
        return float(reach_95(len(values) - 1) * values.std(ddof=1)) / math.sqrt(len(values))


@dataclass(frozen=True, slots=True)
class _Look:
    """A look at a state of the place. asked: the place, the slice, the settings and the subject it is of.

    value: what the critic says. coming: what follows; None if no rollouts can be made, and why: `lack`.
    """

    asked: tuple[str, MapPlane, InsightConfig, Subject]
    state: Float32Array = field(default_factory=lambda: np.zeros(0, np.float32))
    value: float = math.nan
    coming: Future[Followed] | None = None
    lack: str = ""

    @property
    def settled(self) -> bool:
        """Whether nothing more will be known."""
        return self.coming is None or self.coming.done()

    @property
    def followed(self) -> Followed | None:
        """What follows, if it is known."""
        done = self.coming and self.coming.done() and not self.coming.exception()
        return self.coming.result() if self.coming and done else None

    def note(self) -> str:
        """Return why nothing is known of what follows; "" if it is."""
        if self.lack:
            return f"No return from here: {self.lack}."
        if not self.settled:
            return "Following the policy from here …"
        error = self.coming.exception() if self.coming else None
        return f"No return from here: {error}" if error else ""


class SelectedCell:
    """Looks at the state under a place of a stage's map; rollouts from there are made in another thread.

    While the slice moves, what follows in one is found before the newest one is looked at, and told until
    what follows there is known.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._pool: ThreadPoolExecutor | None = None
        self._cell: Place | None = None
        self._newest: _Look | None = None
        self._told: _Look | None = None

    def update(self, viewer: Viewer, *, waits: bool = False) -> None:
        """Take over the place that is selected, and give the viewer the way from there once it is known.

        Both are made again for another slice or other settings of rollouts. waits: for the way.
        """
        stage = self._stage
        asked = viewer.place, stage.scene.plane, stage.maps.insight, stage.subject
        newest = self._newest
        moved = newest is None or newest.asked[0] != viewer.place
        if newest is None or moved or (asked != newest.asked and (newest.settled or waits)):
            if newest and newest.coming:
                newest.coming.cancel()
            if moved:
                viewer.path, self._told = None, None
            elif newest and newest.settled:
                self._told = newest
            self._cell = viewer.cell
            newest = self._newest = self._look_at(asked)
        if newest.coming and waits:
            wait([newest.coming], _MOST_S)
        if newest.settled or self._told is None:
            self._told = newest
        viewer.path = self._told.followed.path if self._told.followed else viewer.path

    def _look_at(self, asked: tuple[str, MapPlane, InsightConfig, Subject]) -> _Look:
        """Look at a place, as `render.place` names it, and ask for what follows from there."""
        stage, plane, place = self._stage, asked[1], place_of(asked[0])
        if place is None:
            return _Look(asked)
        state = np.array(plane.values, np.float32)
        state[list(plane.axes)] = place
        lack, coming = self._why_not(), None
        if not lack:
            self._pool = self._pool or ThreadPoolExecutor(1, "cell")
            coming = self._pool.submit(_follow, stage, state)
        return _Look(asked, state, self._value_of(state), coming, lack)

    def _value_of(self, state: Float32Array) -> float:
        critic, world = self._stage.critic, self._stage.engine.world
        if critic is None:
            return math.nan
        obs = np.empty((len(world.obs), 1), np.float32)
        world.observe(state[:, None], obs)
        return float(critic.value(obs)[0])

    def _why_not(self) -> str:
        """Return why no rollouts can be made from a state; "" if they can."""
        if self._stage.checkpoint is None:
            return "no trained policy (policy.checkpoint)"
        return why_no_rollouts(self._stage.engine.world)

    def card(self) -> Card | None:
        """Return the card of the selected place; None without one."""
        if self._cell is None or self._newest is None or self._told is None:
            return None
        world, scene, told = self._stage.engine.world, self._stage.scene, self._told
        rows = [
            (each.name, f"{_number(value)} {each.unit}".rstrip())
            for each, value in zip(world.state, told.state.tolist(), strict=True)
        ]
        if self._stage.critic:
            rows.append((self._stage.critic.value_title, _number(told.value)))
        if told.followed:
            rows += _said(told.followed, told.value)
        u, v = ((each + 1) / 2 for each in self._cell)
        rows += scene.fields.numbers.all_at(u, v)
        return Card("place", tuple(rows), note=self._newest.note())

    def release(self) -> None:
        """Wait for rollouts that are being made."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)


def _follow(stage: Stage, state: Float32Array) -> Followed:
    """Make rollouts from a state."""
    checkpoint, world = stage.checkpoint, stage.engine.world
    assert checkpoint is not None
    rules = rules_of_run(stage.subject, stage.maps.insight)
    # In NumPy: there is no compiler to wait for, and a few rollouts take no time.
    made_by = state_rollouts(world, checkpoint, rules, simd=False)
    n = ROLLOUTS if made_by.random or rollouts_differ(checkpoint, rules) else 1
    out = Rollouts.empty(n)
    with closing(made_by):
        made_by.run(np.repeat(state[:, None], n, 1), out, slice(0, n))
    states = path_from(world, checkpoint, rules, state) if isinstance(world, ArrayWorld) else state[:, None]
    axes = stage.scene.plane.axes
    return Followed(out, np.column_stack([on_map(states[axis], world.state[axis]) for axis in axes]))


def _said(followed: Followed, value: float) -> list[tuple[str, str]]:
    """Return the rows about what follows. value: what the critic says."""
    rollouts, half = followed.rollouts, followed.half_width
    beside = f" ± {half:.2g}" if len(rollouts.value) > 1 else ""
    rows = [(f"G, mean of {len(rollouts.value)}" if beside else "G", _number(followed.mean) + beside)]
    if math.isfinite(value):
        rows.append(("V − G", _number(value - followed.mean) + beside))
    ends = {
        "terminated": RolloutEnd.TERMINATED,
        "at the time limit": RolloutEnd.TIME_LIMIT,
        "cut off": RolloutEnd.CUT,
    }
    shares = {name: float((rollouts.end == end).mean()) for name, end in ends.items()}
    rows.append(("end", ", ".join(f"{name} {share:.0%}" for name, share in shares.items() if share)))
    steps = f"{rollouts.steps.mean():.4g}"
    rows.append(("steps", steps if not beside else f"{steps} on average"))
    return rows


def _number(value: float) -> str:
    """Return a number with four significant digits; a dash if it is unknown."""
    return "–" if not math.isfinite(value) else f"{value:.4g}".replace("-", "−")
