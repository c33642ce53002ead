"""The option `--world-file` of every command that makes a world."""

from dataclasses import replace
from importlib.resources import files as resources
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from commands import SMALL
from known_plugins import forgotten

from valuescape.cli.app import app
from valuescape.sim.policy.formats import native as store
from valuescape.sim.policy.loading import load_checkpoint
from valuescape.sim.worlds import make_world

SHIPPED = Path(str(resources("valuescape.configs").joinpath("checkpoints"))) / "point_mass.safetensors"
MINE = '''
from valuescape.sim.worlds.point_mass import PointMass


class Mine(PointMass):
    """A point mass by another name."""

    name = "mine"
'''
SETS = [part for setting in (*SMALL, "world.name=mine", "agents.count=40") for part in ("--set", setting)]
RANDOM = ["--set", "policy.checkpoint=random"]
ALONE = ["--set", "workers.count=0"]
"""For commands that start several runs; `run` and `scale` show that workers know the world too."""

COMMANDS = {
    "analyze": ["analyze", "homeless.safetensors", "--world", "mine", "--episodes", "2", "--cells", "8"],
    "attach": [
        *("attach", ".", *SETS, "--priority", "normal", "--headless", "--frames", "2", "--out", "o"),
    ],
    "run": ["run", *SETS, *RANDOM, "--headless", "--frames", "2", "--set", "run.record=false", "--out", "o"],
    "scale": [
        "scale",
        *SETS,
        *RANDOM,
        "--workers",
        "1",
        "--agents",
        "32",
        "--seconds",
        "0.05",
        "--frames",
        "0",
    ],
    "stress": ["stress", *SETS, *RANDOM, *ALONE, "--start", "30", "--most", "30", "--seconds", "0.5"],
    "impact": ["impact", *SETS, *RANDOM, *ALONE, "--seconds", "0.3", "--repeats", "1"],
    "convert": ["convert", "homeless.safetensors", "mine.safetensors", "--world", "mine"],
    "train": ["train", "mine", "--algo", "ppo", "--timesteps", "64", "--out", "mine.safetensors"],
    "replay": ["replay", "mine.vsz"],
}


@pytest.fixture(autouse=True)
def _forgets_worlds():
    """Forget the worlds that a test has loaded."""
    with forgotten():
        yield


@pytest.fixture
def mine(cli, tmp_path, monkeypatch):
    """Write a world file, and a checkpoint without the name of a world."""
    checkpoint = load_checkpoint(SHIPPED, make_world("point_mass"))
    store.save(replace(checkpoint, world=""), tmp_path / "homeless.safetensors")
    monkeypatch.setattr("valuescape.studies.impact.SWITCHES", ("trail_lod",))
    monkeypatch.setattr("valuescape.studies.impact._TICKS", 3)
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


def commands_that_build_worlds():
    """Yield the commands that take a configuration or name a world."""
    for each in app.registered_commands:
        hints = each.callback.__annotations__
        if {"preset", "world", "file"} & set(hints):
            yield each.name or each.callback.__name__


def test_all_commands_that_build_a_world_are_tried_here():
    assert set(commands_that_build_worlds()) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_not_there_is_named(cli, command):
    status, out, errors = cli(*COMMANDS[command], "--world-file", "none.py")
    assert (status, out) == (2, "")
    assert "--world-file none.py: there is no such file" in errors


@pytest.mark.gpu
@pytest.mark.parametrize("command", [each for each in COMMANDS if each not in ("train", "replay")])
def test_a_world_of_a_file_is_known(cli, mine, command, without_drawing):
    without = cli(*COMMANDS[command])
    assert without[0] == 2
    assert "'mine' is unknown" in without[2]
    assert cli(*COMMANDS[command], "--world-file", mine)[0] == 0


def test_one_is_trained_in_and_the_checkpoint_says_how(cli, mine, monkeypatch):
    """Learning takes minutes, and has other tests."""
    asked = []

    def train(world, algo, path, **how):
        asked.append((world.name, how["command"]))
        return SimpleNamespace(training=SimpleNamespace(mean_return=0.0, std_return=0.0, episodes=1))

    monkeypatch.setattr("valuescape.training.train.train", train)
    assert "'mine' is unknown" in cli(*COMMANDS["train"])[2]
    assert cli(*COMMANDS["train"], "--world-file", mine)[0] == 0
    ((world, command),) = asked
    assert world == "mine"
    assert command.endswith(f"--world-file {mine}")


def test_a_recording_of_one_is_replayed(cli, mine, tmp_path):
    recorded = cli("run", *SETS, *RANDOM, "--ticks", "20", "--record-run", "mine.vsz", "--world-file", mine)
    assert recorded[0] == 0
    assert cli("replay", "mine.vsz", "--world-file", mine)[0] == 0


@pytest.mark.parametrize("parameter", ["world_files", "plugins"])
def test_the_option_is_the_same_everywhere(cli, parameter):
    def option(name):
        hints = next(
            each.callback.__annotations__
            for each in app.registered_commands
            if (each.name or each.callback.__name__) == name
        )
        return hints[parameter].__metadata__[0]

    assert isinstance(option("run"), typer.models.OptionInfo)
    assert len({id(option(name)) for name in COMMANDS}) == 1
