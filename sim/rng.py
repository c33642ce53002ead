"""Counter-based random numbers: a draw is a pure function of (seed, stream, agent, episode, tick).

There is no state between draws, so the numbers do not depend on how agents are split among workers, on the
order of their steps, or on whether a worker was replaced.

Philox 4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11.
"""

import math
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike

from valuescape.sim.arrays import Float32Array, Uint32Array
from valuescape.sim.elementwise import Element, cos, log, sin, sqrt, to_float

_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)
_ROUNDS = 10
_MASK = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_UNUSED_BITS, _UNIT = np.uint64(8), np.float32(2.0**-24)
_ONE, _MINUS_TWO, _TWO_PI = np.float32(1), np.float32(-2), np.float32(2 * math.pi)


class Stream(IntEnum):
    """The purpose of a draw; streams never share a counter."""

    RESET = 0
    EXPLORATION = 1
    SAMPLING = 2  # actions drawn from a stochastic policy
    TEXTURE = 3  # noise in pictures
    DYNAMICS = 4  # chance in a world's steps
    PARAMETER = 5  # each agent's own value of a world's parameter


def philox_words(
    c0: Element, c1: Element, c2: Element, c3: Element, key_0: Element, key_1: Element
) -> tuple[Element, Element, Element, Element]:
    """Return the four Philox 4x32-10 words of a counter: 32 bits in uint64, arrays or (compiled) numbers."""
    for _ in range(_ROUNDS):
        product_0 = _MULTIPLIER_0 * c0
        product_1 = _MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (
            (product_1 >> _SHIFT) ^ c1 ^ key_0,
            product_1 & _MASK,
            (product_0 >> _SHIFT) ^ c3 ^ key_1,
            product_0 & _MASK,
        )
        key_0 = (key_0 + _WEYL_0) & _MASK
        key_1 = (key_1 + _WEYL_1) & _MASK
    return c0, c1, c2, c3


def unit_float(word: Element) -> Element:
    """Return a uniform draw in [0, 1) from 32 random bits: from the upper 24, so it is exact in float32."""
    return to_float(word >> _UNUSED_BITS) * _UNIT


def normal_pair(u: Element, v: Element) -> tuple[Element, Element]:
    """Return two independent standard normal draws from two uniform ones (Box and Muller, 1958)."""
    radius = sqrt(_MINUS_TWO * log(_ONE - u))
    return radius * cos(_TWO_PI * v), radius * sin(_TWO_PI * v)


def philox4x32(counter: tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike], key: ArrayLike) -> Uint32Array:
    """Return the four Philox 4x32-10 words of each counter, as a new [4, n] uint32 array.

    counter: four arrays or scalars of uint32, broadcast against each other to [n]. key: 64 bits, a scalar
    or [n].
    """
    c0, c1, c2, c3 = np.broadcast_arrays(*(np.atleast_1d(np.asarray(word, np.uint64)) for word in counter))
    keys = np.asarray(key, np.uint64)
    return np.stack(philox_words(c0, c1, c2, c3, keys & _MASK, keys >> _SHIFT)).astype(np.uint32)


def uniform(
    seed: ArrayLike, stream: Stream, agent: ArrayLike, episode: ArrayLike, tick: ArrayLike, count: int
) -> Float32Array:
    """Return `count` uniform draws in [0, 1) for each agent, as a new [count, n] float32 array.

    seed: 64 bits, a scalar or [n]. agent, episode, tick: unsigned integers below 2**32, scalar or [n].
    Draws have 24 bits, so that all are exact in float32 and 1.0 never occurs.
    """
    blocks = [np.zeros((0, np.size(agent)), np.uint32)]
    for block in range(-(-count // 4)):
        word = (np.uint64(stream) << np.uint64(16)) | np.uint64(block)
        blocks.append(philox4x32((agent, episode, tick, word), seed))
    draws: Float32Array = unit_float(np.concatenate(blocks)[:count].astype(np.uint64))
    return draws


def normal(
    seed: int, stream: Stream, agent: ArrayLike, episode: ArrayLike, tick: ArrayLike, count: int
) -> Float32Array:
    """Return `count` standard normal draws for each agent, as a new [count, n] float32 array.

    Draws 2 k and 2 k + 1 are made from the uniform draws 2 k and 2 k + 1.
    """
    draws = uniform(seed, stream, agent, episode, tick, count + count % 2)
    first, second = normal_pair(draws[0::2], draws[1::2])
    pairs: Float32Array = np.stack([first, second], axis=1).reshape(draws.shape)
    return pairs[:count]
