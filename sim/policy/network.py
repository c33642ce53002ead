"""What a checkpoint means: multilayer perceptrons, what an actor's output stands for, what a critic scores.

Plain arrays, no torch: workers hold these. `sim.policy.reference` gives the same networks as torch modules.
"""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]


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
    """activation(clip(weight @ x + bias)); `clip` is a symmetric bound (gSDE's Hardtanh), inf for none."""

    weight: Float32Array  # [out, in]
    bias: Float32Array  # [out]
    activation: Activation
    clip: float = float("inf")


@dataclass(frozen=True, slots=True)
class Mlp:
    """Layers applied in turn."""

    layers: tuple[Layer, ...]

    @property
    def in_dim(self) -> int:
        """Inputs of the first layer."""
        return int(self.layers[0].weight.shape[1])

    @property
    def out_dim(self) -> int:
        """Outputs of the last layer."""
        return int(self.layers[-1].weight.shape[0])


class ActorHead(StrEnum):
    """What the actor's outputs stand for."""

    SQUASHED = "squashed"  # in [-1, 1], to be scaled to the action's bounds (SAC, TD3, DDPG)
    CLIPPED = "clipped"  # in the action's units, to be clipped to its bounds (PPO, A2C)
    ARGMAX = "argmax"  # one score per discrete action (DQN's Q network, PPO's and A2C's logits)


class CriticKind(StrEnum):
    """What the critics score, and so how V(s) is read from them."""

    STATE_VALUE = "v"  # obs -> V; one critic (PPO, A2C)
    ACTION_VALUE = "q"  # [obs, actor output in [-1, 1]] -> Q; minimum over twins (SAC, TD3, DDPG)
    DISCRETE_ACTION_VALUE = "q_discrete"  # obs -> Q of each action; maximum over actions (DQN)


@dataclass(frozen=True, slots=True)
class ObsNormalization:
    """clip((obs - mean) / std, -clip, clip), as Stable-Baselines3's VecNormalize does."""

    mean: Float32Array  # [obs_dim]
    std: Float32Array  # [obs_dim], sqrt(var + epsilon)
    clip: float


@dataclass(frozen=True, slots=True)
class Training:
    """Where a checkpoint comes from: for people, never for computing."""

    command: str = ""
    seed: int | None = None
    timesteps: int | None = None
    mean_return: float | None = None
    std_return: float | None = None
    episodes: int | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A trained actor and its critics, read from a file as data.

    `world` is "" where the file does not say (Stable-Baselines3 zips). `action_low`/`action_high` are the
    bounds trained with, empty for discrete actions. All arrays are finite, float32 and read-only.
    """

    algorithm: str  # "sac", "td3", "ddpg", "dqn", "ppo", "a2c"
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
