"""The critic's value landscape: compute shaders evaluate its perceptrons at every texel of the map."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from valuescape.gpu.bindings import Image, Slot
from valuescape.gpu.constants import OCTET, TEXEL_GROUP
from valuescape.gpu.dispatch import groups_for, set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.base import ComputePass
from valuescape.gpu.textures import clamped
from valuescape.sim.arrays import Float32Array
from valuescape.sim.policy.network import Activation, Checkpoint, CriticKind, Layer, Mlp, value_critics

_COLUMNS = 8192
"""Texels evaluated at a time; with layers 256 wide the two activation buffers take 8 MiB each."""


@dataclass(frozen=True, slots=True)
class _PlacedLayer:
    """A layer of a network, and where its weights are in the weight buffer."""

    first_weight: int  # in vec4
    in_units: int
    out_units: int
    activation: int
    clip: float


def _packed(layer: Layer) -> Float32Array:
    """Return weights [in, units padded to OCTET] and bias [units padded], flat, for `dense.comp`."""
    out_units, in_units = layer.weight.shape
    padded = np.zeros((in_units + 1, groups_for(out_units, OCTET) * OCTET), np.float32)
    padded[:in_units, :out_units] = layer.weight.T
    padded[in_units, :out_units] = layer.bias
    return padded.ravel()


class CriticPass(ComputePass):
    """V(s) of a checkpoint on a grid of `edge` x `edge` states: `texture`, float32.

    V is the critic's value; for Q critics the minimum or mean over twins at the actor's action, or the
    maximum over discrete actions. Axes, window and `edge` are fixed for the life of a pass: the field goes
    stale with the slice through further dimensions and with another checkpoint (`take`), and then `compute`
    is called again.

    Performance: one dispatch a layer for every 8,192 texels; each weight that is loaded serves eight texels.
    Inputs of all chunks are kept, so a field waits for the GPU once. Without a GPU machine code is faster;
    `tests/bench/critic_field.py` measures both.
    """

    def __init__(self, gl: Any, checkpoint: Checkpoint, edge: int, meter: FrameMeter) -> None:
        super().__init__(gl, meter)
        self.edge = edge
        self.texture = clamped(self._own(gl.texture((edge, edge), 1, dtype="f4")))
        self._columns = min(_COLUMNS, groups_for(edge * edge, OCTET) * OCTET)
        self._dense = self._program("critic/dense", columns=self._columns)
        self._reduce = self._program("critic/reduce", columns=self._columns)
        self._buffers: list[Any] = []
        self._take(checkpoint)

    def take(self, checkpoint: Checkpoint) -> None:
        """Evaluate another checkpoint from the next `compute` on; the texture stays the same object."""
        if checkpoint is not self._checkpoint:
            self._take(checkpoint)

    def _take(self, checkpoint: Checkpoint) -> None:
        while self._buffers:
            self._free(self._buffers.pop())
        self._checkpoint, self._critics = checkpoint, value_critics(checkpoint)
        # A critic of states needs no actor.
        actor = [checkpoint.actor] if checkpoint.critic_kind.takes_actions else []
        packed: list[Float32Array] = []
        self._placed = {id(net): list(self._place(net, packed)) for net in (*actor, *self._critics)}
        self._weights = self._own(self._gl.buffer(np.concatenate(packed).tobytes()))
        widest = max(layer.out_units for layers in self._placed.values() for layer in layers)
        inputs = checkpoint.obs_dim + (checkpoint.actor.out_dim if actor else 0)
        scores = sum(net.out_dim for net in self._critics)
        # NVIDIA's driver (580, on an H200) writes 64 KiB and more into a buffer before earlier dispatches
        # have read what it held. So each chunk has a buffer of its own, and only `compute` waits.
        self._inputs = [self._rows(inputs) for _ in range(groups_for(self.edge**2, self._columns))]
        self._even, self._odd, self._scores = (self._rows(rows) for rows in (widest, widest, scores))
        self._buffers = [self._weights, *self._inputs, self._even, self._odd, self._scores]

    def _rows(self, count: int) -> Any:
        """Return a buffer of `count` rows of a chunk's texels, float32."""
        return self._own(self._gl.buffer(reserve=count * self._columns * 4))

    @staticmethod
    def _place(net: Mlp, packed: list[Float32Array]) -> Iterator[_PlacedLayer]:
        """Append the packed weights of a network to `packed`; yield its layers with their places."""
        for layer in net.layers:
            first = sum(each.size for each in packed) // 4
            packed.append(_packed(layer))
            out_units, in_units = layer.weight.shape
            clip = layer.clip if np.isfinite(layer.clip) else float(np.finfo(np.float32).max)
            yield _PlacedLayer(first, in_units, out_units, list(Activation).index(layer.activation), clip)

    def compute(self, obs: Float32Array) -> None:
        """Evaluate the field.

        obs: [obs_dim, edge * edge] float32, normalised as the networks expect, texels row by row from the
        lowest. Raises ValueError for another shape.
        """
        obs_dim, texels = obs.shape
        if (obs_dim, texels) != (self._checkpoint.obs_dim, self.edge**2):
            raise ValueError(f"obs is {obs.shape}, expected {(self._checkpoint.obs_dim, self.edge**2)}")
        self._weights.bind_to_storage_buffer(Slot.LAYER_WEIGHTS)
        self.texture.bind_to_image(Image.FIELD, read=False, write=True)
        self._gl.finish()  # the last field's dispatches have read their inputs
        for inputs, first in zip(self._inputs, range(0, texels, self._columns), strict=True):
            self._compute_chunk(inputs, obs[:, first : first + self._columns], first)

    def _compute_chunk(self, inputs: Any, obs: Float32Array, first: int) -> None:
        rows = np.zeros((len(obs), self._columns), np.float32)
        rows[:, : obs.shape[1]] = obs
        inputs.write(rows.tobytes())
        self._meter.upload_bytes += rows.nbytes
        kind = self._checkpoint.critic_kind
        if kind.takes_actions:
            # The actor's outputs go to the rows behind the observation: together they are the critics' input.
            self._evaluate(self._checkpoint.actor, inputs, inputs, self._checkpoint.obs_dim)
        row = 0
        for critic in self._critics:
            self._evaluate(critic, inputs, self._scores, row)
            row += critic.out_dim
        self._scores.bind_to_storage_buffer(Slot.LAYER_INPUT)
        set_uniforms(
            self._reduce,
            rows=row,
            first=first,
            count=obs.shape[1],
            kind=list(CriticKind).index(kind),
        )
        self._run(self._reduce, obs.shape[1], group=TEXEL_GROUP)

    def _evaluate(self, net: Mlp, source: Any, target: Any, first_row: int) -> None:
        """Run a network on `source`; its last layer writes rows of `target` from `first_row` on."""
        layers = self._placed[id(net)]
        for index, layer in enumerate(layers):
            last = index == len(layers) - 1
            output = target if last else (self._even, self._odd)[index % 2]
            source.bind_to_storage_buffer(Slot.LAYER_INPUT)
            output.bind_to_storage_buffer(Slot.LAYER_OUTPUT)
            set_uniforms(
                self._dense,
                in_units=layer.in_units,
                out_units=layer.out_units,
                first_weight=layer.first_weight,
                first_row=first_row if last else 0,
                activation=layer.activation,
                clip_bound=layer.clip,
            )
            octets = groups_for(layer.out_units, OCTET)
            self._run(self._dense, self._columns // OCTET, octets, group=TEXEL_GROUP)
            source = output

    def read(self) -> Float32Array:
        """Return the field [edge, edge] float32, lowest row first; a GPU query. The array is read-only."""
        self._meter.queries += 1
        return np.frombuffer(self.texture.read(), np.float32).reshape(self.edge, self.edge)
