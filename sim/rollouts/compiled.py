"""Rollouts as machine code, of worlds that are written element by element.

Rollouts of 2,048 states go side by side, in rows of a block that stays in the cache. One that ends makes room
for the next state at once, so the block stays full although episodes differ in length. No global lock of
Python's is held: threads make rollouts of different states at the same time.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array
from valuescape.sim.codegen.compiler import (
    c_function,
    compiled_and_kept,
    compiled_inside,
    inlined_whole,
    source_key,
)
from valuescape.sim.codegen.machine import (
    BLOCK_AGENTS,
    call_at,
    load_elements,
    load_varying,
    store_elements,
)
from valuescape.sim.codegen.rows import clip_elements
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.rng import Stream
from valuescape.sim.rollouts.compiled_sampling import (
    CATEGORICAL,
    NONE,
    draw_choice,
    draw_gaussian,
    head_outputs,
    sampling_arrays,
    sampling_width,
)
from valuescape.sim.rollouts.conditions import is_random
from valuescape.sim.rollouts.rules import CHUNK, NEGLIGIBLE_WEIGHT, RolloutEnd, RolloutRules, Rollouts
from valuescape.sim.stepping.acting import action_bounds
from valuescape.sim.stepping.compiled.acting import explore, network_actions, philox, random_actions, unit
from valuescape.sim.stepping.compiled.mlp import TILE_AGENTS
from valuescape.sim.stepping.compiled.network import RANDOM, network_width, policy_arrays
from valuescape.sim.worlds.base import DiscreteAction, ElementwiseWorld, full_dynamics
from valuescape.sim.worlds.parameters import spread_bits

_ROW_BYTES = 4 * BLOCK_AGENTS
_EXPLORATION, _SAMPLING, _DYNAMICS, _PARAMETER = (
    np.uint64(each << 16) for each in (Stream.EXPLORATION, Stream.SAMPLING, Stream.DYNAMICS, Stream.PARAMETER)
)
_SHIFT, _MASK = np.uint64(32), np.uint64(0xFFFFFFFF)
_ONE, _ZERO = np.float32(1), np.float32(0)
_TERMINATED, _CUT = np.uint8(RolloutEnd.TERMINATED), np.uint8(RolloutEnd.CUT)


class RolloutCode(NamedTuple):
    """Addresses of a world's compiled functions, and where each row is in a block.

    observe(block, n, -) writes what the first n rollouts observe; advance(block, n, -) makes their next
    states in place of the old ones, rewards, and 1 where an episode terminated.
    """

    observe: int
    advance: int
    action_row: int
    obs_row: int
    draw_row: int
    reward_row: int
    done_row: int
    bonus_row: int  # what entropy adds to the reward
    sample_row: int  # of stochastic policies: means and noise, or scores
    parameter_row: int
    rows: int
    step_draws: int
    spread: bool  # whether a rollout has parameters of its own


class _Results(NamedTuple):
    """`Rollouts` for compiled code."""

    value: Any
    total: Any
    steps: Any
    end: Any
    weight: Any


class _Lanes(NamedTuple):
    """The rollouts that run now: their rows, and what each adds up."""

    block: Float32Array  # [rows, BLOCK_AGENTS]
    network: Float32Array  # [3, width * TILE_AGENTS]
    state: NDArray[np.int64]  # [BLOCK_AGENTS], which of the states a rollout is from
    step: NDArray[np.int64]
    value: NDArray[np.float64]
    total: NDArray[np.float64]
    weight: NDArray[np.float64]


class _Limits(NamedTuple):
    parameters: Float32Array  # [parameters, 2]: lowest value and span
    gamma: np.float64
    max_steps: np.int64
    limit_end: np.uint8
    seed: np.uint64
    episode: np.uint64  # of the random numbers: the rollout's number, from 1 on
    exploration: np.float32


class CompiledRollouts:
    """Makes rollouts in machine code; each `run` has scratch memory of its own, so threads may share this.

    Performance (`make bench-rollouts`, two threads of an AMD EPYC): 65,536 states of mountain_car under the
    shipped 64-64 DQN, all episodes complete, take 0.13 s, 27 million steps a second; with drawn actions 26.
    """

    most = CHUNK

    def __init__(self, world: ElementwiseWorld, checkpoint: Checkpoint | None, rules: RolloutRules) -> None:
        """Compile the world's functions, or find them compiled. Raises numba's errors if it cannot be."""
        self._rules = rules
        self.random = is_random(world)
        self._ranges = np.array([(each.low, each.high - each.low) for each in world.ranges], np.float32)
        self._ranges = self._ranges.reshape(len(world.ranges), 2)
        self._sampling = sampling_arrays(checkpoint, world.action, rules.alpha, sampled=rules.sampled)
        self._code = rollout_code(world)
        self._policy = policy_arrays(checkpoint, world.action, given=False)
        obs_dim = len(world.obs)
        self._width = max(network_width(self._policy, obs_dim), sampling_width(self._sampling, obs_dim))

    def run(self, states: Float32Array, out: Rollouts, part: slice, number: int = 0) -> None:
        """Make rollout `number` from each of `states` [state_dim, n] in `part`; write to those of `out`.

        As `PlainRollouts.run`.
        """
        rules = self._rules
        limits = _Limits(
            self._ranges,
            np.float64(rules.gamma),
            np.int64(rules.max_steps),
            np.uint8(rules.limit_end),
            np.uint64(rules.seed),
            np.uint64(number + 1),
            np.float32(rules.exploration),
        )
        results = _Results(out.value, out.total, out.steps, out.end, out.weight)
        begin, end = np.int64(part.start), np.int64(part.stop)
        policies = self._policy, self._sampling
        _roll_out(begin, end, states, results, policies, limits, self._code, self._lanes())

    def close(self) -> None:
        """Do nothing: nothing but memory is held."""

    def _lanes(self) -> _Lanes:
        whole, numbers = np.zeros((2, BLOCK_AGENTS), np.int64), np.zeros((3, BLOCK_AGENTS))
        block = np.zeros((self._code.rows, BLOCK_AGENTS), np.float32)
        block[self._code.parameter_row :] = self._ranges[:, :1]  # those that are spread are drawn
        return _Lanes(block, np.zeros((3, self._width * TILE_AGENTS), np.float32), *whole, *numbers)


def rollout_code(world: ElementwiseWorld) -> RolloutCode:
    """Return the machine code of `world`. Raises numba's errors if it cannot be compiled."""
    state_dim, action_dim = len(world.state), world.action.dim
    obs_row = state_dim + action_dim
    draw_row = obs_row + len(world.obs)
    outputs = world.action.n if isinstance(world.action, DiscreteAction) else 2 * action_dim
    draws = max(2, action_dim + action_dim % 2, outputs, world.step_draws)
    reward_row = draw_row + -(-draws // 4) * 4
    return RolloutCode(
        observe=_compile_observe(world, state_dim, obs_row),
        advance=_compile_advance(world, draw_row, reward_row, reward_row + 3 + outputs),
        action_row=state_dim,
        obs_row=obs_row,
        draw_row=draw_row,
        reward_row=reward_row,
        done_row=reward_row + 1,
        bonus_row=reward_row + 2,
        sample_row=reward_row + 3,
        parameter_row=reward_row + 3 + outputs,
        rows=reward_row + 3 + outputs + len(world.parameters),
        step_draws=world.step_draws,
        spread=spread_bits(world.ranges) > 0,
    )


def _compile_observe(world: ElementwiseWorld, state_dim: int, obs_row: int) -> int:
    key = source_key(world.observation, constants=("rollout", state_dim, obs_row))
    observation, obs_at = inlined_whole(world.observation), obs_row * _ROW_BYTES

    def observe_states(block: Any, n: Any, _: Any) -> None:
        for i in range(n):
            store_elements(block + obs_at, i, observation(load_elements(block, i, state_dim)))

    return c_function(observe_states, key)


def _compile_advance(world: ElementwiseWorld, draw_row: int, reward_row: int, parameter_row: int) -> int:
    state_dim, action_dim, draws = len(world.state), world.action.dim, world.step_draws
    parameters, varying = len(world.parameters), spread_bits(world.ranges)
    low, high = (tuple(bound) for bound in action_bounds(world.action))
    sizes = state_dim, action_dim, draws, parameters, varying, draw_row, reward_row, parameter_row
    constants = "rollout", sizes, [float(each) for each in (*low, *high)]
    dynamics = full_dynamics(world)
    key = source_key(dynamics, constants=constants)
    dynamics = inlined_whole(dynamics)
    action_at, reward_at = state_dim * _ROW_BYTES, reward_row * _ROW_BYTES
    draw_at, parameter_at = draw_row * _ROW_BYTES, parameter_row * _ROW_BYTES

    def advance_states(block: Any, n: Any, _: Any) -> None:
        fixed = load_elements(block + parameter_at, 0, parameters)
        for i in range(n):
            action = clip_elements(load_elements(block + action_at, i, action_dim), low, high)
            own = load_varying(block + parameter_at, fixed, varying, i)
            chance = load_elements(block + draw_at, i, draws)
            following, reward, done = dynamics(load_elements(block, i, state_dim), action, own, chance)
            store_elements(block, i, following)
            store_elements(block + reward_at, i, (reward, _ONE if done else _ZERO))

    return c_function(advance_states, key)


@compiled_inside
def _draw(draws: Any, count: Any, n: Any, lanes: Any, limits: Any, stream: Any) -> None:
    """Fill `count` rows of `draws` with uniform numbers for n rollouts: of their state, number and step."""
    low, high = limits.seed & _MASK, limits.seed >> _SHIFT
    for first in range(0, count, 4):
        rows, word = draws[first].ctypes.data, stream | np.uint64(first // 4)
        for i in range(n):
            words = philox(
                np.uint64(lanes.state[i]), limits.episode, np.uint64(lanes.step[i]), word, low, high
            )
            store_elements(rows, i, (unit(words[0]), unit(words[1]), unit(words[2]), unit(words[3])))


@compiled_inside
def _act(policies: Any, limits: Any, code: Any, lanes: Any, n: Any) -> None:
    """Write the actions of n rollouts into their rows."""
    policy, sampling = policies
    block = lanes.block
    action, draws = block[code.action_row : code.obs_row], block[code.draw_row : code.reward_row]
    if policy.kind == RANDOM:
        _draw(draws, len(action), n, lanes, limits, _EXPLORATION)
        random_actions(policy, action, draws, n)
        return
    call_at(code.observe, block.ctypes.data, n, np.uintp(0))
    if sampling.kind != NONE:
        head_outputs(sampling, block, code, lanes.network, n)
        choices = sampling.heads.layers[0, 1]
        count = choices if sampling.kind == CATEGORICAL else len(action) + len(action) % 2
        _draw(draws, count, n, lanes, limits, _SAMPLING)
        if sampling.kind == CATEGORICAL:
            draw_choice(sampling, block, code, n)
        else:
            draw_gaussian(sampling, block, code, lanes, n)
        return
    network_actions(policy, action, block, code.obs_row, code.draw_row - code.obs_row, lanes.network, n)
    if limits.exploration > 0:
        count = 2 if policy.choices else len(action) + len(action) % 2
        _draw(draws, count, n, lanes, limits, _EXPLORATION)
        explore(policy, limits.exploration, action, draws, n)


@compiled_inside
def _add_up(reward: Any, bonus: Any, n: Any, lanes: Any, gamma: Any) -> None:
    for i in range(n):
        lanes.value[i] += lanes.weight[i] * (np.float64(reward[i]) + np.float64(bonus[i]))
        lanes.total[i] += np.float64(reward[i])
        lanes.weight[i] *= gamma
        lanes.step[i] += 1


@compiled_inside
def _enter(i: Any, state: Any, states: Any, lanes: Any, limits: Any, code: Any) -> None:
    """Begin a rollout from `states[:, state]` in lane i."""
    if code.spread:
        _draw_parameters(lanes.block[code.parameter_row :, i], state, limits)
    for row in range(len(states)):
        lanes.block[row, i] = states[row, state]
    lanes.state[i], lanes.step[i] = state, 0
    lanes.value[i], lanes.total[i], lanes.weight[i] = 0.0, 0.0, 1.0


@compiled_inside
def _draw_parameters(values: Any, state: Any, limits: Any) -> None:
    """Write the parameters [parameters] of the rollout from state number `state`, as `agents_values`."""
    low, high = limits.seed & _MASK, limits.seed >> _SHIFT
    for first in range(0, len(values), 4):
        word = _PARAMETER | np.uint64(first // 4)
        words = philox(np.uint64(state), limits.episode, np.uint64(0), word, low, high)
        for row in range(first, min(first + 4, len(values))):
            least, span = limits.parameters[row]
            values[row] = least + unit(words[row - first]) * span


@compiled_inside
def _move(source: Any, target: Any, state_dim: Any, code: Any, lanes: Any) -> None:
    """Let a rollout go on in another lane."""
    block = lanes.block
    for row in range(state_dim):
        block[row, target] = block[row, source]
    block[code.done_row, target] = block[code.done_row, source]
    if code.spread:
        block[code.parameter_row :, target] = block[code.parameter_row :, source]
    lanes.state[target], lanes.step[target] = lanes.state[source], lanes.step[source]
    lanes.value[target], lanes.total[target] = lanes.value[source], lanes.total[source]
    lanes.weight[target] = lanes.weight[source]


@compiled_inside
def _end_of(i: Any, done: Any, lanes: Any, limits: Any) -> Any:
    """Return why lane i's rollout stops here; 0 if it goes on."""
    if done[i] != _ZERO:
        return _TERMINATED
    if lanes.step[i] >= limits.max_steps:
        return limits.limit_end
    return _CUT if lanes.weight[i] < NEGLIGIBLE_WEIGHT else np.uint8(0)


@compiled_inside
def _leave(n: Any, state_dim: Any, results: Any, limits: Any, code: Any, lanes: Any) -> Any:
    """Write the results of rollouts that stop, and close the gaps; return how many of the n go on."""
    done, i = lanes.block[code.done_row], 0
    while i < n:
        end = _end_of(i, done, lanes, limits)
        if end == 0:
            i += 1
            continue
        at = lanes.state[i]
        results.value[at], results.total[at] = lanes.value[i], lanes.total[i]
        results.steps[at], results.end[at], results.weight[at] = lanes.step[i], end, lanes.weight[i]
        n -= 1
        _move(n, i, state_dim, code, lanes)
    return n


@compiled_and_kept
def _roll_out(
    begin: Any, end: Any, states: Any, results: Any, policies: Any, limits: Any, code: Any, lanes: Any
) -> None:
    """Make a rollout from each of the states [begin, end)."""
    n, following = 0, begin
    while True:
        while n < BLOCK_AGENTS and following < end:
            _enter(n, following, states, lanes, limits, code)
            n, following = n + 1, following + 1
        if n == 0:
            return
        _act(policies, limits, code, lanes, n)
        if code.step_draws > 0:  # into the rows that had the draws of actions, which are decided
            draws = lanes.block[code.draw_row : code.reward_row]
            _draw(draws, code.step_draws, n, lanes, limits, _DYNAMICS)
        call_at(code.advance, lanes.block.ctypes.data, n, np.uintp(0))
        _add_up(lanes.block[code.reward_row], lanes.block[code.bonus_row], n, lanes, limits.gamma)
        n = _leave(n, len(states), results, limits, code, lanes)
