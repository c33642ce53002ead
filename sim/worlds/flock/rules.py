"""The rules of the flock: a bird's next state from its own and from sums over its neighbours.

Written once for NumPy and for the compiler: see `sim.elementwise`.
"""

import math
from typing import NamedTuple

import numpy as np

from valuescape.sim.config.sections import FlockConfig
from valuescape.sim.elementwise import Element, floor, maximum, sqrt, where
from valuescape.sim.worlds.base import Elements

STATE = 4
"""Variables of a bird's state: x, y, x velocity, y velocity."""

SUMS = 7
"""Sums over a bird's neighbours, in the order in which `fly` takes them."""

_AREA_PER_BIRD = 50.0
"""Area of the square for each bird, unless the configuration says its extent."""

_CANDIDATES_PER_CELL = 2.0
"""Birds in an average cell, if the visual distance would make it emptier."""

_ZERO, _HALF, _ONE = (np.float32(number) for number in (0, 0.5, 1))


class FlockRules(NamedTuple):
    """Constants of a flock's step. The names that end in `_2` are squares."""

    extent: np.float32  # edge of the periodic square
    half_extent: np.float32
    visual_distance_2: np.float32  # birds within this distance are neighbours
    separation_2: np.float32  # birds keep away from neighbours nearer than this
    speed: np.float32  # distance flown in a step
    cohere_factor: np.float32
    separate_factor: np.float32
    match_factor: np.float32
    columns: int  # the square has columns x columns cells, in which neighbours are looked up
    columns_per_unit: np.float32


def make_rules(config: FlockConfig, num_agents: int) -> FlockRules:
    """Return the rules for `num_agents` birds.

    A cell is at least as wide as the visual distance plus the rounding error of float32, so all neighbours
    are in the 3 x 3 cells around a bird. Where birds are sparse it is wider: empty cells cost time too.
    """
    extent = config.extent or math.sqrt(_AREA_PER_BIRD * num_agents)
    seen = config.visual_distance + extent * 2.0**-20
    edge = max(seen, extent * math.sqrt(_CANDIDATES_PER_CELL / num_agents))
    columns = max(int(extent / edge), 1)
    return FlockRules(
        extent=np.float32(extent),
        half_extent=np.float32(extent / 2),
        visual_distance_2=np.float32(config.visual_distance**2),
        separation_2=np.float32(config.separation**2),
        speed=np.float32(config.speed),
        cohere_factor=np.float32(config.cohere_factor),
        separate_factor=np.float32(config.separate_factor),
        match_factor=np.float32(config.match_factor),
        columns=columns,
        columns_per_unit=np.float32(columns / extent),
    )


def shortest(way: Element, rules: FlockRules) -> Element:
    """Return the signed distance along one axis of the periodic square; `way` is the plain difference."""
    way = way - where(way > rules.half_extent, rules.extent, _ZERO)
    return way + where(way < -rules.half_extent, rules.extent, _ZERO)


def wrapped(x: Element, extent: np.float32) -> Element:
    """Return `x` wrapped to [0, extent); 0 where rounding would make it `extent`."""
    x = x - floor(x / extent) * extent
    return where((x >= _ZERO) & (x < extent), x, _ZERO)


def fly(rules: FlockRules, state: Elements, sums: Elements) -> Elements:
    """Return a bird's next (x, y, x velocity, y velocity) and its reward, STATE + 1 float32 elements.

    sums: SUMS float32 elements: the number of neighbours, then sums of the signed distances to them (x, y),
    of those to neighbours within `separation` (x, y), and of their velocities (x, y).
    """
    x, y, vx, vy = state
    count, cohere_x, cohere_y, close_x, close_y, match_x, match_y = sums
    n = maximum(count, _ONE)
    ux = vx + cohere_x / n * rules.cohere_factor - close_x / n * rules.separate_factor
    uy = vy + cohere_y / n * rules.cohere_factor - close_y / n * rules.separate_factor
    ux = (ux + match_x / n * rules.match_factor) * _HALF
    uy = (uy + match_y / n * rules.match_factor) * _HALF
    norm = sqrt(ux * ux + uy * uy)
    moves = norm > _ZERO
    norm = where(moves, norm, _ONE)
    ux, uy = where(moves, ux / norm, vx), where(moves, uy / norm, vy)
    lengths = sqrt((vx * vx + vy * vy) * (match_x * match_x + match_y * match_y))
    cosine = (vx * match_x + vy * match_y) / where(lengths > _ZERO, lengths, _ONE)
    x, y = wrapped(x + ux * rules.speed, rules.extent), wrapped(y + uy * rules.speed, rules.extent)
    return x, y, ux, uy, cosine
