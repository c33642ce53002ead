"""Counter-based random numbers: the draw for (seed, stream, agent, episode, tick) is a pure function.

Nothing is carried from one draw to the next, so the numbers do not depend on how agents are split among
workers, on the order of their steps, or on a worker having died and been replaced.

Philox 4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

Uint32Array = NDArray[np.uint32]
Float32Array = NDArray[np.float32]

_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = 0x9E3779B9
_WEYL_1 = 0xBB67AE85
_ROUNDS = 10
_MASK = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


class Stream(IntEnum):
    """What a draw is for; streams never share a counter."""

    RESET = 0
    EXPLORATION = 1


def philox4x32(counter: tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike], key: int) -> Uint32Array:
    """Return the four Philox 4x32-10 words of each counter, as a new [4, n] uint32 array.

    counter: four arrays (or scalars) of uint32, broadcast against each other to [n]. key: 64 bits.
    """
    words = np.broadcast_arrays(*(np.atleast_1d(np.asarray(word, np.uint64)) for word in counter))
    c0, c1, c2, c3 = words
    key_0, key_1 = key & 0xFFFFFFFF, (key >> 32) & 0xFFFFFFFF
    for _ in range(_ROUNDS):
        product_0 = _MULTIPLIER_0 * c0
        product_1 = _MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (
            (product_1 >> _SHIFT) ^ c1 ^ np.uint64(key_0),
            product_1 & _MASK,
            (product_0 >> _SHIFT) ^ c3 ^ np.uint64(key_1),
            product_0 & _MASK,
        )
        key_0 = (key_0 + _WEYL_0) & 0xFFFFFFFF
        key_1 = (key_1 + _WEYL_1) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3]).astype(np.uint32)


def uniform(
    seed: int, stream: Stream, agent: ArrayLike, episode: ArrayLike, tick: ArrayLike, count: int
) -> Float32Array:
    """Return `count` uniform draws in [0, 1) for each agent, as a new [count, n] float32 array.

    agent, episode, tick: [n] or scalar unsigned integers below 2**32. Draws have 24 bits, so that every one
    is exact in float32 and 1.0 never occurs.
    """
    blocks = []
    for block in range(-(-count // 4)):
        word = (np.uint64(stream) << np.uint64(16)) | np.uint64(block)
        blocks.append(philox4x32((agent, episode, tick, word), seed))
    bits = np.concatenate(blocks)[:count]
    return (bits >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def normal(
    seed: int, stream: Stream, agent: ArrayLike, episode: ArrayLike, tick: ArrayLike, count: int
) -> Float32Array:
    """Return `count` standard normal draws for each agent, as a new [count, n] float32 array (Box-Muller)."""
    pairs = -(-count // 2)
    draws = uniform(seed, stream, agent, episode, tick, 2 * pairs)
    radius = np.sqrt(np.float32(-2) * np.log1p(-draws[:pairs]))
    angle = np.float32(2 * np.pi) * draws[pairs:]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]
