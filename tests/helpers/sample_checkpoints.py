"""Random checkpoints, as the tests of this folder need them."""

from dataclasses import replace

import numpy as np
from networks import random_mlp

from valuescape.sim.policy.network import (
    Activation,
    ActorHead,
    Checkpoint,
    CriticKind,
    Mlp,
    ObsNormalization,
    Training,
    mean_layer,
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


def with_means(networks: tuple[Mlp, ...], outputs: int) -> tuple[Mlp, ...]:
    """Networks of quantiles, with their means over the quantiles of each output instead."""
    return tuple(Mlp((*each.layers[:-1], mean_layer(each.layers[-1], outputs))) for each in networks)


def qrdqn_checkpoint(width: int = 16, quantiles: int = 7) -> Checkpoint:
    """What a QR-DQN in `mountain_car` comes to."""
    network = random_mlp(
        (2, width, 3 * quantiles), Activation.RELU, seed=2
    )  # each action is greedy somewhere
    (mean,) = with_means((network,), 3)
    return replace(
        dqn_checkpoint(width),
        algorithm="qr-dqn",
        actor=mean,
        critics=(mean,),
        quantile_layers=(network.layers[-1],),
    )


def tqc_checkpoint(width: int = 16, quantiles: int = 5, critics: int = 3) -> Checkpoint:
    """What a TQC with gSDE in `point_mass` comes to."""
    networks = tuple(
        random_mlp((3, width, width, quantiles), Activation.RELU, seed=seed) for seed in range(1, critics + 1)
    )
    return replace(
        sac_checkpoint(width, normalized=True),
        algorithm="tqc",
        critics=with_means(networks, 1),
        critic_kind=CriticKind.MEAN_ACTION_VALUE,
        quantile_layers=tuple(each.layers[-1] for each in networks),
    )
