"""The machine code of a world: starts, observations, and the pass that makes a tick."""

from typing import Any, NamedTuple

from valuescape.sim.codegen.compiler import c_function, inlined_whole, source_key
from valuescape.sim.codegen.machine import BLOCK_AGENTS, FLOAT_BYTES, load_elements, store_elements
from valuescape.sim.stepping.compiled.acting import PHILOX_WORDS
from valuescape.sim.stepping.compiled.tick_pass import PassRows, compile_pass, pass_rows
from valuescape.sim.stepping.stepper import Rules
from valuescape.sim.worlds.base import ElementwiseWorld

_ROW_BYTES = FLOAT_BYTES * BLOCK_AGENTS


class WorldCode(NamedTuple):
    """Addresses of the compiled functions, and the rows of a block (`Scratch.block`).

    observe(block, n, -) writes the observations of the first n agents of a block. start(block, n, -) writes
    start states and observations of the first n. finish is the pass of `tick_pass`. The states are the
    first rows of a block; action_row, obs_row and draw_row are the first rows of the rest, and `rows` is
    their number.
    """

    observe: int
    start: int
    finish: int
    at: PassRows
    action_row: int
    obs_row: int
    draw_row: int
    rows: int
    reset_draws: int
    step_draws: int


def world_code(world: ElementwiseWorld, rules: Rules, *, keeps_obs: bool) -> WorldCode:
    """Return the machine code of `world`. Raises numba's errors if it cannot be compiled.

    It takes a second the first time. Later processes load it from disk, until the source of the world's
    module or a value that it reads changes.
    """
    state_dim, action_dim = len(world.state), world.action.dim
    obs_row = state_dim + action_dim
    draw_row = obs_row + len(world.obs)
    draws = max(2, world.reset_draws, world.step_draws, action_dim + action_dim % 2)
    return WorldCode(
        *_compile(type(world), state_dim, obs_row, draw_row, world.reset_draws),
        finish=compile_pass(world, rules, keeps_obs=keeps_obs),
        at=pass_rows(world),
        action_row=state_dim,
        obs_row=obs_row,
        draw_row=draw_row,
        rows=draw_row + -(-draws // PHILOX_WORDS) * PHILOX_WORDS,
        reset_draws=world.reset_draws,
        step_draws=world.step_draws,
    )


def remark_unkept(world: ElementwiseWorld) -> None:
    """Log a warning if machine code of `world` cannot be kept; workers log none."""
    source_key(world.start, world.dynamics, world.observation)


def _compile(
    world: type[ElementwiseWorld], state_dim: int, obs_row: int, draw_row: int, reset_draws: int
) -> tuple[int, int]:
    sizes = state_dim, obs_row, draw_row, reset_draws
    key = source_key(world.observation, world.start, constants=sizes)
    observation = inlined_whole(world.observation)
    start_state = inlined_whole(world.start)
    obs_at, draw_at = obs_row * _ROW_BYTES, draw_row * _ROW_BYTES

    def observe(block: Any, n: Any, _: Any) -> None:
        for i in range(n):
            store_elements(block + obs_at, i, observation(load_elements(block, i, state_dim)))

    def start(block: Any, n: Any, _: Any) -> None:
        for i in range(n):
            state = start_state(load_elements(block + draw_at, i, reset_draws))
            store_elements(block, i, state)
            store_elements(block + obs_at, i, observation(state))

    return c_function(observe, key), c_function(start, key)
