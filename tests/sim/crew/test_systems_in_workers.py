"""Systems in worker processes: the same state for any number of them, after kills, and when one raises."""

import os
import subprocess
import sys
import textwrap
import traceback
from pathlib import Path

import pytest
from crowds import crowd, hash_at, small
from disturbing import finish, kill, wait_for_progress, wait_for_restarts
from known_plugins import forgotten

from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.errors import UsageError
from valuescape.sim.plugins import load_file
from valuescape.sim.stepping.systems import worker_sections

ROOT = Path(__file__).parents[3]
WIND = ROOT / "examples" / "plugins" / "wind.py"
CARS = ("world.name=mountain_car", "policy.checkpoint=random", "trails.length=4", "policy.exploration=0.2")
LONG = (*CARS, "agents.count=20000")
TICKS = 600

BRITTLE = """
    import numpy as np

    from valuescape.api import Memory, array_system


    @array_system(when="after", memory=(Memory("age", "", 0.0, 100.0),))
    def brittle(step):
        step.memory[:] += np.float32(1)
        step.reward[:] = np.float32(7)
        if step.memory.max() > 5:
            raise ValueError("too old")
"""


@pytest.fixture(autouse=True)
def _forgets_plugins():
    with forgotten():
        yield


@pytest.fixture
def brittle(tmp_path):
    """Load a system that raises in tick 6; return its path."""

    path = tmp_path / "brittle.py"
    path.write_text(textwrap.dedent(BRITTLE))
    load_file(path)
    return path


@pytest.mark.chaos
@pytest.mark.parametrize("simd", ["true", "false"])
def test_the_wind_is_the_same_for_any_number_of_workers_and_after_kills(simd):
    calm = hash_at(TICKS, small(*LONG))
    load_file(WIND)
    undisturbed = hash_at(TICKS, small(*LONG))
    assert undisturbed != calm
    with crowd(small("workers.count=2", f"features.simd={simd}", *LONG)) as engine:
        assert engine.world.state[2].name == "gust"
        engine.run_until(TICKS)
        for kills in (1, 2, 3):
            wait_for_progress(engine)
            kill(engine.worker_pids[kills % 2])
            wait_for_restarts(engine, kills)
        assert engine.newest_tick < TICKS
        assert finish(engine, TICKS) == undisturbed


@pytest.mark.usefixtures("brittle")
def test_a_system_is_not_called_by_a_worker_without_agents():
    """It takes the largest of some numbers, and there is none of no numbers."""
    with crowd(small(*CARS, "workers.count=2", "agents.count=20")) as engine:
        engine.advance_to(4)
        assert (engine.row("state", 4)[2] == 4).all()


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.usefixtures("brittle")
def test_an_array_system_that_raises_ends_the_run_with_file_line_tick_and_agents(workers):
    with crowd(small(*CARS, f"workers.count={workers}")) as engine:
        engine.advance_to(5)
        with pytest.raises(WorkerFailedError) as failure:
            engine.advance_to(9)
        assert engine.restarts == 0
    first, second = str(failure.value).splitlines()
    assert second == "  --set plugins.on_error=disable goes on without it"
    assert "ValueError: too old" in "".join(traceback.format_exception(failure.value.__cause__))
    assert "failed after tick 5: system brittle: brittle.py line 12: ValueError: too old" in first
    assert ("agents 0 to 69" if workers == 0 else "agents ") in first


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.usefixtures("brittle")
def test_an_array_system_that_raises_may_be_switched_off_instead(workers):
    """Of the call in which it raised nothing is left."""
    with crowd(small(*CARS, f"workers.count={workers}", "plugins.on_error=disable")) as engine:
        engine.advance_to(5)
        assert engine.systems_off() == ()
        assert set(engine.row("reward", 5)) == {7}
        engine.advance_to(9)
        (off,) = engine.systems_off()
        assert set(engine.row("reward", 9)) == {-1}
        assert set(engine.row("state", 9)[2]) == {5}
    assert (off.name, off.tick) == ("brittle", 6)
    assert off.said == "system brittle: brittle.py line 12: ValueError: too old"


@pytest.mark.usefixtures("brittle")
def test_array_systems_have_sections_in_the_workers_profiles():
    with crowd(small(*CARS, "workers.count=1")) as engine:
        engine.advance_to(4)
        (spans,) = engine.worker_spans()
        names = worker_sections(engine.world)
    assert sum(names[index] == "system brittle" for index in spans["section"]) == 4


def test_code_that_only_numpy_can_run_is_refused_with_the_system_when_it_is_compiled(tmp_path):
    path = tmp_path / "odd.py"
    path.write_text(
        textwrap.dedent("""
            from valuescape.api import system


            @system(when="before")
            def fine(step):
                return step.action


            @system(when="before")
            def odd(step):
                return step._asdict()["action"]
        """)
    )
    load_file(path)
    with pytest.raises(
        UsageError, match=r"^system odd \(odd.py line 10\) cannot be compiled: odd.py line 12"
    ):
        hash_at(1, small(*CARS))
    hash_at(1, small(*CARS, "features.simd=false"))


SCRIPT = """
    import numpy as np

    from valuescape.api import Memory, system
    from valuescape.sim.config.files import load_config
    from valuescape.sim.engine import Engine

    PUSH = np.float32(0.0004)


    def pushed(velocity, age):
        return velocity + PUSH * age


    @system(when="after", memory=(Memory("age", "", 0.0, 100.0),))
    def push(step):
        position, velocity = step.next_state
        age = step.memory[0] + np.float32(1)
        return (position, pushed(velocity, age)), step.reward, step.terminated, (age,)


    if __name__ == "__main__":
        base = ("world.name=mountain_car", "policy.checkpoint=random", "agents.count=70", "sim.ticks_per_s=0")
        for workers in (0, 2):
            with Engine(load_config(None, [*base, f"workers.count={workers}"]), None) as engine:
                engine.wait_ready()
                engine.advance_to(20)
                print(engine.state_hash(), engine.row("state", 20)[2].max())
"""


def test_a_system_of_a_script_reaches_the_workers(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    alone, with_workers = done.stdout.splitlines()
    assert alone == with_workers
    assert alone.endswith(" 20.0")
