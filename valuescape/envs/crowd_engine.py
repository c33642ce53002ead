"""The engine behind a vector environment, and views of what each of its ticks shows."""

import os
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import BoolArray, Float32Array
from valuescape.sim.config.files import Config, load_config
from valuescape.sim.engine import Engine
from valuescape.sim.shared.arena import Arena
from valuescape.sim.stepping.choose import uses_simd
from valuescape.sim.stepping.exchange import Exchange
from valuescape.sim.worlds import World


class Row(NamedTuple):
    """Views of one row of the rings, with agents first."""

    obs: Float32Array  # [num_envs, obs_dim], transposed
    reward: Float32Array  # [num_envs]
    ending: NDArray[np.uint8]  # [num_envs], of `Ending`
    terminated: BoolArray  # [num_envs], private to this process
    truncated: BoolArray


def make_engine(world: World, num_envs: int, num_workers: int, seed: int, *, autoreset: bool) -> Engine:
    """Return an unpaced engine that takes actions. Its workers start; `wait_ready` waits for them."""
    changes = [
        f"world.name={world.name}",
        f"agents.count={num_envs}",
        f"workers.count={num_workers}",
        f"run.seed={seed}",
        "sim.ticks_per_s=0",
        "trails.length=2",
    ]
    return Engine(load_config(None, changes), None, given_actions=True, autoreset=autoreset)


def make_exchange(config: Config, arena: Arena, world: World) -> Exchange:
    """Return the exchange of actions and outcomes: compiled if the ticks are."""
    if uses_simd(config):
        from valuescape.sim.stepping.compiled.exchange import CompiledExchange

        return CompiledExchange(arena, world)
    return Exchange(arena, world)


def rows_of(engine: Engine, exchange: Exchange) -> list[Row]:
    """Return the views of each row of the rings; tick k is at index k mod their number."""
    return [
        Row(obs.T, engine.row("reward", at), engine.row("ending", at), *exchange.flags[at])
        for at, obs in enumerate(exchange.obs)
    ]


def close_where_made(engine: Engine, pid: int) -> None:
    """Close the engine in the process `pid` that made it. A fork's copy is left alone."""
    if os.getpid() == pid:
        engine.close()
