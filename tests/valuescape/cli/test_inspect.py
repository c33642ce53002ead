"""The command `inspect`: what is in files of other libraries, and the command that it prints works."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from library_files import CASES, FOLDER
from pickled_statistics import statistics
from sample_checkpoints import tqc_checkpoint

from valuescape.cli.app import run_cli
from valuescape.model_files import preset_of, stated_by
from valuescape.presets import configs_dir
from valuescape.sim.policy.formats import native
from valuescape.sim.policy.loading import read_checkpoint

SHARED = FOLDER / "perceptron" / "shared.pt"


def inspected(capsys, *arguments: object) -> tuple[int, str]:
    status = run_cli(["inspect", *map(str, arguments)])
    return status, " ".join(capsys.readouterr().out.split())


def entries(capsys, *arguments: object) -> list[dict]:
    assert run_cli(["inspect", "--json", *map(str, arguments)]) == 0
    return json.loads(capsys.readouterr().out)


def test_networks_tensors_and_what_is_missing_are_shown(capsys):
    status, said = inspected(capsys, SHARED)
    assert status == 0
    assert "actor │ 2 - 12 - 10 - 3 │ not said" in said
    assert "critic │ 2 - 12 - 10 - 6 - 1 │ not said │ V(s)" in said
    assert "the discount gamma │ needed │ --gamma 0.99" in said
    assert "model.policy.weight │ 3 x 10 │ float32" in said
    assert "worlds that fit: mountain_car" in said


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("perceptron/")])
def test_the_command_that_is_printed_shows_the_file(name, capsys):
    """With the options in it that the file needs, as examples; names of tensors have to be stated first."""
    case = CASES[name]
    stated = ["--map", case.given.names] if case.given.names else []
    (found,) = entries(capsys, case.file, *stated)
    program, command, file, *options = shlex.split(found["command"])
    assert (program, command, file) == ("valuescape", "run", str(case.file))
    flags = dict(zip(options[::2], options[1::2], strict=True))
    assert flags.pop("--world") == case.said["world"]
    names = {"--activation": "activation", "--gamma": "gamma", "--algorithm": "algorithm", "--map": "names"}
    settings = [flag for flag in flags if flag != "--set"]
    changes = [f"policy.{names[flag]}={flags[flag]}" for flag in settings]
    changes += [flags[flag] for flag in flags if flag == "--set"]
    checkpoint = read_checkpoint(case.file, stated_by(changes))
    assert checkpoint.obs_dim == case.expected["obs"].shape[1]


def test_what_is_stated_is_no_longer_missing(capsys):
    options = "--algorithm", "ppo", "--gamma", 0.9, "--activation", "tanh", "--set", "policy.head=argmax"
    (found,) = entries(capsys, SHARED, *options)
    assert [each["field"] for each in found["contents"]["lacking"]] == ["obs_normalization", "reward_scale"]
    (found,) = entries(capsys, SHARED, *options, "--reward-scale", 0.1)
    assert [each["field"] for each in found["contents"]["lacking"]] == ["obs_normalization"]
    assert found["command"].endswith("--reward-scale 0.1")
    assert {each["activation"] for each in found["contents"]["networks"]} == {"tanh"}
    for option in ("--algorithm ppo", "--gamma 0.9", "--activation tanh", "policy.head=argmax"):
        assert option in found["command"]


def test_own_files_of_quantiles_say_everything(capsys, tmp_path):
    native.save(tqc_checkpoint(), tmp_path / "a.safetensors")
    (found,) = entries(capsys, tmp_path / "a.safetensors")
    contents = found["contents"]
    roles = [(each["role"], each["output"]) for each in contents["networks"]]
    assert roles[1:] == [(role, "quantiles of Q(s, a)") for role in ("critic", "twin critic", "critic 3")]
    assert [each["field"] for each in contents["lacking"]] == ["entropy_coefficient"]
    assert contents["normalization"] == "observations are normalised (2 means)"
    assert found["command"] == f"valuescape run {tmp_path}/a.safetensors"


def test_statistics_are_named_as_such(capsys, tmp_path):
    (tmp_path / "vecnormalize.pkl").write_bytes(statistics())
    status, said = inspected(capsys, tmp_path / "vecnormalize.pkl")
    assert status == 0
    assert "2 observations are normalised, clipped at 10" in said
    assert "it is no checkpoint: give it with --obs-normalization" in said


def test_a_folder_shows_its_checkpoints_and_what_cannot_be_read(capsys, tmp_path):
    (tmp_path / "below").mkdir()
    native.save(tqc_checkpoint(), tmp_path / "below" / "a.safetensors")
    (tmp_path / "b.zip").write_bytes(b"PK\x03\x04")
    (tmp_path / "notes.txt").write_text("no checkpoint")
    status, said = inspected(capsys, tmp_path)
    assert status == 1
    assert "b.zip: is" in said
    assert "a.safetensors: Valuescape, TQC" in said
    assert "notes.txt" not in said
    (tmp_path / "below" / "a.safetensors").unlink()
    assert inspected(capsys, tmp_path)[0] == 2


def test_a_folder_without_checkpoints_is_refused(capsys, tmp_path):
    assert run_cli(["inspect", str(tmp_path)]) == 2
    assert "has no checkpoints" in capsys.readouterr().err


def test_a_file_without_networks_lists_its_tensors(capsys, tmp_path):
    np.savez(tmp_path / "a.npz", **{f"x{index}": np.ones((2, 3)) for index in range(20)})
    status, said = inspected(capsys, tmp_path / "a.npz")
    assert status == 0
    assert "x0 │ 2 x 3 │ float64" in said
    assert "has no linear layers (NAME.weight)" in said
    assert "and 8 more tensors (--tensors)" in said
    assert "x19" in inspected(capsys, tmp_path / "a.npz", "--tensors")[1]


def test_a_model_runs_in_the_place_of_a_preset_with_what_is_stated(tmp_path):
    stated = ["policy.algorithm=dqn", "policy.activation=elu", "policy.gamma=0.9"]
    preset, changes = preset_of(str(FOLDER / "perceptron" / "q.npz"), stated)
    assert preset == "demo"
    assert 'world.name="mountain_car"' in changes
    assert changes[-3:] == stated


@pytest.mark.parametrize("name", ["model", "model.ckpt", "model.bin"])
def test_a_model_is_known_by_its_content_too(name, tmp_path):
    path = tmp_path / name
    path.write_bytes((configs_dir() / "checkpoints" / "pendulum.safetensors").read_bytes())
    assert preset_of(str(path), [])[0] == "demo"
    (tmp_path / "text").write_text("[agents]\ncount = 3\n")
    assert preset_of(str(tmp_path / "text"), [])[0] == str(tmp_path / "text")
    assert Path(preset_of("README.md", [])[0]) == Path("README.md")
