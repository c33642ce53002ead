"""A plan: the checkpoint that a training run publishes, and how its moving numbers get into flat memory."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from valuescape.publishing.layout import Networks
from valuescape.sim.arrays import Float32Array
from valuescape.sim.policy.checks import check_checkpoint
from valuescape.sim.policy.formats.native import metadata_of, tensors_of
from valuescape.sim.policy.network import Checkpoint, RewardNormalization, Training

Arrays = Mapping[str, Float32Array]
"""Arrays by their names in the native format: views of a slot, to be written."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What moves in training beside the networks; None where the run has no such thing."""

    reward: RewardNormalization | None = None
    alpha: float | None = None
    numbers: dict[str, float] = field(default_factory=dict)


class Plan:
    """What every update of one training run has in common.

    template: the checkpoint of the first update. Its shapes, heads and kinds are those of all updates.
    """

    def __init__(self, template: Checkpoint, name: str) -> None:
        """Raises UsageError, which begins with `name`, if the checkpoint is not sound."""
        where = Path(name)
        check_checkpoint(template, where)
        self._first = tensors_of(template, where)
        self.networks = Networks(
            metadata_of(template), {each: list(tensor.shape) for each, tensor in self._first.items()}
        )
        self._reward = template.reward_normalization
        self._alpha = template.entropy_coefficient

    def write_first(self, arrays: Arrays) -> None:
        """Write all arrays of the template, those that never move included."""
        for name, tensor in self._first.items():
            arrays[name][...] = tensor

    def metadata(self, step: int, moved: Moved) -> dict[str, str]:
        """Return the entries of the metadata that differ in an update."""
        mean, std = (_finite(moved.numbers.get(name)) for name in ("mean_return", "std_return"))
        training = Training(timesteps=max(step, 0), mean_return=mean, std_return=std)
        differing = {"training": json.dumps(asdict(training))}
        if moved.reward is not None and moved.reward != self._reward:
            differing["reward_normalization"] = json.dumps(asdict(moved.reward))
        if moved.alpha is not None and moved.alpha != self._alpha:
            differing["entropy_coefficient"] = repr(moved.alpha)
        return differing


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


Fill = Callable[[Arrays], None]
"""Writes the numbers of an update into the arrays of a slot."""
