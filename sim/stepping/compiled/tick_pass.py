"""The pass that makes a tick of agents: dynamics, episode returns, endings and trail, in one loop.

At 100,000 agents the time of a tick is the traffic between the caches, so every array is read once and
written once. `sim.codegen.rows` explains why LLVM can vectorise the loop.
"""

from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numba import float32, uint8, uint32

from valuescape.sim.codegen.compiler import c_function, inlined_whole, source_key
from valuescape.sim.codegen.rows import (
    clip_elements,
    load_mixed,
    load_number,
    load_rows,
    row_addresses,
    store_number,
    store_rows,
)
from valuescape.sim.stepping.acting import action_bounds
from valuescape.sim.stepping.compiled.endings import RUNNING, TERMINATED, TRUNCATED
from valuescape.sim.stepping.stepper import Rules
from valuescape.sim.worlds.base import ElementwiseWorld, World, full_dynamics
from valuescape.sim.worlds.parameters import spread_bits

HALF, ZERO = np.float32(0.5), np.float32(0)


class PassRows(NamedTuple):
    """The place of each array's first row in the table of addresses; all addresses are of the first agent."""

    state: int
    action: int  # read: as decided, not clipped
    began: int  # uint32
    return_before: int
    ending_before: int  # uint8
    position_before: int  # x, y, x, y, ...
    strand_before: int  # uint8
    next_state: int
    kept_action: int  # written: the clipped one
    reward: int
    return_after: int
    ending: int
    position: int
    strand: int
    terminated: int  # bool, read if the world has stepped already
    obs: int
    parameter: int
    draw: int  # uniform numbers that the step is made with
    size: int


def pass_rows(world: World) -> PassRows:
    """Return the places in the table for `world`."""
    dim, actions = len(world.state), world.action.dim
    sizes: tuple[int, ...] = (dim, actions, 1, 1, 1, 1, 1, dim, actions, 1, 1, 1, 1, 1, 1, len(world.obs))
    sizes += len(world.parameters), world.step_draws
    return PassRows(0, *accumulate(sizes))


class _Trail(NamedTuple):
    """The map's axes, by which states become positions: constants of the machine code."""

    x_axis: int
    y_axis: int
    x_low: np.float32
    y_low: np.float32
    x_span: np.float32  # 0 if not periodic
    y_span: np.float32

    @classmethod
    def of(cls, world: World, map_axes: tuple[int, int]) -> "_Trail":
        x, y = (world.state[axis] for axis in map_axes)
        spans = (np.float32(each.high - each.low) if each.periodic else ZERO for each in (x, y))
        return cls(*map_axes, np.float32(x.low), np.float32(y.low), *spans)


def compile_pass(world: World, rules: Rules, *, keeps_obs: bool) -> int:
    """Return the address of the pass (table, agents, tick), which makes `tick` of the agents in the table.

    For an ElementwiseWorld it computes everything. For other worlds, which have written next states, rewards
    and terminations before, it counts and writes the trail. Agents whose episodes ended in the tick before
    are treated as the others; `sim.stepping.compiled.tick` starts them again.
    """
    if isinstance(world, ElementwiseWorld):
        return _compile_stepping(world, rules, keeps_obs)
    return _compile_settling(world, rules)


def _compile_stepping(world: ElementwiseWorld, rules: Rules, keeps_obs: bool) -> int:
    constants = _constants(world, rules, keeps_obs=keeps_obs)
    full, varying = full_dynamics(world), spread_bits(world.ranges)
    key = source_key(full, world.observation, constants=(constants, varying))
    settle = inlined_whole(_settling(world, rules))
    dynamics = inlined_whole(full)
    observation = inlined_whole(world.observation)
    at, dim, action_dim = pass_rows(world), len(world.state), world.action.dim
    low, high = (tuple(bound) for bound in action_bounds(world.action))
    state_at, action_at, next_at, kept_at = at.state, at.action, at.next_state, at.kept_action
    reward_at, obs_at, count = at.reward, at.obs, at.size
    parameter_at, parameters, draw_at, draws = at.parameter, len(world.parameters), at.draw, world.step_draws

    def step(table: Any, agents: Any, tick: Any) -> None:
        rows = row_addresses(table, count)
        fixed = load_rows(rows, parameter_at, parameters, 0)  # what follows from them leaves the loop, too
        for i in range(agents):
            action = clip_elements(load_rows(rows, action_at, action_dim, i), low, high)
            own = load_mixed(rows, parameter_at, fixed, varying, i)
            chance = load_rows(rows, draw_at, draws, i)
            following, reward, done = dynamics(load_rows(rows, state_at, dim, i), action, own, chance)
            store_rows(rows, next_at, i, following)
            store_rows(rows, kept_at, i, action)
            store_rows(rows, reward_at, i, (reward,))
            if keeps_obs:
                store_rows(rows, obs_at, i, observation(following))
            settle(rows, i, following, reward, done, np.uint32(tick))

    return c_function(step, key)


def _compile_settling(world: World, rules: Rules) -> int:
    key = source_key(constants=_constants(world, rules, keeps_obs=False))
    settle = inlined_whole(_settling(world, rules))
    at, dim = pass_rows(world), len(world.state)
    next_at, reward_at, terminated_at, count = at.next_state, at.reward, at.terminated, at.size

    def finish(table: Any, agents: Any, tick: Any) -> None:
        rows = row_addresses(table, count)
        for i in range(agents):
            following = load_rows(rows, next_at, dim, i)
            done = load_number(rows, terminated_at, i, uint8) != RUNNING
            settle(rows, i, following, load_number(rows, reward_at, i, float32), done, np.uint32(tick))

    return c_function(finish, key)


def _constants(world: World, rules: Rules, *, keeps_obs: bool) -> object:
    """Return the values that the machine code contains beside its source."""
    bounds = [bound.tolist() for bound in action_bounds(world.action)]
    trail = _Trail.of(world, rules.map_axes)
    return pass_rows(world), trail, bounds, world.max_episode_steps, rules.autoreset, keeps_obs


def _settling(world: World, rules: Rules) -> Any:
    """Return the function that counts a step of one agent and writes its trail."""
    at, trail = pass_rows(world), _Trail.of(world, rules.map_axes)
    limit, breaks = np.uint32(world.max_episode_steps), np.uint8(rules.autoreset)
    began_at, return_before_at, ending_before_at = at.began, at.return_before, at.ending_before
    position_before_at, strand_before_at, return_at = at.position_before, at.strand_before, at.return_after
    ending_at, position_at, strand_at = at.ending, at.position, at.strand
    x_axis, y_axis, x_low, y_low, x_span, y_span = trail
    x_periodic, y_periodic = bool(x_span), bool(y_span)

    def settle(rows: Any, i: Any, following: Any, reward: Any, done: Any, tick: Any) -> None:
        store_number(rows, return_at, i, load_number(rows, return_before_at, i, float32) + reward)
        late = np.uint32(tick - load_number(rows, began_at, i, uint32)) >= limit
        store_number(rows, ending_at, i, TERMINATED if done else (TRUNCATED if late else RUNNING))
        breaks_here = breaks if load_number(rows, ending_before_at, i, uint8) != RUNNING else RUNNING
        x, y = following[x_axis], following[y_axis]
        if x_periodic:
            x = x - np.floor((x - x_low) / x_span) * x_span
            gap = abs(x - load_number(rows, position_before_at, 2 * i, float32))
            breaks_here |= np.uint8(gap > x_span * HALF)
        if y_periodic:
            y = y - np.floor((y - y_low) / y_span) * y_span
            gap = abs(y - load_number(rows, position_before_at, 2 * i + 1, float32))
            breaks_here |= np.uint8(gap > y_span * HALF)
        store_number(rows, position_at, 2 * i, x)
        store_number(rows, position_at, 2 * i + 1, y)
        strand = load_number(rows, strand_before_at, i, uint8)
        store_number(rows, strand_at, i, np.uint8(strand + breaks_here))

    return settle
