"""The command line: what it says of bad input, and with which status it ends."""

import os
import pickle
import zipfile
from dataclasses import replace
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from commands import TINY, valuescape
from processes import own_descendants
from safetensors.numpy import load_file, save_file

from sim.policy.loading import load_checkpoint
from sim.worlds import make_world

SHIPPED = Path(str(files("configs").joinpath("checkpoints")))


@pytest.fixture
def refused(cli):
    """Call the program, which must refuse: status 2, one or two lines, nothing written, nothing running."""

    def call(*arguments):
        before = own_descendants()
        status, out, errors = cli(*arguments)
        assert (status, out) == (2, "")
        assert errors.startswith("valuescape: ")
        assert 1 <= len(errors.splitlines()) <= 2
        assert own_descendants() == before
        assert list(Path("runs").glob("*")) == []
        return errors

    return call


@pytest.fixture
def refused_checkpoint(refused):
    """Run with a checkpoint, which must be refused by name."""

    def call(path, world="point_mass"):
        said = refused(
            "run", "--headless", "--set", f"policy.checkpoint={path}", "--set", f"world.name={world}"
        )
        assert str(path) in said
        return said

    return call


# --- Help ------------------------------------------------------------------------------------------------


def test_help_teaches():
    shown = valuescape("--help", COLUMNS="120")
    assert shown.returncode == 0
    for word in ("valuescape run demo", "doctor", "presets", "convert", "train", "run"):
        assert word in shown.stdout


@pytest.mark.parametrize(
    "command", ["run", "presets", "settings", "checkpoints", "doctor", "convert", "train"]
)
def test_every_command_has_help(cli, command):
    status, out, errors = cli(command, "--help")
    assert (status, errors) == (0, "")
    assert "Usage:" in out
    assert " []" not in out  # markup that swallowed a bracket


def test_help_of_run_names_every_option_with_what_it_is_without_it(cli):
    _, out, _ = cli("run", "--help")
    for word in ("--set", "--frames", "--seconds", "--ticks", "--out", "--record", "--screenshot", "--seed"):
        assert word in out
    assert "runs/TIME" in out


def test_without_a_command_all_help_is_shown(cli):
    status, out, errors = cli()
    assert (status, errors) == (0, "")
    assert "Usage:" in out
    assert "stress" in out


def test_the_version_is_told(cli):
    assert cli("--version") == (0, f"valuescape {version('valuescape')}\n", "")


def test_presets_are_listed(cli):
    status, out, _ = cli("presets")
    assert status == 0
    assert "demo" in out
    assert "240 agents" in out


@pytest.mark.gpu
def test_the_doctor_finds_this_machine_fit_and_names_its_driver():
    examined = valuescape("doctor", COLUMNS="200")
    assert examined.returncode == 0, examined.stdout
    assert "llvmpipe" in examined.stdout or "GPU" in examined.stdout
    assert "All set: valuescape run demo" in examined.stdout


# --- Bad input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "No such command 'nope'"),
        (["run", "--bogus"], "No such option: --bogus"),
        (["run", "--frames", "x"], "--frames"),
        (["run", "--frames", "0"], "--frames"),
        (["run", "--ticks", "-3"], "--ticks"),
        (["run", "demo", "swingup"], "unexpected extra argument"),
        (["run", "demmo"], "did you mean demo?"),
        (["run", "none.toml"], "none.toml: no such configuration file"),
        (["run", "--set", "agents.cuont=3"], "agents.cuont is unknown; did you mean count?"),
        (["run", "--set", "agents.count=0"], "agents.count = 0, expected a whole number"),
        (["run", "--set", "agents"], "--set agents: expected section.key=value"),
        (["run", "--seed", "-1"], "run.seed = -1, expected a whole number"),
        (["run", "--headless", "--set", "world.name=pendlum"], "world.name: 'pendlum' is unknown"),
        (["run", "--headless", "--set", "world.name=[red]x"], "world.name: '[red]x' is unknown"),
        (["run", "--screenshot", "picture.xyz"], "picture.xyz: expected the name of a .png"),
        (["convert", "none.zip", "a", "--world", "pendulum"], "none.zip: there is no such file"),
        (["convert", "none.zip"], "Missing argument"),
        (["train", "nope"], "world.name: 'nope' is unknown"),
        (["train", "pendulum", "--algo", "xyz"], "--algo xyz: unknown"),
        (["train", "pendulum", "--algo", "dqn"], "the actions of pendulum are continuous"),
        (["settings", "agnts"], "did you mean agents?"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_bad_input_is_named(refused, arguments, message):
    assert message in refused(*arguments)


def test_a_broken_configuration_file_is_named(refused, tmp_path):
    (tmp_path / "my.toml").write_text("[agents]\ncount = 'many'\n")
    assert refused("run", "my.toml").startswith("valuescape: my.toml: agents.count = 'many', expected")


@pytest.mark.parametrize("option", ["--out", "--record", "--screenshot"])
@pytest.mark.parametrize("folder", ["file/below", "/proc/none"])
def test_where_nothing_can_be_written_is_named(refused, tmp_path, option, folder):
    (tmp_path / "file").touch()
    name = folder if option == "--out" else f"{folder}/it.{'mp4' if option == '--record' else 'png'}"
    assert f"valuescape: {option} {folder}: cannot be" in refused("run", "--headless", option, name)


def test_too_many_agents_for_the_memory_are_refused(refused):
    said = refused("run", "--headless", "--set", "agents.count=4000000", "--set", "trails.length=4096")
    assert "GiB of shared memory" in said
    assert "lower agents.count or trails.length" in said


def test_a_machine_without_gl_is_told_what_to_install(refused, monkeypatch):
    monkeypatch.setattr("gpu.context.library_loads", lambda name: name != "libEGL.so.1")
    said = refused("run", *TINY)
    assert "libEGL.so.1 cannot be loaded" in said
    assert "apt-get install libgl1 libegl1" in said


def test_a_machine_without_a_driver_is_told_what_to_install(tmp_path):
    ended = valuescape("run", *TINY, "--out", tmp_path, __EGL_VENDOR_LIBRARY_FILENAMES="/none")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("valuescape: no OpenGL 4.3 context could be made")
    assert "apt-get install" in ended.stderr
    assert len(ended.stderr.splitlines()) == 2


def test_a_display_that_is_not_there_is_reported(tmp_path):
    ended = valuescape("run", "--frames", 2, "--out", tmp_path, DISPLAY=":4711", WAYLAND_DISPLAY="")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "run with --headless" in ended.stderr


def test_debug_shows_the_traceback(cli):
    status, _, errors = cli("run", "--headless", "--set", "world.name=nope", "--debug")
    assert status == 2
    assert errors.startswith("Traceback")
    assert "UsageError: world.name: 'nope'" in errors


def test_an_error_that_nobody_expected_is_a_line_and_status_1(cli, monkeypatch):
    def fail(*_args, **_options):
        raise RuntimeError("[bold] surprise")

    monkeypatch.setattr("valuescape.session.Session", fail)
    status, _, errors = cli("run", "--headless")
    assert status == 1
    assert errors.splitlines() == [
        "valuescape: [bold] surprise",
        "  run again with --debug for the traceback",
    ]


# --- Checkpoints -----------------------------------------------------------------------------------------


class Touch:
    """Unpickled, it makes a folder."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_a_missing_checkpoint_is_refused(refused_checkpoint):
    refused_checkpoint("none.safetensors")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing", b'\x08\0\0\0\0\0\0\0{"a": 1}', b"text"])
def test_a_broken_checkpoint_is_refused(refused_checkpoint, tmp_path, content):
    path = tmp_path / "broken.zip"
    path.write_bytes(content)
    refused_checkpoint(path)


def test_a_pickle_is_refused_and_not_run(refused_checkpoint, tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(Touch(tmp_path / "marker")))
    assert "could run any code" in refused_checkpoint(path)
    assert not (tmp_path / "marker").exists()


def test_a_pickle_in_a_zip_is_refused_and_not_run(refused_checkpoint, tmp_path):
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", "{}")
        archive.writestr("policy.pth", pickle.dumps(Touch(tmp_path / "marker")))
    refused_checkpoint(path)
    assert not (tmp_path / "marker").exists()


def test_a_zip_bomb_is_refused(refused_checkpoint, tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data", bytes(50_000_000))
        archive.writestr("policy.pth", b"")
    assert "zip bomb" in refused_checkpoint(path)


def test_weights_that_are_not_numbers_are_refused(refused_checkpoint, tmp_path):
    from safetensors import safe_open

    shipped = SHIPPED / "point_mass.safetensors"
    weights = load_file(shipped)
    with safe_open(shipped, "np") as file:
        metadata = file.metadata()
    weights["actor.0.weight"] = weights["actor.0.weight"] * np.float32(np.nan)
    path = tmp_path / "nan.safetensors"
    save_file(weights, path, metadata)
    refused_checkpoint(path)


def test_a_checkpoint_of_another_world_is_refused(refused_checkpoint):
    said = refused_checkpoint(SHIPPED / "pendulum.safetensors", "mountain_car")
    assert "was trained for world pendulum, expected mountain_car" in said


def test_shapes_that_do_not_fit_the_world_are_refused(refused_checkpoint, tmp_path):
    from sim.policy import store

    checkpoint = load_checkpoint(SHIPPED / "point_mass.safetensors", make_world("point_mass"))
    path = tmp_path / "homeless.safetensors"
    store.save(replace(checkpoint, world=""), path)
    refused_checkpoint(path, "pendulum")


def test_a_stable_baselines3_zip_is_converted(cli, tmp_path):
    import stable_baselines3

    from valuescape.gym_env import WorldEnv

    world = make_world("point_mass")
    stable_baselines3.SAC("MlpPolicy", WorldEnv(world), buffer_size=10, seed=0).save(tmp_path / "sac.zip")
    status, out, errors = cli("convert", "sac.zip", "sac.safetensors", "--world", "point_mass")
    assert (status, out, errors) == (0, "wrote sac.safetensors: SAC for point_mass\n", "")
    zipped, ours = (load_checkpoint(tmp_path / name, world) for name in ("sac.zip", "sac.safetensors"))
    assert ours.world == "point_mass"
    np.testing.assert_array_equal(ours.actor.layers[0].weight, zipped.actor.layers[0].weight)
