"""Statistics beside networks: observations are normalised by them, values denormalised."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from valuescape.sim.policy.checks import frozen
from valuescape.sim.policy.formats.chains import Chain, Linear
from valuescape.sim.policy.network import Activation, Layer, ObsNormalization

Statistics = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
"""Mean and the standard deviation that is divided by, float64, flat."""


def statistics(tensors: Mapping[str, Any], mean: str, variance: str, epsilon: float) -> Statistics | None:
    """Return mean and sqrt(variance + epsilon) of the tensors of these names; None if they are not there."""
    if mean not in tensors or variance not in tensors:
        return None
    center, var = (np.asarray(tensors[name], np.float64).ravel() for name in (mean, variance))
    return center, np.sqrt(var + epsilon)


def normalization(path: Path, found: Statistics | None, clip: float = np.inf) -> ObsNormalization | None:
    """Return the normalisation of observations by `found`; None without it. path: for error messages."""
    if found is None:
        return None
    mean, std = found
    return ObsNormalization(
        frozen(path, "mean of observations", mean), frozen(path, "std of observations", std), clip
    )


def normalizing(path: Path, network: Chain, found: Statistics) -> Chain:
    """Return the network that takes what `network` takes before it is normalised without a clip."""
    mean, std = found
    first, *others = network.linears
    weight = first.layer.weight / std
    bias = first.layer.bias - weight @ mean
    names = (f"{first.name}.weight", f"{first.name}.bias")
    arrays = [frozen(path, name, each) for name, each in zip(names, (weight, bias), strict=True)]
    changed = replace(first.layer, weight=arrays[0], bias=arrays[1])
    return Chain((Linear(first.name, changed, first.stated), *others))


def denormalized(path: Path, critic: Chain, found: Statistics | None, clip: float) -> Chain:
    """Return the critic whose values v are `clip(v, -clip, clip) * std + mean`; itself without statistics."""
    if found is None:
        return critic
    mean, std = found
    scale = Layer(
        frozen(path, "std of values", np.reshape(std, (1, 1))),
        frozen(path, "mean of values", np.reshape(mean, 1)),
        Activation.IDENTITY,
    )
    return Chain((*critic.ending(Activation.IDENTITY, clip).linears, Linear("", scale)))


def outputs(path: Path, network: Chain, rows: slice) -> Chain:
    """Return the network with only some of its outputs, such as the means without the deviations."""
    *first, last = network.linears
    part = replace(
        last.layer,
        weight=frozen(path, f"{last.name}.weight", last.layer.weight[rows]),
        bias=frozen(path, f"{last.name}.bias", last.layer.bias[rows]),
    )
    return Chain((*first, replace(last, layer=part)))


def scaled_outputs(path: Path, network: Chain, factor: float) -> Chain:
    """Return the network with `factor` times its outputs."""
    scale: ArrayLike = np.eye(network.out_dim) * factor
    none: ArrayLike = np.zeros(network.out_dim)
    layer = Layer(frozen(path, "scale", scale), frozen(path, "scale", none), Activation.IDENTITY)
    return Chain((*network.linears, Linear("", layer)))
