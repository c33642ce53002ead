"""The record of every agent's episodes: written when one starts, read for any recent tick."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array, Float64Array, IndexArray, Uint32Array
from valuescape.sim.shared.layout import EPISODE, Ending

Records = NDArray[Any]
"""[n, 2] of `sim.shared.layout.EPISODE`: an agent's episode e is in column e mod 2."""


@dataclass(frozen=True, slots=True)
class Endings:
    """How agents stand at one tick, [n] each: views of the rows of that tick."""

    ending: NDArray[np.uint8]
    episode_return: Float32Array


def first_episodes(records: Records, tick: int) -> None:
    """Write every agent's episode 0, which begins at `tick`, and forget what was there."""
    records[:] = np.zeros((), EPISODE)
    records["number"] = -1
    records["number"][:, 0] = 0
    records["began"][:, 0] = tick & 0xFFFFFFFF


def next_episodes(records: Records, who: IndexArray, endings: Endings, ended: int, began: int) -> Uint32Array:
    """Write the episodes of agents `who` that begin at tick `began`, and return their numbers, [len(who)].

    endings: of all agents at tick `ended`, in which the episodes before came to their end. Doing it twice
    does it once if `ended` is before `began`: a record that begins there is written again, the same.
    """
    before = _episodes_begun_by(records[who], ended)
    following = np.zeros(len(who), EPISODE)
    following["number"] = before["number"] + 1
    following["began"] = began & 0xFFFFFFFF
    terminated = endings.ending[who] == Ending.TERMINATED
    following["terminated_count"] = before["terminated_count"] + terminated
    following["finished_length"] = before["finished_length"] + _ticks_since(before["began"], ended)
    following["finished_return"] = before["finished_return"] + endings.episode_return[who]
    # The number last: only with it is the record valid, and who dies in between has written nothing.
    for name in ("began", "terminated_count", "finished_length", "finished_return", "number"):
        records[name][who, following["number"] & 1] = following[name]
    number: Uint32Array = following["number"].astype(np.uint32)
    return number


@dataclass(frozen=True, slots=True)
class EpisodeState:
    """Where all agents' episodes stand at one tick, [n] each; sums are over the episodes that have ended."""

    number: Uint32Array
    step: Uint32Array
    finished_count: Uint32Array
    terminated_count: Uint32Array
    finished_length: NDArray[np.uint64]
    finished_return: Float64Array


def episodes_at(records: Records, endings: Endings, tick: int) -> EpisodeState:
    """Return where the episodes stand at `tick`, whose rows `endings` are; new arrays.

    Exact while the newest episode of each agent, or the one before, is the one of `tick`.
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


def _episodes_begun_by(records: Records, tick: int) -> Records:
    """Return, for each agent, the newest episode that had begun by `tick`, [n]."""
    newest = records["number"].argmax(axis=1)
    began = records["began"][np.arange(len(records)), newest]
    newest ^= _ticks_since(began, tick).view(np.int32) < 0
    chosen: Records = records[np.arange(len(records)), newest]
    return chosen


def _ticks_since(began: Uint32Array, tick: int) -> Uint32Array:
    """Return `tick` - `began`, modulo 2**32."""
    return np.uint32(tick & 0xFFFFFFFF) - began
