"""Files that declare plug-ins: what is run, what is refused, and what reaches the workers."""

import os
import pickle
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from valuescape.sim.errors import UsageError
from valuescape.sim.plugins import PLUGINS, Kind, load_file, loads
from valuescape.sim.plugins.loading import LOADED, receive

ROOT = Path(__file__).parents[3]

SYSTEM = """
    from valuescape.sim.plugins import Kind, declare

    def wind(rows):
        return 3

    declare(Kind.WORKER_SYSTEM, "wind", wind, options={"strength": 2})
"""
NOTED = SYSTEM.replace("WORKER_SYSTEM", "PANEL")


def names():
    return [(str(each.kind), each.name) for each in PLUGINS]


def test_a_file_is_run_once_and_its_plugins_say_where_they_are(write):
    path = write(SYSTEM)
    loaded = load_file(path)
    assert load_file(str(path)) is loaded
    (found,) = loaded.declared
    assert found.place == f"--plugin {path} line 4"
    assert found.function(None) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "declares no plug-in and defines no world"),
        ("import nunpy", "line 1: ModuleNotFoundError"),
        ("def broken(:\n", "line 1: SyntaxError"),
        ("raise SystemExit(3)", "line 1: SystemExit: 3"),
        (NOTED + "    declare(Kind.PANEL, 'Wind 2', wind)\n", "the name of a panel is 'Wind 2'"),
    ],
)
def test_a_file_that_will_not_do_is_refused_and_leaves_nothing(write, text, said):
    path = write(text)
    with pytest.raises(UsageError, match=said) as refusal:
        load_file(path)
    assert str(refusal.value).startswith(f"--plugin {path}")
    assert names() == []
    assert not LOADED


FRONT = "from valuescape.api import main_system, panel, system\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nunpy", "line 1: ModuleNotFoundError: No module named 'nunpy'"),
        ("def broken(:\n", "line 1: SyntaxError: invalid syntax"),
        ("raise ValueError(3)", "line 1: ValueError: 3\n  docs/plugins.md has examples"),
        ("from valuescape.api import sytem", "line 1: ImportError: .*\n  did you mean system[?]"),
        (FRONT + "@main_system\ndef odd(run): ...", "line 2: TypeError: .*\n  write @main_system\\(…\\)"),
        (FRONT + "@system\ndef odd(step): ...", "line 2: TypeError: .*\n  write @system\\(…\\)"),
        (
            FRONT + "@main_system()\nclass Odd:\n    def __init__(self):\n        pass\n",
            "main_system Odd \\(line 4\\): it is given the run, .*\n  write def __init__\\(self, run\\): …",
        ),
        (
            FRONT + "@main_system()\ndef odd(): ...",
            "main_system odd \\(line 2\\): it is given .*\n  write def odd\\(run\\): …",
        ),
        (
            FRONT + "@panel()\ndef odd(panel, run): ...\n" * 2,
            "line 4: the panel 'odd' is declared in --plugin .* line 2 too\n.*",
        ),
    ],
)
def test_a_mistake_is_said_with_its_line_once_and_what_to_do(write, text, said):
    path = write(text)
    with pytest.raises(UsageError) as refusal:
        load_file(path)
    assert re.fullmatch(rf"--plugin {path}:? ?{said}", str(refusal.value))


def test_workers_load_what_they_run_and_nothing_else(write):
    load_file(write(NOTED, "panel.py"))
    assert not loads()
    path = write(SYSTEM, "wind.py")
    load_file(path)
    given = pickle.loads(pickle.dumps(loads()))
    path.write_text("raise AssertionError('edited after it was loaded')")
    PLUGINS.withdraw(str(path))
    LOADED.clear()
    receive(given)
    assert PLUGINS.find(Kind.WORKER_SYSTEM, "wind").function(None) == 3


SCRIPT = """
    import numpy as np

    from valuescape.api import ContinuousAction, ElementwiseWorld, Variable, absolute
    from valuescape.api import array_system, system, world
    from valuescape.sim.config.files import load_config
    from valuescape.sim.engine import Engine

    STEP = np.float32(0.05)
    HALF = np.float32(0.5)


    def pushed(velocity, force):
        return velocity + STEP * (force - HALF * velocity)


    @world
    class Line(ElementwiseWorld):
        name = "line_of_main"
        state = (Variable("x", "m", -1.0, 1.0), Variable("v", "m/s", -1.0, 1.0))
        obs = state
        action = ContinuousAction((Variable("force", "N", -1.0, 1.0),))
        step_s = 0.05
        max_episode_steps = 50
        reset_draws = 1

        @staticmethod
        def start(draws):
            return draws[0] - HALF, draws[0] * np.float32(0)

        @staticmethod
        def dynamics(state, action):
            x, v = state
            v = pushed(v, action[0])
            return (x + STEP * v, v), -absolute(x), absolute(x) > np.float32(1)


    @system(when="before", draws=1)
    def noise(step):
        return (step.action[0] + pushed(step.draws[0] - HALF, HALF),)


    @array_system(when="after", needs="noise")
    def cost(step):
        step.reward[:] -= np.abs(step.action[0]) * AMOUNT


    AMOUNT = np.float32(3)


    def hash_with(workers, simd):
        changes = [
            "world.name=line_of_main", "agents.count=70", "policy.checkpoint=random",
            f"workers.count={workers}", f"features.simd={simd}", "trails.length=8",
        ]
        with Engine(load_config(None, changes), None) as engine:
            engine.wait_ready()
            engine.advance_to(60)
            assert len(engine.worker_pids) == workers
            assert engine.recent_row("reward", 60).min() < -0.5
            return engine.state_hash()


    if __name__ == "__main__":
        hashes = [hash_with(0, "false"), hash_with(2, "true")]
        print(len(set(hashes)), hashes[0])
"""


def run_script(text, folder):
    path = folder / "script.py"
    path.write_text(textwrap.dedent(text))
    done = subprocess.run(
        [sys.executable, path],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
def test_what_a_script_declares_in_main_reaches_its_workers(tmp_path):
    """Its functions are no module's: dill carries them, and the constants they read, by value."""
    same, _ = run_script(SCRIPT, tmp_path)
    assert same == "1", "workers came to other states than the process alone"
