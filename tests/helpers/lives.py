"""Slices of agents that are stepped by hand, and what became of them tick by tick."""

from dataclasses import fields

import numpy as np

from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.episodes import Endings, EpisodeState, episodes_at
from valuescape.sim.shared.layout import ArenaLayout
from valuescape.sim.stepping.parameters import give_parameters
from valuescape.sim.stepping.stepper import ROW_ARRAYS, Rules, give_exploration, give_seed, observes_state
from valuescape.sim.stepping.systems import systems_called
from valuescape.sim.worlds import WORLDS

SEED = 11
ROWS = (*ROW_ARRAYS, "obs", "trail_position", "trail_strand")
EPISODE_FIELDS = tuple(field.name for field in fields(EpisodeState))


def shortened(name, steps):
    """A world whose episodes are cut after fewer steps than usual."""
    world = WORLDS[name]()
    world.max_episode_steps = steps
    return world


def stage(world, agents, *, given_actions=False, exploration=0.0, **rules):
    """Return an arena for `agents` of `world`, with short rings, and the rules that hold in it."""
    layout = ArenaLayout(
        agents,
        0,
        len(world.state),
        world.action.dim,
        state_rows=3,
        trail_rows=5,
        given_actions=given_actions,
        parameters=len(world.parameters),
        systems=len(systems_called(world)),
        kept_obs_dim=0 if not given_actions or observes_state(world) else len(world.obs),
    )
    arena = Arena(layout)
    give_seed(arena, SEED)
    give_exploration(arena, exploration)
    give_parameters(arena, world)
    rules = {"map_axes": world.map_axes} | rules
    return arena, Rules(**rules)


def at_tick(arena, tick):
    """Return copies of all that the arena says about `tick`, the newest one."""
    rows = {name: arena[name][tick % len(arena[name])].copy() for name in ROWS}
    episodes = episodes_at(arena["episodes"], Endings(rows["ending"], rows["episode_return"]), tick)
    return rows | {name: getattr(episodes, name) for name in EPISODE_FIELDS}


def lives_of(stepper, ticks, before_tick=lambda tick: None):
    """Make `ticks` ticks; return each array of ROWS and EPISODE_FIELDS with one row a tick, from tick 0 on.

    before_tick: called with the number of the tick that is made next.
    """
    stepper.initialise()
    seen = [at_tick(stepper.arena, 0)]
    for tick in range(ticks):
        before_tick(tick + 1)
        stepper.step(tick)
        seen.append(at_tick(stepper.arena, tick + 1))
    return {name: np.array([each[name] for each in seen]) for name in seen[0]}
