"""Birds that keep their distance, fly where their neighbours fly, and stay with them: Reynolds' boids."""

import math
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.config.sections import FlockConfig
from valuescape.sim.elementwise import Element, cos, floor, maximum, sin, sqrt, symmetric, where
from valuescape.sim.worlds.base import (
    ActionSpace,
    BoolArray,
    ContinuousAction,
    Elements,
    Float32Array,
    Variable,
)
from valuescape.sim.worlds.interacting import CompiledStepAmong, InteractingWorld

LANES = 16
"""Sums of a bird's neighbours that run side by side: the k-th candidate of a run goes to sum k mod LANES."""

_AREA_PER_BIRD = 50.0
_CANDIDATES_PER_CELL = 2.0
_PART = 1024
_ZERO, _HALF, _ONE = (np.float32(number) for number in (0, 0.5, 1))
_PI = np.float32(math.pi)
Integers = NDArray[np.int64]


class Rules(NamedTuple):
    """What the birds go by, and the `columns` x `columns` cells in which neighbours are looked up."""

    extent: np.float32
    half_extent: np.float32
    visual_distance_2: np.float32
    separation_2: np.float32
    speed: np.float32
    cohere_factor: np.float32
    separate_factor: np.float32
    match_factor: np.float32
    columns: int
    columns_per_unit: np.float32


def make_rules(config: FlockConfig, num_agents: int) -> Rules:
    """Return the rules for `num_agents` birds.

    A cell is at least as wide as a bird sees, plus what float32 may be wrong by: neighbours are in the 3 x 3
    cells around a bird. It is wider where birds are sparse, as empty cells cost time too.
    """
    extent = config.extent or math.sqrt(_AREA_PER_BIRD * num_agents)
    seen = config.visual_distance + extent * 2.0**-20
    edge = max(seen, extent * math.sqrt(_CANDIDATES_PER_CELL / num_agents))
    columns = max(int(extent / edge), 1)
    return Rules(
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


class Flock(InteractingWorld):
    """Birds in a periodic square that steer by their neighbours, those within `visual_distance`.

    Each turns to the mean place of its neighbours, away from those nearer than `separation`, and to their
    mean velocity, then flies on at constant speed. Starts are uniform in place and direction. The reward is
    that of the state acted in: the cosine between the bird's velocity and the mean of its neighbours', 0 if
    it is alone. Never terminates; truncates after 10,000 steps. Lengths have no unit, and a step is the time.

    Departures from the source: all birds move at once, instead of one by one in random order; numbers are
    float32, not 64-bit; a bird whose new velocity is zero keeps the old one. The source's code takes the way
    to a neighbour as the plain difference of the positions, which sends a bird away from flockmates beyond
    the edge; here it is the shortest way, as the source's text asks of the search for neighbours.
    """

    name = "flock"
    goal = "none; birds keep together and apart"
    termination = "never"
    source = (
        "JuliaDynamics ABMFrameworksComparison, Flocking/DECLARATION.md; rules of Reynolds (SIGGRAPH 1987)"
    )
    state: tuple[Variable, ...]  # type: ignore[misc]  # the window depends on the configuration
    obs: tuple[Variable, ...]  # type: ignore[misc]
    action: ClassVar[ActionSpace] = ContinuousAction(())
    step_s = 1.0
    max_episode_steps = 10_000
    reset_draws = 3

    def __init__(self, config: FlockConfig, num_agents: int) -> None:
        self.num_agents = num_agents
        self.rules = make_rules(config, num_agents)
        extent = float(self.rules.extent)
        self.state = self.obs = (
            Variable("x", "", 0.0, extent, periodic=True),
            Variable("y", "", 0.0, extent, periodic=True),
            Variable("x velocity", "", -1.0, 1.0),
            Variable("y velocity", "", -1.0, 1.0),
        )

    def reset(self, draws: Float32Array, out: Float32Array) -> None:
        """Write birds at uniform places that fly in uniform directions."""
        extent, angle = self.rules.extent, symmetric(draws[2], _PI)
        for row, draw in zip(out, draws[:2], strict=False):
            row[:] = _wrapped(draw * extent, extent)
        out[2], out[3] = cos(angle), sin(angle)

    def step_among(
        self,
        everyone: Float32Array,
        part: slice,
        action: Float32Array,
        out: Float32Array,
        reward: Float32Array,
        terminated: BoolArray,
    ) -> None:
        """Write next states and rewards of the birds `part`."""
        cells = CellList(self.rules, everyone)
        who = np.arange(everyone.shape[1])[part]
        for begin in range(0, len(who), _PART):
            some = who[begin : begin + _PART]
            to = slice(begin, begin + len(some))
            *following, reward[to] = fly(self.rules, tuple(everyone[:, some]), tuple(cells.sums(some)))
            for row, element in zip(out[:, to], following, strict=True):
                row[:] = element
        terminated[:] = False

    def compiled_step_among(self) -> CompiledStepAmong:
        """Return the compiled step for this many birds."""
        from valuescape.sim.worlds.flock.kernel import make_step

        return make_step(self.rules, self.num_agents)


class CellList:
    """All birds in the order of their cells (row by row) and, within a cell, of their numbers."""

    def __init__(self, rules: Rules, everyone: Float32Array) -> None:
        self.rules = rules
        index = (everyone[:2] * rules.columns_per_unit).astype(np.int64)
        column, row = np.minimum(index, rules.columns - 1)
        self.cell = row * rules.columns + column
        order = np.argsort(self.cell, kind="stable")
        self.listed = everyone[:, order]
        self.place = np.empty_like(order)
        self.place[order] = np.arange(len(order))
        self.first = np.searchsorted(self.cell[order], np.arange(rules.columns**2 + 1))

    def sums(self, who: Integers) -> Float32Array:
        """Return what `fly` needs to know of the neighbours of the birds `who`: [7, n]."""
        bird, place, lane = self._candidates(who)
        me = self.place[who][bird]
        dx, dy = (
            _shortest(self.listed[axis, place] - self.listed[axis, me], self.rules) for axis in range(2)
        )
        distance_2 = dx * dx + dy * dy
        near = (distance_2 <= self.rules.visual_distance_2) & (place != me)
        close = near & (distance_2 < self.rules.separation_2)
        vx, vy = self.listed[2:, place]
        sums = np.zeros((7, len(who), LANES), np.float32)
        terms = (np.ones_like(dx), dx, dy, dx, dy, vx, vy)
        for total, term, mask in zip(sums, terms, (near, near, near, close, close, near, near), strict=True):
            np.add.at(total, (bird[mask], lane[mask]), term[mask])
        return _folded(sums)

    def _candidates(self, who: Integers) -> tuple[Integers, Integers, Integers]:
        """Return the birds of the cells around each of `who`: (index into who, place in the list, lane)."""
        columns = self.rules.columns
        row, column = np.divmod(self.cell[who], columns)
        runs = [
            (
                self.first[(row + up) % columns * columns + begin],
                self.first[(row + up) % columns * columns + end],
            )
            for up in _rows_around(columns)
            for begin, end in _runs_around(column, columns)
        ]
        first = np.stack([first for first, _ in runs], axis=1).ravel()
        count = np.stack([stop - first for first, stop in runs], axis=1).ravel()
        run = np.repeat(np.arange(len(count)), count)
        within = np.arange(len(run)) - np.repeat(np.cumsum(count) - count, count)
        return run // len(runs), first[run] + within, within % LANES


def _rows_around(columns: int) -> range:
    """Return how far up the rows around a bird's are; none of them twice."""
    return range(-1, 2) if columns >= 3 else range(columns)


def _runs_around(column: Integers, columns: int) -> list[tuple[Integers, Integers]]:
    """Return the columns around each of `column` as two runs [begin, end), the second one mostly empty."""
    zero = np.zeros_like(column)
    if columns < 3:
        return [(zero, zero + columns)]
    left, right = column == 0, column == columns - 1
    edge = left | right
    return [
        (np.where(edge, 0, column - 1), np.where(left, 2, np.where(right, 1, column + 2))),
        (np.where(left, columns - 1, np.where(right, columns - 2, 0)), np.where(edge, columns, 0)),
    ]


def _folded(sums: Float32Array) -> Float32Array:
    """Add up the LANES sums of each bird: halves to halves, until one is left."""
    while sums.shape[-1] > 1:
        half = sums.shape[-1] // 2
        sums = sums[..., :half] + sums[..., half:]
    return sums[..., 0]


def _shortest(way: Element, rules: Rules) -> Element:
    """Return the shortest of the ways along one axis that the periodic square leaves."""
    way = way - where(way > rules.half_extent, rules.extent, _ZERO)
    return way + where(way < -rules.half_extent, rules.extent, _ZERO)


def _wrapped(x: Element, extent: np.float32) -> Element:
    """Return `x` within [0, extent), whatever is rounded."""
    x = x - floor(x / extent) * extent
    return where((x >= _ZERO) & (x < extent), x, _ZERO)


def fly(rules: Rules, state: Elements, sums: Elements) -> Elements:
    """Return a bird's next (x, y, vx, vy) and its reward.

    sums: how many neighbours there are, the sum of the ways to them (x, y), to those within `separation`
    (x, y), and of their velocities (x, y).
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
    x, y = _wrapped(x + ux * rules.speed, rules.extent), _wrapped(y + uy * rules.speed, rules.extent)
    return x, y, ux, uy, cosine
