"""The numbers of a policy as one array, so that another policy of its kind can take its place in memory."""

from collections.abc import Hashable
from dataclasses import replace

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.policy.network import Checkpoint, Mlp


def same_kind(one: Checkpoint, other: Checkpoint) -> bool:
    """Return whether two policies differ in nothing but the numbers of `policy_numbers`.

    Their critics do not matter: whoever steps agents reads the policy alone.
    """
    return _kind(one) == _kind(other)


def _kind(checkpoint: Checkpoint) -> Hashable:
    norm, layers = checkpoint.obs_normalization, checkpoint.actor.layers
    shapes = tuple((layer.weight.shape, layer.activation, layer.clip) for layer in layers)
    head = checkpoint.actor_head, checkpoint.choices
    return head, checkpoint.obs_dim, norm and norm.clip, shapes


def statistics_of(checkpoint: Checkpoint) -> tuple[Float32Array, ...]:
    """Return mean and standard deviation of the policy's observations; () if it normalises none."""
    norm = checkpoint.obs_normalization
    return () if norm is None else (norm.mean, norm.std)


def policy_numbers(checkpoint: Checkpoint) -> Float32Array:
    """Return a new array, flat float32: statistics of observations, then weights and biases by layer."""
    layers = (array.ravel() for layer in checkpoint.actor.layers for array in (layer.weight, layer.bias))
    return np.concatenate([*statistics_of(checkpoint), *layers])


def with_numbers(checkpoint: Checkpoint, numbers: Float32Array) -> Checkpoint:
    """Return the checkpoint with its policy's numbers from `numbers`, as `policy_numbers` orders them.

    Its arrays are views of `numbers`: what is written there later, the policy does from then on.
    """
    at = 0

    def taken(array: Float32Array) -> Float32Array:
        nonlocal at
        at += array.size
        return numbers[at - array.size : at].reshape(array.shape)

    norm = checkpoint.obs_normalization
    if norm is not None:
        norm = replace(norm, mean=taken(norm.mean), std=taken(norm.std))
    layers = tuple(
        replace(layer, weight=taken(layer.weight), bias=taken(layer.bias))
        for layer in checkpoint.actor.layers
    )
    return replace(checkpoint, actor=Mlp(layers), obs_normalization=norm)
