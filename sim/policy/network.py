"""Checkpoints: multilayer perceptrons, and the meaning of the actor's outputs and the critics' scores.

Plain arrays without torch, as workers hold them. `sim.policy.reference` makes torch modules of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError


class Activation(StrEnum):
    """The non-linearities that occur in Stable-Baselines3 policies (torch's definitions and defaults)."""

    IDENTITY = "identity"
    RELU = "relu"
    TANH = "tanh"
    ELU = "elu"
    LEAKY_RELU = "leaky_relu"
    SIGMOID = "sigmoid"
    SILU = "silu"
    GELU = "gelu"


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: activation(clip(weight @ x + bias)).

    clip: a symmetric bound (gSDE's Hardtanh), inf for none.
    """

    weight: Float32Array  # [out, in]
    bias: Float32Array  # [out]
    activation: Activation
    clip: float = float("inf")


@dataclass(frozen=True, slots=True)
class Mlp:
    """A multilayer perceptron: layers applied in turn."""

    layers: tuple[Layer, ...]

    @property
    def in_dim(self) -> int:
        """Inputs of the first layer."""
        return int(self.layers[0].weight.shape[1])

    @property
    def out_dim(self) -> int:
        """Outputs of the last layer."""
        return int(self.layers[-1].weight.shape[0])


SOFT_ALGORITHMS = frozenset({"sac", "tqc"})
"""The algorithms whose critics learn returns that include the policy's entropy."""


class ActorHead(StrEnum):
    """The meaning of the actor's outputs."""

    SQUASHED = "squashed"  # within [-1, 1], scaled to the action's bounds and clipped (SAC, TD3, DDPG)
    CLIPPED = "clipped"  # in the action's units, to be clipped to its bounds (PPO, A2C)
    ARGMAX = "argmax"  # one score per discrete action (Q of DQN and QR-DQN, logits of PPO and A2C)
    MULTI_ARGMAX = "multi_argmax"  # scores of several choices, one group after the other (PPO, A2C)

    @property
    def chooses(self) -> bool:
        """Whether the outputs are scores, of one choice or of several."""
        return self in (ActorHead.ARGMAX, ActorHead.MULTI_ARGMAX)


class CriticKind(StrEnum):
    """The inputs and outputs of the critics, and so how V(s) is computed from them."""

    STATE_VALUE = "v"  # obs -> V; one critic (PPO, A2C)
    ACTION_VALUE = "q"  # [obs, actor output in [-1, 1]] -> Q; minimum over twins (SAC, TD3, DDPG)
    MEAN_ACTION_VALUE = "q_mean"  # the same, mean over critics (TQC)
    DISCRETE_ACTION_VALUE = "q_discrete"  # obs -> Q of each action; maximum over actions (DQN, QR-DQN)

    @property
    def takes_actions(self) -> bool:
        """Whether the critics' inputs end in the actor's outputs."""
        return self in (CriticKind.ACTION_VALUE, CriticKind.MEAN_ACTION_VALUE)


@dataclass(frozen=True, slots=True)
class ObsNormalization:
    """Normalisation of observations: clip((obs - mean) / std, -clip, clip), as VecNormalize does it."""

    mean: Float32Array  # [obs_dim]
    std: Float32Array  # [obs_dim], sqrt(var + epsilon)
    clip: float


@dataclass(frozen=True, slots=True)
class RewardNormalization:
    """Normalisation of rewards in training: clip(reward / scale, -clip, clip), as VecNormalize does it."""

    variance: float  # of the running discounted return
    epsilon: float
    clip: float
    gamma: float  # of that running return; the critic's discount is the checkpoint's `gamma`

    @property
    def scale(self) -> float:
        """The divisor of rewards: sqrt(variance + epsilon)."""
        return float(np.sqrt(self.variance + self.epsilon))


def multiplied_rewards(factor: float, gamma: float) -> RewardNormalization:
    """Return the normalisation of rewards that were multiplied by a number. Raises UsageError if not > 0."""
    if not 0 < factor < float("inf"):
        raise UsageError(
            f"reward_scale = {factor:g}", "expected what rewards were multiplied by, such as 0.1"
        )
    return RewardNormalization(variance=factor**-2, epsilon=0.0, clip=float("inf"), gamma=gamma)


@dataclass(frozen=True, slots=True)
class ActionNoise:
    """The standard deviations of a Gaussian policy's actions, from the actor's last hidden layer h.

    log std = weight @ h + bias (SAC; of PPO the weight is 0). Or with `state_dependent`, gSDE (Raffin et al.,
    2021): std² = exp(2 weight) @ h² + 1e-6.
    """

    layer: Layer
    state_dependent: bool = False


@dataclass(frozen=True, slots=True)
class Training:
    """The origin of a checkpoint, as people read it; no computation uses it."""

    command: str = ""
    seed: int | None = None
    timesteps: int | None = None
    mean_return: float | None = None
    std_return: float | None = None
    episodes: int | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A trained actor and its critics, read from a file as data. All arrays are finite, float32, read-only.

    world: "" if the file does not name it. action_low, action_high: bounds in training [action_dim], empty
    for discrete actions, and where the file does not say them (`lacks_bounds`). critics: as they were
    trained, in units of `reward_normalization` if there is one (see `value_critics`). obs_bounds: low and
    high of the observation space [obs_dim], if the file has them. remarks: sentences about the file for the
    user. doubt: signs that it does not fit the world, or "". The
    last three are written to no file.
    """

    algorithm: str  # "sac", "tqc", "td3", "ddpg", "dqn", "qr-dqn", "ppo", "a2c", "trpo", "maskable ppo"
    world: str
    obs_dim: int
    actor: Mlp
    actor_head: ActorHead
    critics: tuple[Mlp, ...]
    critic_kind: CriticKind
    action_low: Float32Array
    action_high: Float32Array
    obs_normalization: ObsNormalization | None
    gamma: float
    training: Training = field(default_factory=Training)
    reward_normalization: RewardNormalization | None = None
    obs_bounds: tuple[Float32Array, Float32Array] | None = None
    remarks: tuple[str, ...] = ()
    doubt: str = ""
    noise: ActionNoise | None = None
    """The spread of a Gaussian policy's actions around its outputs; None where the file does not say."""
    entropy_coefficient: float | None = None
    """The alpha of SAC and TQC, in units of the rewards learned from; None where the file does not say."""
    choices: tuple[int, ...] = ()
    """How many of the actor's outputs score each of several choices, in their order; () with any other head.
    Of a choice between two (`MultiBinary`) the first score is 0 and the second the logit of 1."""
    quantile_layers: tuple[Layer, ...] = ()
    """The last layer of each critic before its outputs are averaged, if critics learn quantiles of the return
    (QR-DQN, TQC): unit j of each [quantiles * outputs, hidden] belongs to output j modulo outputs. Its mean
    over the quantiles is the critic's own last layer, so values are means of the quantiles."""

    world_settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the section `world` that its environment was made with, beside the name: `env` and
    `max_episode_steps`; empty where its name alone makes it, and where the file does not say."""

    actor_units_differ: bool = False
    """Whether the actor's outputs are not in the units of its head, until bounds are known (`action_units`):
    a
    squashed actor's are in the world's units, a clipped one's have the bounds at -1 and 1."""
    critic_units_differ: bool = False
    """Whether the critics take actions in the world's units, until bounds are known (`action_units`)."""

    @property
    def soft(self) -> bool:
        """Whether the critics learn returns that include the policy's entropy."""
        return self.algorithm in SOFT_ALGORITHMS

    @property
    def lacks_bounds(self) -> bool:
        """Whether actions are continuous and their bounds unknown, which `with_bounds` takes from a world."""
        return not self.actor_head.chooses and self.action_low.size == self.action_high.size == 0


def score_groups(checkpoint: Checkpoint) -> tuple[slice, ...]:
    """Return which of the outputs of an actor that chooses score each of its choices."""
    sizes = checkpoint.choices or (checkpoint.actor.out_dim,)
    ends = [sum(sizes[: index + 1]) for index in range(len(sizes))]
    return tuple(slice(end - size, end) for size, end in zip(sizes, ends, strict=True))


def value_critics(checkpoint: Checkpoint) -> tuple[Mlp, ...]:
    """Return the critics with outputs in units of the world's rewards.

    If rewards were normalised in training, new networks whose last layer is multiplied by the scale;
    otherwise the checkpoint's own.
    """
    norm = checkpoint.reward_normalization
    if norm is None:
        return checkpoint.critics
    return tuple(_scaled(critic, np.float32(norm.scale)) for critic in checkpoint.critics)


def quantile_networks(checkpoint: Checkpoint) -> tuple[Mlp, ...]:
    """Return the networks whose outputs are quantiles of the return, in units of the world's rewards.

    Their hidden layers are the critics'. Outputs have the order of `quantile_layers`. Empty if the critics
    learn no quantiles.
    """
    norm = checkpoint.reward_normalization
    critics = checkpoint.critics if checkpoint.quantile_layers else ()
    pairs = zip(critics, checkpoint.quantile_layers, strict=True)
    networks = tuple(Mlp((*critic.layers[:-1], last)) for critic, last in pairs)
    return networks if norm is None else tuple(_scaled(each, np.float32(norm.scale)) for each in networks)


def mean_layer(quantiles: Layer, outputs: int) -> Layer:
    """Return the layer whose `outputs` units are the means over the quantiles of each."""
    weight = quantiles.weight.reshape(-1, outputs, quantiles.weight.shape[1]).mean(axis=0, dtype=np.float64)
    bias = quantiles.bias.reshape(-1, outputs).mean(axis=0, dtype=np.float64)
    return replace(quantiles, weight=weight.astype(np.float32), bias=bias.astype(np.float32))


def _scaled(critic: Mlp, scale: np.float32) -> Mlp:
    *others, last = critic.layers
    if last.activation is Activation.IDENTITY and last.clip == float("inf"):
        return Mlp((*others, replace(last, weight=last.weight * scale, bias=last.bias * scale)))
    identity, none = np.eye(critic.out_dim, dtype=np.float32), np.zeros(critic.out_dim, np.float32)
    return Mlp((*critic.layers, Layer(identity * scale, none, Activation.IDENTITY)))
