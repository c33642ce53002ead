"""A plan: the checkpoint that a training run publishes, and how its moving numbers get into flat memory."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from valuescape.publishing.layout import Networks
from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError
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

    def add(self, metadata: Mapping[str, str]) -> None:
        """Add entries to the metadata of all updates."""
        self.networks.metadata.update(metadata)

    def write_first(self, arrays: Arrays) -> None:
        """Write all arrays of the template, those that never move included."""
        for name, tensor in self._first.items():
            arrays[name][...] = tensor

    def metadata(self, step: int, moved: Moved) -> dict[str, str]:
        """Return the entries of the metadata that differ in an update."""
        mean, std = (_finite(moved.numbers.get(name)) for name in ("mean_return", "std_return"))
        training = Training(timesteps=max(step, 0), mean_return=mean, std_return=std)
        differing = {"training": json.dumps(_fields(training))}
        if moved.reward is not None and moved.reward != self._reward:
            differing["reward_normalization"] = json.dumps(_fields(moved.reward))
        if moved.alpha is not None and moved.alpha != self._alpha:
            differing["entropy_coefficient"] = repr(moved.alpha)
        return differing


def _fields(value: Training | RewardNormalization) -> dict[str, Any]:
    """Return the fields by name. dataclasses.asdict copies each of them deeply, which takes 40 us."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


class Reading(Protocol):
    """What one update reads from, at the time it is sent."""

    def plan(self) -> Plan:
        """Return the plan of the training run; asked for by the first update. Raises UsageError."""
        ...

    def moved(self) -> Moved:
        """Return what moves beside the networks."""
        ...

    def fill(self, arrays: Arrays) -> None:
        """Write the numbers of now into the arrays of a slot. Raises any error if they do not fit."""
        ...


def write_array(arrays: Arrays, name: str, values: Float32Array) -> None:
    """Write one array. Raises UsageError if it has another shape than in the first update."""
    target = arrays.get(name)
    if target is None or target.shape != values.shape:
        expected = "none" if target is None else list(target.shape)
        raise UsageError(f"{name} has shape {list(values.shape)}, in the first update {expected}")
    target[...] = values
