"""Actors and critics in other units of actions than those of the engine, once the actions' bounds are known.

A squashed actor's outputs stand for the bounds at -1 and 1 here, and its critics take such outputs; a clipped
actor's outputs are in the world's units. Libraries differ: CleanRL's critics take actions in the world's
units, and Tianshou scales the means of PPO to the bounds. The differences are affine, so they fit into the
layers.
"""

from dataclasses import replace

import numpy as np

from valuescape.sim.arrays import Float32Array, Float64Array
from valuescape.sim.policy.network import (
    ActionNoise,
    Activation,
    ActorHead,
    Checkpoint,
    Layer,
    Mlp,
)


def in_head_units(checkpoint: Checkpoint) -> Checkpoint:
    """Return the checkpoint with networks in the units of its head; itself if they are, or have no bounds
    yet.

    Actions and values stay the same, but for rounding.
    """
    differs = checkpoint.actor_units_differ or checkpoint.critic_units_differ
    if not differs or checkpoint.lacks_bounds:
        return checkpoint
    low, high = (each.astype(np.float64) for each in (checkpoint.action_low, checkpoint.action_high))
    middle, half = (high + low) / 2, (high - low) / 2
    squashed = checkpoint.actor_head is ActorHead.SQUASHED
    actor, critics, noise = checkpoint.actor, checkpoint.critics, checkpoint.noise
    if checkpoint.actor_units_differ:
        actor = _moved(actor, -middle / half, 1 / half) if squashed else _moved(actor, middle, half)
        noise = None if squashed else _scaled_noise(noise, half, actor)
    if checkpoint.critic_units_differ:
        critics = tuple(_taking(critic, middle, half) for critic in critics)
    return replace(
        checkpoint,
        actor=actor,
        critics=critics,
        noise=noise,
        actor_units_differ=False,
        critic_units_differ=False,
    )


def _moved(actor: Mlp, shift: Float64Array, scale: Float64Array) -> Mlp:
    """Return the actor whose outputs are `shift + scale * outputs`."""
    *others, last = actor.layers
    if last.activation is Activation.IDENTITY and last.clip == float("inf"):
        weight, bias = last.weight * scale[:, None], last.bias * scale + shift
        return Mlp((*others, _layer(weight, bias, Activation.IDENTITY)))
    return Mlp((*actor.layers, _layer(np.diag(scale), shift, Activation.IDENTITY)))


def _taking(critic: Mlp, middle: Float64Array, half: Float64Array) -> Mlp:
    """Return the critic of actions within -1 and 1 that judges `middle + half * action` as `critic` does."""
    first, *others = critic.layers
    weight, bias = first.weight.astype(np.float64), first.bias + first.weight[:, -middle.size :] @ middle
    weight[:, -half.size :] *= half
    return Mlp((_layer(weight, bias, first.activation, first.clip), *others))


def _scaled_noise(noise: ActionNoise | None, scale: Float64Array, actor: Mlp) -> ActionNoise | None:
    """Return noise that is `scale` times as wide. It belongs to the last hidden layer of `actor`."""
    if noise is None or noise.state_dependent:
        return None
    weight, expected = noise.layer.weight, actor.layers[-1].weight.shape
    if weight.shape != expected:
        weight = np.zeros(expected, np.float32)  # a constant one, before a layer was appended
    return ActionNoise(_layer(weight, noise.layer.bias + np.log(scale), Activation.IDENTITY))


def _layer(
    weight: Float32Array | Float64Array,
    bias: Float32Array | Float64Array,
    activation: Activation,
    clip: float = float("inf"),
) -> Layer:
    arrays = [np.ascontiguousarray(each, np.float32) for each in (weight, bias)]
    for each in arrays:
        each.setflags(write=False)
    return Layer(arrays[0], arrays[1], activation, clip)
