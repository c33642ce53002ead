"""`run --checksum`: one number for a run, however it is made, and options that exclude it."""

import re
import signal
import time

import numpy as np
import pytest
from commands import Running, valuescape

from valuescape.cli.app import run_cli
from valuescape.presets import find_checkpoint
from valuescape.recordings.checksum import checkpoint_hash, first_difference
from valuescape.sim.worlds import make_world

CROWD = ("--set", "agents.count=230", "--set", "trails.length=16", "--seed", "3")
RANDOM = ("--set", "policy.checkpoint=random")


@pytest.fixture
def checksum(capsys, tmp_path, monkeypatch):
    """Run with settings; returns the line printed."""
    monkeypatch.chdir(tmp_path)

    def call(*settings, ticks=150, options=RANDOM):
        settings = "workers.start_method=forkserver", *settings
        changes = [part for each in settings for part in ("--set", each)]
        arguments = ["run", "demo", "--ticks", str(ticks), "--checksum", *CROWD, *options, *changes]
        status = run_cli(arguments)
        out, errors = capsys.readouterr()
        assert (status, errors) == (0, "")
        assert re.fullmatch(rf"checksum {ticks} [0-9a-f]{{64}}\n", out)
        assert list(tmp_path.iterdir()) == []
        return out

    return call


def test_it_is_the_same_for_any_workers_clock_and_compilation(checksum):
    expected = checksum("workers.count=0")
    for count in (1, 3):  # 2 below
        assert checksum(f"workers.count={count}") == expected
    assert checksum("workers.count=2", "workers.start_method=spawn") == expected
    assert checksum("workers.count=2", "features.async_physics=false") == expected
    assert checksum("features.parallel_agents=false", "features.async_physics=false") == expected
    for count in (0, 2):
        assert checksum(f"workers.count={count}", "features.simd=false") == expected


def test_it_is_the_same_from_a_fork_server(checksum):
    """And so in a process of its own, with which the fork server ends."""
    ended = valuescape(
        *("run", "demo", "--ticks", 150, "--checksum", *CROWD, *RANDOM),
        *("--set", "workers.count=2", "--set", "workers.start_method=forkserver"),
    )
    assert (ended.stdout, ended.stderr) == (checksum("workers.count=0"), "")


def test_a_networks_actions_are_the_same_for_any_workers(checksum):
    expected = checksum("workers.count=0", options=())
    assert checksum("workers.count=3", options=()) == expected


def test_another_seed_tick_or_exploration_is_another_checksum(checksum):
    seen = {
        checksum("workers.count=0"),
        checksum("workers.count=0", ticks=149),
        checksum("workers.count=0", options=()),
        checksum("workers.count=0", options=(*RANDOM, "--seed", "4")),
    }
    assert len(seen) == 4


def test_no_graphics_are_needed():
    ended = valuescape(
        *("run", "demo", "--ticks", 5, "--checksum", *CROWD),
        __EGL_VENDOR_LIBRARY_FILENAMES="/none",
        DISPLAY=":4711",
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("checksum 5 ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--checksum"], "--checksum needs --ticks"),
        (["--record-run", "run.vsz"], "--record-run needs --ticks"),
        (["--record-every", "3", "--ticks", "9"], "--record-every needs --record-run"),
        (["--checksum", "--ticks", "9", "--seconds", "1"], "--seconds does not go with --checksum"),
        (["--checksum", "--ticks", "9", "--record", "a.mp4"], "--record does not go with --checksum"),
    ],
)
def test_options_that_do_not_go_together_are_refused(capsys, tmp_path, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    assert run_cli(["run", "demo", *options]) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.startswith(f"valuescape: {said}")
    assert list(tmp_path.iterdir()) == []


def test_help_says_what_it_depends_on(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    run_cli(["run", "--help"])
    assert "features.simd" in capsys.readouterr().out


@pytest.mark.parametrize("workers", [0, 2])
def test_an_interrupt_ends_it_with_status_130(workers):
    options = ("--ticks", 10**9, "--checksum", *CROWD, *RANDOM, "--set", f"workers.count={workers}")
    with Running("run", "demo", *options) as run:
        run.wait_for_imports()
        time.sleep(2.5)
        status, out, errors = run.end_by(signal.SIGINT, group=True, within_s=5)
    assert (status, out) == (130, "")
    assert "Traceback" not in errors


def test_a_checkpoints_hash_is_that_of_its_tensors():
    from dataclasses import replace

    from valuescape.sim.policy.network import Training

    checkpoint = find_checkpoint("auto", make_world("point_mass"))
    assert checkpoint_hash(replace(checkpoint, training=Training("x"))) == checkpoint_hash(checkpoint)
    layer = checkpoint.actor.layers[0]
    bias = layer.bias.copy()
    bias[0] = np.nextafter(bias[0], np.float32(9))
    actor = replace(checkpoint.actor, layers=(replace(layer, bias=bias), *checkpoint.actor.layers[1:]))
    assert checkpoint_hash(replace(checkpoint, actor=actor)) != checkpoint_hash(checkpoint)


def test_the_first_agent_that_differs_is_found_bit_by_bit():
    one = np.zeros((2, 5), np.float32)
    other = one.copy()
    assert first_difference(one, other) is None
    other[0, 3], other[1, 2] = 1, -0.0
    assert first_difference(one, other) == 2
    one[:] = other[:] = np.nan
    assert first_difference(one, other) is None
