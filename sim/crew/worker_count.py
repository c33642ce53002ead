"""Decides how many worker processes a run starts, by measuring a tick."""

import time
from dataclasses import replace

from valuescape.sim.config.files import Config
from valuescape.sim.insight.plane import map_axes
from valuescape.sim.policy.inference import BLOCK
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.resources import one_blas_thread, usable_cores
from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.layout import ArenaLayout
from valuescape.sim.stepping.choose import acting_numbers, make_stepper, uses_bfloat16
from valuescape.sim.stepping.parameters import give_parameters
from valuescape.sim.stepping.shared_policy import give_policy
from valuescape.sim.stepping.spec import WorkerSpec
from valuescape.sim.stepping.stepper import Rules, Stepper, give_exploration
from valuescape.sim.stepping.systems import systems_called
from valuescape.sim.worlds import make_world
from valuescape.sim.worlds.gym_making import is_environment

WORTH_S = 20e-6
"""A shorter tick is made faster in the main process: handing it over takes as long (`make bench`)."""

_SAMPLE = 8192
"""Agents at most with which a tick is measured."""

_TICKS, _TIMES = 10, 5
"""Ticks per measurement, and measurements, of which the shortest counts."""


def worker_count(config: Config, checkpoint: Checkpoint | None = None) -> int:
    """Return how many worker processes `config` asks for.

    `auto` measures a tick. If it takes less than WORTH_S, the answer is 0. Otherwise it is one per core
    except the main process's, but never more than there are blocks of agents.
    """
    fixed = fixed_workers(config)
    if fixed is not None:
        return fixed
    slow = is_environment(config.world.name)  # a thousand times slower than ours: no need to measure
    if not slow and tick_seconds(config, checkpoint) < WORTH_S:
        return 0
    blocks: int = -(-config.agents.count // BLOCK)
    return max(1, min(usable_cores() - 1, blocks))


def fixed_workers(config: Config) -> int | None:
    """Return the number of workers that `config` names; None if it is to be measured."""
    if not config.features.parallel_agents:
        return 0
    return None if config.workers.count == "auto" else config.workers.count


def tick_seconds(config: Config, checkpoint: Checkpoint | None) -> float:
    """Return the seconds that a tick of all agents takes in this process, scaled up from at most _SAMPLE."""
    agents = min(config.agents.count, _SAMPLE)
    sample = config.model_copy(update={"agents": config.agents.model_copy(update={"count": agents})})
    with one_blas_thread():
        stepper = _alone(sample, checkpoint)
        stepper.initialise()
        tick = stepper.step_to(0, 1)
        each = []
        for _ in range(_TIMES):
            began, first = time.perf_counter(), tick
            tick = stepper.step_to(tick, tick + _TICKS)
            each.append((time.perf_counter() - began) / (tick - first))
    return min(each) * config.agents.count / agents


def _alone(config: Config, checkpoint: Checkpoint | None) -> Stepper:
    """Return a stepper of all agents in a small arena of its own."""
    world = make_world(config.world.name, config)
    count = config.agents.count
    sizes = count, 0, len(world.state), world.action.dim
    systems, parameters = len(systems_called(world)), len(world.parameters)
    numbers = acting_numbers(config, world, checkpoint)
    layout = ArenaLayout(*sizes, state_rows=3, trail_rows=3, systems=systems, parameters=parameters)
    arena = Arena(replace(layout, policy_numbers=numbers.size))
    give_policy(arena, numbers)
    give_parameters(arena, world)
    give_exploration(arena, config.policy.exploration)
    axes, cells = map_axes(config, world), config.policy.tabulated
    rules = Rules(axes, bfloat16=uses_bfloat16(config), tabulated=cells)
    return make_stepper(WorkerSpec(0, slice(0, count), config, checkpoint, rules, arena))
