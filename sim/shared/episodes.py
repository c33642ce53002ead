"""Records of every agent's episodes: written when an episode starts, read for any recent tick."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array, Float64Array, IndexArray, Uint32Array
from valuescape.sim.shared.layout import EPISODE, Ending

Records = NDArray[Any]
"""[n, 2], dtype `sim.shared.layout.EPISODE`: episode e of an agent is in column e mod 2."""


@dataclass(frozen=True, slots=True)
class Endings:
    """The arena's rows of one tick, [n] each: values of `Ending`, and the return of the episode so far."""

    ending: NDArray[np.uint8]
    episode_return: Float32Array


def first_episodes(records: Records, tick: int) -> None:
    """Overwrite `records` with every agent's episode 0, which begins at `tick`."""
    records[:] = np.zeros((), EPISODE)
    records["number"] = -1
    records["number"][:, 0] = 0
    records["began"][:, 0] = tick & 0xFFFFFFFF


def next_episodes(
    records: Records, agents: IndexArray, endings: Endings, ended: int, began: int
) -> Uint32Array:
    """Write the episodes of `agents` that begin at tick `began`; return their numbers, [len(agents)].

    agents: indices into `records`. endings: of all agents at tick `ended`, in which their previous episodes
    ended. Idempotent if `ended` < `began`: the same records are then written again.
    """
    before = _episodes_begun_by(records[agents], ended)
    following = np.zeros(len(agents), EPISODE)
    following["number"] = before["number"] + 1
    following["began"] = began & 0xFFFFFFFF
    terminated = endings.ending[agents] == Ending.TERMINATED
    following["terminated_count"] = before["terminated_count"] + terminated
    following["finished_length"] = before["finished_length"] + _ticks_since(before["began"], ended)
    following["finished_return"] = before["finished_return"] + endings.episode_return[agents]
    # The number last, since it makes the record valid: a process that dies before has written nothing.
    for name in ("began", "terminated_count", "finished_length", "finished_return", "number"):
        records[name][agents, following["number"] & 1] = following[name]
    number: Uint32Array = following["number"].astype(np.uint32)
    return number


@dataclass(frozen=True, slots=True)
class EpisodeState:
    """The state of all agents' episodes at one tick, [n] each.

    number: of the episode, from 0. step: ticks since its start. The others are counts and sums over the
    agent's episodes that have ended, one that ends in this tick included.
    """

    number: Uint32Array
    step: Uint32Array
    finished_count: Uint32Array
    terminated_count: Uint32Array
    finished_length: NDArray[np.uint64]
    finished_return: Float64Array


def episodes_at(records: Records, endings: Endings, tick: int) -> EpisodeState:
    """Return the state of the episodes at `tick`, as new arrays. endings: the rows of that tick.

    Exact as long as the episode of `tick` is the newest of its agent, or the one before.
    """
    now = _episodes_begun_by(records, tick)
    step = _ticks_since(now["began"], tick)
    ended = endings.ending != Ending.RUNNING
    terminated = endings.ending == Ending.TERMINATED
    return EpisodeState(
        number=now["number"].astype(np.uint32),
        step=step,
        finished_count=(now["number"] + ended).astype(np.uint32),
        terminated_count=now["terminated_count"] + terminated.astype(np.uint32),
        finished_length=now["finished_length"] + np.where(ended, step, 0).astype(np.uint64),
        finished_return=now["finished_return"] + np.where(ended, endings.episode_return, 0),
    )


@dataclass(frozen=True, slots=True)
class Finished:
    """Counts and sums over the episodes of all agents that have ended."""

    count: int = 0
    terminated: int = 0
    length: int = 0
    total_return: float = 0.0


def finished_by(records: Records, endings: Endings, tick: int) -> Finished:
    """Return the sums of what `episodes_at` returns of each agent.

    Performance: 21 ns an agent, a quarter of what `episodes_at` takes; agents are read in blocks that stay in
    the cache, a field at a time.
    """
    found = Finished()
    for start in range(0, len(records), _BLOCK):
        part = slice(start, start + _BLOCK)
        block = Endings(endings.ending[part], endings.episode_return[part])
        found = _added(found, _finished_in(records[part], block, tick))
    return found


_BLOCK = 4096
"""Agents whose records, 64 bytes each, stay in the second-level cache."""

_SUMMED = "number", "began", "terminated_count", "finished_length", "finished_return"


def _finished_in(records: Records, endings: Endings, tick: int) -> Finished:
    number, began = records["number"], records["began"]
    second = number[:, 1] > number[:, 0]
    second ^= _ticks_since(np.where(second, began[:, 1], began[:, 0]), tick).view(np.int32) < 0
    at = np.arange(0, 2 * len(records), 2) + second
    now = {name: records[name].reshape(-1).take(at) for name in _SUMMED}
    ended = endings.ending != Ending.RUNNING
    return Finished(
        int(now["number"].sum(dtype=np.int64)) + int(np.count_nonzero(ended)),
        int(now["terminated_count"].sum()) + int(np.count_nonzero(endings.ending == Ending.TERMINATED)),
        int(now["finished_length"].sum()) + int(_ticks_since(now["began"], tick)[ended].sum()),
        float(now["finished_return"].sum()) + float(endings.episode_return[ended].sum(dtype=np.float64)),
    )


def _added(one: Finished, other: Finished) -> Finished:
    return Finished(
        one.count + other.count,
        one.terminated + other.terminated,
        one.length + other.length,
        one.total_return + other.total_return,
    )


def _episodes_begun_by(records: Records, tick: int) -> Records:
    """Return the newest episode of each agent that had begun by `tick`: records, [n]."""
    newest = records["number"].argmax(axis=1)
    began = records["began"][np.arange(len(records)), newest]
    newest ^= _ticks_since(began, tick).view(np.int32) < 0
    chosen: Records = records[np.arange(len(records)), newest]
    return chosen


def _ticks_since(began: Uint32Array, tick: int) -> Uint32Array:
    """Return `tick` - `began`, modulo 2**32."""
    return np.uint32(tick & 0xFFFFFFFF) - began
