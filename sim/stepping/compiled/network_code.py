"""The machine code of networks' layers, which other compiled code calls by its address.

So it is compiled once, and not again within each loop that evaluates networks, and no more of it than the
networks of a run need: inlined into the loops over ticks it took a fifth of their compilation.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import carray, types

from valuescape.sim.codegen.compiler import c_function, source_key
from valuescape.sim.policy.network import Activation, Layer
from valuescape.sim.stepping.compiled.mlp import activate, dense, dense_in_pairs
from valuescape.sim.stepping.tiles import suits_bfloat16

_ADDRESS, _NUMBER = types.uintp, types.intp
_LAYER = types.void(*[_ADDRESS] * 4, *[_NUMBER] * 4)
_ROW = types.CPointer(types.float32)
_ACTIVATION = types.void(_ROW, _ROW, _NUMBER, _NUMBER, types.float32)


class NetworkCode(NamedTuple):
    """Addresses of functions; 0 for those that no layer of a network needs.

    layer(x, y, weights, bias, inputs, units, kind, form): as `mlp.dense` and `mlp.dense_in_pairs`.
    activation(values, scratch, count, kind, bound): clips sums to +-bound, then applies those activations
    that `layer` did not.
    """

    layer: int
    activation: int


NO_CODE = NetworkCode(0, 0)


def network_code(layers: tuple[Layer, ...], *, bfloat16: bool = False) -> NetworkCode:
    """Return the machine code for a network of these layers, compiled the first time."""
    if not layers:
        return NO_CODE
    at_once = Activation.IDENTITY, Activation.RELU, Activation.TANH
    whole = all(each.activation in at_once and each.clip == np.inf for each in layers)
    layer = _pairs_code() if bfloat16 and suits_bfloat16(layers) else _layer_code()
    return NetworkCode(layer, 0 if whole else _activation_code())


@cache
def _layer_code() -> int:
    def layer(x: Any, y: Any, weights: Any, bias: Any, inputs: Any, units: Any, kind: Any, _: Any) -> None:
        dense(x, y, weights, bias, inputs, units, kind)

    return c_function(layer, source_key(), _LAYER)


@cache
def _pairs_code() -> int:
    def pairs(x: Any, y: Any, weights: Any, bias: Any, inputs: Any, units: Any, kind: Any, form: Any) -> None:
        dense_in_pairs(x, y, weights, bias, inputs, units, kind, form)

    return c_function(pairs, source_key(), _LAYER)


@cache
def _activation_code() -> int:
    def activation(values: Any, scratch: Any, count: Any, kind: Any, bound: Any) -> None:
        sums = carray(values, (count,))
        for i in range(count):
            x = -bound if sums[i] < -bound else sums[i]
            sums[i] = bound if x > bound else x
        activate(sums, carray(scratch, (count,)), kind, not bound < np.inf)

    return c_function(activation, source_key(), _ACTIVATION)
