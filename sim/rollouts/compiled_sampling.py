"""Actions drawn from a stochastic policy, in machine code: the twin of `sim.policy.sampling`."""

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from valuescape.sim import elementwise
from valuescape.sim.codegen.compiler import compiled_inside, compiled_whole
from valuescape.sim.codegen.machine import copy_bytes
from valuescape.sim.policy.network import Checkpoint, Mlp
from valuescape.sim.policy.sampling import (
    LOG_STD_HIGH,
    LOG_STD_LOW,
    SQUASH_EPSILON,
    Sampling,
    heads,
    sampling_of,
)
from valuescape.sim.rng import normal_pair
from valuescape.sim.stepping.compiled.mlp import TILE_AGENTS, tanh_in_place
from valuescape.sim.stepping.compiled.network import (
    PolicyArrays,
    forward_layer,
    forward_tile,
    network_width,
    policy_arrays,
)
from valuescape.sim.worlds.base import ActionSpace

NONE, GAUSSIAN, SQUASHED, CATEGORICAL = range(4)
_KINDS = {
    Sampling.NONE: NONE,
    Sampling.GAUSSIAN: GAUSSIAN,
    Sampling.SQUASHED: SQUASHED,
    Sampling.CATEGORICAL: CATEGORICAL,
}
_ONE, _TWO, _HALF, _ZERO = (np.float32(value) for value in (1, 2, 0.5, 0))
_LOG_ROOT_TAU = np.float32(math.log(math.tau) / 2)
_LOW, _HIGH = np.float32(LOG_STD_LOW), np.float32(LOG_STD_HIGH)
_EPSILON, _TINY = np.float32(SQUASH_EPSILON), np.float32(2**-25)

pair = compiled_whole(normal_pair)
log = compiled_whole(elementwise.log)


class SamplingArrays(NamedTuple):
    """A stochastic policy for compiled code: hidden layers, then two heads upon the last of them."""

    kind: int
    hidden: PolicyArrays  # without layers where the actor has one only
    heads: PolicyArrays  # two layers: means (or scores), noise
    squares: bool  # gSDE: the second head takes squares and gives variances
    mean_first: bool  # the first action of a rollout is the deterministic one
    alpha: np.float32


def sampling_arrays(
    checkpoint: Checkpoint | None, space: ActionSpace, alpha: float, *, sampled: bool
) -> SamplingArrays:
    """Return the stochastic policy of `checkpoint`; of kind NONE where it draws nothing or is not to."""
    kind = sampling_of(checkpoint) if checkpoint and sampled else Sampling.NONE
    if checkpoint is None or kind is Sampling.NONE:
        nothing = policy_arrays(None, space, given=False)
        return SamplingArrays(NONE, nothing, nothing, False, False, _ZERO)
    *hidden, last = checkpoint.actor.layers
    mean, noise = (last, last) if kind is Sampling.CATEGORICAL else heads(checkpoint)
    lower, upper = Mlp(tuple(hidden)), Mlp((mean, noise))
    asked = checkpoint.critic_kind.takes_actions
    return SamplingArrays(
        _KINDS[kind],
        policy_arrays(replace(checkpoint, actor=lower), space, given=False),
        policy_arrays(replace(checkpoint, actor=upper), space, given=False),
        bool(checkpoint.noise and checkpoint.noise.state_dependent),
        asked,
        np.float32(alpha if asked else 0),
    )


def sampling_width(sampling: SamplingArrays, obs_dim: int) -> int:
    """Return how many rows of TILE_AGENTS floats the widest layer needs."""
    hidden = [int(row[0]) for row in sampling.heads.layers]
    return max([network_width(sampling.hidden, obs_dim), network_width(sampling.heads, obs_dim), *hidden])


@compiled_inside
def head_outputs(sampling: Any, block: Any, code: Any, network: Any, n: Any) -> None:
    """Write means (or scores) and noise of n rollouts into the rows from `sample_row` on.

    First the outputs of the first head, then those of the second.
    """
    first_row, obs_dim = code.obs_row, code.draw_row - code.obs_row
    for agent in range(0, n, TILE_AGENTS):
        current = forward_tile(sampling.hidden, block, first_row, obs_dim, agent, network)
        row = code.sample_row
        for head in range(1 if sampling.kind == CATEGORICAL else 2):
            layer = sampling.heads.layers[head]
            if head == 1 and sampling.squares:
                hidden = network[current, : layer[0] * TILE_AGENTS]
                for i in range(len(hidden)):
                    hidden[i] = hidden[i] * hidden[i]
            forward_layer(sampling.heads, head, network, current)
            for unit in range(layer[1]):
                source = network[1 - current, unit * TILE_AGENTS : (unit + 1) * TILE_AGENTS]
                target = block[row, agent : agent + TILE_AGENTS]
                copy_bytes(target.ctypes.data, source.ctypes.data, 4 * TILE_AGENTS)
                row += 1


@compiled_inside
def draw_choice(sampling: Any, block: Any, code: Any, n: Any) -> None:
    """Write the choices of n rollouts, drawn from the softmax of the scores (the Gumbel-max trick)."""
    choices = sampling.heads.layers[0, 1]
    for i in range(n):
        best, chosen = np.float32(-np.inf), _ZERO
        for choice in range(choices):
            noise = -log(-log(block[code.draw_row + choice, i] + _TINY))
            score = block[code.sample_row + choice, i] + noise
            if score > best:
                best, chosen = score, np.float32(choice)
        block[code.action_row, i] = chosen


@compiled_inside
def draw_gaussian(sampling: Any, block: Any, code: Any, lanes: Any, n: Any) -> None:
    """Write actions of n rollouts around their means, and what SAC's entropy adds to their rewards."""
    bonus, whole = block[code.bonus_row, :n], -(-n // TILE_AGENTS) * TILE_AGENTS
    bonus[:] = _ZERO
    for row in range(code.obs_row - code.action_row):
        u = block[code.draw_row + row - row % 2]
        v = block[code.draw_row + row - row % 2 + 1]
        mean = block[code.sample_row + row]
        spread = block[code.sample_row + (code.obs_row - code.action_row) + row]
        action = block[code.action_row + row]
        _add_noise(sampling, mean, spread, u, v, row, lanes, n)
        if sampling.kind == SQUASHED:
            tanh_in_place(mean.ctypes.data, whole)
            _squash(sampling, mean, spread, bonus, row, action, n)
        else:
            action[:n] = mean[:n]
    if sampling.mean_first:
        for i in range(n):
            if lanes.step[i] == 0:
                bonus[i] = _ZERO


@compiled_inside
def _add_noise(sampling: Any, mean: Any, spread: Any, u: Any, v: Any, row: Any, lanes: Any, n: Any) -> None:
    """Add noise to the means; leave in `spread` the sum of its terms in log pi, but for the tanh's."""
    for i in range(n):
        first, second = pair(u[i], v[i])
        noise = second if row % 2 else first
        log_std = _HALF * log(spread[i]) if sampling.squares else spread[i]
        if sampling.kind == SQUASHED and not sampling.squares:
            log_std = _LOW if log_std < _LOW else log_std
            log_std = _HIGH if log_std > _HIGH else log_std
        if not (sampling.mean_first and lanes.step[i] == 0):
            mean[i] += np.exp(log_std) * noise
        spread[i] = -_HALF * noise * noise - log_std - _LOG_ROOT_TAU


@compiled_inside
def _squash(sampling: Any, drawn: Any, log_pi: Any, bonus: Any, row: Any, action: Any, n: Any) -> None:
    low, high = sampling.hidden.low[row], sampling.hidden.high[row]
    scale, center = (high - low) / _TWO, (low + high) / _TWO
    for i in range(n):
        bonus[i] -= sampling.alpha * (log_pi[i] - log(_ONE - drawn[i] * drawn[i] + _EPSILON))
        action[i] = drawn[i] * scale + center
