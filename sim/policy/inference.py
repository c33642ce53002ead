"""Batch inference of actors and critics in NumPy, without torch; workers run it.

An agent's result is bit-identical whichever agents share its call, so a run does not depend on how agents are
split among workers. BLAS sums in an order that depends on the sizes of the matrices. Therefore every product
covers blocks of BLOCK agents, the last one padded with zeros, and slices begin at multiples of BLOCK. This
holds for one number of BLAS threads: limit it alike in every process of a run (threadpoolctl).

Performance: `BatchPolicy.act` for 4,096 agents on one BLAS thread of a 2-core Xeon with AVX-512 evaluates 5
million agents a second with a 2-64-64-1 actor (tanh or ReLU) and 0.55 million with 2-256-256-1. For 100
agents at 64 wide it is 2.2 million: half of the 45 us are NumPy's cost per call.
"""

import math
from collections.abc import Callable

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.policy.network import (
    Activation,
    ActorHead,
    Checkpoint,
    CriticKind,
    Layer,
    Mlp,
    ObsNormalization,
    score_groups,
    value_critics,
)
from valuescape.sim.worlds.base import ActionSpace, ContinuousAction

BLOCK = 32
_CHUNK_BLOCKS = 16  # blocks done together: 128 KiB of activations for 64 units, so that they stay in cache


class BatchPolicy:
    """The deterministic policy of one checkpoint for up to `capacity` agents a call.

    action_space: of the world; its bounds scale and clip the actions. All scratch arrays are allocated here,
    except for the rarer activations. Not for use by two threads at once.
    """

    def __init__(self, checkpoint: Checkpoint, action_space: ActionSpace, capacity: int) -> None:
        self._head = checkpoint.actor_head
        self._normalization = checkpoint.obs_normalization
        self._actor = BatchMlp(checkpoint.actor, capacity)
        self._obs = np.empty((checkpoint.obs_dim, capacity), np.float32)
        self._outputs = np.empty((checkpoint.actor.out_dim, capacity), np.float32)
        self._better = np.empty(capacity, np.bool_)
        self._groups = score_groups(checkpoint)
        if isinstance(action_space, ContinuousAction):
            self._low, self._high = action_space.low[:, None], action_space.high[:, None]
            self._center, self._scale = (self._low + self._high) / 2, (self._high - self._low) / 2

    def act(self, obs: Float32Array, out: Float32Array) -> None:
        """Write the actions for `obs` [obs_dim, n] into `out` [action_dim, n], in the world's units.

        Both float32, n <= capacity. A discrete action is its index, of several choices one each; ties go to
        the lowest. NaN in an output stays NaN, and NaN in a score makes the choice NaN. Raises ValueError for
        other shapes.
        """
        if self._head.chooses:
            scores = self.outputs(obs)
            for group, row in zip(self._groups, out, strict=True):
                self._argmax(scores[group], row)
            return
        self._evaluate(obs, out)
        if self._head is ActorHead.SQUASHED:
            out *= self._scale
            out += self._center
        np.clip(out, self._low, self._high, out=out)

    def outputs(self, obs: Float32Array) -> Float32Array:
        """Return the actor's outputs [out_dim, n] for `obs` [obs_dim, n], as the critics take them.

        Squashed heads give [-1, 1]. The result is a view that the next call overwrites.
        """
        outputs = self._outputs[:, : obs.shape[1]]
        self._evaluate(obs, outputs)
        return outputs

    def _evaluate(self, obs: Float32Array, out: Float32Array) -> None:
        if self._normalization is not None:
            obs = normalize(self._normalization, obs, self._obs[:, : obs.shape[1]])
        self._actor.forward(obs, out)

    def _argmax(self, scores: Float32Array, out: Float32Array) -> None:
        """Write the index of each column's maximum, or NaN; `scores` [actions, n] is used up as scratch."""
        best, better = scores[0], self._better[: scores.shape[1]]
        out[:] = 0
        for action in range(1, len(scores)):
            np.greater(scores[action], best, out=better)
            np.copyto(out, np.float32(action), where=better)
            np.maximum(scores[action], best, out=best)
        np.copyto(out, np.float32(np.nan), where=np.isnan(best, out=better))


class BatchMlp:
    """One multilayer perceptron, evaluated on columns in products of a fixed size (see the module's head)."""

    def __init__(self, mlp: Mlp, capacity: int) -> None:
        self._blocks = min(_CHUNK_BLOCKS, max(1, -(-capacity // BLOCK)))
        self._layers = [(layer, np.ascontiguousarray(layer.bias[:, None])) for layer in mlp.layers]
        widths = [mlp.in_dim, *(len(layer.bias) for layer in mlp.layers)]
        self._scratch = [np.zeros((self._blocks, width, BLOCK), np.float32) for width in widths]

    def forward(self, columns: Float32Array, out: Float32Array) -> None:
        """Write the outputs for `columns` [in_dim, n] into `out` [out_dim, n]; n is any number."""
        n = columns.shape[1]
        for start in range(0, n, self._blocks * BLOCK):
            stop = min(start + self._blocks * BLOCK, n)
            self._forward_chunk(columns[:, start:stop], out[:, start:stop])

    def _forward_chunk(self, columns: Float32Array, out: Float32Array) -> None:
        n = columns.shape[1]
        blocks = -(-n // BLOCK)
        full = n // BLOCK * BLOCK
        values = self._scratch[0][:blocks]
        _as_blocks(values[: full // BLOCK])[:] = columns[:, :full].reshape(len(columns), -1, BLOCK)
        if full < n:
            values[-1, :, : n - full] = columns[:, full:]
            values[-1, :, n - full :] = 0
        for (layer, bias), scratch in zip(self._layers, self._scratch[1:], strict=True):
            values = _apply(layer, bias, values, scratch[:blocks])
        out[:, :full].reshape(len(out), -1, BLOCK)[:] = _as_blocks(values[: full // BLOCK])
        out[:, full:] = values[-1, :, : n - full]


def value(checkpoint: Checkpoint, obs: Float32Array) -> Float32Array:
    """Return V(s) for `obs` [obs_dim, n] as a new [n] float32 array, in units of the world's rewards.

    By `critic_kind`: V itself; or Q of the actor's own action, the smallest of the critics or their mean; or
    the largest Q of the discrete actions, the smallest of the critics.
    """
    scores = forward_all(value_critics(checkpoint), critic_inputs(checkpoint, obs))
    return joined_scores(checkpoint, scores.max(axis=1))


def action_value(checkpoint: Checkpoint, obs: Float32Array, outputs: Float32Array) -> Float32Array:
    """Return Q(s, a) for `obs` [obs_dim, n] and actor outputs [out_dim, n] as a new [n] float32 array.

    The smallest or the mean of the critics', which score actions; in units of the world's rewards.
    """
    scores = forward_all(value_critics(checkpoint), critic_inputs(checkpoint, obs, outputs))
    return joined_scores(checkpoint, scores[:, 0])


def critic_inputs(
    checkpoint: Checkpoint, obs: Float32Array, outputs: Float32Array | None = None
) -> Float32Array:
    """Return what the critics are evaluated on, [inputs, n], for `obs` [obs_dim, n].

    outputs: the actor's [out_dim, n], for critics that take actions; None computes them. May be `obs` itself.
    """
    inputs, n = normalized_obs(checkpoint, obs), obs.shape[1]
    if not checkpoint.critic_kind.takes_actions:
        return inputs
    if outputs is None:
        outputs = np.empty((checkpoint.actor.out_dim, n), np.float32)
        BatchMlp(checkpoint.actor, n).forward(inputs, outputs)
    return np.concatenate([inputs, outputs])


def forward_all(networks: tuple[Mlp, ...], inputs: Float32Array) -> Float32Array:
    """Return the outputs [networks, out_dim, n] of networks of one shape for `inputs` [in_dim, n]."""
    n = inputs.shape[1]
    scores = np.empty((len(networks), networks[0].out_dim, n), np.float32)
    for network, score in zip(networks, scores, strict=True):
        BatchMlp(network, n).forward(inputs, score)
    return scores


def joined_scores(checkpoint: Checkpoint, scores: Float32Array) -> Float32Array:
    """Return the value [n] that the critics' scores [critics, n] come to."""
    if checkpoint.critic_kind is CriticKind.MEAN_ACTION_VALUE:
        mean: Float32Array = scores.mean(axis=0)
        return mean
    smallest: Float32Array = scores.min(axis=0)
    return smallest


def normalized_obs(checkpoint: Checkpoint, obs: Float32Array) -> Float32Array:
    """Return `obs` [obs_dim, n] as the networks take it: a new array if they normalise, else `obs` itself."""
    norm = checkpoint.obs_normalization
    return obs if norm is None else normalize(norm, obs, np.empty_like(obs))


def normalize(norm: ObsNormalization, obs: Float32Array, out: Float32Array) -> Float32Array:
    """Write the normalised `obs` [obs_dim, n] into `out`, which is returned; `out` may be `obs`."""
    np.subtract(obs, norm.mean[:, None], out=out)
    np.divide(out, norm.std[:, None], out=out)
    return np.clip(out, -norm.clip, norm.clip, out=out)


def _as_blocks(values: Float32Array) -> Float32Array:
    """View [blocks, width, BLOCK] as [width, blocks, BLOCK]."""
    return values.transpose(1, 0, 2)


def _apply(layer: Layer, bias: Float32Array, values: Float32Array, out: Float32Array) -> Float32Array:
    """Write activation(clip(weight @ values + bias)) of each block into `out`, which is returned."""
    np.matmul(layer.weight, values, out=out)
    out += bias
    if layer.clip < math.inf:
        np.clip(out, -layer.clip, layer.clip, out=out)
    _ACTIVATIONS[layer.activation](out)
    return out


def _relu(x: Float32Array) -> None:
    np.maximum(x, 0, out=x)


def _tanh(x: Float32Array) -> None:
    np.tanh(x, out=x)


def _elu(x: Float32Array) -> None:
    np.copyto(x, np.expm1(np.minimum(x, 0)), where=x < 0)


def _leaky_relu(x: Float32Array) -> None:
    np.maximum(x, np.float32(0.01) * x, out=x)


def _sigmoid(x: Float32Array) -> None:
    """Write 1 / (1 + exp(-x)) into `x`, computed with tanh, which cannot overflow."""
    x *= np.float32(0.5)
    np.tanh(x, out=x)
    x *= np.float32(0.5)
    x += np.float32(0.5)


def _silu(x: Float32Array) -> None:
    gate = x.copy()
    _sigmoid(gate)
    x *= gate


def _gelu(x: Float32Array) -> None:
    x *= np.float32(0.5) * (1 + _erf(x * np.float32(math.sqrt(0.5))))


def _erf(x: Float32Array) -> Float32Array:
    """Return erf(x) within 5e-7: Abramowitz and Stegun, formula 7.1.26 (error 1.5e-7), in float32."""
    magnitude: Float32Array = np.abs(x)
    t = np.float32(1) / (np.float32(1) + np.float32(0.3275911) * magnitude)
    series = np.zeros_like(x)
    for coefficient in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series += np.float32(coefficient)
        series *= t
    erf: Float32Array = np.copysign(np.float32(1) - series * np.exp(-magnitude * magnitude), x)
    return erf


_ACTIVATIONS: dict[Activation, Callable[[Float32Array], None]] = {
    Activation.IDENTITY: lambda x: None,
    Activation.RELU: _relu,
    Activation.TANH: _tanh,
    Activation.ELU: _elu,
    Activation.LEAKY_RELU: _leaky_relu,
    Activation.SIGMOID: _sigmoid,
    Activation.SILU: _silu,
    Activation.GELU: _gelu,
}
