"""One tick of one slice of agents, compiled: the same as `sim.stepper.Stepper.step`, bit by bit.

Bit by bit but for a network's actions (`sim.simd.policy`). It works in blocks: rows are copied into a block
that stays in the first cache, calculated there in loops that LLVM vectorises, and copied out.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.layout import Ending
from sim.simd.acting import act, draw_for_reset
from sim.simd.compiler import compiled, compiled_and_kept
from sim.simd.machine import BLOCK_AGENTS, call_at, copy_bytes, fence_release
from sim.simd.policy import GIVEN
from sim.worlds.base import Float32Array, Variable, World

RUNNING, TERMINATED, TRUNCATED = (np.uint8(ending) for ending in Ending)
FLOAT_ZERO = np.float32(0)
HALF = np.float32(0.5)


class TickArrays(NamedTuple):
    """The arena's arrays that a tick reads and writes."""

    state: Float32Array
    action: Float32Array
    reward: Float32Array
    ending: NDArray[np.uint8]
    episode_return: Float32Array
    episode_start: NDArray[np.uint32]
    episodes: NDArray[Any]
    trail_position: Float32Array  # [trail_rows, 2 * agents]: flat, else LLVM does not vectorise the writing
    trail_strand: NDArray[np.uint8]
    given_action: Float32Array
    obs: Float32Array  # [rows, 0, agents] where it is not kept
    main: NDArray[Any]


class Scratch(NamedTuple):
    """A slice's private memory; nothing in it outlives a tick."""

    block: Float32Array  # [rows, BLOCK_AGENTS]
    terminated: NDArray[np.bool_]  # [BLOCK_AGENTS]
    network: Float32Array  # [3, width * TILE_AGENTS]


class TickRules(NamedTuple):
    """What of `sim.stepper.Rules` and of the world is neither code nor policy."""

    autoreset: bool
    max_episode_steps: np.uint32
    map_axes: tuple[int, int]
    low: tuple[np.float32, np.float32]  # of the map's axes
    span: tuple[np.float32, np.float32]  # 0 if not periodic


def tick_rules(world: World, map_axes: tuple[int, int], *, autoreset: bool) -> TickRules:
    """Return the rules for `world`."""
    axes = [world.state[axis] for axis in map_axes]
    low = tuple(np.float32(axis.low) for axis in axes)
    return TickRules(
        autoreset,
        np.uint32(world.max_episode_steps),
        map_axes,
        (low[0], low[1]),
        _spans(axes),
    )


def _spans(axes: list[Variable]) -> tuple[np.float32, np.float32]:
    spans = [np.float32(axis.high - axis.low) if axis.periodic else FLOAT_ZERO for axis in axes]
    return spans[0], spans[1]


@compiled_and_kept
def tick(
    k: Any, begin: Any, end: Any, arrays: Any, policy: Any, rules: Any, world: Any, scratch: Any
) -> None:
    """Make tick k + 1 of agents [begin, end)."""
    now, following = k % len(arrays.state), (k + 1) % len(arrays.state)
    block = scratch.block
    address, flags = block.ctypes.data, scratch.terminated.ctypes.data
    tick_word = np.uint64(k) & np.uint64(0xFFFFFFFF)
    seed = arrays.main[0].seed
    blocks = -(-(end - begin) // BLOCK_AGENTS)
    for index in range(blocks):
        # There and back again: the blocks that the last tick ended with are still in the cache.
        first = begin + BLOCK_AGENTS * (index if k % 2 == 0 else blocks - 1 - index)
        n = min(BLOCK_AGENTS, end - first)
        _load_rows(block, arrays.state[now], 0, first, n)
        if len(policy.layers) > 0:
            call_at(world.observe, address, n, flags)
        act(policy, arrays, block, world, scratch.network, n, first, tick_word, seed)
        call_at(world.step, address, n, flags)
        reward = block[world.reward_row, :n]
        count(arrays, now, following, k, first, reward, scratch.terminated, rules.max_episode_steps)
        if rules.autoreset and _any_ended(arrays.ending[now, first : first + n]):
            _start_again(arrays, now, following, k, first, n, block, seed, world)
        _store_rows(block, arrays.state[following], world.next_row, first, n)
        if policy.kind != GIVEN:
            _store_rows(block, arrays.action[following], world.action_row, first, n)
        _copy_floats(arrays.reward[following, first : first + n], reward)
        if len(arrays.obs[following]) > 0:
            _keep_obs(arrays.obs[following], first, n, block, world)
        leave_trail(arrays, now, k, first, n, block[world.next_row :], rules)


@compiled_and_kept
def count_and_leave_trail(k: Any, begin: Any, end: Any, arrays: Any, rules: Any, terminated: Any) -> Any:
    """Finish tick k + 1 of agents [begin, end), whose world has made the next states by itself.

    Returns False, with the trail not written, if some must start again before.
    """
    now, following = k % len(arrays.state), (k + 1) % len(arrays.state)
    reward = arrays.reward[following, begin:end]
    count(arrays, now, following, k, begin, reward, terminated, rules.max_episode_steps)
    if rules.autoreset and _any_ended(arrays.ending[now, begin:end]):
        return False
    leave_trail(arrays, now, k, begin, end - begin, arrays.state[following, :, begin:end], rules)
    return True


@compiled
def _start_again(
    arrays: Any, now: Any, following: Any, k: Any, first: Any, n: Any, block: Any, seed: Any, world: Any
) -> None:
    """Put whoever's episode ended in tick k at the start of the next."""
    for i in range(n):
        if arrays.ending[now, first + i] != RUNNING:
            episode = next_episode(arrays, now, following, k, first + i)
            draws = block[world.draw_row :]
            draw_for_reset(draws, world.reset_draws, i, seed, first + i, episode)
            call_at(world.start, block.ctypes.data, i, np.uintp(0))
            block[world.reward_row, i] = FLOAT_ZERO
            block[world.action_row : world.reward_row, i] = FLOAT_ZERO


@compiled
def _keep_obs(obs: Any, first: Any, n: Any, block: Any, world: Any) -> None:
    """Write what `n` agents observe of their next states; takes the rows of the draws for it."""
    following = block[world.next_row :]  # seen as a block whose states are the next ones
    call_at(world.observe, following.ctypes.data, n, np.uintp(0))
    _store_rows(following, obs, world.obs_row, first, n)


@compiled
def _copy_floats(target: Any, source: Any) -> None:
    copy_bytes(target.ctypes.data, source.ctypes.data, 4 * len(target))


@compiled
def _load_rows(block: Any, source: Any, first_row: Any, first: Any, n: Any) -> None:
    """Copy `n` agents of all rows of `source` [dim, agents] into the block."""
    for row in range(len(source)):
        _copy_floats(block[first_row + row, :n], source[row, first : first + n])


@compiled
def _store_rows(block: Any, target: Any, first_row: Any, first: Any, n: Any) -> None:
    """Copy rows of the block to `n` agents of all rows of `target` [dim, agents]."""
    for row in range(len(target)):
        _copy_floats(target[row, first : first + n], block[first_row + row, :n])


@compiled
def count(
    arrays: Any, now: Any, following: Any, k: Any, first: Any, reward: Any, terminated: Any, most: Any
) -> None:
    """Sum up the reward and decide how the episodes stand."""
    n = len(reward)
    before = arrays.episode_return[now, first : first + n]
    after = arrays.episode_return[following, first : first + n]
    for i in range(n):
        after[i] = before[i] + reward[i]
    began = arrays.episode_start[first : first + n]
    ending = arrays.ending[following, first : first + n]
    tick = np.uint32(k + 1)
    for i in range(n):
        late = TRUNCATED if np.uint32(tick - began[i]) >= most else RUNNING
        ending[i] = TERMINATED if terminated[i] else late


@compiled
def _any_ended(ending: Any) -> Any:
    """Return whether any of the endings is one; a loop of its own, or LLVM would not vectorise it."""
    found = RUNNING
    for i in range(len(ending)):
        found |= ending[i]
    return found != RUNNING


@compiled
def next_episode(arrays: Any, now: Any, following: Any, k: Any, agent: Any) -> Any:
    """Write the episode of `agent` that begins in tick k + 1, as `sim.episodes` does; return its number."""
    pair = arrays.episodes[agent]
    newest = 1 if pair[1].number > pair[0].number else 0
    if np.uint32(pair[newest].began) == np.uint32(k + 1):  # this tick was begun by someone who died in it
        newest = 1 - newest
    before = pair[newest]
    number = before.number + 1
    written = pair[number & 1]
    written.began = np.uint32(k + 1)
    ended_so = np.uint32(arrays.ending[now, agent] == TERMINATED)
    written.terminated_count = before.terminated_count + ended_so
    written.finished_length = before.finished_length + np.uint64(np.uint32(np.uint32(k) - before.began))
    written.finished_return = before.finished_return + np.float64(arrays.episode_return[now, agent])
    fence_release()  # only with its number is the record valid: who dies before has written nothing
    written.number = number
    arrays.episode_start[agent] = np.uint32(k + 1)
    arrays.episode_return[following, agent] = FLOAT_ZERO
    arrays.ending[following, agent] = RUNNING
    return number


@compiled
def leave_trail(arrays: Any, now: Any, k: Any, first: Any, n: Any, state: Any, rules: Any) -> None:
    """Write map positions and strands of tick k + 1; `state` has the agents' next states."""
    rows = len(arrays.trail_position)
    position = arrays.trail_position[(k + 1) % rows, 2 * first : 2 * (first + n)]
    before = arrays.trail_position[k % rows, 2 * first : 2 * (first + n)]
    strand = arrays.trail_strand[(k + 1) % rows, first : first + n]
    strand_before = arrays.trail_strand[k % rows, first : first + n]
    ending = arrays.ending[now, first : first + n]
    breaks = np.uint8(rules.autoreset)
    for i in range(n):
        strand[i] = strand_before[i] + (breaks if ending[i] != RUNNING else RUNNING)
    x, y = state[rules.map_axes[0]], state[rules.map_axes[1]]
    if rules.span[0] == FLOAT_ZERO and rules.span[1] == FLOAT_ZERO:
        for i in range(n):
            position[2 * i] = x[i]
            position[2 * i + 1] = y[i]
        return
    for i in range(n):
        u, crossed_x = _wrap(x[i], before[2 * i], rules.low[0], rules.span[0])
        v, crossed_y = _wrap(y[i], before[2 * i + 1], rules.low[1], rules.span[1])
        position[2 * i] = u
        position[2 * i + 1] = v
        started = strand[i] != strand_before[i]
        strand[i] = strand_before[i] + np.uint8(started or crossed_x or crossed_y)


@compiled
def _wrap(x: Any, before: Any, low: Any, span: Any) -> Any:
    """Return `x` within its window, and whether it left it on one side and came back on the other."""
    if span == FLOAT_ZERO:
        return x, False
    inside = x - np.floor((x - low) / span) * span
    gap = inside - before
    gap = -gap if gap < FLOAT_ZERO else gap
    return inside, gap > span * HALF
