"""Networks evaluated on many columns of inputs, by the machine code that evaluates policies in a tick.

Columns go in whole tiles of TILE_AGENTS, so a column's outputs do not depend on those beside it.
"""

import math
from typing import Any

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.codegen.compiler import compiled_and_kept
from valuescape.sim.codegen.machine import FLOAT_BYTES, copy_bytes
from valuescape.sim.policy.network import Mlp
from valuescape.sim.stepping.compiled.mlp import TILE_AGENTS
from valuescape.sim.stepping.compiled.network import CLIPPED, PolicyArrays, forward_tile, network_width
from valuescape.sim.stepping.compiled.network_code import network_code
from valuescape.sim.stepping.tiles import clips_of, layer_table, tiled


class ColumnNetwork:
    """A perceptron for many columns of inputs. Its activations must be among `tiles.ACTIVATIONS`.

    Performance (`tests/bench/critic_field.py`): 120 to 130 billion operations a second on a core of an AMD
    EPYC with 512-bit vectors, 4-64-64-1 and 4-256-256-1.
    """

    def __init__(self, mlp: Mlp) -> None:
        nothing = np.zeros(0, np.float32)
        self.in_dim, self.out_dim = mlp.in_dim, mlp.out_dim
        self._arrays = PolicyArrays(
            kind=CLIPPED,
            layers=layer_table(mlp.layers),
            clips=clips_of(mlp.layers),
            weights=tiled(mlp.layers),
            mean=nothing,
            std=nothing,
            obs_clip=np.float32(math.inf),
            low=nothing,
            high=nothing,
            choices=0,
            code=network_code(mlp.layers),
        )
        self._scratch_floats = network_width(self._arrays, mlp.in_dim) * TILE_AGENTS

    def forward(self, columns: Float32Array, out: Float32Array, tiles: range) -> None:
        """Write the outputs for some tiles of `columns` [in_dim, n] into `out` [out_dim, n], both float32.

        n is a multiple of TILE_AGENTS; tile k is the columns from k * TILE_AGENTS on. Several threads may do
        different tiles at the same time: Python's global lock is not held.
        """
        scratch = np.empty((3, self._scratch_floats), np.float32)
        _forward(self._arrays, columns, out, scratch, tiles.start, tiles.stop)


@compiled_and_kept
def _forward(policy: Any, columns: Any, out: Any, scratch: Any, first: Any, last: Any) -> None:
    for tile in range(first, last):
        at = tile * TILE_AGENTS
        outputs = scratch[forward_tile(policy, columns, 0, len(columns), at, scratch)]
        for row in range(len(out)):
            copy_bytes(
                out[row, at : at + TILE_AGENTS].ctypes.data,
                outputs[row * TILE_AGENTS : (row + 1) * TILE_AGENTS].ctypes.data,
                FLOAT_BYTES * TILE_AGENTS,
            )
