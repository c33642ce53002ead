"""Sizes the arena of a run."""

from valuescape.sim.config.files import Config
from valuescape.sim.measuring.profiler import SPANS
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.shared.layout import ArenaLayout
from valuescape.sim.stepping.choose import acting_count
from valuescape.sim.stepping.gym_stepper import log_rows
from valuescape.sim.stepping.stepper import observes_state
from valuescape.sim.stepping.systems import systems_called
from valuescape.sim.worlds import World


def arena_layout(
    config: Config, world: World, checkpoint: Checkpoint | None, workers: int, *, given_actions: bool
) -> ArenaLayout:
    """Return the sizes of the arrays that crews write and engines read.

    given_actions: the caller gives each tick's actions, and reads between ticks only. Raises UsageError if
    the world needs more memory than it may have.
    """
    # Beyond the lead, a row for the tick that is being written and one for the tick that is being read.
    rows = 2 if given_actions else config.workers.max_lead + 2
    return ArenaLayout(
        agents=config.agents.count,
        workers=workers,
        state_dim=len(world.state),
        action_dim=world.action.dim,
        state_rows=rows,
        trail_rows=config.trails.length + (0 if given_actions else 2 * rows),
        given_actions=given_actions,
        action_log_rows=log_rows(world, config.agents.count),
        spans=0 if given_actions else SPANS,
        systems=len(systems_called(world)),
        parameters=len(world.parameters),
        policy_numbers=0 if given_actions else acting_count(config, world, checkpoint),
        kept_obs_dim=len(world.obs) if given_actions and not observes_state(world) else 0,
    )
