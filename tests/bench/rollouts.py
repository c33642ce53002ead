"""Time of rollouts from every cell of a map (`make bench-rollouts`).

DQN on the mountain car is deterministic: one rollout from each of 256² cells, all episodes complete. SAC on
the pendulum draws its actions, here with a constant spread: 64 rollouts from each of 128² cells.
"""

import time
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np

from valuescape.sim.insight.plane import grid_states, own_plane
from valuescape.sim.policy.loading import load_checkpoint
from valuescape.sim.policy.network import ActionNoise, Activation, Layer
from valuescape.sim.resources import usable_cores
from valuescape.sim.rollouts.choose import state_rollouts
from valuescape.sim.rollouts.field import TruthField
from valuescape.sim.rollouts.rules import RolloutRules, Rollouts
from valuescape.sim.worlds import make_world

CHECKPOINTS = Path(str(files("valuescape.configs").joinpath("checkpoints")))
ROWS = (("mountain_car", 256, 1, False, 2.0), ("pendulum", 128, 64, True, 60.0))
"""World, cells each way, rollouts a cell, whether actions are drawn, goal in seconds."""


def measured(world_name: str, edge: int, rollouts: int, *, drawn: bool) -> tuple[float, float]:
    """Return the seconds that a map takes, and how many million steps a second that is."""
    world = make_world(world_name)
    checkpoint = load_checkpoint(CHECKPOINTS / f"{world_name}.safetensors", world)
    if drawn:
        last = checkpoint.actor.layers[-1]
        layer = Layer(np.zeros_like(last.weight), np.full_like(last.bias, -1), Activation.IDENTITY)
        checkpoint = replace(checkpoint, noise=ActionNoise(layer))
    states = grid_states(own_plane(world), edge)
    rules = RolloutRules.of(checkpoint.gamma, world.max_episode_steps, sampled=drawn, alpha=0.1)
    made_by = state_rollouts(world, checkpoint, rules)
    made_by.run(states[:, :1], Rollouts.empty(1), slice(0, 1))  # compiles it, or finds it compiled
    began = time.perf_counter()
    with TruthField(made_by, states, rollouts, random=drawn, threads=usable_cores()) as field:
        while not field.wait(10):
            pass
        truth = field.look()
    took = time.perf_counter() - began
    return took, float((truth.steps * truth.rollouts).sum()) / took / 1e6


def main() -> None:
    for world, edge, rollouts, drawn, goal in ROWS:
        took, rate = measured(world, edge, rollouts, drawn=drawn)
        print(
            f"{world}: {edge}² cells, {rollouts} rollouts each: {took:.2f} s (goal {goal:g} s), "
            f"{rate:.1f} million steps a second on {usable_cores()} threads"
        )


if __name__ == "__main__":
    main()
