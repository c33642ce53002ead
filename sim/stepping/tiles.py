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

FLOATS, PACKS, PAIRS, PAIRS_PACKS = range(4)
"""Forms of a layer: all float32; its outputs are bfloat16; its inputs and weights are; all three are."""

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


def tiled_numbers(checkpoint: Checkpoint, *, bfloat16: bool = False) -> Float32Array:
    """Return a policy's numbers, flat: statistics of observations, then the actor as `tiled` has it."""
    return np.concatenate([*statistics_of(checkpoint), tiled(checkpoint.actor.layers, bfloat16=bfloat16)])


def suits_bfloat16(layers: tuple[Layer, ...]) -> bool:
    """Return whether there is machine code with products of bfloat16: no bounds of sums, ReLU and tanh."""
    simple = Activation.IDENTITY, Activation.RELU, Activation.TANH
    known = all(layer.activation in simple and math.isinf(layer.clip) for layer in layers)
    return known and len(layers) > 1


def _forms(layers: tuple[Layer, ...], bfloat16: bool) -> list[int]:
    """Return each layer's form. Observations stay float32, and so does what the last layer makes."""
    if not (bfloat16 and suits_bfloat16(layers)):
        return [FLOATS] * len(layers)
    return [PACKS, *[PAIRS_PACKS] * (len(layers) - 2), PAIRS]


def _steps(inputs: int, form: int) -> int:
    """Return the number of 32-bit words of a unit's weights."""
    return (inputs + 1) // 2 if form >= PAIRS else inputs


def padded(units: int) -> int:
    """Return the units of whole tiles that `units` take."""
    return -(-units // TILE_UNITS) * TILE_UNITS


def layer_table(layers: tuple[Layer, ...], *, bfloat16: bool = False) -> NDArray[np.int64]:
    """Return a row for each layer, [layers, 6]: inputs, units, first weight, first bias, activation, form."""
    table, at = np.zeros((len(layers), 6), np.int64), 0
    for row, layer, form in zip(table, layers, _forms(layers, bfloat16), strict=True):
        units, inputs = layer.weight.shape
        bias = at + padded(units) * _steps(inputs, form)
        row[:] = inputs, units, at, bias, ACTIVATIONS.index(layer.activation), form
        at = bias + padded(units)
    return table


def clips_of(layers: tuple[Layer, ...]) -> Float32Array:
    """Return the bounds of each layer's sums, scaled as the sums are."""
    return np.array([layer.clip * _scale(layer) for layer in layers], np.float32)


def tiled(layers: tuple[Layer, ...], *, bfloat16: bool = False) -> Float32Array:
    """Return weights and biases at the places of `layer_table`, padded with zeros to whole tiles of units.

    Those before a tanh are scaled by TANH_SCALE. bfloat16: weights between hidden units are in pairs, where
    `suits_bfloat16`.
    """
    numbers: list[Float32Array] = [np.zeros(0, np.float32)]
    for layer, form in zip(layers, _forms(layers, bfloat16), strict=True):
        units, inputs = layer.weight.shape
        steps = _steps(inputs, form)
        weight = np.zeros((padded(units), 2 * steps if form >= PAIRS else inputs), np.float32)
        bias = np.zeros(padded(units), np.float32)
        weight[:units, :inputs], bias[:units] = layer.weight * _scale(layer), layer.bias * _scale(layer)
        weight = in_pairs(weight) if form >= PAIRS else weight
        numbers += [weight.reshape(-1, TILE_UNITS, steps).transpose(0, 2, 1).ravel(), bias]
    return np.concatenate(numbers)


def in_pairs(values: Float32Array) -> Float32Array:
    """Return [rows, n] numbers as bfloat16, two in each 32 bits: [rows, n / 2], the first in the low half."""
    bits = values.view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
    halves = np.where(np.isnan(values), 0x7FC0, rounded).astype(np.uint32)
    return (halves[:, 0::2] | halves[:, 1::2] << 16).view(np.float32)


def _scale(layer: Layer) -> np.float32:
    return np.float32(TANH_SCALE if layer.activation is Activation.TANH else 1)
