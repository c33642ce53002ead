"""Random networks, as tests of several folders need them."""

from itertools import pairwise

import numpy as np

from valuescape.sim.policy.network import Activation, ActorHead, Checkpoint, CriticKind, Layer, Mlp


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


def checkpoint_of(actor, head=ActorHead.CLIPPED, normalization=None):
    """A checkpoint of which only the actor counts."""
    none = np.zeros(0, np.float32)
    return Checkpoint(
        algorithm="ppo",
        world="",
        obs_dim=actor.in_dim,
        actor=actor,
        actor_head=head,
        critics=(actor,),
        critic_kind=CriticKind.STATE_VALUE,
        action_low=none,
        action_high=none,
        obs_normalization=normalization,
        gamma=0.99,
    )


def twin_critics(width: int) -> Checkpoint:
    """A pendulum's SAC: an actor, and twin critics of its observation and action."""
    critics = tuple(random_mlp((4, width, width, 1), Activation.RELU, seed=seed) for seed in (1, 2))
    return Checkpoint(
        algorithm="sac",
        world="",
        obs_dim=3,
        actor=random_mlp((3, width, width, 1), Activation.RELU, Activation.TANH),
        actor_head=ActorHead.SQUASHED,
        critics=critics,
        critic_kind=CriticKind.ACTION_VALUE,
        action_low=np.array([-1], np.float32),
        action_high=np.array([1], np.float32),
        obs_normalization=None,
        gamma=0.99,
    )
