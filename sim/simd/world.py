"""A world's machine code: its dynamics, observations and starts as loops over a block of agents."""

from typing import Any, NamedTuple

from sim.simd.compiler import c_function, fingerprinted, source_key
from sim.simd.machine import BLOCK_AGENTS, load_elements, store_elements, store_flag
from sim.worlds.base import ElementwiseWorld

_ROW_BYTES = 4 * BLOCK_AGENTS


class WorldCode(NamedTuple):
    """Addresses of the compiled functions, and where in a block (`Scratch.block`) each row is.

    step(block, n, terminated) reads states and actions of the first n agents, writes next states, rewards and
    flags; observe(block, n, -) writes observations; start(block, i, -) makes agent i's next state a start.
    """

    step: int
    observe: int
    start: int
    next_row: int
    action_row: int
    reward_row: int
    obs_row: int
    draw_row: int
    rows: int
    reset_draws: int


def world_code(world: ElementwiseWorld) -> WorldCode:
    """Return the machine code of `world`. Raises numba's errors if it cannot be compiled.

    Half a second the first time; later processes find it, until the source of the world's module changes.
    """
    dims = len(world.state), world.action.dim, len(world.obs), world.reset_draws
    next_row, action_row, reward_row, obs_row, draw_row = _row_numbers(*dims[:3])
    draws = max(2, world.reset_draws, world.action.dim + world.action.dim % 2)
    return WorldCode(
        *_compile(type(world), *dims),
        next_row,
        action_row,
        reward_row,
        obs_row,
        draw_row,
        rows=draw_row + max(-(-draws // 4) * 4, len(world.state)),  # or the observations of next states
        reset_draws=world.reset_draws,
    )


def _row_numbers(state_dim: int, action_dim: int, obs_dim: int) -> tuple[int, int, int, int, int]:
    """Return the first rows of next states, actions, reward, observations and draws; states are first."""
    reward_row = 2 * state_dim + action_dim
    return state_dim, 2 * state_dim, reward_row, reward_row + 1, reward_row + 1 + obs_dim


def _compile(
    world: type[ElementwiseWorld], state_dim: int, action_dim: int, obs_dim: int, reset_draws: int
) -> tuple[int, int, int]:
    key = source_key(world.dynamics, world.observation, world.start)
    dynamics = fingerprinted(world.dynamics, key + "dynamics")
    observation = fingerprinted(world.observation, key + "observation")
    start_state = fingerprinted(world.start, key + "start")
    rows = _row_numbers(state_dim, action_dim, obs_dim)
    next_at, action_at, reward_at, obs_at, draw_at = (row * _ROW_BYTES for row in rows)

    def step(block: Any, n: Any, terminated: Any) -> None:
        for i in range(n):
            state, reward, done = dynamics(
                load_elements(block, i, state_dim), load_elements(block + action_at, i, action_dim)
            )
            store_elements(block + next_at, i, state)
            store_elements(block + reward_at, i, (reward,))
            store_flag(terminated, i, done)

    def observe(block: Any, n: Any, _: Any) -> None:
        for i in range(n):
            store_elements(block + obs_at, i, observation(load_elements(block, i, state_dim)))

    def start(block: Any, i: Any, _: Any) -> None:
        store_elements(block + next_at, i, start_state(load_elements(block + draw_at, i, reset_draws)))

    return c_function(step, key), c_function(observe, key), c_function(start, key)
