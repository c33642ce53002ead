"""What a world is: named state, named action, and array code for reset, step and observe."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.elementwise import Element

Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Variable:
    """One coordinate of a state, observation or action: its name, unit and bounds.

    For a state the bounds are the window the map shows; a `periodic` one wraps at them.
    """

    name: str
    unit: str
    low: float
    high: float
    periodic: bool = False

    @property
    def label(self) -> str:
        """The axis label: `velocity (m/s)`."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


@dataclass(frozen=True, slots=True)
class ContinuousAction:
    """A box of real-valued actions (Gymnasium's `Box`)."""

    variables: tuple[Variable, ...]

    def __post_init__(self) -> None:
        if not _all_of(self.variables, Variable):
            raise TypeError("expected a tuple of variables, with its comma: ContinuousAction((Variable(…),))")

    @property
    def dim(self) -> int:
        """Rows an action array has."""
        return len(self.variables)

    @property
    def low(self) -> Float32Array:
        """Lower bounds, [dim]."""
        return np.array([variable.low for variable in self.variables], np.float32)

    @property
    def high(self) -> Float32Array:
        """Upper bounds, [dim]."""
        return np.array([variable.high for variable in self.variables], np.float32)


@dataclass(frozen=True, slots=True)
class DiscreteAction:
    """A choice among named actions (Gymnasium's `Discrete`); the array holds the index as float32."""

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.names or not _all_of(self.names, str):
            raise TypeError('expected a tuple of names: DiscreteAction(("left", "right"))')

    @property
    def dim(self) -> int:
        """Rows an action array has: one, the index."""
        return 1

    @property
    def n(self) -> int:
        """How many actions there are to choose from."""
        return len(self.names)


def _all_of(values: object, kind: type) -> bool:
    return isinstance(values, tuple) and all(isinstance(each, kind) for each in values)


ActionSpace = ContinuousAction | DiscreteAction


Termination = Literal["goal", "failure", "either", "never"]
"""What it means that an episode terminates in a world; "either" where that is not known."""

TERMINATED: dict[Termination, str] = {
    "goal": "goal reached",
    "failure": "failed",
    "either": "terminated",
    "never": "terminated",
}
"""How the picture says that an episode terminated."""


class World(ABC):
    """What all worlds say of themselves, without process, clock or OpenGL; see ArrayWorld for how they step.

    Arrays are float32 with the agents innermost: state [state_dim, n], obs [obs_dim, n], action
    [action_dim, n], reward [n], terminated [n] bool. A method writes into the arrays it is given and keeps
    no state of its own.

    The map shows two state variables, `map_axes` (horizontal, vertical) unless `heatmap.axes` says otherwise.
    A critic's landscape holds the others at `map_slice` (by name) or, if not there, in the middle of their
    window. `goal` is what agents are to do, in a few words: "reach the flag at position 0.5".
    """

    name: ClassVar[str]
    source: ClassVar[str]
    state: ClassVar[tuple[Variable, ...]]
    obs: ClassVar[tuple[Variable, ...]]
    action: ClassVar[ActionSpace]
    step_s: ClassVar[float]
    max_episode_steps: ClassVar[int]
    reset_draws: ClassVar[int]
    map_axes: ClassVar[tuple[int, int]] = (0, 1)
    map_slice: ClassVar[Mapping[str, float]] = {}
    goal: ClassVar[str] = ""
    termination: ClassVar[Termination] = "either"

    def observe(self, state: Float32Array, out: Float32Array) -> None:
        """Write the observations of `state` into `out` [obs_dim, n]; unless overridden, the state itself."""
        out[:] = state


class ArrayWorld(World):
    """A world whose agents do not see each other: one's result never depends on who else is in the call."""

    @abstractmethod
    def reset(self, draws: Float32Array, out: Float32Array) -> None:
        """Write start states into `out` [state_dim, n] from uniform `draws` [reset_draws, n] in [0, 1)."""

    @abstractmethod
    def step(
        self,
        state: Float32Array,
        action: Float32Array,
        out: Float32Array,
        reward: Float32Array,
        terminated: BoolArray,
    ) -> None:
        """Write the next states, rewards and terminations; `out` does not alias `state`.

        Continuous actions come clipped to their bounds, discrete ones as whole indices.
        """


Elements = tuple[Element, ...]
"""One element per variable: rows of agents in NumPy, the numbers of one agent when compiled."""

_PART = 4096
"""Agents calculated at a time, so that what NumPy stores between two operations stays in the cache."""


class ElementwiseWorld(ArrayWorld):
    """A world that is written once, for one agent: the usual case.

    `start`, `dynamics` and `observation` are static methods of float32 elements, made of `+ - * /`,
    comparisons, `&` and `|`, the functions of `sim.elementwise`, and np.float32 constants of the module. No
    `if` on an element (`where` instead), no loop over agents. NumPy runs them on whole rows; with
    `features.simd` the same source is compiled, and gives the same bits.
    """

    @staticmethod
    @abstractmethod
    def start(draws: Elements) -> Elements:
        """Return a start state from `reset_draws` uniform draws in [0, 1)."""

    @staticmethod
    @abstractmethod
    def dynamics(state: Elements, action: Elements) -> tuple[Elements, Element, Element]:
        """Return the next state, the reward and whether the episode terminates, after one step."""

    @staticmethod
    def observation(state: Elements) -> Elements:
        """Return what the agent observes; unless overridden, the state itself."""
        return state

    def reset(self, draws: Float32Array, out: Float32Array) -> None:
        """Write start states into `out`."""
        _store(self.start(tuple(draws)), out)

    def step(
        self,
        state: Float32Array,
        action: Float32Array,
        out: Float32Array,
        reward: Float32Array,
        terminated: BoolArray,
    ) -> None:
        """Write the next states, rewards and terminations."""
        for begin in range(0, state.shape[1], _PART):
            part = slice(begin, begin + _PART)
            following, reward[part], terminated[part] = self.dynamics(
                tuple(state[:, part]), tuple(action[:, part])
            )
            _store(following, out[:, part])

    def observe(self, state: Float32Array, out: Float32Array) -> None:
        """Write the observations of `state`."""
        _store(self.observation(tuple(state)), out)


def _store(elements: Elements, out: Float32Array) -> None:
    for row, element in zip(out, elements, strict=True):
        row[:] = element
