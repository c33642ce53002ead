"""The choice between machine code and NumPy for rollouts of a world."""

from typing import Protocol

from valuescape.sim.arrays import Float32Array
from valuescape.sim.codegen import available
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.rollouts.plain import PlainRollouts
from valuescape.sim.rollouts.rules import RolloutRules, Rollouts
from valuescape.sim.worlds.base import ArrayWorld, ElementwiseWorld, World


class StateRollouts(Protocol):
    """Makes rollouts from given states; threads may share it."""

    def run(self, states: Float32Array, out: Rollouts, part: slice, number: int = 0) -> None:
        """Make rollout `number` from each of `states` [state_dim, n] in `part`; write to those of `out`."""


def state_rollouts(
    world: World, checkpoint: Checkpoint | None, rules: RolloutRules, *, simd: bool = True
) -> StateRollouts:
    """Return what makes rollouts of `world`: machine code where there can be some, else NumPy.

    checkpoint: None for uniformly random actions. simd: `features.simd`. Raises UsageError for a world whose
    agents cannot be put into a state and left alone: environments of Gymnasium, and crowds that interact.
    """
    if not isinstance(world, ArrayWorld):
        raise UsageError(
            f"world {world.name}: agents cannot be put into a state of one's choice",
            "rollouts from every cell of the map need a world of this program, or of a --world-file",
        )
    if simd and isinstance(world, ElementwiseWorld) and available():
        from valuescape.sim.rollouts.compiled import CompiledRollouts
        from valuescape.sim.stepping.compiled.network import can_compile

        if can_compile(checkpoint):
            return CompiledRollouts(world, checkpoint, rules)
    return PlainRollouts(world, checkpoint, rules)
