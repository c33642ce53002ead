"""Actions of a block of agents, compiled: random, or a network's, with exploration."""

from typing import Any

import numpy as np

from valuescape.sim.codegen.compiler import compiled_inside, compiled_whole
from valuescape.sim.codegen.machine import store_elements
from valuescape.sim.rng import Stream, normal_pair, philox_words, unit_float
from valuescape.sim.stepping.compiled.mlp import TILE_AGENTS
from valuescape.sim.stepping.compiled.network import ARGMAX, RANDOM, SQUASHED, forward_tile
from valuescape.sim.stepping.compiled.table import look_up

PHILOX_WORDS = 4
"""Random words of one Philox call; rows of draws are filled so many at a time."""

EXPLORATION_WORD = np.uint64(Stream.EXPLORATION << 16)
RESET_WORD, DYNAMICS_WORD = np.uint64(Stream.RESET << 16), np.uint64(Stream.DYNAMICS << 16)
TWO, ONE = np.float32(2), np.float32(1)
NAN = np.float32(np.nan)
SHIFT, MASK, ZERO = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint64(0)

philox = compiled_whole(philox_words)
unit = compiled_whole(unit_float)
pair = compiled_whole(normal_pair)


@compiled_inside
def draw_rows(draws: Any, count: Any, n: Any, seed: Any, stream: Any, agent: Any, tick: Any) -> None:
    """Fill `count` rows of `draws` in a block with uniform numbers for `n` agents from `agent` on, episode 0.

    LLVM does eight agents at a time: 1.7 ns an agent on a 3.5 GHz EPYC. With rows that it could not tell
    apart it would do one at a time, in 15 ns.
    """
    for first in range(0, count, PHILOX_WORDS):
        word = stream | np.uint64(first // PHILOX_WORDS)
        draw_four(draws[first].ctypes.data, n, seed, word, agent, tick)


@compiled_inside
def draw_four(rows: Any, n: Any, seed: Any, word: Any, agent: Any, tick: Any) -> None:
    """Fill PHILOX_WORDS rows of a block, from address `rows` on."""
    low, high = seed & MASK, seed >> SHIFT
    for i in range(n):
        words = philox(np.uint64(agent + i), ZERO, tick, word, low, high)
        store_elements(rows, i, (unit(words[0]), unit(words[1]), unit(words[2]), unit(words[3])))


@compiled_inside
def draw_for_episodes(draws: Any, count: Any, n: Any, keys: Any, stream: Any) -> None:
    """Fill `n` columns of `draws` in a block with draws of agents in episodes.

    keys: [5, BLOCK_AGENTS] uint64: anything, then episodes, seeds, agents, steps of their episodes.
    """
    episodes, seeds, agents, steps = keys[1], keys[2], keys[3], keys[4]
    for first in range(0, count, PHILOX_WORDS):
        rows, word = draws[first].ctypes.data, stream | np.uint64(first // PHILOX_WORDS)
        for i in range(n):
            words = philox(agents[i], episodes[i], steps[i], word, seeds[i] & MASK, seeds[i] >> SHIFT)
            store_elements(rows, i, (unit(words[0]), unit(words[1]), unit(words[2]), unit(words[3])))


@compiled_inside
def random_actions(policy: Any, action: Any, draws: Any, n: Any) -> None:
    """Write uniform actions to the first `n` columns of `action`, from as many rows of uniform draws."""
    for row in range(len(action)):
        out, draw = action[row, :n], draws[row, :n]
        if policy.choices:
            count = np.float32(policy.choices)
            for i in range(n):
                out[i] = np.floor(draw[i] * count)
        else:
            low, span = policy.low[row], policy.high[row] - policy.low[row]
            for i in range(n):
                out[i] = low + draw[i] * span


@compiled_inside
def clip_rows(policy: Any, action: Any, n: Any) -> None:
    """Clip the first `n` columns of `action` to their bounds; NaN stays NaN."""
    for row in range(len(action)):
        values, low, high = action[row, :n], policy.low[row], policy.high[row]
        for i in range(n):
            x = low if values[i] < low else values[i]
            values[i] = high if x > high else x


@compiled_inside
def network_actions(
    policy: Any, action: Any, block: Any, obs_row: Any, obs_dim: Any, network: Any, n: Any
) -> None:
    """Write the network's actions for `n` agents, and for those that fill the last tile of TILE_AGENTS."""
    for first in range(0, n, TILE_AGENTS):
        outputs = network[_outputs(policy, block, obs_row, obs_dim, first, network)]
        if policy.kind == ARGMAX:
            _choose(outputs, policy.choices, action[0, first : first + TILE_AGENTS])
        else:
            for row in range(len(action)):
                values = outputs[row * TILE_AGENTS : (row + 1) * TILE_AGENTS]
                out = action[row, first : first + TILE_AGENTS]
                scale, center = ONE, np.float32(0)
                if policy.kind == SQUASHED:
                    scale = (policy.high[row] - policy.low[row]) / TWO
                    center = (policy.low[row] + policy.high[row]) / TWO
                for i in range(TILE_AGENTS):
                    out[i] = values[i] * scale + center


@compiled_inside
def _outputs(policy: Any, block: Any, obs_row: Any, obs_dim: Any, agent: Any, network: Any) -> Any:
    """Return the row of `network` with TILE_AGENTS agents' outputs: by the table where it has them."""
    row, looked_up = 0, False
    if policy.cells > 0:
        looked_up = look_up(policy, block, agent, network.ctypes.data)
    if not looked_up:
        row = forward_tile(policy, block, obs_row, obs_dim, agent, network)
        if policy.cells > 0:
            look_up(policy, block, agent, network.ctypes.data + row * network.strides[0])
    return row


@compiled_inside
def _choose(scores: Any, choices: Any, out: Any) -> None:
    """Write the index of the highest score, of equal ones the lowest; NaN where a score is NaN."""
    for i in range(TILE_AGENTS):
        best, chosen = scores[i], np.float32(0)
        known = best == best
        for choice in range(1, choices):
            score = scores[choice * TILE_AGENTS + i]
            known &= score == score
            if score > best:
                best, chosen = score, np.float32(choice)
        out[i] = chosen if known else NAN


@compiled_inside
def explore(policy: Any, exploration: Any, action: Any, draws: Any, n: Any) -> None:
    """Add Gaussian noise to continuous actions, or replace a share of discrete ones, from uniform draws."""
    if policy.choices:
        count = np.float32(policy.choices)
        for i in range(n):
            if draws[0, i] < exploration:
                action[0, i] = np.floor(draws[1, i] * count)
        return
    clip_rows(policy, action, n)
    for row in range(len(action)):
        u, v = draws[row - row % 2], draws[row - row % 2 + 1]
        noise = exploration * (policy.high[row] - policy.low[row]) / TWO
        for i in range(n):
            first, second = pair(u[i], v[i])
            action[row, i] += (second if row % 2 else first) * noise


@compiled_inside
def act(policy: Any, block: Any, world: Any, network: Any, n: Any, agent: Any, tick: Any, main: Any) -> None:
    """Write the actions of `n` agents from `agent` on to the block, which holds their observations.

    They may be beyond their bounds; the pass clips them. main: the arena's record, with seed and exploration.
    """
    action = block[world.action_row : world.obs_row]
    action_dim = len(action)
    draws = block[world.draw_row :]
    if policy.kind == RANDOM:
        draw_rows(draws, action_dim, n, main.seed, EXPLORATION_WORD, agent, tick)
        random_actions(policy, action, draws, n)
        return
    network_actions(policy, action, block, world.obs_row, world.draw_row - world.obs_row, network, n)
    exploration = main.exploration
    if exploration > 0:
        count = 2 if policy.choices else action_dim + action_dim % 2
        draw_rows(draws, count, n, main.seed, EXPLORATION_WORD, agent, tick)
        explore(policy, exploration, action, draws, n)
