"""Changes of an engine whose world is slow, or raises, while a change is under way."""

import textwrap
import time

import pytest
from crowds import check_until, crowd, small
from known_plugins import forgotten

from valuescape.sim.config.files import changed
from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.worlds import load_world_file

WORLD = """
    import time

    from valuescape.api import ArrayWorld, ContinuousAction, Parameter, Variable


    class Slow(ArrayWorld):
        name = "slow"
        state = obs = (Variable("gain", "", -9.0, 9.0), Variable("tick", "", 0.0, 9.0))
        action = ContinuousAction(())
        step_s, max_episode_steps, reset_draws = 0.1, 1000, 0
        parameters = (Parameter("gain", "", 1.0, 0.0, 2.0), Parameter("pause", "s", 0.0, 0.0, 1.0))

        def reset(self, draws, out):
            out[:] = 0
            if out.shape[1] == 90:
                raise RuntimeError("no room for 90")

        def step(self, state, action, out, reward, terminated, parameters):
            out[0], out[1] = parameters[0], state[1] + 1
            time.sleep(float(parameters[1].max()) * (state.shape[1] > 8))  # 8 are tried before a run
            if state[1].max() == 3:
                raise RuntimeError("no tick 4")
            reward[:], terminated[:] = 0, False
"""


@pytest.fixture(autouse=True)
def _slow_world(tmp_path):
    """Let there be the world; its file runs in workers, too."""
    path = tmp_path / "slow.py"
    path.write_text(textwrap.dedent(WORLD))
    with forgotten():
        load_world_file(path)
        yield


def slow(*settings: str):
    """Return the configuration of a small crowd in that world."""
    return small("world.name=slow", "policy.checkpoint=random", *settings)


def test_a_change_waits_for_a_tick_that_began_before_the_simulation_was_paused():
    """Else it would hold in a part of that tick, or in all of it for some agents alone."""
    with crowd(slow("workers.count=2", "world.parameters.pause=0.4")) as engine:
        engine.run_freely()
        time.sleep(0.1)  # both workers are within tick 1
        engine.pause()
        engine.change(changed(engine.config, {"world.parameters": {"gain": 2.0, "pause": 0.0}}))
        engine.finish_change()
        assert [each.tick for each in engine.changes] == [1]
        assert (engine.row("state", 1)[0] == 1).all()
        engine.advance_to(2)
        assert (engine.row("state", 2)[0] == 2).all()


def test_a_world_that_raises_as_its_workers_come_to_rest_ends_the_run():
    """It is no failure of those that are to take over, which would leave the others at work."""
    with crowd(slow("sim.ticks_per_s=0.001")) as engine:
        engine.advance_to(3)
        engine.run_freely()
        engine.change(changed(engine.config, {"agents.count": 80}))
        with pytest.raises(WorkerFailedError, match="no tick 4"):
            check_until(engine, lambda: not engine.changing)


def test_a_world_that_raises_at_the_start_of_others_without_workers_leaves_the_present_ones():
    with crowd(slow()) as engine:
        engine.advance_to(1)
        engine.change(changed(engine.config, {"agents.count": 90}))
        engine.finish_change()
        assert "no room for 90" in engine.change_failed
        engine.advance_to(2)
        assert engine.config.agents.count == 70
