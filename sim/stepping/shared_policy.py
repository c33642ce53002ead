"""The policy that acts, in the arena: all who step agents read its numbers there, in every tick.

So another policy of its kind takes its place by being written while no tick is made, and a worker that is
replaced has the newest.
"""

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.numbers import with_numbers
from valuescape.sim.shared.arena import Arena


def give_policy(arena: Arena, numbers: Float32Array) -> None:
    """Write the numbers of the policy, as `choose.acting_numbers` returns them; not while a tick is made."""
    arena["policy"][:] = numbers


def numbers_in(arena: Arena) -> Float32Array | None:
    """Return the numbers of the policy, a view of the arena; None if the arena keeps none."""
    numbers: Float32Array = arena["policy"]
    return numbers if numbers.size else None


def acting_in(arena: Arena, checkpoint: Checkpoint) -> Checkpoint:
    """Return a checkpoint whose policy reads its numbers, in plain form, from the arena; or else its own."""
    numbers = numbers_in(arena)
    return checkpoint if numbers is None else with_numbers(checkpoint, numbers)


NO_NUMBERS: Float32Array = np.zeros(0, np.float32)
"""In the place of a policy's numbers where none acts."""
