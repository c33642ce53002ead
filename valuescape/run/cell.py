"""The selected place of the map: what the critic says there, what follows, and the way it takes."""

import math
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

from valuescape.render.overlay.cards import Card
from valuescape.render.view.viewer import Viewer
from valuescape.run.stage import Stage
from valuescape.sim.arrays import Float32Array
from valuescape.sim.config.insight_section import InsightConfig
from valuescape.sim.insight.place import Place, place_of
from valuescape.sim.insight.plane import MapPlane
from valuescape.sim.policy.sampling import Sampling, sampling_of
from valuescape.sim.rollouts.choose import state_rollouts, why_no_rollouts
from valuescape.sim.rollouts.judging import rules_of_run
from valuescape.sim.rollouts.path import path_from
from valuescape.sim.rollouts.rules import RolloutEnd, Rollouts
from valuescape.sim.stepping.stepper import on_map
from valuescape.sim.worlds.base import ArrayWorld

ROLLOUTS = 256
"""Rollouts from the place, where the policy draws its actions."""

_NORMAL_95 = 1.96

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
        return _NORMAL_95 * float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0


class SelectedCell:
    """Looks at the state under a place of a stage's map; rollouts from there are made in another thread."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._pool: ThreadPoolExecutor | None = None
        self._asked: tuple[str, MapPlane, InsightConfig] | None = None
        self._cell: Place | None = None
        self._state: Float32Array = np.zeros(0, np.float32)
        self._value = math.nan
        self._coming: Future[Followed] | None = None
        self._lack = ""

    def update(self, viewer: Viewer, *, waits: bool = False) -> None:
        """Take over the place that is selected, and give the viewer the way from there once it is known.

        Both are made again for another slice or other settings of rollouts. waits: for the way.
        """
        asked = viewer.place, self._stage.scene.plane, self._stage.maps.insight
        if asked != self._asked:
            if self._asked is None or self._asked[0] != viewer.place:
                viewer.path = None
            self._asked, self._cell = asked, viewer.cell
            self._begin(viewer.place)
        if self._coming and waits:
            wait([self._coming], _MOST_S)
        viewer.path = self._followed.path if self._followed else viewer.path

    @property
    def _followed(self) -> Followed | None:
        """What follows, if it is known."""
        done = self._coming and self._coming.done() and not self._coming.exception()
        return self._coming.result() if self._coming and done else None

    def _begin(self, text: str) -> None:
        """Ask for what follows from a place, as `render.place` names it."""
        if self._coming:
            self._coming.cancel()
        self._coming, self._lack = None, ""
        stage, plane, place = self._stage, self._stage.scene.plane, place_of(text)
        if place is None:
            return
        state = np.array(plane.values, np.float32)
        state[list(plane.axes)] = place
        self._state, self._value = state, self._value_of(state)
        self._lack = self._why_not()
        if not self._lack:
            self._pool = self._pool or ThreadPoolExecutor(1, "cell")
            self._coming = self._pool.submit(_follow, stage, state)

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
        if self._cell is None:
            return None
        world, scene = self._stage.engine.world, self._stage.scene
        rows = [
            (each.name, f"{_number(value)} {each.unit}".rstrip())
            for each, value in zip(world.state, self._state.tolist(), strict=True)
        ]
        if self._stage.critic:
            rows.append((self._stage.critic.value_title, _number(self._value)))
        if self._followed:
            rows += _said(self._followed, self._value)
        u, v = ((each + 1) / 2 for each in self._cell)
        rows += scene.fields.numbers_at(u, v)
        return Card("place", tuple(rows), note=self._note())

    def _note(self) -> str:
        if self._lack:
            return f"No return from here: {self._lack}."
        if self._coming and self._coming.done() and (error := self._coming.exception()):
            return f"No return from here: {error}"
        return "" if self._coming and self._coming.done() else "Following the policy from here …"

    def release(self) -> None:
        """Wait for rollouts that are being made."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)


def _follow(stage: Stage, state: Float32Array) -> Followed:
    """Make rollouts from a state."""
    checkpoint, world = stage.checkpoint, stage.engine.world
    assert checkpoint is not None
    drawn = sampling_of(checkpoint) is not Sampling.NONE
    rules = rules_of_run(stage.subject, stage.maps.insight)
    n = ROLLOUTS if drawn else 1
    out = Rollouts.empty(n)
    # In NumPy: there is no compiler to wait for, and a few rollouts take no time.
    state_rollouts(world, checkpoint, rules, simd=False).run(
        np.repeat(state[:, None], n, 1), out, slice(0, n)
    )
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
