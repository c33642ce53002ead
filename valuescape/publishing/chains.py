"""Linear layers in what a trainer gives: torch modules, dictionaries of tensors, or lists of (weight, bias).

A chain is layers that are applied in turn. Torch is not imported here: a trainer that gives modules has it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from valuescape.publishing.moving import host_array
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.network import Activation, Layer, Mlp

ACTIVATIONS = {
    "Identity": Activation.IDENTITY,
    "ReLU": Activation.RELU,
    "Tanh": Activation.TANH,
    "ELU": Activation.ELU,
    "LeakyReLU": Activation.LEAKY_RELU,
    "Sigmoid": Activation.SIGMOID,
    "SiLU": Activation.SILU,
    "GELU": Activation.GELU,
}
"""Activations by the names of torch's classes."""

_WITHOUT_EFFECT = ("Flatten", "Dropout")
"""Modules that leave flat inputs as they are when a policy is used."""


class NetworksError(UsageError):
    """Networks that a caller gives cannot be read; keyword: what would say how, as `head="squashed"`."""

    def __init__(self, message: str, hint: str = "", keyword: str = "") -> None:
        super().__init__(message, hint)
        self.keyword = keyword

    def told_by(self, taker: str, stater: str) -> UsageError:
        """Return the error of a caller: `taker` took the networks, `stater` takes the keyword."""
        hint = f"{stater}(…, {self.keyword}) {self.hint}" if self.keyword else self.hint
        return UsageError(f"{taker}: {self.args[0]}", hint)


Tensors = Sequence[Any]
"""Weight and bias of each layer in turn: tensors or arrays; None for a bias that is not there."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Layers applied in turn, and where their numbers are found in what every update gives."""

    names: tuple[str, ...]
    """Of the layers, as their owner calls them."""
    shapes: tuple[tuple[int, int], ...]
    """Outputs and inputs of each layer."""
    activations: tuple[Activation | None, ...]
    """Of each layer; None where the owner does not say."""
    tensors: Callable[[Any], Tensors]
    """Returns the numbers in what an update gives in the place of what this was found in."""

    @property
    def in_dim(self) -> int:
        """Inputs of the first layer."""
        return self.shapes[0][1]

    @property
    def out_dim(self) -> int:
        """Outputs of the last layer."""
        return self.shapes[-1][0]

    @property
    def said(self) -> str:
        """The widths: `3-64-64-1`."""
        return "-".join(str(width) for width in (self.in_dim, *(out for out, _ in self.shapes)))


@dataclass(frozen=True, slots=True)
class Linear:
    """One layer that was found."""

    name: str
    shape: tuple[int, int]
    activation: Activation | None
    tensors: Callable[[Any], Tensors]


def linears_of(given: Any, what: str) -> list[Linear]:
    """Return the linear layers in what a trainer gives, in its order.

    what: "actor" or "critic", for messages. Raises NetworksError if there is none, or something else that has
    weights beside them.
    """
    if hasattr(given, "named_modules"):
        found = _of_module(given, what)
    elif isinstance(given, Mapping):
        found = _of_mapping(given)
    elif is_pairs(given):
        found = [_of_pair(given, index) for index in range(len(given))]
    else:
        raise NetworksError(
            f"the {what} is {type(given).__name__}",
            "expected a torch module, a state_dict, or a list of (weight, bias)",
        )
    if not found:
        raise NetworksError(f"the {what} ({type(given).__name__}) has no linear layers")
    return found


def chains_of(linears: Sequence[Linear], in_dim: int) -> list[Chain]:
    """Return the chains that layers make: each begins with a layer of `in_dim` inputs.

    A layer that does not fit behind the last one, but beside it, is a second head (of log standard
    deviations): it becomes a chain of the same layers and itself. Raises NetworksError if one fits nowhere.
    """
    groups: list[list[Linear]] = []
    for layer in linears:
        last = groups[-1] if groups else []
        if last and layer.shape[1] == last[-1].shape[0] and not _begins_anew(layer, last, in_dim):
            last.append(layer)
        elif layer.shape[1] == in_dim:
            groups.append([layer])
        elif last and layer.shape[1] == last[-1].shape[1]:
            groups.append([*last[:-1], layer])
        else:
            raise NetworksError(
                f"layer {layer.name} has {layer.shape[1]} inputs, expected "
                f"{last[-1].shape[0] if last else in_dim}",
                "weights are [outputs, inputs], as torch has them",
            )
    return [_chain(group) for group in groups]


def mlp_of(chain: Chain, given: Any, activations: Sequence[Activation]) -> Mlp:
    """Return the network of a chain with the numbers of now, copied."""
    tensors = chain.tensors(given)
    layers = []
    for index, activation in enumerate(activations):
        weight, bias = tensors[2 * index : 2 * index + 2]
        zeros = np.zeros(chain.shapes[index][0], np.float32)
        layers.append(
            Layer(
                np.array(host_array(weight)),
                zeros if bias is None else np.array(host_array(bias)),
                activation,
            )
        )
    return Mlp(tuple(layers))


def is_pairs(given: Any) -> bool:
    """Return whether something is a list of (weight, bias)."""
    if not isinstance(given, list | tuple) or not given:
        return False
    return all(
        isinstance(each, list | tuple) and len(each) == 2 and getattr(each[0], "ndim", 0) == 2
        for each in given
    )


def unwrapped(module: Any) -> Any:
    """Return the module inside torch.compile's or DataParallel's."""
    while hasattr(module, "_orig_mod") or type(module).__name__ in (
        "DataParallel",
        "DistributedDataParallel",
    ):
        module = module._orig_mod if hasattr(module, "_orig_mod") else module.module
    return module


def _begins_anew(layer: Linear, last: Sequence[Linear], in_dim: int) -> bool:
    """Return whether a layer that fits behind the last one is the first of another chain nevertheless."""
    if layer.shape[1] != in_dim:
        return False
    parents = {each.name.rpartition(".")[0] for each in last}
    return layer.name.rpartition(".")[0] not in parents and len(last) > 1


def _chain(group: Sequence[Linear]) -> Chain:
    def tensors(given: Any) -> Tensors:
        return [tensor for read in reads for tensor in read(given)]

    reads = [each.tensors for each in group]
    return Chain(
        tuple(each.name for each in group),
        tuple(each.shape for each in group),
        tuple(each.activation for each in group),
        tensors,
    )


def _of_module(module: Any, what: str) -> list[Linear]:
    found: list[Linear] = []
    for name, each in unwrapped(module).named_modules(remove_duplicate=False):
        kind = type(each).__name__
        if kind == "Linear":
            found.append(_of_linear(module, name, each))
        elif kind in ACTIVATIONS and found:
            found[-1] = replace(found[-1], activation=ACTIVATIONS[kind])
        elif any(True for _ in each.parameters(recurse=False)) and not any(True for _ in each.children()):
            raise NetworksError(
                f"the {what} has a layer that is not read: {name} is {kind}",
                f"expected Linear layers and {', '.join(ACTIVATIONS)}",
            )
    return found


def _of_linear(module: Any, name: str, linear: Any) -> Linear:
    """Return a layer of a module, which is looked up by its name in another module of later updates."""

    def tensors(given: Any) -> Tensors:
        if given is module:
            return [linear.weight, linear.bias]
        there = unwrapped(given).get_submodule(name)
        return [there.weight, there.bias]

    return Linear(name or "itself", tuple(linear.weight.shape), None, tensors)


def _of_mapping(given: Mapping[str, Any]) -> list[Linear]:
    found = []
    for key, tensor in given.items():
        if getattr(tensor, "ndim", 0) == 2 and (key == "weight" or key.endswith(".weight")):
            bias = key[: -len("weight")] + "bias"
            found.append(_of_keys(key, bias, tuple(tensor.shape)))
    return found


def _of_keys(weight: str, bias: str, shape: tuple[int, int]) -> Linear:
    name = weight.removesuffix("weight").rstrip(".") or "itself"
    return Linear(name, shape, None, lambda given: [given[weight], given.get(bias)])


def _of_pair(given: Any, index: int) -> Linear:
    shape = tuple(given[index][0].shape)
    return Linear(f"layer {index}", shape, None, lambda later: list(later[index]))
