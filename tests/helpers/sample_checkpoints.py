"""Random checkpoints, as the tests of this folder need them."""

import numpy as np
from networks import random_mlp

from valuescape.sim.policy.network import (
    Activation,
    ActorHead,
    Checkpoint,
    CriticKind,
    ObsNormalization,
    Training,
)
from valuescape.sim.worlds import make_world


def sac_checkpoint(
    width: int = 16, hidden: Activation = Activation.RELU, clip: float = 2.0, normalized: bool = False
) -> Checkpoint:
    """What a SAC with gSDE in `point_mass` comes to."""
    norm = ObsNormalization(np.array([0.1, -0.2], np.float32), np.array([2, 0.5], np.float32), 3.0)
    action = make_world("point_mass").action
    return Checkpoint(
        algorithm="sac",
        world="point_mass",
        obs_dim=2,
        actor=random_mlp((2, width, width, 1), hidden, Activation.TANH, clip),
        actor_head=ActorHead.SQUASHED,
        critics=tuple(random_mlp((3, width, width, 1), hidden, seed=seed) for seed in (1, 2)),
        critic_kind=CriticKind.ACTION_VALUE,
        action_low=action.low,
        action_high=action.high,
        obs_normalization=norm if normalized else None,
        gamma=0.99,
        training=Training("valuescape train …", 1, 100, -1.5, 0.5, 100),
    )


def dqn_checkpoint(width: int = 16, hidden: Activation = Activation.RELU) -> Checkpoint:
    """What a DQN in `mountain_car` comes to."""
    network = random_mlp((2, width, 3), hidden)
    none = np.zeros(0, np.float32)
    return Checkpoint(
        algorithm="dqn",
        world="mountain_car",
        obs_dim=2,
        actor=network,
        actor_head=ActorHead.ARGMAX,
        critics=(network,),
        critic_kind=CriticKind.DISCRETE_ACTION_VALUE,
        action_low=none,
        action_high=none,
        obs_normalization=None,
        gamma=0.98,
    )
