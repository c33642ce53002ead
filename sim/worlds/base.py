"""The base classes of worlds: named state, named action, and array code for reset, step and observe."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from valuescape.sim.arrays import BoolArray, Float32Array
from valuescape.sim.elementwise import Element
from valuescape.sim.worlds.parameters import Parameter as Parameter
from valuescape.sim.worlds.parameters import Range, middle_values
from valuescape.sim.worlds.signatures import arguments_of, full_form


@dataclass(frozen=True, slots=True)
class Variable:
    """One coordinate of a state, observation or action: `Variable("velocity", "m/s", -3.0, 3.0)`."""

    name: str
    """The name that pictures and settings use: "velocity"."""

    unit: str
    """The unit as axes show it: "m/s"; "" for a number without one."""

    low: float
    """The lower bound, in `unit`. Actions are clipped to their bounds. The bounds of a state are the window
    that the map shows; states may lie outside."""

    high: float
    """The upper bound, greater than `low`."""

    periodic: bool = False
    """Whether `low` and `high` are the same place, as with an angle: the map wraps there."""

    @property
    def label(self) -> str:
        """The axis label: "velocity (m/s)"."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


@dataclass(frozen=True, slots=True)
class ContinuousAction:
    """A box of real-valued actions (Gymnasium's `Box`).

    Raises TypeError if `variables` is no tuple of variables.
    """

    variables: tuple[Variable, ...]
    """One for each action; () for a world whose agents do nothing."""

    def __post_init__(self) -> None:
        if not _all_of(self.variables, Variable):
            raise TypeError("expected a tuple of variables, with its comma: ContinuousAction((Variable(…),))")

    @property
    def dim(self) -> int:
        """The number of rows of an action array, one for each variable."""
        return len(self.variables)

    @property
    def low(self) -> Float32Array:
        """Lower bounds, [dim] float32, a new array."""
        return np.array([variable.low for variable in self.variables], np.float32)

    @property
    def high(self) -> Float32Array:
        """Upper bounds, [dim] float32, a new array."""
        return np.array([variable.high for variable in self.variables], np.float32)


@dataclass(frozen=True, slots=True)
class DiscreteAction:
    """A choice among named actions (Gymnasium's `Discrete`); an action array holds the index as float32.

    Raises TypeError if `names` is no tuple of at least one text.
    """

    names: tuple[str, ...]
    """The names of the choices: ("left", "right")."""

    def __post_init__(self) -> None:
        if not self.names or not _all_of(self.names, str):
            raise TypeError('expected a tuple of names: DiscreteAction(("left", "right"))')

    @property
    def dim(self) -> int:
        """The number of rows of an action array: one, the index."""
        return 1

    @property
    def n(self) -> int:
        """The number of actions to choose from."""
        return len(self.names)


@dataclass(frozen=True, slots=True)
class Choices:
    """One of several choices that an agent makes at once: `Choices("jump", ("no", "yes"))`."""

    name: str
    """The name that pictures and settings use: "jump"."""

    names: tuple[str, ...]
    """The names of what there is to choose from: ("no", "yes")."""

    @property
    def n(self) -> int:
        """The number of things to choose from."""
        return len(self.names)


@dataclass(frozen=True, slots=True)
class MultiDiscreteAction:
    """Several choices at once (Gymnasium's `MultiDiscrete` and `MultiBinary`), in environments of Gymnasium.

    An action array holds the index of each choice as float32.
    """

    parts: tuple[Choices, ...]
    """The choices, one for each row of an action array."""

    @property
    def dim(self) -> int:
        """The number of rows of an action array, one for each choice."""
        return len(self.parts)

    @property
    def sizes(self) -> Float32Array:
        """How many things each choice is among, [dim] float32, a new array."""
        return np.array([part.n for part in self.parts], np.float32)


def _all_of(values: object, kind: type) -> bool:
    return isinstance(values, tuple) and all(isinstance(each, kind) for each in values)


ActionSpace = ContinuousAction | DiscreteAction | MultiDiscreteAction
"""The kinds of action that a world can have."""

Termination = Literal["goal", "failure", "either", "never"]
"""The meaning of a terminated episode in a world; "either" where it is not known."""

TERMINATED: dict[Termination, str] = {
    "goal": "goal reached",
    "failure": "failed",
    "either": "terminated",
    "never": "terminated",
}
"""The words with which the picture says that an episode terminated."""


class World(ABC):
    """The attributes of every world. Derive from ElementwiseWorld or ArrayWorld, which also step.

    Arrays hold n agents along their last axis and are float32: state [state_dim, n], obs [obs_dim, n],
    action [action_dim, n], reward [n]; terminated is [n] bool. Their units are those of the variables.
    Methods write into the arrays that they are given; a world keeps no state of its own.
    """

    name: ClassVar[str]
    """The name by which `world.name` chooses the world: "my_world". Without a colon; no other world's."""

    source: ClassVar[str]
    """The origin of the equations, for readers: a paper, a book, another program. May be left out."""

    state: ClassVar[tuple[Variable, ...]]
    """The variables of an agent's state, two or more; state_dim is their number."""

    obs: ClassVar[tuple[Variable, ...]]
    """The variables that the policy sees, one or more; obs_dim is their number. `obs = state` if agents see
    all of the state; else override `observation` (in an ArrayWorld, `observe`) as well."""

    action: ClassVar[ActionSpace]
    """The actions: `ContinuousAction((Variable(…), …))` or `DiscreteAction(("left", "right"))`."""

    step_s: ClassVar[float]
    """Simulated seconds of a step, above 0. `dynamics` is not told: its constants must agree."""

    max_episode_steps: ClassVar[int]
    """Steps after which an episode is cut off (truncated), at least 1."""

    reset_draws: ClassVar[int]
    """The number of uniform random numbers in [0, 1) that a start is made from, at least 0."""

    map_axes: ClassVar[tuple[int, int]] = (0, 1)
    """The two state variables of the map, as indices of `state`: horizontal, vertical. The setting
    `heatmap.axes` chooses others."""

    map_slice: ClassVar[Mapping[str, float]] = {}
    """Values, by name, of the state variables that are not on the map, for evaluating a critic there. Those
    without a value here stand in the middle of their bounds."""

    parameters: ClassVar[tuple[Parameter, ...]] = ()
    """The parameters of the dynamics, which then take their values; () if there are none."""

    step_draws: ClassVar[int] = 0
    """The number of uniform random numbers in [0, 1) that a step is made with: 0 if nothing is random."""

    values: Mapping[str, Range] = {}
    """What this run sets of the parameters, by name: `make_world` does; the others have their defaults."""

    remarks: tuple[str, ...] = ()
    """Sentences about this world that its user should read, such as what looks wrong in an environment."""

    goal: ClassVar[str] = ""
    """The agents' task in a few words, for the picture: "reach the flag at position 0.5"."""

    termination: ClassVar[Termination] = "either"
    """The meaning of a terminated episode: "goal", "failure", "either" (not known), "never" (none is)."""

    @property
    def ranges(self) -> tuple[Range, ...]:
        """The values of the parameters in this run, in their order."""
        return tuple(
            self.values.get(each.name, Range(each.default, each.default)) for each in self.parameters
        )

    def observe(self, state: Float32Array, out: Float32Array) -> None:
        """Write the observations of `state` [state_dim, n] into `out` [obs_dim, n]: here, `state` itself."""
        out[:] = state


class ArrayWorld(World):
    """A world in plain NumPy, whose agents do not see each other.

    An agent's result must not depend on which others are in the call: runs would differ with the number of
    workers. Expect a tenth of the speed of an ElementwiseWorld.
    """

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
        *more: Any,
        **named: Any,
    ) -> None:
        """Write the states after one step, its rewards and terminations.

        A world with parameters takes `parameters`, too, and one with `step_draws` also `draws`.

        state: [state_dim, n], not to be changed. action: [action_dim, n]; continuous ones are clipped to
        their bounds, discrete ones are whole indices. Every number of `out` [state_dim, n] (which does not
        alias `state`), `reward` [n] and `terminated` [n] bool must be written. parameters: [parameters, n],
        or [parameters, 1] if all agents have the same. draws: uniform in [0, 1), [step_draws, n].
        """


Elements = tuple[Element, ...]
"""One element for each variable: [n] float32 in NumPy, one float32 number when compiled."""

_PART = 4096
"""Agents calculated at a time: NumPy's intermediate results stay in the cache."""


class ElementwiseWorld(ArrayWorld):
    """A world whose equations are written for one agent: the usual kind, and the fastest.

    `start`, `dynamics` and `observation` are static methods of float32 elements. They consist of `+ - * /`,
    comparisons, `&` and `|`, the functions of `valuescape.api`, and np.float32 constants of the module: no
    `if` on an element (`where` instead), no loop over agents. NumPy runs them on whole rows; with
    `features.simd` the same source is compiled, and gives the same bits.
    """

    @staticmethod
    @abstractmethod
    def start(draws: Elements) -> Elements:
        """Return a start state, state_dim elements, from `reset_draws` uniform elements in [0, 1)."""

    @staticmethod
    @abstractmethod
    def dynamics(
        state: Elements, action: Elements, *more: Any, **named: Any
    ) -> tuple[Elements, Element, Element]:
        """Return (next state, reward, terminated) of one step.

        It takes (state, action); of a world with parameters (state, action, parameters); of one with
        `step_draws` (state, action, parameters, draws). state: state_dim elements. action: action_dim
        elements, within their bounds, or the index of a choice. parameters: one element each. draws:
        step_draws elements in [0, 1). The next state is a tuple of state_dim elements; terminated is what a
        comparison gives.
        """

    @staticmethod
    def observation(state: Elements) -> Elements:
        """Return the observation of a state, obs_dim elements: here, the state itself."""
        return state

    def reset(self, draws: Float32Array, out: Float32Array) -> None:
        """Write start states into `out` [state_dim, n] from uniform `draws` [reset_draws, n] in [0, 1)."""
        _store(self.start(tuple(draws)), out)

    def step(
        self,
        state: Float32Array,
        action: Float32Array,
        out: Float32Array,
        reward: Float32Array,
        terminated: BoolArray,
        parameters: Float32Array | None = None,
        draws: Float32Array | None = None,
    ) -> None:
        """Write the states after one step, its rewards and terminations; see ArrayWorld.

        parameters: None for the world's own values, of a range the middle. draws: None where none are needed.
        """
        dynamics = full_dynamics(self)
        given = middle_values(self.ranges) if parameters is None else parameters
        chance = np.empty((0, state.shape[1]), np.float32) if draws is None else draws
        for begin in range(0, state.shape[1], _PART):
            part = slice(begin, begin + _PART)
            own = given if given.shape[1] == 1 else given[:, part]
            following, reward[part], terminated[part] = dynamics(
                tuple(state[:, part]), tuple(action[:, part]), tuple(own), tuple(chance[:, part])
            )
            _store(following, out[:, part])

    def observe(self, state: Float32Array, out: Float32Array) -> None:
        """Write the observations of `state` [state_dim, n] into `out` [obs_dim, n]."""
        _store(self.observation(tuple(state)), out)


def _store(elements: Elements, out: Float32Array) -> None:
    for row, element in zip(out, elements, strict=True):
        row[:] = element


def full_dynamics(world: ElementwiseWorld | type[ElementwiseWorld]) -> Callable[..., Any]:
    """Return the world's `dynamics` as a function of (state, action, parameters, draws), all tuples."""
    return full_form(world.dynamics)


def full_step(world: ArrayWorld) -> Callable[..., None]:
    """Return the world's `step` as a function of its five arrays, parameters and draws."""
    step, taken = world.step, arguments_of(world.step)

    def full(*arrays: Any) -> None:
        step(*arrays[:taken])

    return full
