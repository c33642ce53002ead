"""Parameters of a running engine: the same run for any number of workers, and other values from a tick on."""

import numpy as np
import pytest
from crowds import crowd, small

from valuescape.sim.config.files import changed
from valuescape.sim.errors import UsageError
from valuescape.sim.shared.layout import Ending
from valuescape.sim.worlds.base import full_step

RANDOM = "world.name=cartpole", "policy.checkpoint=random", "agents.count=70"


def tuned_run(workers, *more):
    """Return hashes at 40, 80 and 120 ticks of a run whose gravity changes after the first two."""
    config, hashes = small(*RANDOM, f"workers.count={workers}", "world.parameters.gravity=5..15", *more), []
    with crowd(config) as engine:
        for tick, gravity in ((40, "1..3"), (80, 3.0), (120, 3.0)):
            engine.advance_to(tick)
            hashes.append(engine.state_hash())
            engine.change(changed(config, {"world.parameters.gravity": gravity}))
            engine.finish_change()
        assert [change.tick for change in engine.changes] == [40, 80]
    return hashes


@pytest.mark.regression
def test_a_tuned_crowd_is_the_same_for_any_number_of_workers_and_in_numpy():
    alone = tuned_run(0)
    assert len(set(alone)) == 3
    assert tuned_run(2) == tuned_run(0, "features.simd=false") == alone


def test_agents_go_on_with_the_new_values_from_the_next_tick_on():
    config = small(*RANDOM, "workers.count=0", "world.parameters.force=10")
    with crowd(config) as engine:
        for tick, force in ((30, 10.0), (60, "25..25.0"), (61, "20..30"), (80, 7.0)):
            if force != 10.0:
                engine.change(changed(config, {"world.parameters.force": force}))
                engine.finish_change()
            before = engine.generation
            while engine.newest_tick < tick:
                engine.advance_to(engine.newest_tick + 1)
                assert_stepped(engine)
            assert engine.generation == before
        assert engine.generation == 2  # to spread values and back takes another arena, not to another value
        np.testing.assert_array_equal(engine.arena["parameter"][4], np.float32(7))


def test_a_value_that_the_world_cannot_have_is_refused_at_once_and_changes_nothing():
    """Alone, and while other agents are on their way."""
    config = small("world.name=pendulum", "policy.checkpoint=random")
    with crowd(config) as engine:
        for other in ({}, {"agents.count": 80}):
            engine.change(changed(config, other))
            with pytest.raises(UsageError, match=r"^world\.parameters\.gravity = 80\.0, expected"):
                engine.change(changed(config, other | {"world.parameters.gravity": 80.0}))
            engine.finish_change()
            assert engine.config == changed(config, other)
        assert [each.config.agents.count for each in engine.changes] == [80]
        engine.advance_to(3)


def assert_stepped(engine):
    """The newest tick follows from the one before with the values that the arena says."""
    tick, world = engine.newest_tick, engine.world
    state, action = engine.row("state", tick - 1), engine.row("action", tick)
    out, reward, over = np.empty_like(state), np.empty(70, np.float32), np.empty(70, np.bool_)
    full_step(world)(
        state, action, out, reward, over, engine.arena["parameter"], np.empty((0, 70), np.float32)
    )
    on = engine.row("ending", tick - 1) == Ending.RUNNING
    np.testing.assert_array_equal(engine.row("state", tick)[:, on], out[:, on])
