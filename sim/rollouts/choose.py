"""The choice between machine code, NumPy and environments' own code for rollouts of a world."""

from contextlib import closing
from functools import lru_cache
from typing import Protocol

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.codegen import available
from valuescape.sim.config.model import Config
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.rollouts.conditions import is_random
from valuescape.sim.rollouts.environments import EnvironmentRollouts
from valuescape.sim.rollouts.plain import PlainRollouts
from valuescape.sim.rollouts.rules import RolloutEnd, RolloutRules, Rollouts
from valuescape.sim.stepping.tiles import can_compile
from valuescape.sim.worlds import make_world
from valuescape.sim.worlds.base import ArrayWorld, ElementwiseWorld, World
from valuescape.sim.worlds.gym_making import GYMNASIUM, is_environment
from valuescape.sim.worlds.gym_state import StateTrial
from valuescape.sim.worlds.gymnasium_world import GymnasiumWorld, try_states_of


class StateRollouts(Protocol):
    """Makes rollouts from given states; threads may share it."""

    random: bool
    """Whether the world's own chance lets rollouts from one state differ."""
    most: int
    """The most states that one call should be asked for, so that it soon ends."""

    def run(self, states: Float32Array, out: Rollouts, part: slice, number: int = 0) -> None:
        """Make rollout `number` from each of `states` [state_dim, n] in `part`; write to those of `out`."""

    def close(self) -> None:
        """Give back what `run` holds besides memory, while none is under way; a later one takes it again."""


def why_no_rollouts(world: World) -> str:
    """Return why agents of `world` cannot be put into a state of one's choice; empty if they can.

    Environments of Gymnasium are tried out, once each, which takes milliseconds. The text can follow a colon.
    """
    return _trial(world).reason


def has_chance(world: World) -> bool:
    """Return whether the world lets rollouts from one state differ: by chance, or by spread parameters."""
    return is_random(world) if isinstance(world, ArrayWorld) else _trial(world).random


@lru_cache(8)
def _trial(world: World) -> StateTrial:
    if isinstance(world, GymnasiumWorld):
        return try_states_of(world)
    return StateTrial("" if isinstance(world, ArrayWorld) else "what becomes of one depends on the others")


def usual_cells(world_name: str) -> int:
    """Return how many cells each way a map of rollouts has where nobody says: what takes some seconds."""
    return 64 if is_environment(world_name) else 256


def about_speed(world: World) -> str:
    """Return a sentence on what to expect of rollouts that Python makes; empty where it makes none."""
    if not isinstance(world, GymnasiumWorld) or why_no_rollouts(world):
        return ""
    twin = ""
    if world.twin and _is_gymnasium_s_own(world.making.name):
        twin = f"; --world {world.twin.name} has the same equations, compiled"
    cells = usual_cells(world.name)
    return (
        f"{world.name} is stepped in Python, some 50,000 steps a second: {cells} cells each way unless "
        f"--cells says otherwise. Ctrl-C keeps what is done{twin}."
    )


def _is_gymnasium_s_own(name: str) -> bool:
    """Return whether an environment is one of classic control as Gymnasium ships it.

    A class derived from it, a wrapper or a setting may have other dynamics or rewards, although its state and
    its observation are the same.
    """
    from gymnasium.envs.registration import load_env_creator, registry

    if not name.startswith(GYMNASIUM):
        return False
    spec = registry[name.rpartition(":")[2]]
    made_by = load_env_creator(spec.entry_point) if isinstance(spec.entry_point, str) else spec.entry_point
    shipped = str(getattr(made_by, "__module__", "")).startswith("gymnasium.envs.classic_control.")
    return shipped and not spec.kwargs and not spec.additional_wrappers


def state_rollouts(
    world: World, checkpoint: Checkpoint | None, rules: RolloutRules, *, simd: bool = True
) -> StateRollouts:
    """Return what makes rollouts of `world`: machine code where there can be some, else NumPy.

    checkpoint: None for uniformly random actions. simd: `features.simd`. Environments of Gymnasium are
    stepped one by one, in Python. Raises UsageError for a world whose agents cannot be put into a state
    and left alone; it says why, as `why_no_rollouts`.
    """
    trial = _trial(world)
    if trial.reason:
        raise UsageError(
            f"world {world.name}: agents cannot be put into a state of one's choice: {trial.reason}",
            "rollouts from every cell of the map need a world of this program, or of a --world-file",
        )
    if isinstance(world, GymnasiumWorld):
        return EnvironmentRollouts(world, checkpoint, rules, random=trial.random)
    assert isinstance(world, ArrayWorld)
    if simd and isinstance(world, ElementwiseWorld) and available():
        from valuescape.sim.rollouts.compiled import CompiledRollouts

        if can_compile(checkpoint):
            return CompiledRollouts(world, checkpoint, rules)
    return PlainRollouts(world, checkpoint, rules)


def try_rollout(world: World, checkpoint: Checkpoint | None, *, simd: bool = True) -> None:
    """Make one short rollout, for which all machine code is compiled that rollouts of `world` need."""
    rules = RolloutRules(0.0, 1, RolloutEnd.CUT, sampled=True)
    states = np.zeros((len(world.state), 1), np.float32)
    made_by = state_rollouts(world, checkpoint, rules, simd=simd)
    with closing(made_by):
        made_by.run(states, Rollouts.empty(1), slice(0, 1))


def try_rollout_of(config: Config, checkpoint: Checkpoint | None) -> None:
    """Make one short rollout in the world of a configuration, as `try_rollout` does."""
    try_rollout(make_world(config.world.name, config), checkpoint, simd=config.features.simd)
