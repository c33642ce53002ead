"""State dicts as people save them: names without the marks of wrappers, and checks that layers are plain."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.chains import KERNELS, Chain, Linear, layer_names
from valuescape.sim.policy.formats.torch_data import named_tensors
from valuescape.sim.policy.network import Activation, Layer

_WRAPPERS = re.compile(r"(^|(?<=\.))(_orig_mod|(net\.)?module|_fsdp_wrapped_module)\.")
"""Of torch.compile, DataParallel (which Tianshou keeps in `net`), DistributedDataParallel and FSDP."""

_OPTIMIZERS = re.compile(r"optim|(^|\.)(exp_avg|exp_avg_sq|param_groups|scheduler)(\.|$)")


def plain_names(tree: Any) -> dict[str, Any]:
    """Return the tensors in what a torch file contains, by name; those of optimizers are left out.

    Names are paths joined with dots, without the prefixes that torch.compile and data parallelism put in.
    """
    return {
        _WRAPPERS.sub("", name): tensor
        for name, tensor in named_tensors(tree).items()
        if not _OPTIMIZERS.search(name)
    }


def prefix_of(names: Iterable[str], ending: str) -> str | None:
    """Return what is before `ending` in the first name that ends in it: "agent." of "agent.critic.0.weight".

    None if no name does.
    """
    for name in names:
        if name == ending or name.endswith(f".{ending}"):
            return name[: len(name) - len(ending)]
    return None


def under(tensors: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the tensors whose names begin with `prefix`, under the rest of their names."""
    return {name[len(prefix) :]: each for name, each in tensors.items() if name.startswith(prefix)}


def require_linear(path: Path, tensors: Mapping[str, Any], *prefixes: str) -> None:
    """Raise UsageError, naming the kind of layer, if there are others than linear ones under `prefixes`."""
    for prefix in prefixes:
        inside = {
            name: each for name, each in tensors.items() if name == prefix or name.startswith(f"{prefix}.")
        }
        linear = set(layer_names(inside))
        for name, tensor in inside.items():
            layer, _, part = name.rpartition(".")
            if layer not in linear or part not in ("weight", "bias", "kernel"):
                raise not_linear(path, name, tensor, inside)


def require_no_others(path: Path, tensors: Mapping[str, Any]) -> None:
    """Raise UsageError if there are weights of other layers than linear ones.

    They may lie between the linear ones, so that a chain of these alone would answer otherwise.
    """
    for name, tensor in tensors.items():
        owner, _, part = name.rpartition(".")
        scales = part in ("scale", "gamma") and any(f"{owner}.{each}" in tensors for each in ("bias", "beta"))
        if scales or (part in KERNELS and len(tensor.shape) != 2) or _OTHERS.match(part):
            raise not_linear(path, name, tensor, tensors)


_OTHERS = re.compile(r"(weight|bias)_\w|running_mean$|original\d?$|in_proj_")
"""The last part of names in recurrent and noisy layers, batch normalisation, attention, and layers whose
weights are computed (weight norm, spectral norm, parametrisations)."""


def not_linear(path: Path, name: str, tensor: Any, among: Mapping[str, Any]) -> UsageError:
    """Return the error for a tensor of a layer that is no linear one."""
    owner = name.rpartition(".")[0]
    if len(tensor.shape) == 4:
        kind = "a convolution: it observes images"
    elif re.search(r"(weight|bias)_(ih|hh)_l\d", name) or re.search(r"lstm|gru|rnn", name.lower()):
        kind = "a recurrent layer"
    elif f"{owner}.running_mean" in among:
        kind = "batch normalisation"
    elif name.rpartition(".")[2].startswith(("weight_", "bias_", "original")):
        kind = "a part of a layer whose weights are computed of several"
    elif len(tensor.shape) == 1 and (f"{owner}.bias" in among or f"{owner}.beta" in among):
        kind = "layer normalisation"
    else:
        kind = f"a tensor of shape {list(tensor.shape)}"
    return UsageError(
        f"{path}: {name} is {kind}; only plain perceptrons are read",
        "a critic of any kind can be shown as TorchScript (policy.torchscript_critic)",
    )


def by_quantiles(path: Path, network: Chain, count: int) -> Chain:
    """Return a network of `count` quantiles of each action with the quantiles side by side, as we keep them.

    Unit a * count + q is quantile q of action a; it becomes unit q * actions + a. Raises UsageError if the
    outputs are not as many for each action.
    """
    *first, last = network.linears
    rows = last.layer.weight.shape[0]
    if not count or rows % count:
        raise UsageError(f"{path}: {rows} outputs are not {count} quantiles of each action", "get it again")
    order = np.arange(rows).reshape(-1, count).T.ravel()
    layer = _layer(last.layer.weight[order], last.layer.bias[order], last.layer.activation)
    return Chain((*first, Linear(last.name, layer, last.stated)))


def other_observations(path: Path, actor: Chain, critic: Chain) -> UsageError | None:
    """Return the error for a critic that observes something else than the actor; None for others."""
    if actor.in_dim == critic.in_dim:
        return None
    return UsageError(
        f"{path}: its critic observes {critic.in_dim} numbers, its actor {actor.in_dim}: worlds have one set",
        "train with the same observations for both",
    )


def side_by_side(chains: list[Chain], weights: list[np.ndarray[Any, Any]]) -> Chain:
    """Return one network for several of the same inputs, with the sum of `weights[k] @ outputs of chains[k]`.

    Raises ValueError if the networks differ in depth or in their hidden activations, or end in one.
    """
    depth = len(chains[0].linears)
    if any(len(each.linears) != depth for each in chains):
        raise ValueError("networks side by side have different depths")
    made = []
    for index in range(depth):
        layers = [each.linears[index] for each in chains]
        if len({(each.stated, each.layer.activation) for each in layers}) > 1:
            raise ValueError("networks side by side have different activations")
        matrices = [each.layer.weight for each in layers]
        weight = np.concatenate(matrices) if index == 0 else _diagonal(matrices)
        bias = np.concatenate([each.layer.bias for each in layers])
        if index == depth - 1:
            mixing = np.concatenate(weights, axis=1)
            weight, bias = mixing @ weight, mixing @ bias
        made.append(
            Linear(layers[0].name, _layer(weight, bias, layers[0].layer.activation), layers[0].stated)
        )
    return Chain(tuple(made))


def _diagonal(matrices: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """Return the matrix with `matrices` along its diagonal."""
    rows, columns = (sum(each.shape[axis] for each in matrices) for axis in (0, 1))
    joined = np.zeros((rows, columns))
    at = (0, 0)
    for each in matrices:
        joined[at[0] : at[0] + each.shape[0], at[1] : at[1] + each.shape[1]] = each
        at = (at[0] + each.shape[0], at[1] + each.shape[1])
    return joined


def _layer(weight: np.ndarray[Any, Any], bias: np.ndarray[Any, Any], activation: Activation) -> Layer:
    arrays = [np.ascontiguousarray(each, np.float32) for each in (weight, bias)]
    for each in arrays:
        each.setflags(write=False)
    return Layer(arrays[0], arrays[1], activation)
