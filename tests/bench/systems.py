"""What systems in the workers cost (`make bench-systems`): a wind, element by element and in arrays.

The wind of `examples/plugins/wind.py` blows on 8,192 mountain cars, in one process. The rows take turns, so
that a busy machine slows all of them; printed are the medians and their ratio to a calm world's. And by how
much the wind changes the truth: 64 rollouts of the shipped DQN from each of 64² cells.
"""

import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import numpy as np

from valuescape.presets import acting_checkpoint
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine
from valuescape.sim.insight.plane import grid_states, own_plane
from valuescape.sim.plugins import PLUGINS, Kind, load_file
from valuescape.sim.resources import usable_cores
from valuescape.sim.rng import normal_pair
from valuescape.sim.rollouts.choose import state_rollouts
from valuescape.sim.rollouts.field import TruthField
from valuescape.sim.rollouts.rules import RolloutRules
from valuescape.sim.worlds import make_world
from valuescape.sim.worlds.systems.declare import array_system
from valuescape.sim.worlds.systems.declared import System

WIND = Path(__file__).parents[2] / "examples" / "plugins" / "wind.py"
AGENTS, ROUNDS, TICKS = 8192, 40, 20
CELLS, ROLLOUTS = 64, 64
KEPT, NEW, MOST = np.float32(0.95), np.float32(np.sqrt(1 - 0.95**2)), np.float32(0.07)

ROWS = (
    ("calm", "", "true"),
    ("element by element", "elements", "true"),
    ("calm, features.simd off", "", "false"),
    ("element by element, features.simd off", "elements", "false"),
    ("arrays", "arrays", "true"),
)
"""Title, the kind of wind, and `features.simd`."""


def in_arrays(step) -> None:
    """Do what the example's wind does, with arrays."""
    noise, _ = normal_pair(step.draws[0], step.draws[1])
    step.memory[0] = KEPT * step.memory[0] + NEW * step.parameters[0] * noise
    step.next_state[1] = np.clip(step.next_state[1] + step.memory[0], -MOST, MOST)


def declare(kind: str, example: System) -> None:
    """Make the one kind of wind known, and nothing else."""
    for each in tuple(PLUGINS):
        PLUGINS.withdraw(each.source)
    if kind == "elements":
        PLUGINS.declare(Kind.WORKER_SYSTEM, "wind", example.function, options=example)
    elif kind == "arrays":
        more = {"parameters": example.parameters, "memory": example.memory, "draws": example.draws}
        array_system(when="after", name="wind", **more)(in_arrays)


def measured(policy: str, example: System) -> list[float]:
    """Return the nanoseconds that a tick takes for an agent, for each of ROWS."""
    took: list[list[float]] = [[] for _ in ROWS]
    with ExitStack() as owned:
        engines = []
        for _, kind, simd in ROWS:
            declare(kind, example)
            changes = [f"policy.checkpoint={policy}", f"agents.count={AGENTS}", f"features.simd={simd}"]
            config = load_config(None, ["world.name=mountain_car", "workers.count=0", *changes])
            checkpoint = acting_checkpoint(config, make_world(config.world.name))
            engine = owned.enter_context(Engine(config, checkpoint))
            engine.advance_to(TICKS)
            engines.append(engine)
        for turn in range(2, ROUNDS):
            for engine, times in zip(engines, took, strict=True):
                began = time.perf_counter()
                engine.advance_to(turn * TICKS)
                times.append((time.perf_counter() - began) / TICKS / AGENTS * 1e9)
    return [median(times) for times in took]


def truth(strength: float | None) -> np.ndarray:
    """Return the mean returns from each cell of the map under the shipped policy. strength: of the wind."""
    changes = [] if strength is None else [f"world.parameters.wind={strength}"]
    config = load_config(None, ["world.name=mountain_car", *changes])
    world = make_world(config.world.name, config)
    checkpoint = acting_checkpoint(config, world)
    rules = RolloutRules.of(checkpoint.gamma, world.max_episode_steps)
    made_by, chance = state_rollouts(world, checkpoint, rules), strength is not None
    states = grid_states(own_plane(world), CELLS)
    rollouts, cores = ROLLOUTS if chance else 1, usable_cores()
    with TruthField(made_by, states, rollouts, random=chance, threads=cores) as field:
        while not field.wait(10):
            pass
        return field.look().value


def say_truth(example: System) -> None:
    """Print by how much two winds change the truth."""
    declare("", example)
    calm = truth(None)
    declare("elements", example)
    for strength in (0.0003, 0.001):
        apart = np.abs(truth(strength) - calm)
        print(f"wind {strength}: truth changes by {apart.mean():.2f} on average, {apart.max():.1f} at most")


def main() -> None:
    (declared,) = load_file(WIND).declared
    for policy, title in (("random", "random actions"), ("auto", "the shipped policy")):
        found = measured(policy, declared.options)
        print(f"{title}, {AGENTS} agents:")
        for (name, _, _), each in zip(ROWS, found, strict=True):
            print(f"  {each:7.1f} ns an agent and tick, {each / found[0]:5.1f} times calm: {name}")
    say_truth(declared.options)


if __name__ == "__main__":
    main()
