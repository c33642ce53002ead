"""Networks as machine code reads them: weights in tiles of units. Needs no compiler itself."""

import math

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array
from valuescape.sim.policy.network import Activation, ActorHead, Checkpoint, Layer
from valuescape.sim.policy.numbers import statistics_of

TILE_UNITS = 4
"""Units whose sums are made together."""

TANH_SCALE = 32 / math.log(2)
"""Factor of the weights and biases before a tanh, whose machine code splits such sums without a product."""

ACTIVATIONS: tuple[Activation, ...] = (
    Activation.IDENTITY,
    Activation.RELU,
    Activation.TANH,
    Activation.ELU,
    Activation.LEAKY_RELU,
    Activation.SIGMOID,
    Activation.SILU,
)
"""The activations that there is machine code for; compiled code knows each by its index here."""

HEADS = ActorHead.SQUASHED, ActorHead.CLIPPED, ActorHead.ARGMAX
"""The actor's heads that there is machine code for."""


def can_compile(checkpoint: Checkpoint | None) -> bool:
    """Return whether there is machine code for all of the checkpoint's actor."""
    if checkpoint is None:
        return True
    known = all(layer.activation in ACTIVATIONS for layer in checkpoint.actor.layers)
    return known and checkpoint.actor_head in HEADS


def tiled_numbers(checkpoint: Checkpoint) -> Float32Array:
    """Return a policy's numbers, flat: statistics of observations, then the actor as `tiled` has it."""
    return np.concatenate([*statistics_of(checkpoint), tiled(checkpoint.actor.layers)])


def padded(units: int) -> int:
    """Return the units of whole tiles that `units` take."""
    return -(-units // TILE_UNITS) * TILE_UNITS


def layer_table(layers: tuple[Layer, ...]) -> NDArray[np.int64]:
    """Return a row for each layer, [layers, 5]: inputs, units, first weight, first bias, activation."""
    table, at = np.zeros((len(layers), 5), np.int64), 0
    for row, layer in zip(table, layers, strict=True):
        units, inputs = layer.weight.shape
        bias = at + padded(units) * inputs
        row[:] = inputs, units, at, bias, ACTIVATIONS.index(layer.activation)
        at = bias + padded(units)
    return table


def clips_of(layers: tuple[Layer, ...]) -> Float32Array:
    """Return the bounds of each layer's sums, scaled as the sums are."""
    return np.array([layer.clip * _scale(layer) for layer in layers], np.float32)


def tiled(layers: tuple[Layer, ...]) -> Float32Array:
    """Return weights and biases at the places of `layer_table`, padded with zeros to whole tiles of units.

    Those before a tanh are scaled by TANH_SCALE.
    """
    numbers: list[Float32Array] = [np.zeros(0, np.float32)]
    for layer in layers:
        units, inputs = layer.weight.shape
        weight = np.zeros((padded(units), inputs), np.float32)
        bias = np.zeros(padded(units), np.float32)
        weight[:units], bias[:units] = layer.weight * _scale(layer), layer.bias * _scale(layer)
        numbers += [weight.reshape(-1, TILE_UNITS, inputs).transpose(0, 2, 1).ravel(), bias]
    return np.concatenate(numbers)


def _scale(layer: Layer) -> np.float32:
    return np.float32(TANH_SCALE if layer.activation is Activation.TANH else 1)
