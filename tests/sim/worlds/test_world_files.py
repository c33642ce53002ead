"""Worlds of the user's own files: the guide's example, what is refused, and errors while it runs."""

import os
import re
import subprocess
import sys
import time
from itertools import pairwise

import pytest
from crowds import check_until, crowd, hash_at, small
from processes import wait_until
from world_texts import ARRAYS, EXAMPLE

from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds import WORLDS, load_world_file, make_world

FAILS = """
        if (out[0] > 1.45).any():
            raise ZeroDivisionError("too far")
"""


def valuescape(*arguments):
    """Run the program to its end."""
    command = [sys.executable, "-m", "valuescape", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_guides_example_is_short_and_runs_alike_compiled_or_not_and_split_among_workers(write):
    assert len(EXAMPLE.splitlines()) <= 45
    load_world_file(write(EXAMPLE))
    own = ("world.name=my_world", "policy.checkpoint=random")
    expected = hash_at(300, small(*own, "features.simd=false"))
    assert hash_at(300, small(*own)) == expected
    assert hash_at(300, small(*own, "workers.count=2")) == expected


def test_an_array_world_runs_alike_for_any_number_of_workers(write):
    load_world_file(write(ARRAYS))
    assert hash_at(100, small("world.name=arrays", "workers.count=3")) == hash_at(
        100, small("world.name=arrays")
    )


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_the_command_line_takes_a_file(write, method):
    ended = valuescape(
        *("run", "demo", "--world-file", write(EXAMPLE), "--set", "world.name=my_world", "--ticks", 20),
        *("--set", "policy.checkpoint=random", "--checksum", "--set", f"workers.start_method={method}"),
    )
    assert ended.returncode == 0, ended.stderr
    assert re.fullmatch(r"(compiling the simulation: .*\n)?", ended.stderr), "a new file has to be compiled"
    assert re.fullmatch(r"checksum 20 [0-9a-f]{64}\n", ended.stdout)


def test_a_configuration_cannot_name_a_file(write):
    with pytest.raises(UsageError, match="is unknown"):
        make_world(str(write(EXAMPLE)))
    with pytest.raises(UsageError, match=r"world\.files is unknown"):
        small(f"world.files={write(EXAMPLE)}")


def test_a_file_is_run_once(write):
    path = write(ARRAYS)
    assert load_world_file(path) == load_world_file(str(path))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('name = "arrays"', ""), "class Arrays: has no name"),
        (
            ('name = "arrays"', 'name = "pendulum"'),
            "name = 'pendulum' is taken by class Pendulum of pendulum.py",
        ),
        (('name = "arrays"', 'name = "flock"'), "name = 'flock' is taken by class Flock of world.py"),
        (('name = "arrays"', "name = 3"), "name = 3"),
        (("state = (", "states = ("), "has no state|name 'state' is not defined"),
        (("action = Discrete", "actions = Discrete"), "has no action"),
        (("reset_draws = 1", "reset_draws = -1"), "reset_draws = -1"),
        (("step_s = 0.1", "step_s = 0"), "step_s = 0"),
        (("step_s = 0.1", "map_axes = (0, 2); step_s = 0.1"), r"map_axes = \(0, 2\)"),
        (("def reset", "def rest"), "has no method reset"),
        (("class Arrays(ArrayWorld)", "class Arrays"), "defines no world"),
        (("np.float32(0.1) *", "np.float32(0.1 *"), "SyntaxError"),
        (("import numpy as np", "import nunpy"), "line 2: ModuleNotFoundError"),
    ],
)
def test_a_file_that_will_not_do_is_refused_in_a_line_and_a_hint(write, change, said):
    """Python's own errors need no hint."""
    text = ARRAYS.replace(*change)
    assert text != ARRAYS
    with pytest.raises(UsageError, match=said) as refusal:
        load_world_file(write(text))
    assert len(str(refusal.value).splitlines()) == (1 if "Syntax" in said or "NotFound" in said else 2)
    assert "arrays" not in WORLDS


ENDS = "(position > HALF_LENGTH) | (position < -HALF_LENGTH)"
SPEED, MOVE = "velocity = velocity + STEP", "STEP * velocity"
RESULT = "(position, velocity), reward,"
DYNAMICS = "return (position, velocity), reward, (position > HALF_LENGTH) | (position < -HALF_LENGTH)"
START = "return (TWO * draws[0] - ONE) * START, (TWO * draws[1] - ONE) * START"
SEES = "    @staticmethod\n    def observation(state):\n        return "


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((RESULT, "(position,), reward,"), "dynamics returns a tuple of 1\n.* 2 "),
        ((RESULT, "(position, velocity, ONE), reward,"), "returns a tuple of 3\n"),
        ((RESULT, "[position, velocity], reward,"), "returns a list\n.*a tuple of 2"),
        ((RESULT, "(position, velocity),"), "dynamics returns a tuple of 2\n.*reward"),
        ((START, "return (draws[0],)"), "start returns a tuple of 1\n.*2 .position, velocity.+as state"),
        ((START, SEES.join((START + "\n\n", "(state[0],)"))), "observation returns a tuple of 1\n.*obs"),
        ((START, SEES.join((START + "\n\n", "(*state, ONE)"))), "observation returns a tuple of 3\n"),
        (("obs = state", "obs = state[:1]"), "obs has 1 variables and state 2, .* no observation"),
        (("reset_draws = 2", "reset_draws = 1"), r"start: line \d+: IndexError: .*\n.*reset_draws"),
        ((SPEED, "velocity = velocty + STEP"), r"dynamics: line 33: NameError: .*velocty"),
        (("GRAVITY * sin", "GRAVITY * np.sin"), "line 33: np.sin .*\n.*sin of valuescape.api"),
        ((MOVE, "np.clip(velocity, -ONE, ONE)"), "line 34: np.clip .*\n.*clip of valuescape.api"),
        (("reward = ONE", "reward = ONE if position > ONE else TWO"), r"line 35: ValueError: .*\n.*where\("),
        ((MOVE, "max(velocity, ONE)"), "line 34: ValueError: .*\n.*maximum"),
        ((ENDS, ENDS.replace("|", "or")), r"ValueError: .*\n.*where\("),
        ((ENDS, "not -ONE < position < ONE"), "line 37: ValueError: .*\n.*a < b < c"),
        ((ENDS, "position"), "terminated as float32, expected bool"),
        ((SPEED, "velocity += STEP"), "line 33: ValueError: .*read-only\n.*not x .= y"),
        ((MOVE, "sum(velocity)"), "depends on which others are in the call"),
        ((MOVE, "__import__('math').sin(velocity)"), "line 34: TypeError: .*\n.*valuescape.api"),
        (("ONE - position * position", "1.0 - np.float64(2)"), "reward as float64, .*\n.*np.float32"),
        (
            (DYNAMICS, DYNAMICS.replace("reward", "1.0")),
            r"reward as the Python number 1\.0, expected float32",
        ),
        ((MOVE, "velocity / (ONE - ONE)"), "dynamics makes position -?(inf|nan) from finite numbers"),
        (("ContinuousAction((", "ContinuousAction("), r"line \d+: TypeError: expected a tuple of variables"),
    ],
)
def test_a_common_mistake_is_named_before_anything_is_compiled(write, change, said):
    """By file and line, if Python can tell. A compiler would be silent or hard to understand."""
    head, body = EXAMPLE.split("class MyWorld", 1)
    assert change[0] in body
    text = head + "class MyWorld" + body.replace(*change)
    if change[0].startswith("ContinuousAction"):
        text = text.replace("0.3),))", "0.3))")
    with pytest.raises(UsageError) as refusal:
        load_world_file(write(text))
    assert re.search(said, str(refusal.value)), refusal.value
    assert len(str(refusal.value).splitlines()) == 2
    assert all(len(line) <= 250 for line in str(refusal.value).splitlines())
    assert "my_world" not in WORLDS


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("        out[1] = 0", "        pass"),
            "reset makes b nan from finite numbers, or does not write it",
        ),
        (("        reward[:] = out[1]", "        pass"), "step makes reward nan"),
        (("        terminated[:] = out[0] > 1.5", "        pass"), "step does not write terminated"),
        (("out[1] = np.tanh(state[0])", "out[1] = state[0].mean()"), "depends on which others"),
        (("out[0] = state[0] +", "state[0] += 1; out[0] = state[0] +"), "line 20: ValueError: .*read-only"),
        (("obs = state", "obs = state[:1]"), "there is no observe"),
        (("out[0] = draws[0]", "out[0] = draws[1]"), "reset: line 16: IndexError: .*\n.*reset_draws"),
    ],
)
def test_what_an_array_world_does_wrong_is_named_too(write, change, said):
    text = ARRAYS.replace(*change)
    assert text != ARRAYS
    with pytest.raises(UsageError, match=said):
        load_world_file(write(text))


def test_a_file_that_is_not_there_or_no_python_is_refused(tmp_path, write):
    with pytest.raises(UsageError, match="there is no such file"):
        load_world_file(tmp_path / "none.py")
    with pytest.raises(UsageError, match="is a folder, expected a file"):
        load_world_file(tmp_path)
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(UsageError, match="is a pipe, expected a file"):
        load_world_file(tmp_path / "pipe.py")
    with pytest.raises(UsageError, match="no file has a name with a zero byte"):
        load_world_file("nul\0.py")
    with pytest.raises(UsageError, match="ame too long"):
        load_world_file("a" * 300 + ".py")
    with pytest.raises(UsageError, match=r"null bytes|cannot contain null"):
        load_world_file(write("\0"))
    with pytest.raises(UsageError, match="expected a Python file"):
        load_world_file(write(ARRAYS, "world.txt"))


@pytest.mark.chaos
def test_an_error_in_a_step_ends_the_run_with_one_report(write):
    load_world_file(write(ARRAYS + FAILS))
    with crowd(small("world.name=arrays", "workers.count=2")) as engine:
        engine.run_until(50)
        with pytest.raises(WorkerFailedError) as failure:
            check_until(engine, lambda: engine.newest_tick == 50)
        assert engine.restarts <= 2
    report = str(failure.value)
    assert re.match(
        r"worker \d \(pid \d+, agents \d+ to \d+\) failed after tick \d+: ZeroDivisionError: too far\n"
        r"  it had failed there before; giving up\nTraceback",
        report,
    )
    assert report.count("Traceback") == 1
    assert 'raise ZeroDivisionError("too far")' in report


@pytest.mark.chaos
def test_an_error_is_not_lost_if_a_run_ends_before_the_worker_is_replaced(write):
    load_world_file(write(ARRAYS + FAILS))
    with crowd(small("world.name=arrays", "workers.count=1")) as engine:
        engine.require_sound()
        engine.run_until(50)
        check_until(engine, lambda: engine.restarts == 1)
        with pytest.raises(WorkerFailedError, match=r"failed after tick \d+: ZeroDivisionError: too far"):
            engine.require_sound()


@pytest.mark.chaos
def test_a_worker_that_ends_again_and_again_is_replaced_after_longer_and_longer_pauses(write):
    ends = FAILS.replace('raise ZeroDivisionError("too far")', "__import__('os')._exit(3)")
    load_world_file(write(ARRAYS + ends))
    seen, spent = [], []

    def looked_after():
        began = time.monotonic()
        engine.check()
        spent.append(time.monotonic() - began)
        seen.extend([time.monotonic()] * (engine.restarts - len(seen)))
        return False

    with crowd(small("world.name=arrays", "workers.count=1", "workers.max_restarts=4")) as engine:
        engine.run_until(50)
        with pytest.raises(WorkerFailedError, match=r"exit code 3\n  4 restarts within 60 s; giving up"):
            wait_until(looked_after, 40, "it gives up")
    pauses = [later - sooner for sooner, later in pairwise(seen)]
    assert len(seen) == 4
    for pause, least in zip(pauses, (0.1, 0.2, 0.4), strict=True):
        assert pause > least
    assert max(spent) < 0.3  # the time that starting a process takes; it waits for none


def test_without_workers_the_report_is_the_same(write):
    load_world_file(write(ARRAYS + FAILS))
    with (
        crowd(small("world.name=arrays")) as engine,
        pytest.raises(
            WorkerFailedError, match=r"(?s)worker 0 .* after tick \d+: Zero.*too far\nTraceback.*my_world"
        ),
    ):
        engine.advance_to(50)


def test_an_error_in_a_step_is_status_1(write):
    ended = valuescape(
        *("run", "demo", "--world-file", write(ARRAYS + FAILS), "--set", "world.name=arrays", "--ticks", 50),
        *("--set", "policy.checkpoint=random", "--checksum", "--set", "workers.count=2"),
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "ZeroDivisionError: too far" in ended.stderr
