"""Random checkpoints, as the tests of this folder need them."""

from itertools import pairwise

import numpy as np

from sim.policy.network import (
    Activation,
    ActorHead,
    Checkpoint,
    CriticKind,
    Layer,
    Mlp,
    ObsNormalization,
    Training,
)
from sim.worlds import make_world


def random_mlp(
    sizes: tuple[int, ...],
    hidden: Activation = Activation.TANH,
    last: Activation = Activation.IDENTITY,
    clip: float = float("inf"),
    seed: int = 0,
) -> Mlp:
    """An MLP whose activations stay of the order of one."""
    rng = np.random.default_rng(seed)
    layers = []
    for index, (inputs, outputs) in enumerate(pairwise(sizes)):
        final = index == len(sizes) - 2
        weight = (rng.standard_normal((outputs, inputs)) * 1.4 / inputs**0.5).astype(np.float32)
        bias = rng.standard_normal(outputs).astype(np.float32)
        layers.append(Layer(weight, bias, last if final else hidden, clip if final else float("inf")))
    return Mlp(tuple(layers))


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
