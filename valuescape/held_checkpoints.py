"""Checkpoints in memory, under names that stand in the place of a file's in `policy.checkpoint`."""

import weakref
from itertools import count

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.network import Checkpoint

PREFIX = "memory:"
"""The beginning of the names."""

_numbers = count(1)
_held: "weakref.WeakValueDictionary[str, Held]" = weakref.WeakValueDictionary()


class Held:
    """A checkpoint that configurations can name, for as long as this object exists.

    name: the value of `policy.checkpoint` that stands for it; no other object of this process has it.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.name, self.checkpoint = f"{PREFIX}{next(_numbers)}", checkpoint
        _held[self.name] = self


def held_checkpoint(name: str, key: str) -> Checkpoint:
    """Return the checkpoint of a name that begins with PREFIX.

    key: the setting that has it. Raises UsageError if it is not, or no longer, in this process.
    """
    found = _held.get(name)
    if found is None:
        raise UsageError(
            f"{key} = {name!r}: there is no such checkpoint in the memory of this process",
            "name a file: only the program that made the checkpoint could name it so",
        )
    return found.checkpoint
