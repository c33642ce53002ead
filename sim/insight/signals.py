"""Signals: one number for each agent and tick, such as its speed, its reward or the critic's error."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array
from valuescape.sim.policy.network import RewardNormalization
from valuescape.sim.shared.layout import Ending
from valuescape.sim.worlds import World
from valuescape.sim.worlds.base import TERMINATED, ContinuousAction, DiscreteAction


class Signal(StrEnum):
    """The kinds of signal; `Signals` defines each."""

    SPEED = "speed"
    REWARD = "reward"
    VALUE = "value"
    TD_ERROR = "td_error"
    ADVANTAGE = "advantage"
    ACTION = "action"
    OUTCOME = "outcome"


NEEDS_CRITIC = frozenset({Signal.VALUE, Signal.TD_ERROR, Signal.ADVANTAGE})
"""The signals that are made with a critic; all but the value also need its discount."""

GAE_LAMBDA = 0.95
"""Lambda of the advantage estimate (Schulman et al., 2016), as in Stable-Baselines3's PPO."""

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


def available(critic: Critic | None) -> list[Signal]:
    """Return the signals that this critic, or none, allows."""
    missing = NEEDS_CRITIC if critic is None else NEEDS_CRITIC - {Signal.VALUE}
    return [signal for signal in Signal if (critic and critic.gamma is not None) or signal not in missing]


class TickRows(Protocol):
    """The source of a tick's arrays: `sim.engine.Engine`."""

    def recent_row(self, name: str, tick: int) -> NDArray[Any] | None:
        """Return a copy of the row of array `name` at `tick`; None if it is being overwritten, or was."""


class Signals:
    """One signal of all agents, tick by tick; NaN where it is not defined.

    value: V(s) of the state at the tick, in units of the world's rewards. td_error: r + gamma V(s') - V(s) of
    the step that led to the tick, with V(s') = 0 where the episode terminated (Sutton and Barto, 2nd ed.,
    6.1), in the units that the critic learned in (`Critic.td_error`). advantage: the same numbers; where they
    are shown, those of later ticks are added, discounted by `decay` per tick (GAE). speed: over the map, in
    map widths per second. action: the first of several. outcome: `sim.shared.layout.Ending`.

    No step led to the tick at which an agent starts again: its reward, speed and td_error are NaN there.
    In calls for one tick after another, each state is evaluated once.
    """

    def __init__(
        self, signal: Signal, world: World, rows: TickRows, axes: tuple[int, int], critic: Critic | None
    ):
        if signal not in available(critic):
            raise ValueError(f"{signal} needs a critic")
        self.signal, self._world, self._rows, self._axes, self._critic = signal, world, rows, axes, critic
        self.scale = _scale(signal, world, critic)
        self._values: tuple[int, Float32Array | None] = -1, None

    def renew(self, world: World) -> None:
        """Go on in a world after the rows were replaced, as by other agents or another world's numbers."""
        self._world, self._values = world, (-1, None)

    @property
    def decay(self) -> float:
        """The factor of the advantage's weights from one tick to the next: gamma times lambda."""
        return self._critic.gamma * GAE_LAMBDA if self._critic and self._critic.gamma else 0.0

    def row(self, tick: int, agents: int) -> Float32Array:
        """Return the signal at `tick`, [agents] float32, a new array; all NaN if the tick is gone."""
        found = self._row(tick)
        return np.full(agents, np.nan, np.float32) if found is None else found.astype(np.float32, copy=False)

    def of_agent(self, tick: int, agent: int) -> float:
        """Return the signal of one agent at `tick`; a critic is evaluated for that agent alone."""
        return Signals(
            self.signal, self._world, _OneAgent(self._rows, agent), self._axes, self._critic
        )._alone(tick)

    def _alone(self, tick: int) -> float:
        found = self._row(tick)
        return float("nan") if found is None else float(found[0])

    def _row(self, tick: int) -> NDArray[Any] | None:
        match self.signal:
            case Signal.SPEED:
                return self._speed(tick)
            case Signal.VALUE:
                return self._value(tick)
            case Signal.TD_ERROR | Signal.ADVANTAGE:
                return self._td_error(tick)
            case Signal.ACTION:
                actions = self._rows.recent_row("action", tick)
                return None if actions is None else actions[0]
            case Signal.OUTCOME:
                return self._rows.recent_row("ending", tick)
        return self._after_a_step(tick, self._rows.recent_row("reward", tick))

    def _after_a_step(self, tick: int, values: NDArray[Any] | None) -> NDArray[Any] | None:
        """Return `values` with NaN for agents that have just started: no step led to `tick`."""
        before = self._rows.recent_row("ending", tick - 1) if tick > 0 else None
        if values is None or before is None:
            return None
        return np.where(before == Ending.RUNNING, values, np.float32(np.nan))

    def _speed(self, tick: int) -> NDArray[Any] | None:
        now = self._rows.recent_row("state", tick)
        before = self._rows.recent_row("state", tick - 1) if tick > 0 else None
        if now is None or before is None:
            return None
        way = np.zeros(now.shape[1], np.float32)
        for axis in self._axes:
            variable = self._world.state[axis]
            step = (now[axis] - before[axis]) / np.float32(variable.high - variable.low)
            if variable.periodic:
                step -= np.round(step)
            way += step * step
        return self._after_a_step(tick, np.sqrt(way) / np.float32(self._world.step_s))

    def _value(self, tick: int) -> Float32Array | None:
        at, values = self._values
        if at == tick:
            return values
        state = self._rows.recent_row("state", tick)
        self._values = tick, None if state is None else self._evaluate(state)
        return self._values[1]

    def _evaluate(self, state: Float32Array) -> Float32Array:
        assert self._critic
        obs = np.empty((len(self._world.obs), state.shape[1]), np.float32)
        self._world.observe(state, obs)
        return self._critic.value(obs)

    def _td_error(self, tick: int) -> NDArray[Any] | None:
        assert self._critic
        before = self._value(tick - 1) if tick > 0 else None
        after = self._value(tick)
        reward, ending = (self._rows.recent_row(name, tick) for name in ("reward", "ending"))
        if before is None or after is None or reward is None or ending is None:
            return None
        goes_on = (ending != Ending.TERMINATED).astype(np.float32)
        return self._after_a_step(tick, self._critic.td_error(reward, before, goes_on * after))


@dataclass(frozen=True, slots=True)
class _OneAgent:
    """The rows of one agent."""

    rows: TickRows
    agent: int

    def recent_row(self, name: str, tick: int) -> NDArray[Any] | None:
        """Return the agent's part of the row."""
        row = self.rows.recent_row(name, tick)
        return None if row is None else row[..., self.agent : self.agent + 1]


def _scale(signal: Signal, world: World, critic: Critic | None) -> SignalScale:
    if critic and signal in NEEDS_CRITIC:
        return _critic_scale(signal, critic)
    match signal:
        case Signal.SPEED:
            return SignalScale("speed (widths/s)", low=0.0)
        case Signal.REWARD:
            return SignalScale("reward")
        case Signal.OUTCOME:
            return SignalScale(
                "outcome", 0.0, 2.0, names=("running", TERMINATED[world.termination], "truncated")
            )
    return _action_scale(world)


def _critic_scale(signal: Signal, critic: Critic) -> SignalScale:
    if signal is Signal.VALUE:
        return SignalScale(critic.value_title)
    name = "TD error" if signal is Signal.TD_ERROR else "advantage"
    return SignalScale(critic.error_title(name), signed=True)


def _action_scale(world: World) -> SignalScale:
    space = world.action
    if isinstance(space, DiscreteAction):
        return SignalScale("action", 0.0, float(space.n - 1), names=space.names)
    assert isinstance(space, ContinuousAction)
    if not space.dim:
        return SignalScale("action", 0.0, 1.0)
    first = space.variables[0]
    return SignalScale(first.label, first.low, first.high, signed=first.low == -first.high)
