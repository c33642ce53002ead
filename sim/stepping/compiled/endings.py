"""Agents whose episodes ended, and the records of their next ones, compiled."""

from typing import Any

import numpy as np

from valuescape.sim.codegen.compiler import compiled_inside
from valuescape.sim.codegen.machine import WORD_BYTES, fence_release, load_word
from valuescape.sim.shared.layout import Ending

RUNNING, TERMINATED, TRUNCATED = (np.uint8(ending) for ending in Ending)


@compiled_inside
def list_ended(ending: Any, first: Any, agents: Any) -> Any:
    """Write the numbers of the agents whose episodes ended to `agents`; return how many there are.

    ending: [n] uint8, of the agents from `first` on. Eight are tested at once, as most go on.
    """
    count, n = 0, len(ending)
    for i in range(0, n - n % WORD_BYTES, WORD_BYTES):
        if load_word(ending.ctypes.data + i) != 0:
            for j in range(i, i + WORD_BYTES):
                agents[count] = first + j
                count += ending[j] != RUNNING
    for j in range(n - n % WORD_BYTES, n):
        agents[count] = first + j
        count += ending[j] != RUNNING
    return count


@compiled_inside
def any_ended(ending: Any) -> Any:
    """Return whether any episode ended. A loop of its own: LLVM vectorises it."""
    found = RUNNING
    for i in range(len(ending)):
        found |= ending[i]
    return found != RUNNING


@compiled_inside
def episode_at(pair: Any, tick: Any) -> Any:
    """Return the one of an agent's two records whose episode has begun by `tick`, a recent one."""
    newest = 1 if pair[1].number > pair[0].number else 0
    if np.int32(np.uint32(tick) - np.uint32(pair[newest].began)) < 0:  # by a worker that died in this tick
        newest = 1 - newest
    return pair[newest]


@compiled_inside
def next_episode(arrays: Any, ended: Any, began: Any, agent: Any) -> Any:
    """Write the record of `agent`'s episode that begins in tick `began`; return its number.

    The compiled twin of `shared.episodes.next_episodes`.
    """
    pair = arrays.episodes[agent]
    before = episode_at(pair, ended)
    number = before.number + 1
    written = pair[number & 1]
    row = ended % len(arrays.ending)
    written.began = np.uint32(began)
    written.terminated_count = before.terminated_count + np.uint32(arrays.ending[row, agent] == TERMINATED)
    written.finished_length = before.finished_length + np.uint64(np.uint32(np.uint32(ended) - before.began))
    written.finished_return = before.finished_return + np.float64(arrays.episode_return[row, agent])
    fence_release()  # the number makes the record valid: a worker that dies before it has written nothing
    written.number = number
    arrays.episode_start[agent] = np.uint32(began)
    return number
