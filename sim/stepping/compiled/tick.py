"""One tick of one slice of agents, compiled: equal to `sim.stepping.stepper.Stepper.step` bit by bit.

Only a network's actions differ (see `network`). The actions of a block of agents are decided in rows that
stay in the first-level cache; one pass over the arena's rows (`tick_pass`) does the rest.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array
from valuescape.sim.codegen.compiler import compiled_and_kept, compiled_inside, compiled_whole
from valuescape.sim.codegen.machine import BLOCK_AGENTS, FLOAT_BYTES, call_at, copy_bytes
from valuescape.sim.stepping.compiled.acting import (
    DYNAMICS_WORD,
    RESET_WORD,
    act,
    draw_for_episodes,
    draw_rows,
)
from valuescape.sim.stepping.compiled.endings import RUNNING, episode_at, list_ended, next_episode
from valuescape.sim.stepping.compiled.network import GIVEN
from valuescape.sim.worlds.base import Variable, World

FLOAT_ZERO = np.float32(0)


class TickArrays(NamedTuple):
    """The arena's arrays that a tick reads and writes; see `sim.shared.layout`."""

    state: Float32Array
    action: Float32Array
    reward: Float32Array
    ending: NDArray[np.uint8]
    episode_return: Float32Array
    episode_start: NDArray[np.uint32]
    episodes: NDArray[Any]
    trail_position: Float32Array
    trail_strand: NDArray[np.uint8]
    given_action: Float32Array
    obs: Float32Array  # [rows, 0, agents] if observations are not kept
    start_key: NDArray[Any]  # [0] if all agents' starts follow from one seed
    parameter: Float32Array  # [parameters, agents]
    main: NDArray[Any]


class Scratch(NamedTuple):
    """Private memory of a slice; nothing in it outlives a tick."""

    block: Float32Array  # [rows, BLOCK_AGENTS]
    network: Float32Array  # [3, width * TILE_AGENTS]
    action: Float32Array  # [action_dim, the slice's agents] if agents see each other, else [0, 0]
    terminated: NDArray[np.bool_]  # [the slice's agents] in that case, else [0]
    table: NDArray[np.uint64]  # [PassRows.size], addresses
    starting: NDArray[
        np.uint64
    ]  # [5, BLOCK_AGENTS]: restarting agents; keys of draws, as `acting` takes them
    time: NDArray[np.int64]  # [2], filled by clock_gettime


class TickRules(NamedTuple):
    """The rules and map axes needed to start an episode."""

    autoreset: bool
    map_axes: tuple[int, int]
    low: tuple[np.float32, np.float32]  # of the map's axes
    span: tuple[np.float32, np.float32]  # 0 if not periodic


def tick_rules(world: World, map_axes: tuple[int, int], *, autoreset: bool) -> TickRules:
    """Return the rules for `world`."""
    x, y = (world.state[axis] for axis in map_axes)
    return TickRules(autoreset, map_axes, (np.float32(x.low), np.float32(y.low)), (_span(x), _span(y)))


def _span(axis: Variable) -> np.float32:
    return np.float32(axis.high - axis.low) if axis.periodic else FLOAT_ZERO


def make_tick(
    k: Any, begin: Any, end: Any, arrays: Any, policy: Any, rules: Any, world: Any, scratch: Any
) -> Any:
    """Make tick k + 1 of agents [begin, end); return True."""
    now = k % len(arrays.state)
    blocks = -(-(end - begin) // BLOCK_AGENTS)
    for index in range(blocks):
        # Every other tick goes backwards: the blocks that the last one ended with are still in the cache.
        first = begin + BLOCK_AGENTS * (index if k % 2 == 0 else blocks - 1 - index)
        n = min(BLOCK_AGENTS, end - first)
        if policy.kind != GIVEN:
            _decide(k, now, first, n, arrays, policy, world, scratch)
        point_at_rows(scratch.table, k, first, arrays, world.at, scratch)
        _point_at_actions(scratch.table, k, first, arrays, policy.kind == GIVEN, world, scratch.block)
        if world.step_draws > 0:
            _draw_for_steps(k, first, n, arrays, world, scratch)
        call_at(world.finish, scratch.table.ctypes.data, n, np.uintp(np.uint32(k + 1)))
        if rules.autoreset:
            count = list_ended(arrays.ending[now, first : first + n], first, scratch.starting[0])
            if count > 0:
                start_again(arrays, k, k + 1, count, rules, world, scratch)
    return True


@compiled_and_kept
def restart(held: Any, who: Any, k: Any) -> None:
    """Put agents `who` of the slice at the start of their next episodes at tick k itself.

    held: holds the arguments of the tick after its number.
    """
    begin, _, arrays, _, rules, world, scratch = held.work
    strand = arrays.trail_strand[k % len(arrays.trail_strand)]
    for first in range(0, len(who), BLOCK_AGENTS):
        count = min(BLOCK_AGENTS, len(who) - first)
        for i in range(count):
            agent = begin + who[first + i]
            scratch.starting[0, i] = agent
            strand[agent] += np.uint8(1)
        start_again(arrays, k, k, count, rules, world, scratch)


@compiled_inside
def _decide(k: Any, now: Any, first: Any, n: Any, arrays: Any, policy: Any, world: Any, scratch: Any) -> None:
    """Write the actions of `n` agents to the block."""
    block = scratch.block
    if len(policy.layers) > 0:
        for row in range(arrays.state.shape[1]):
            source = arrays.state[now, row, first : first + n]
            copy_bytes(block[row].ctypes.data, source.ctypes.data, FLOAT_BYTES * n)
        call_at(world.observe, block.ctypes.data, n, np.uintp(0))
    tick_word = np.uint64(k) & np.uint64(0xFFFFFFFF)
    main = arrays.main[0]
    act(policy, block, world, scratch.network, n, first + main.first_agent, tick_word, main)


@compiled_inside
def point_at_rows(table: Any, k: Any, first: Any, arrays: Any, at: Any, scratch: Any) -> None:
    """Write the addresses of the rows of ticks k and k + 1, from agent `first` on; all but the actions."""
    now, following = k % len(arrays.state), (k + 1) % len(arrays.state)
    trail, next_trail = k % len(arrays.trail_strand), (k + 1) % len(arrays.trail_strand)
    for row in range(arrays.state.shape[1]):
        table[at.state + row] = arrays.state[now, row, first:].ctypes.data
        table[at.next_state + row] = arrays.state[following, row, first:].ctypes.data
    table[at.began] = arrays.episode_start[first:].ctypes.data
    table[at.return_before] = arrays.episode_return[now, first:].ctypes.data
    table[at.return_after] = arrays.episode_return[following, first:].ctypes.data
    table[at.ending_before] = arrays.ending[now, first:].ctypes.data
    table[at.ending] = arrays.ending[following, first:].ctypes.data
    table[at.position_before] = arrays.trail_position[trail, first:].ctypes.data
    table[at.position] = arrays.trail_position[next_trail, first:].ctypes.data
    table[at.strand_before] = arrays.trail_strand[trail, first:].ctypes.data
    table[at.strand] = arrays.trail_strand[next_trail, first:].ctypes.data
    table[at.reward] = arrays.reward[following, first:].ctypes.data
    table[at.terminated] = scratch.terminated.ctypes.data
    for row in range(arrays.obs.shape[1]):
        table[at.obs + row] = arrays.obs[following, row, first:].ctypes.data
    for row in range(len(arrays.parameter)):
        table[at.parameter + row] = arrays.parameter[row, first:].ctypes.data


@compiled_inside
def _draw_for_steps(k: Any, first: Any, n: Any, arrays: Any, world: Any, scratch: Any) -> None:
    """Fill rows of the block with what the world makes tick k + 1 of `n` agents with; write their addresses.

    The rows had the draws of actions, which are decided.
    """
    draws = scratch.block[world.draw_row :]
    for row in range(world.step_draws):
        scratch.table[world.at.draw + row] = draws[row].ctypes.data
    if len(arrays.start_key) == 0:
        tick_word = np.uint64(k) & np.uint64(0xFFFFFFFF)
        main = arrays.main[0]
        agent = first + main.first_agent
        draw_rows(draws, world.step_draws, n, main.seed, DYNAMICS_WORD, agent, tick_word)
        return
    episodes, seeds, numbers, steps = scratch.starting[1:]
    for i in range(n):
        key, episode = arrays.start_key[first + i], episode_at(arrays.episodes[first + i], k)
        seeds[i], numbers[i] = key.seed, key.agent
        episodes[i], steps[i] = episode.number, np.uint32(np.uint32(k) - episode.began)
    draw_for_episodes(draws, world.step_draws, n, scratch.starting, DYNAMICS_WORD)


@compiled_inside
def _point_at_actions(
    table: Any, k: Any, first: Any, arrays: Any, given: Any, world: Any, block: Any
) -> None:
    """Write the addresses of actions and of clipped ones; clipped given ones, not kept, go to the block."""
    following = (k + 1) % len(arrays.state)
    for row in range(arrays.action.shape[1]):
        decided = block[world.action_row + row].ctypes.data
        if given:
            table[world.at.action + row] = arrays.given_action[row, first:].ctypes.data
            table[world.at.kept_action + row] = decided
        else:
            table[world.at.action + row] = decided
            table[world.at.kept_action + row] = arrays.action[following, row, first:].ctypes.data


@compiled_inside
def start_again(arrays: Any, ended: Any, began: Any, n: Any, rules: Any, world: Any, scratch: Any) -> None:
    """Start the first `n` agents of `scratch.starting` again at tick `began`; they ended in tick `ended`.

    Each step is made for all of them, so that draws and starts are vectorised and cache misses overlap. Of
    the trail only the position is written; the pass breaks it.
    """
    starting, main = scratch.starting, arrays.main[0]
    agents, episodes, seeds, numbers = starting[0, :n], starting[1, :n], starting[2, :n], starting[3, :n]
    starting[4, :n] = 0
    for i in range(n):
        episodes[i] = next_episode(arrays, ended, began, agents[i])
    for i in range(n):
        seeds[i], numbers[i] = main.seed, agents[i] + np.uint64(main.first_agent)
        if len(arrays.start_key) > 0:
            key = arrays.start_key[agents[i]]
            seeds[i], numbers[i] = key.seed, key.agent
    block = scratch.block
    draw_for_episodes(block[world.draw_row :], world.reset_draws, n, starting, RESET_WORD)
    call_at(world.start, block.ctypes.data, n, np.uintp(0))
    row = began % len(arrays.state)
    for variable in range(arrays.state.shape[1]):
        _scatter(block[variable], agents, arrays.state[row, variable])
    for variable in range(arrays.obs.shape[1]):
        _scatter(block[world.obs_row + variable], agents, arrays.obs[row, variable])
    action = arrays.action[row % len(arrays.action)]
    for i in range(n):
        for each in range(len(action)):
            action[each, agents[i]] = FLOAT_ZERO
        arrays.reward[row, agents[i]] = FLOAT_ZERO
        arrays.episode_return[row, agents[i]] = FLOAT_ZERO
        arrays.ending[row, agents[i]] = RUNNING
    position = arrays.trail_position[began % len(arrays.trail_position)]
    for side in range(2):
        values, low, span = block[rules.map_axes[side]], rules.low[side], rules.span[side]
        for i in range(n):
            x = values[i]
            position[agents[i], side] = x - np.floor((x - low) / span) * span if span != FLOAT_ZERO else x


@compiled_inside
def _scatter(values: Any, agents: Any, row: Any) -> None:
    """Write `values` to the entries `agents` of a row."""
    for i in range(len(agents)):
        row[agents[i]] = values[i]


tick = compiled_whole(make_tick, compiled_inside)
"""`make_tick`, compiled where it is called."""
