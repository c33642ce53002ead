"""The command `inspect`: what is in files of other libraries, and the command that it prints works."""

import json
import re
import shlex
from importlib.util import find_spec
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


def test_videos_and_logs_of_a_folder_are_passed_over(capsys, tmp_path):
    native.save(tqc_checkpoint(), tmp_path / "a.safetensors")
    (tmp_path / "rl-video-episode-0.mp4").write_bytes(b"\0\0\0 ftypisom\0\0\2\0isomiso2")
    (tmp_path / "events.out.tfevents.1").write_bytes(b"\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22")
    status, said = inspected(capsys, tmp_path)
    assert status == 0
    assert said.count("TQC") == 1
    assert "rl-video" not in said
    assert "tfevents" not in said


def test_examples_are_the_library_s_defaults_and_marked(capsys):
    """Also in the lines that analyse and convert; only `run` needs no world of a file that says it."""
    case = CASES["rsl_rl/release5"]
    (found,) = entries(capsys, case.file)
    assert found["guesses"][0] == "--activation elu (the library's default)"
    assert found["analyze"].startswith(f"valuescape analyze {case.file} --")
    assert found["convert"].startswith(f"valuescape convert {case.file} {case.file.stem}.safetensors --")
    for line in ("command", "analyze", "convert"):
        assert found[line].endswith("--activation elu --gamma 0.99")
    assert "guessed here --activation elu" in inspected(capsys, case.file)[1]


@pytest.mark.parametrize(("inputs", "outputs", "head"), [(2, 3, "argmax"), (3, 1, "clipped")])
def test_the_meaning_of_outputs_is_the_world_s(capsys, tmp_path, inputs, outputs, head):
    layers = {"actor.0.weight": (outputs, inputs), "critic.0.weight": (1, inputs)}
    np.savez(tmp_path / "a.npz", **{name: np.ones(shape) for name, shape in layers.items()})
    (found,) = entries(capsys, tmp_path / "a.npz")
    assert f"--set policy.head={head}" in found["command"]
    assert [each["option"] for each in found["contents"]["lacking"] if each["field"] == "head"] == [
        f"--set policy.head={head}"
    ]


def test_no_command_is_printed_for_what_cannot_be_shown(capsys, tmp_path):
    layers = {"actor.0.weight": (1, 2), "critic.0.weight": (1, 8)}
    np.savez(tmp_path / "a.npz", **{name: np.ones(shape) for name, shape in layers.items()})
    (found,) = entries(capsys, tmp_path / "a.npz")
    assert "its critic observes 8 numbers, its actor 2" in found["contents"]["refusal"]
    assert not {"command", "analyze", "convert"} & found.keys()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("LunarLander-v2.npz", "pip install 'gymnasium\\[box2d\\]', then --world gymnasium:LunarLander-v3"),
        ("Walker2DBulletEnv-v0.npz", "Walker2DBulletEnv-v0, which Gymnasium does not know"),
        ("CartPole-v1.npz", "names CartPole-v1, which does not fit: the file takes 7 observations"),
    ],
)
def test_an_environment_that_a_path_names_is_told_with_what_it_needs(capsys, tmp_path, name, said):
    if "Lunar" in name and find_spec("Box2D"):
        pytest.skip("Box2D is installed, so the world is found")
    layers = {"actor.0.weight": (2, 7), "critic.0.weight": (1, 7)}
    np.savez(tmp_path / name, **{key: np.ones(shape) for key, shape in layers.items()})
    (found,) = entries(capsys, tmp_path / name)
    assert re.search(said, found["named"])
    stated = "--algorithm PPO --activation ReLU --gamma 0.9 --set policy.head=clipped"
    status = run_cli(["run", str(tmp_path / name), *stated.split()])
    errors = " ".join(capsys.readouterr().err.split())
    assert (status, "7 observations and 2 continuous actions" in errors) == (2, True)
    assert re.search(said.partition(": ")[0], errors)


def test_an_optimizer_s_state_and_a_missing_file_are_named(capsys, tmp_path):
    moments = ("exp_avg", "exp_avg_sq", "step")
    np.savez(tmp_path / "optimizer.npz", **{f"state.0.{each}": np.ones((2, 2)) for each in moments})
    (found,) = entries(capsys, tmp_path / "optimizer.npz")
    assert found["contents"]["remarks"] == ["has the state of an optimizer, and no networks"]
    status, said = inspected(capsys, tmp_path / "optimiser.npz")
    assert status == 2
    assert "there is no such file did you mean optimizer.npz?" in said


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
