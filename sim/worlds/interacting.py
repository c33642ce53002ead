"""Worlds whose agents see each other."""

from abc import abstractmethod
from collections.abc import Callable

from sim.worlds.base import BoolArray, Float32Array, World

StepAmong = Callable[[Float32Array, int, int, Float32Array, Float32Array, Float32Array, BoolArray], None]
"""`step_among`, compiled: its arguments, with `begin, end` in place of `part`."""


class InteractingWorld(World):
    """A world in which the next state of an agent depends on the others' states.

    All agents move at once: the others are read as they were at the tick before, so the result is the same
    for any division of the agents into slices.
    """

    @abstractmethod
    def step_among(
        self,
        everyone: Float32Array,
        part: slice,
        action: Float32Array,
        out: Float32Array,
        reward: Float32Array,
        terminated: BoolArray,
    ) -> None:
        """Write next states, rewards and terminations of the n agents `part`, in plain NumPy.

        everyone: [state_dim, N], all agents at the tick before, not written to. action [action_dim, n], out
        [state_dim, n], reward [n] and terminated [n] are those of `part` alone.
        """

    @abstractmethod
    def compiled_step_among(self) -> StepAmong:
        """Return `step_among` compiled by numba, equal bit by bit; `begin, end` in place of `part`.

        What is returned holds scratch memory of its own: make one for each thread.
        """

    def step(
        self,
        state: Float32Array,
        action: Float32Array,
        out: Float32Array,
        reward: Float32Array,
        terminated: BoolArray,
    ) -> None:
        """Raise TypeError: without the others there is no next state."""
        raise TypeError(f"agents of {self.name} see each other: call step_among")
