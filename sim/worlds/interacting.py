"""Worlds whose agents see each other."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

from valuescape.sim.arrays import BoolArray, Float32Array
from valuescape.sim.worlds.base import World


class CompiledStepAmong(NamedTuple):
    """The compiled `step_among`: kernel(*context, everyone, begin, end, action, out, reward, terminated).

    begin, end: the bounds of `part`. context: further arguments, such as scratch memory; each thread needs
    its own. key: names the kernel's source in the keys of machine code that contains it; "" if that must
    not be kept.
    """

    kernel: Callable[..., None]
    context: tuple[Any, ...]
    key: str


class InteractingWorld(World):
    """A world in which the next state of an agent depends on the others' states.

    All agents move at once: a step reads the others' states of the tick before, so the result is the same for
    any division of the agents into slices.
    """

    @abstractmethod
    def reset(self, draws: Float32Array, out: Float32Array) -> None:
        """Write start states into `out` [state_dim, n] from uniform `draws` [reset_draws, n] in [0, 1)."""

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

        everyone: [state_dim, N] float32, all agents at the tick before, not to be changed. action
        [action_dim, n], out [state_dim, n], reward [n] float32 and terminated [n] bool are of `part` alone.
        """

    @abstractmethod
    def compiled_step_among(self) -> CompiledStepAmong:
        """Return `step_among` compiled by numba; its results must be equal bit by bit."""
