"""Stochastic policies: actions drawn as in training, with the log of their density."""

import math
from dataclasses import replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array
from valuescape.sim.policy.inference import BatchMlp, normalized_obs
from valuescape.sim.policy.network import (
    Activation,
    ActorHead,
    Checkpoint,
    CriticKind,
    Layer,
    Mlp,
    score_groups,
)
from valuescape.sim.rng import Stream, normal, uniform
from valuescape.sim.worlds.base import ActionSpace, ContinuousAction

LOG_STD_LOW, LOG_STD_HIGH = -20.0, 2.0
"""SAC's bounds of the log standard deviation (Stable-Baselines3, sac/policies.py)."""

SQUASH_EPSILON = 1e-6
"""Added to 1 - tanh(x)**2 under the logarithm (Stable-Baselines3, SquashedDiagGaussianDistribution)."""


GSDE_EPSILON = 1e-6
"""Added to gSDE's variances (Stable-Baselines3, StateDependentNoiseDistribution)."""


class Sampling(StrEnum):
    """A policy's way of drawing actions in training."""

    NONE = "none"  # TD3, DDPG, DQN, QR-DQN: the deterministic action; and where the file does not say
    GAUSSIAN = "gaussian"  # PPO, A2C, TRPO: around the mean, then clipped to the action's bounds
    SQUASHED = "squashed"  # SAC, TQC: the tanh of a Gaussian
    CATEGORICAL = "categorical"  # PPO, A2C, TRPO of discrete actions: the softmax of each choice's scores


def sampling_of(checkpoint: Checkpoint) -> Sampling:
    """Return how the checkpoint's policy draws its actions."""
    if checkpoint.actor_head.chooses:
        return Sampling.CATEGORICAL if checkpoint.critic_kind is CriticKind.STATE_VALUE else Sampling.NONE
    if checkpoint.noise is None:
        return Sampling.NONE
    return Sampling.SQUASHED if checkpoint.actor_head is ActorHead.SQUASHED else Sampling.GAUSSIAN


def reward_alpha(checkpoint: Checkpoint) -> float | None:
    """Return a soft critic's entropy coefficient in units of the world's rewards; None if it is not known."""
    alpha, norm = checkpoint.entropy_coefficient, checkpoint.reward_normalization
    return alpha if alpha is None or norm is None else alpha * norm.scale


def hidden_layers(checkpoint: Checkpoint) -> Mlp | None:
    """Return the actor without its last layer; None if it has no other."""
    layers = checkpoint.actor.layers[:-1]
    return Mlp(layers) if layers else None


def heads(checkpoint: Checkpoint) -> tuple[Layer, Layer]:
    """Return the layers from the actor's last hidden one to its means before any tanh, and to their noise.

    The second gives logs of standard deviations; of gSDE, for squares of the hidden layer, variances.
    """
    noise, mean = checkpoint.noise, replace(checkpoint.actor.layers[-1], activation=Activation.IDENTITY)
    assert noise is not None
    if not noise.state_dependent:
        return mean, noise.layer
    bias = np.full(len(noise.layer.bias), GSDE_EPSILON, np.float32)
    return mean, Layer(np.exp(2 * noise.layer.weight), bias, Activation.IDENTITY)


class SampledPolicy:
    """The policy of a checkpoint as it acts in training, in NumPy.

    Draws depend on (seed, agent, episode, step) alone. alpha: the entropy coefficient of SAC or TQC, in
    units of the world's rewards.
    """

    def __init__(self, checkpoint: Checkpoint, space: ActionSpace, seed: int, alpha: float) -> None:
        self._checkpoint, self._space = checkpoint, space
        self._kind, self._hidden = sampling_of(checkpoint), hidden_layers(checkpoint)
        self._scores, self._noise = checkpoint.actor.layers[-1], checkpoint.noise
        self._mean, self._spread = heads(checkpoint) if self._noise else (self._scores, self._scores)
        self._seed, self._alpha = seed, alpha if self.asks_of_actions else 0.0

    @property
    def asks_of_actions(self) -> bool:
        """Whether the critics score actions: rollouts begin with the action that they are asked about."""
        return self._checkpoint.critic_kind.takes_actions

    def act(
        self, obs: Float32Array, agent: NDArray[np.uint64], episode: int, step: int, *, mean: bool = False
    ) -> tuple[Float32Array, Float32Array, Float32Array]:
        """Draw actions for `obs` [obs_dim, n] of the agents [n].

        mean: the deterministic action instead. Returns actions [action_dim, n] in the world's units; the
        actor's outputs for them [out_dim, n], which critics of actions are asked about; and the entropy
        bonuses [n], -alpha log pi(a | s), which are 0 but for draws of SAC and TQC.
        """
        hidden = normalized_obs(self._checkpoint, obs)
        if self._hidden is not None:
            hidden = _outputs(self._hidden, hidden)
        key = self._seed, Stream.SAMPLING, agent, episode, step
        if self._kind is Sampling.CATEGORICAL:
            scores = _outputs(Mlp((self._scores,)), hidden)
            gumbel = 0 if mean else -np.log(-np.log(uniform(*key, len(scores)) + np.float32(2**-25)))
            drawn = scores + gumbel
            best = [np.argmax(drawn[group], axis=0) for group in score_groups(self._checkpoint)]
            return _float32(np.stack(best)), scores, np.zeros(obs.shape[1], np.float32)
        drawn, bonus = self._drawn(hidden, None if mean else normal(*key, self._space.dim))
        return self._in_bounds(drawn), drawn, bonus

    def _drawn(self, hidden: Float32Array, noise: Float32Array | None) -> tuple[Float32Array, Float32Array]:
        """Return the actor's outputs [action_dim, n] with `noise` added, and the entropy bonuses [n]."""
        none, squashed = np.zeros(hidden.shape[1], np.float32), self._kind is Sampling.SQUASHED
        mean = _outputs(Mlp((self._mean,)), hidden)
        if noise is None:
            return (_float32(np.tanh(mean)) if squashed else mean), none
        log_std = self._log_std(hidden)
        drawn = mean + np.exp(log_std) * noise
        if not squashed:
            return _float32(drawn), none
        drawn = np.tanh(drawn)
        log_pi = -noise * noise / 2 - log_std - np.float32(math.log(math.tau) / 2)
        log_pi = log_pi - np.log(1 - drawn * drawn + np.float32(SQUASH_EPSILON))
        return _float32(drawn), _float32(-self._alpha * log_pi.sum(axis=0))

    def _log_std(self, hidden: Float32Array) -> Float32Array:
        if self._noise and self._noise.state_dependent:
            return _float32(np.log(_outputs(Mlp((self._spread,)), hidden * hidden)) / 2)
        log_std = _outputs(Mlp((self._spread,)), hidden)
        if self._kind is Sampling.SQUASHED:
            return _float32(np.clip(log_std, LOG_STD_LOW, LOG_STD_HIGH))
        return log_std

    def _in_bounds(self, drawn: Float32Array) -> Float32Array:
        assert isinstance(self._space, ContinuousAction)
        low, high = self._space.low[:, None], self._space.high[:, None]
        if self._kind is Sampling.SQUASHED:
            drawn = _float32(drawn * ((high - low) / 2) + (low + high) / 2)
        return _float32(np.clip(drawn, low, high))


def _outputs(mlp: Mlp, inputs: Float32Array) -> Float32Array:
    outputs = np.empty((mlp.out_dim, inputs.shape[1]), np.float32)
    BatchMlp(mlp, inputs.shape[1]).forward(inputs, outputs)
    return outputs


def _float32(values: NDArray[Any]) -> Float32Array:
    return values.astype(np.float32, copy=False)
