"""The declaration of a system, and the arguments that its function takes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from valuescape.sim.arrays import BoolArray, Float32Array
from valuescape.sim.elementwise import Element
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds.base import Elements, Parameter, Variable

When = Literal["before", "after"]
"""The place of a system in a tick: before the world's step, or after it."""


@dataclass(frozen=True, slots=True)
class Memory(Variable):
    """A number that a system keeps for each agent: `Memory("gust", "m/s²", -2.0, 2.0)`.

    It becomes a variable of the world's state: part of the shared memory and of the state hash, kept when a
    worker dies, an axis of the map if `heatmap.axes` says so. `low` and `high` are the map's bounds.
    """

    start: float = 0.0
    """The value at the start of each episode, in `unit`."""


class BeforeStep(NamedTuple):
    """One agent before the world's step, for an element-wise system.

    Each field is a tuple of elements: [n] float32 in NumPy, single float32 numbers when compiled.
    """

    state: Elements
    """The world's own state, in the order of `World.state`."""
    action: Elements
    """The action that the policy chose, or that an earlier system made of it; within its bounds."""
    parameters: Elements
    """The system's own parameters, in the order of its declaration."""
    memory: Elements
    """The system's own memory, in the order of its declaration."""
    draws: Elements
    """Uniform random numbers in [0, 1), as many as the system declares; new ones in each step."""


class AfterStep(NamedTuple):
    """One agent after the world's step, for an element-wise system.

    Fields as in BeforeStep; reward and terminated are one element each.
    """

    state: Elements
    """The world's own state before the step."""
    action: Elements
    """The action that the world was given."""
    next_state: Elements
    """The world's own state after the step, as the world or an earlier system made it."""
    reward: Element
    """The reward of the step, float32."""
    terminated: Element
    """Whether the step ended the episode, bool."""
    parameters: Elements
    memory: Elements
    draws: Elements


class BeforeArrays(NamedTuple):
    """Some agents before the world's step, for an array system; n is their number.

    All arrays are float32. `action` and `memory` may be written into, the others are read-only.
    """

    state: Float32Array
    """The world's own state, [state_dim, n]."""
    action: Float32Array
    """The actions, [action_dim, n]; continuous ones are clipped to their bounds afterwards."""
    parameters: Float32Array
    """The system's own parameters, [parameters, n], or [parameters, 1] if all agents have the same."""
    memory: Float32Array
    """The system's own memory, [memory, n]."""
    draws: Float32Array
    """Uniform random numbers in [0, 1), [draws, n]; new ones in each step."""


class AfterArrays(NamedTuple):
    """Some agents after the world's step, for an array system.

    `next_state`, `reward`, `terminated` and `memory` may be written into, the others are read-only.
    """

    state: Float32Array
    """The world's own state before the step, [state_dim, n]."""
    action: Float32Array
    """The actions that the world was given, [action_dim, n]."""
    next_state: Float32Array
    """The world's own state after the step, [state_dim, n]."""
    reward: Float32Array
    """The rewards of the step, [n]."""
    terminated: BoolArray
    """Whether the step ended the episode, [n]."""
    parameters: Float32Array
    memory: Float32Array
    draws: Float32Array


_EXPECTED: dict[str, str] = {
    "when": '"before" or "after"',
    "parameters": "a tuple of Parameter(name, unit, default, low, high), low <= default <= high",
    "memory": "a tuple of Memory(name, unit, low, high, start=0.0), low < high",
    "draws": "a whole number, at least 0",
    "worlds": 'a tuple of names of worlds: ("point_mass",)',
}


@dataclass(frozen=True, slots=True)
class System:
    """A system in the workers, as `valuescape.api.system` or `array_system` declares it.

    Raises UsageError, with file and line, for a value that does not fit.
    """

    name: str
    """The name that messages and lists use: "wind"."""
    when: When
    function: Callable[[Any], Any]
    arrays: bool = False
    """Whether the function is given arrays once a tick; otherwise it is written for one agent."""
    parameters: tuple[Parameter, ...] = ()
    """Appended to the world's parameters: settable as `world.parameters.NAME`."""
    memory: tuple[Memory, ...] = ()
    """Appended to the world's state."""
    draws: int = 0
    """Uniform random numbers for each agent and step."""
    worlds: tuple[str, ...] = ()
    """Names of the worlds that the system works in; () for all."""

    def __post_init__(self) -> None:
        for name, is_wrong in self._wrong().items():
            if is_wrong:
                raise UsageError(f"{self}: {name} = {getattr(self, name)!r}", f"expected {_EXPECTED[name]}")

    def __str__(self) -> str:
        """Return the system as messages name it: "system wind (wind.py line 12)"."""
        return f"system {self.name} ({self.where})"

    @property
    def where(self) -> str:
        """The place of the function: "wind.py line 12"."""
        code = self.function.__code__
        return f"{code.co_filename.rpartition('/')[2]} line {code.co_firstlineno}"

    def _wrong(self) -> dict[str, bool]:
        parameters = _all_of(self.parameters, Parameter)
        memory = _all_of(self.memory, Memory)
        return {
            "when": self.when not in ("before", "after"),
            "parameters": not parameters or not all(p.low <= p.default <= p.high for p in self.parameters),
            "memory": not memory or not all(each.low < each.high for each in self.memory),
            "draws": not isinstance(self.draws, int) or self.draws < 0,
            "worlds": not _all_of(self.worlds, str),
        }


def _all_of(values: object, kind: type) -> bool:
    return isinstance(values, tuple) and all(isinstance(each, kind) for each in values)
