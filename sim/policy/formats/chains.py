"""Makes networks of named tensors: chains of linear layers, found by names and shapes.

A linear layer is a pair of tensors `NAME.weight` [out, in] and `NAME.bias` [out]; the bias may be missing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import MAX_LAYERS, MAX_WIDTH, frozen
from valuescape.sim.policy.network import Activation, Layer, Mlp

Named = Mapping[str, Any]
"""Tensors by name: arrays, or whatever has `shape` and becomes one by `np.asarray`."""

KERNELS = ("weight", "kernel", "w")
"""The last part of the name of a layer's matrix."""
_BIASES = ("bias", "b")


@dataclass(frozen=True, slots=True)
class Linear:
    """One layer. activation: None if it is the network's, which the file may not say (see `Chain.mlp`)."""

    name: str
    layer: Layer
    stated: bool = True
    """Whether `layer.activation` is known; otherwise it is the activation between layers."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A network whose activation between layers may still be unknown. Never empty."""

    linears: tuple[Linear, ...]

    @classmethod
    def of(cls, network: Mlp) -> "Chain":
        """Return a network of known activations as a chain."""
        return cls(tuple(Linear("", layer) for layer in network.layers))

    @property
    def widths(self) -> tuple[int, ...]:
        """Inputs of the first layer, then the outputs of each."""
        shapes = [each.layer.weight.shape for each in self.linears]
        return (shapes[0][1], *(shape[0] for shape in shapes))

    @property
    def unknown(self) -> bool:
        """Whether some layer's activation is unknown."""
        return not all(each.stated for each in self.linears)

    @property
    def in_dim(self) -> int:
        """Inputs of the first layer."""
        return self.widths[0]

    @property
    def out_dim(self) -> int:
        """Outputs of the last layer."""
        return self.widths[-1]

    def then(self, following: "Chain") -> "Chain":
        """Return this chain, with the hidden activation behind its last layer, and `following` behind it.

        That flattens a shared trunk into each of its heads. Raises ValueError if the widths differ.
        """
        if self.out_dim != following.in_dim:
            raise ValueError(f"{self.out_dim} outputs do not fit {following.in_dim} inputs")
        *first, last = self.linears
        hidden = next((each for each in following.linears[:-1]), first[0] if first else None)
        if hidden is not None and hidden.stated:
            behind = replace(last, layer=replace(last.layer, activation=hidden.layer.activation))
        else:
            behind = replace(last, stated=False)
        return Chain((*first, behind, *following.linears))

    def ending(self, activation: Activation, clip: float = float("inf")) -> "Chain":
        """Return the chain with another activation, and a clip before it, behind its last layer."""
        *first, last = self.linears
        layer = replace(last.layer, activation=activation, clip=clip)
        return Chain((*first, Linear(last.name, layer)))

    def with_hidden(self, activation: Activation | None) -> "Chain":
        """Return the chain with `activation` wherever it is unknown; None leaves it so."""
        if activation is None:
            return self
        return Chain(
            tuple(
                each if each.stated else Linear(each.name, replace(each.layer, activation=activation))
                for each in self.linears
            )
        )

    def mlp(self) -> Mlp:
        """Return the network. Raises ValueError if an activation is unknown."""
        if self.unknown:
            raise ValueError("the activation between layers is not known")
        return Mlp(tuple(each.layer for each in self.linears))


def chain(
    path: Path,
    tensors: Named,
    *prefixes: str,
    hidden: Activation | None = None,
    last: Activation = Activation.IDENTITY,
) -> Chain:
    """Return the layers under `prefixes`, in that order, as one chain.

    Each prefix is the name of a layer, or of a module with layers anywhere inside, which are taken in the
    file's order (if they fit into each other only so, in the order of the numbers in their names). So a trunk
    and its head are `chain(path, tensors, "trunk", "critic", …)`. hidden: the activation between layers, also
    between the prefixes; None: unknown. last: behind the last layer. Raises UsageError, naming file and
    tensors, if a prefix has no layers, or if their widths do not fit into each other.
    """
    names = [name for prefix in prefixes for name in _ordered(path, tensors, prefix)]
    linears = [_linear(path, tensors, name, hidden) for name in names]
    for before, after in pairwise(linears):
        given, taken = before.layer.weight.shape[0], after.layer.weight.shape[1]
        if given != taken:
            raise UsageError(
                f"{path}: layer {before.name} has {given} outputs, {after.name} takes {taken}",
                "this is no plain perceptron; other networks are not read",
            )
    if len(linears) > MAX_LAYERS:
        raise UsageError(f"{path}: {prefixes[0]} has {len(linears)} layers, expected at most {MAX_LAYERS}")
    return Chain(tuple(linears)).ending(last)


def layer(path: Path, tensors: Named, name: str, activation: Activation = Activation.IDENTITY) -> Layer:
    """Return one linear layer, such as the log_std of a SAC. Raises UsageError as `chain` does."""
    return replace(_linear(path, tensors, name, activation).layer)


def constant_layer(path: Path, name: str, values: ArrayLike, hidden: int) -> Layer:
    """Return the layer whose outputs are `values`, whatever its `hidden` inputs: PPO's log_std."""
    bias = np.ravel(np.asarray(values))
    return Layer(
        frozen(path, name, np.zeros((bias.size, hidden), np.float32)),
        frozen(path, name, bias),
        Activation.IDENTITY,
    )


def below(tensors: Named, prefix: str) -> dict[str, Any]:
    """Return the tensors whose names begin with `prefix` and a dot, under the rest of their names."""
    return {name[len(prefix) + 1 :]: each for name, each in tensors.items() if name.startswith(f"{prefix}.")}


def layer_names(tensors: Named, prefix: str = "") -> list[str]:
    """Return the names of the linear layers at or below `prefix`, in the file's order."""
    names = list(dict.fromkeys(name.rpartition(".")[0] for name in tensors))
    inside = [name for name in names if not prefix or name == prefix or name.startswith(f"{prefix}.")]
    return [name for name in inside if _kernel(tensors, name) is not None]


def _ordered(path: Path, tensors: Named, prefix: str) -> Sequence[str]:
    names = layer_names(tensors, prefix)
    if not names:
        raise UsageError(f"{path}: lacks the tensors {prefix}.*", "its networks are of no kind that is read")
    by_number = sorted(names, key=natural)
    return next((order for order in (names, by_number) if _fit(tensors, order)), names)


def natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """Return a key that sorts names by the numbers in them: layers.2 before layers.10."""
    return tuple((0, int(each)) if each.isdecimal() else (1, each) for each in re.split(r"(\d{1,9})", name))


def _fit(tensors: Named, names: Iterable[str]) -> bool:
    sizes = [_sizes(tensors, name) for name in names]
    return all(before[0] == after[1] for before, after in pairwise(sizes))


def _sizes(tensors: Named, name: str) -> tuple[int, int]:
    """Return outputs and inputs of a layer; Flax's kernels are [in, out]."""
    kernel = _kernel(tensors, name)
    first, second = tensors[f"{name}.{kernel}"].shape
    return (second, first) if kernel == "kernel" else (first, second)


def _kernel(tensors: Named, name: str) -> str | None:
    """Return the last part of the name of a layer's matrix; None if `name` is no linear layer."""
    found = (each for each in KERNELS if f"{name}.{each}" in tensors)
    return next((each for each in found if len(tensors[f"{name}.{each}"].shape) == 2), None)


def _linear(path: Path, tensors: Named, name: str, hidden: Activation | None) -> Linear:
    kernel = _kernel(tensors, name)
    if kernel is None:
        raise UsageError(f"{path}: lacks the layer {name}", "its networks are of no kind that is read")
    outputs, inputs = _sizes(tensors, name)
    for size in (outputs, inputs):
        if not 0 < size <= MAX_WIDTH:
            raise UsageError(
                f"{path}: layer {name} has the shape [{outputs}, {inputs}], expected 1 to {MAX_WIDTH} each"
            )
    matrix = np.asarray(tensors[f"{name}.{kernel}"])
    weight = frozen(path, f"{name}.{kernel}", matrix.T if kernel == "kernel" else matrix)
    bias = next((f"{name}.{each}" for each in _BIASES if f"{name}.{each}" in tensors), None)
    values = np.zeros(outputs, np.float32) if bias is None else np.asarray(tensors[bias])
    if values.shape != (outputs,):
        raise UsageError(f"{path}: {bias} has the shape {list(values.shape)}, expected [{outputs}]")
    shift = frozen(path, bias or name, values)
    return Linear(name, Layer(weight, shift, hidden or Activation.IDENTITY), stated=hidden is not None)
