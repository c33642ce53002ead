"""Signals: one number for each agent and tick, such as its speed, its reward or the critic's error.

`Signal` is one kind of number; `signal_kinds` has all of them. `Signals` makes its rows tick by tick.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import BoolArray, Float32Array
from valuescape.sim.policy.network import RewardNormalization
from valuescape.sim.shared.layout import Ending
from valuescape.sim.worlds import World

Value = Callable[[Float32Array], Float32Array]
"""A critic: V [n] of observations [obs_dim, n], both float32, in units of the world's rewards."""


@dataclass(frozen=True, slots=True)
class Critic:
    """A critic, and what its values and TD errors mean."""

    value: Value
    gamma: float | None
    """The discount that it was trained with, per step; None if unknown, which leaves only its values."""
    reward_normalization: RewardNormalization | None = None
    """The normalisation of the rewards that it learned from: TD errors are in those units. None if raw."""
    entropy_left_out: bool = False
    """Whether it learned to include its policy's entropy (SAC), which V and TD errors here do not."""

    def td_error(self, reward: Float32Array, before: Float32Array, after: Float32Array) -> Float32Array:
        """Return r + gamma V(s') - V(s), [n] float32, in the units that the critic learned in.

        reward: [n], as the world gives it. before, after: V(s) and V(s'), [n], as `value` returns them;
        `after` is 0 where the episode terminated.
        """
        assert self.gamma is not None
        norm = self.reward_normalization
        if norm is None:
            return reward + np.float32(self.gamma) * after - before
        scale = np.float32(norm.scale)
        seen = np.clip(reward / scale, -norm.clip, norm.clip)
        errors: Float32Array = seen + (np.float32(self.gamma) * after - before) / scale
        return errors

    @property
    def value_title(self) -> str:
        """The name of V in a legend, with what it leaves out and its units."""
        units = ", raw rewards" if self.reward_normalization else ""
        return f"V(s){', no entropy' if self.entropy_left_out else ''}{units}"

    def error_title(self, name: str) -> str:
        """Return the legend's title of a TD error, or of a sum of them, called `name`, with its units."""
        norm = self.reward_normalization
        units = f", rewards / {norm.scale:.3g}" if norm else ""
        left_out = ", no entropy" if self.entropy_left_out else ""
        return f"{name}{left_out}{units}"


@dataclass(frozen=True, slots=True)
class SignalScale:
    """The scale of a signal: its title, its ends if they are known, and whether 0 is its middle.

    names: the names of the whole numbers from 0 on, if the signal is a choice.
    """

    title: str
    low: float | None = None
    high: float | None = None
    signed: bool = False
    names: tuple[str, ...] = ()


class Needs(Enum):
    """What a signal is made with: nothing but the run, a critic, or one whose discount is known."""

    NOTHING = "nothing"
    CRITIC = "critic"
    DISCOUNT = "discount"

    def met_by(self, critic: Critic | None) -> bool:
        """Whether this critic, or none, is enough."""
        if self is Needs.DISCOUNT:
            return critic is not None and critic.gamma is not None
        return self is Needs.NOTHING or critic is not None


ENDING = "ending"
"""Value of `Signal.later`: an episode's ending counts for all of its ticks."""


class TickGoneError(LookupError):
    """A row that a signal reads is being overwritten, or was: the signal is unknown at that tick."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One kind of number for each agent and tick.

    name: the value of `trails.color_by`. numbers: returns them, [n], of a tick. scale: of the colour bar.
    of_step: the number belongs to the step that led to the tick; where an agent starts, there is none, and it
    is NaN. later: what ticks to come do to the number, where it is shown: None: nothing; a function: they are
    added, each weighted by what it returns per tick of distance; ENDING.
    """

    name: str
    numbers: "Callable[[SignalTick], NDArray[Any]]"
    scale: Callable[[World, Critic | None], SignalScale]
    needs: Needs = Needs.NOTHING
    of_step: bool = False
    later: Callable[[Critic], float] | str | None = None
    meaning: str = ""

    @property
    def looks_back(self) -> bool:
        """Whether numbers change when later ticks come in."""
        return self.later is not None


class TickRows(Protocol):
    """The source of a tick's arrays: `sim.engine.Engine`."""

    def recent_row(self, name: str, tick: int, agents: slice = slice(None)) -> NDArray[Any] | None:
        """Return a copy of the row of array `name` at `tick`; None if it is being overwritten, or was.

        agents: those that are copied, the last axis of the arrays.
        """


class SignalTick:
    """One tick of all agents, as a signal reads it.

    Arrays are copies with agents last, in the world's units: state [state_dim, n] and action [action_dim, n]
    float32, reward, value and td_error [n] float32, ending [n] uint8 (`sim.shared.layout.Ending`, 0 while the
    episode goes on). What ends with `before` is of the tick before; where an agent has just started, that is
    another episode's end. Reading one that is overwritten already makes the signal unknown at this tick.
    """

    def __init__(self, signals: "Signals", tick: int) -> None:
        self._signals = signals
        self.tick = tick
        """The tick."""
        self._kept: dict[tuple[str, int], NDArray[Any]] = {}

    @property
    def world(self) -> World:
        """The world."""
        return self._signals.world

    @property
    def map_axes(self) -> tuple[int, int]:
        """The indices in `state` of the variables along the map."""
        return self._signals.axes

    def row(self, name: str, tick: int) -> NDArray[Any]:
        """Return the row of the engine's array `name` at a recent tick. Raises TickGoneError."""
        found = self._kept.get((name, tick))
        if found is None:
            found = self._signals.rows.recent_row(name, tick) if tick >= 0 else None
            if found is None:
                raise TickGoneError(f"{name} of tick {tick}")
            self._kept[name, tick] = found
        return found

    @property
    def agents(self) -> int:
        """The number of agents, n."""
        return len(self.row("reward", self.tick))

    @property
    def state(self) -> Float32Array:
        """The states."""
        return self.row("state", self.tick)

    @property
    def state_before(self) -> Float32Array:
        """The states that the step began in."""
        return self.row("state", self.tick - 1)

    @property
    def action(self) -> Float32Array:
        """The actions of the step that led to the tick."""
        return self.row("action", self.tick)

    @property
    def reward(self) -> Float32Array:
        """The rewards of the step that led to the tick."""
        return self.row("reward", self.tick)

    @property
    def ending(self) -> NDArray[Any]:
        """How the episode ended with this tick, if it did."""
        return self.row("ending", self.tick)

    @property
    def fresh(self) -> BoolArray:
        """Whether the agent has just started, so that no step led to the tick."""
        fresh: BoolArray = self.row("ending", self.tick - 1) != Ending.RUNNING
        return fresh

    @property
    def value(self) -> Float32Array:
        """V(s), in units of the world's rewards."""
        return self._signals.value_at(self.tick)

    @property
    def value_before(self) -> Float32Array:
        """V of the states that the step began in."""
        return self._signals.value_at(self.tick - 1)

    @property
    def gamma(self) -> float:
        """The discount that the critic was trained with."""
        critic = self._signals.critic
        assert critic is not None
        assert critic.gamma is not None
        return critic.gamma

    @property
    def td_error(self) -> Float32Array:
        """r + gamma V(s') - V(s) of the step, with V(s') = 0 where the episode terminated.

        In the units that the critic learned in (Sutton and Barto, 2nd ed., 6.1).
        """
        critic = self._signals.critic
        assert critic is not None
        before, after = self.value_before, self.value
        goes_on = (self.ending != Ending.TERMINATED).astype(np.float32)
        return critic.td_error(self.reward, before, goes_on * after)


class Signals:
    """One signal of all agents, tick by tick; NaN where it is not defined.

    In calls for one tick after another, each state is evaluated once.
    """

    def __init__(
        self,
        signal: Signal,
        world: World,
        rows: TickRows,
        axes: tuple[int, int],
        critic: Critic | None,
        section: AbstractContextManager[object] | None = None,
    ):
        """section: of a profiler, in which rows are made; None: in none of their own."""
        if not signal.needs.met_by(critic):
            raise ValueError(f"{signal.name} needs a {signal.needs.value}: there is no critic that has one")
        self.signal, self.world, self.rows, self.axes, self.critic = signal, world, rows, axes, critic
        self.scale = signal.scale(world, critic)
        self._values: tuple[int, Float32Array | None] = -1, None
        self._section = section or nullcontext()

    def renew(self, world: World) -> None:
        """Go on in a world after the rows were replaced, as by other agents or another world's numbers."""
        self.world, self._values = world, (-1, None)
        self.scale = self.signal.scale(world, self.critic)

    @property
    def decay(self) -> float:
        """The factor of later ticks' weights from one tick to the next; 0 if they are not added."""
        later = self.signal.later
        return later(self.critic) if callable(later) and self.critic else 0.0

    def row(self, tick: int, agents: int) -> Float32Array:
        """Return the signal at `tick`, [agents] float32, a new array; all NaN if the tick is gone."""
        with self._section:
            found = self._row(tick)
        return np.full(agents, np.nan, np.float32) if found is None else found.astype(np.float32, copy=False)

    def of_agent(self, tick: int, agent: int) -> float:
        """Return the signal of one agent at `tick`; a critic is evaluated for that agent alone."""
        return Signals(self.signal, self.world, _OneAgent(self.rows, agent), self.axes, self.critic)._alone(
            tick
        )

    def _alone(self, tick: int) -> float:
        found = self._row(tick)
        return float("nan") if found is None else float(found[0])

    def _row(self, tick: int) -> NDArray[Any] | None:
        seen = SignalTick(self, tick)
        try:
            numbers = self.signal.numbers(seen)
            if not self.signal.of_step:
                return numbers
            return np.where(seen.fresh, np.float32(np.nan), numbers)
        except TickGoneError:
            return None

    def value_at(self, tick: int) -> Float32Array:
        """Return V of the states at a recent tick, [n] float32. Raises TickGoneError."""
        at, values = self._values
        if at != tick:
            state = self.rows.recent_row("state", tick) if tick >= 0 else None
            values = None if state is None else self._evaluate(state)
            self._values = tick, values
        if values is None:
            raise TickGoneError(f"state of tick {tick}")
        return values

    def _evaluate(self, state: Float32Array) -> Float32Array:
        assert self.critic
        obs = np.empty((len(self.world.obs), state.shape[1]), np.float32)
        self.world.observe(state, obs)
        return self.critic.value(obs)


@dataclass(frozen=True, slots=True)
class _OneAgent:
    """The rows of one agent."""

    rows: TickRows
    agent: int

    def recent_row(self, name: str, tick: int, agents: slice = slice(None)) -> NDArray[Any] | None:
        """Return the agent's part of the row."""
        row = self.rows.recent_row(name, tick, slice(self.agent, self.agent + 1))
        return None if row is None else row[..., agents]
