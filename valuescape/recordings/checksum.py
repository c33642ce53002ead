"""SHA-256 of the bits of arrays and checkpoints, and the place where two arrays differ."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.policy.network import Checkpoint, Mlp


def array_hash(array: NDArray[Any]) -> str:
    """Return the SHA-256 of an array's bytes in C order."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def first_difference(one: NDArray[Any], other: NDArray[Any]) -> int | None:
    """Return the lowest agent (last axis) whose bits differ; None if none do.

    Both arrays are of one shape and dtype.
    """
    bits = f"u{one.itemsize}"
    differs = np.ascontiguousarray(one).view(bits) != np.ascontiguousarray(other).view(bits)
    agents = np.flatnonzero(differs.reshape(-1, one.shape[-1]).any(axis=0))
    return int(agents[0]) if len(agents) else None


def checkpoint_hash(checkpoint: Checkpoint) -> str:
    """Return the SHA-256 of a checkpoint's tensors and structure.

    It is the same for one network in files of any format; notes on its training do not count.
    """
    digest = hashlib.sha256()
    for part in _parts(checkpoint):
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(f"{part}\n".encode())
    return digest.hexdigest()


def _parts(checkpoint: Checkpoint) -> Iterator[object]:
    yield from (checkpoint.actor_head, checkpoint.critic_kind, checkpoint.action_low, checkpoint.action_high)
    yield from checkpoint.choices
    for network in (checkpoint.actor, *checkpoint.critics):
        yield from _layers(network)
    normal = checkpoint.obs_normalization
    yield from () if normal is None else (normal.mean, normal.std, normal.clip)


def _layers(network: Mlp) -> Iterator[object]:
    yield len(network.layers)
    for layer in network.layers:
        yield from (layer.weight, layer.bias, layer.activation, layer.clip)
