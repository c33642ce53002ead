"""Finders: places on the map where a critic is wrong, and agents that get nowhere.

Map fields are [h, w], row by row along y; trajectories are [T] or [T, n], tick by tick. NaN is never found.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from valuescape.sim.insight.bootstrap import FloatArray, IntArray
from valuescape.sim.insight.regions import MOST, Region, regions

BoolArray = NDArray[np.bool_]
Wrap = tuple[tuple[float, float] | None, tuple[float, float] | None]
"""(low, high) of the x and of the y axis where they are periodic."""

TO_SIGMA = 1.4826
"""A normal distribution's standard deviation, in median absolute deviations."""

ROUNDING = 1e-6
"""Differences below this share of the largest value are float32 rounding."""


@dataclass(frozen=True, slots=True)
class Cliff:
    """A fall in value from one tick to the next that the reward between them does not explain."""

    agent: int
    tick: int
    """The last tick before the fall."""
    before: float
    after: float
    reward: float
    unexplained: float
    """V_t − (r_t + gamma V_(t+1)): the negative of the TD error."""
    deviations: float
    """`unexplained` less its median, in robust standard deviations."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """A stretch of ticks in which an agent made no progress in value."""

    agent: int
    first: int
    last: int
    """The stretch's last tick, included."""
    best: float
    """The highest value in it."""
    gain: float
    """The most by which a window's best value exceeded that of the window before."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A periodic trail at the end of an agent's trajectory."""

    agent: int
    period: int
    """Ticks of one turn."""
    centre: tuple[float, float]
    radius: float
    """Root mean square distance from the centre."""
    mismatch: float
    """Root mean square distance between positions one period apart, over the radius."""


def overconfident_regions(
    error: ArrayLike,
    significant: BoolArray,
    *,
    x: ArrayLike,
    y: ArrayLike,
    periodic: tuple[bool, bool] = (False, False),
    most: int = MOST,
) -> list[Region]:
    """Return the regions of significant cells whose error V − G is positive, the largest sum first."""
    errors = np.asarray(error, np.float64)
    return regions(significant & (errors > 0), errors, x=x, y=y, periodic=periodic, most=most)


def underconfident_regions(
    error: ArrayLike,
    significant: BoolArray,
    *,
    x: ArrayLike,
    y: ArrayLike,
    periodic: tuple[bool, bool] = (False, False),
    most: int = MOST,
) -> list[Region]:
    """Return the regions of significant cells whose error V − G is negative, the largest sum first."""
    errors = np.asarray(error, np.float64)
    return regions(significant & (errors < 0), errors, x=x, y=y, periodic=periodic, most=most)


def unvisited_but_promised(
    value: ArrayLike,
    visits: ArrayLike,
    *,
    x: ArrayLike,
    y: ArrayLike,
    top: float = 0.1,
    periodic: tuple[bool, bool] = (False, False),
    most: int = MOST,
) -> list[Region]:
    """Return the regions without visits whose value [h, w] is among the map's highest.

    `top` is the share of cells that count as high; a constant value has none. Regions rank by how far their
    values add up above the threshold. Mean and extreme are of the value.
    """
    values = np.asarray(value, np.float64)
    known = values[np.isfinite(values)]
    if not known.size:
        return []
    threshold = np.quantile(known, 1 - top, method="lower")
    high = np.isfinite(values) & (values >= threshold) & (values > known.min())
    empty = high & (np.asarray(visits) == 0)
    excess = np.where(empty, values - threshold, 0.0) + ROUNDING * np.ptp(known)
    return regions(empty, values, x=x, y=y, periodic=periodic, weights=excess, most=most)


def value_cliffs(
    values: ArrayLike,
    rewards: ArrayLike,
    *,
    gamma: float,
    ended: ArrayLike | None = None,
    deviations: float = 8.0,
    most: int = MOST,
) -> list[Cliff]:
    """Return the falls in value that rewards do not explain, the largest first.

    `values` [T] or [T, n] are V_t; `rewards` of the same shape follow tick t; `ended`, also of that shape,
    marks the last tick of an episode, whose next value is another episode's. A cliff is a fall
    V_t > V_(t+1) whose unexplained part V_t − (r_t + gamma V_(t+1)) lies `deviations` robust standard
    deviations above the median of all (1.4826 times the median absolute deviation, so that cliffs do not
    widen their own scale).
    """
    v, r = _by_agent(values), _by_agent(rewards)
    before, after, reward = v[:-1], v[1:], r[: len(v) - 1]
    unexplained = before - (reward + gamma * after)
    whole = np.isfinite(unexplained)
    if ended is not None:
        whole &= ~_by_agent(ended).astype(np.bool_)[: len(v) - 1]
    if not whole.any():
        return []
    middle, scale = _robust(unexplained[whole], np.abs(before[whole]).max())
    far = np.where(whole, (unexplained - middle) / scale, 0.0)
    ticks, agents = np.nonzero((far > deviations) & (before > after))
    order = np.argsort(-unexplained[ticks, agents], kind="stable")[:most]
    return [
        Cliff(
            int(agent),
            int(tick),
            *(float(each[tick, agent]) for each in (before, after, reward, unexplained, far)),
        )
        for tick, agent in zip(ticks[order], agents[order], strict=True)
    ]


def stuck(
    values: ArrayLike,
    *,
    ticks: int = 100,
    ended: ArrayLike | None = None,
    least: float | None = None,
    satisfied: float = math.inf,
) -> list[Stuck]:
    """Return the longest stretch of each agent that makes no progress in value, the longest first.

    An agent makes no progress at a tick if the best value of the last `ticks` ticks exceeds the best of the
    `ticks` before those by at most `least` (default: 2 % of the range between the 5 % and 95 % quantiles
    of all values). Both windows lie within one episode; `ended` [T, n] marks the last tick of each. A
    best value of at least `satisfied` is no sign of being stuck: the agent is where it wants to be.

    Performance: time and memory are linear in T·n, time also in `ticks`.
    """
    v = _by_agent(values)
    if len(v) < 2 * ticks:
        return []
    low, high = np.nanquantile(v, [0.05, 0.95]) if np.isfinite(v).any() else (0.0, 0.0)
    least = 0.02 * float(high - low) if least is None else least
    best = sliding_window_view(v, ticks, axis=0).max(axis=-1)
    now, gain = best[ticks:], best[ticks:] - best[:-ticks]
    still = (gain <= least) & (now < satisfied) & _within_episode(v.shape, ended, 2 * ticks)
    found = [
        _longest_stretch(still[:, agent], gain[:, agent], v[:, agent], ticks, agent)
        for agent in range(v.shape[1])
    ]
    return sorted((each for each in found if each), key=lambda each: each.first - each.last)


def loops(
    positions: ArrayLike,
    *,
    ended: ArrayLike | None = None,
    wrap: Wrap = (None, None),
    mismatch: float = 0.25,
    turns: int = 3,
    longest: int = 200,
) -> list[Loop]:
    """Return the agents whose trail [T, n, 2] ends in a loop, the best match first.

    A trail loops with period p if, over its last `turns` periods, positions p ticks apart differ by at most
    `mismatch` of the loop's radius (both root mean squares). The scale is the loop's own: an agent that
    stands still, trembles or moves straight on never matches. Where several p match, the first run of
    neighbouring p counts, and of it the best p; multiples of the period come later. Periods go up to
    `longest` ticks.

    `ended` [T, n] marks the last tick of episodes; only ticks after the last one count. `wrap` gives (low,
    high) of periodic axes (x, y), or None; a steady rotation along one is a loop.

    Performance: time is linear in n·turns·longest², memory in n·turns·longest.
    """
    trail = _finite(positions)
    lengths = _ticks_since_end(trail.shape[:2], ended)
    periods = np.arange(2, min(longest, len(trail) // turns) + 1)
    if not periods.size:
        return []
    smooth = _unwrapped(trail[-turns * int(periods[-1]) :], wrap)
    ratio = np.stack([_mismatch(smooth, int(p), turns, wrap) for p in periods])
    ratio[periods[:, None] * turns > lengths] = np.nan
    found = [
        _loop(ratio[:, agent], smooth[:, agent], agent, mismatch, wrap) for agent in range(trail.shape[1])
    ]
    return sorted((each for each in found if each), key=lambda each: each.mismatch)


def _by_agent(values: ArrayLike) -> FloatArray:
    """Return trajectories [T] or [T, n] as [T, n] of float64; infinities as NaN."""
    array = _finite(values)
    return array[:, None] if array.ndim == 1 else array


def _finite(values: ArrayLike) -> FloatArray:
    array = np.asarray(values, np.float64)
    return np.where(np.isfinite(array), array, np.nan)


def _robust(values: FloatArray, largest: float) -> tuple[float, float]:
    """Return median and robust standard deviation, the latter no less than rounding of the largest value."""
    middle = float(np.median(values))
    scale = TO_SIGMA * float(np.median(np.abs(values - middle)))
    return middle, max(scale, ROUNDING * float(largest), np.finfo(np.float64).tiny)


def _within_episode(shape: tuple[int, ...], ended: ArrayLike | None, length: int) -> BoolArray:
    """Return [T − length + 1, n]: whether the `length` ticks from each tick on belong to one episode."""
    if ended is None:
        return np.ones((shape[0] - length + 1, shape[1]), np.bool_)
    ends = np.vstack([np.zeros((1, shape[1])), np.cumsum(_by_agent(ended), axis=0)])
    return np.asarray(ends[length - 1 : -1] == ends[: len(ends) - length])


def _longest_stretch(
    still: BoolArray, gain: FloatArray, values: FloatArray, ticks: int, agent: int
) -> Stuck | None:
    """Return the longest run of `still` as the ticks that its windows cover."""
    steps = np.diff(np.concatenate([[0], still.view(np.int8), [0]]))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    if not starts.size:
        return None
    at = int(np.argmax(ends - starts))
    first, last = int(starts[at]) + ticks, int(ends[at]) - 2 + 2 * ticks
    best = float(values[first : last + 1].max())
    return Stuck(agent, first, last, best, float(gain[starts[at] : ends[at]].max()))


def _ticks_since_end(shape: tuple[int, ...], ended: ArrayLike | None) -> IntArray:
    """Return how many ticks [n] each trail has after the last that ended an episode."""
    if ended is None:
        return np.full(shape[1], shape[0])
    backward = _by_agent(ended)[::-1].astype(np.bool_)
    return np.where(backward.any(axis=0), backward.argmax(axis=0), shape[0])


def _unwrapped(trail: FloatArray, wrap: Wrap) -> FloatArray:
    """Return a trail without jumps along periodic axes; ticks before one without a position are NaN there.

    It is unwrapped from its end: a sum that began at an unknown position would be unknown everywhere.
    """
    smooth = trail.copy()
    for axis, bounds in enumerate(wrap):
        if bounds is not None:
            length = bounds[1] - bounds[0]
            smooth[..., axis] = np.unwrap(trail[::-1, ..., axis], period=length, axis=0)[::-1]
    return smooth


def _mismatch(trail: FloatArray, period: int, turns: int, wrap: Wrap) -> FloatArray:
    """Return the distance between positions a period apart over the radius of a turn, [n]; NaN at rest."""
    recent = trail[-turns * period :]
    apart = recent[period:] - recent[:-period]
    for axis, bounds in enumerate(wrap):
        if bounds is not None:
            length = bounds[1] - bounds[0]
            apart[..., axis] -= length * np.round(apart[..., axis] / length)
    last = recent[-period:]
    radius = _rms(last - last.mean(axis=0))
    moved = radius > ROUNDING * np.abs(last).max(axis=(0, 2))
    return np.where(moved, _rms(apart) / np.where(moved, radius, 1.0), np.nan)


def _rms(offsets: FloatArray) -> FloatArray:
    """Return the root mean square length [n] of offsets [T, n, 2]."""
    return np.asarray(np.sqrt(np.square(offsets).sum(axis=-1).mean(axis=0)))


def _loop(ratio: FloatArray, trail: FloatArray, agent: int, mismatch: float, wrap: Wrap) -> Loop | None:
    """Return the loop of one trail [T, 2] from the mismatch at periods 2, 3, …; None if none is close."""
    close = np.flatnonzero(ratio <= mismatch)
    if not close.size:
        return None
    beyond = np.flatnonzero(~(ratio[close[0] :] <= mismatch))
    run = slice(int(close[0]), int(close[0] + beyond[0]) if beyond.size else len(ratio))
    at = run.start + int(np.argmin(ratio[run]))
    last = trail[-(at + 2) :]
    middle = last.mean(axis=0)
    radius = float(np.sqrt(np.square(last - middle).sum(axis=-1).mean()))
    x, y = (_into(float(each), bounds) for each, bounds in zip(middle, wrap, strict=True))
    return Loop(agent, at + 2, (x, y), radius, float(ratio[at]))


def _into(value: float, bounds: tuple[float, float] | None) -> float:
    """Return a position brought back into the bounds of a periodic axis."""
    return value if bounds is None else bounds[0] + (value - bounds[0]) % (bounds[1] - bounds[0])
