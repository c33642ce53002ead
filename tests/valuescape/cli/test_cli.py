"""The command line: help, error messages, and exit statuses."""

import os
import pickle
import re
import zipfile
from dataclasses import replace
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from commands import TINY, valuescape
from processes import own_descendants
from safetensors.numpy import load_file, save_file

from valuescape.cli.app import run_cli
from valuescape.sim.errors import LINE_LENGTH, LINES, UsageError
from valuescape.sim.policy.loading import load_checkpoint
from valuescape.sim.worlds import make_world

SHIPPED = Path(str(files("valuescape.configs").joinpath("checkpoints")))


@pytest.fixture
def refused(cli):
    """Run a command that must be refused: status 2, a short message, no file and no process left."""

    def call(*arguments):
        before = own_descendants()
        status, out, errors = cli(*arguments)
        assert (status, out) == (2, "")
        assert errors.startswith("valuescape: ")
        assert 1 <= len(errors.splitlines()) <= LINES
        assert max(map(len, errors.splitlines())) <= LINE_LENGTH
        assert own_descendants() == before
        assert list(Path("runs").glob("*")) == []
        return errors

    return call


@pytest.fixture
def refused_checkpoint(refused):
    """Run with a checkpoint that must be refused; returns the message, which names it."""

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


@pytest.mark.gpu
def test_the_doctor_refuses_a_driver_that_is_too_old_and_says_what_to_do():
    """Mesa's version override stands for an old driver."""
    examined = valuescape("doctor", COLUMNS="200", MESA_GL_VERSION_OVERRIDE="3.3")
    assert examined.returncode == 1
    assert re.search(r"^no  EGL device 0 .*offers OpenGL 3\.3 .*, but 4\.3 is needed", examined.stdout, re.M)
    assert re.search(r"^no  OpenGL 4\.3, headless", examined.stdout, re.M)
    assert "unset MESA_GL_VERSION_OVERRIDE, which is '3.3'" in examined.stdout
    assert "All set" not in examined.stdout
    ran = valuescape("run", *TINY, MESA_GL_VERSION_OVERRIDE="3.3")
    assert ran.returncode == 2
    assert "offers OpenGL 3.3" in ran.stderr


def test_the_doctor_does_not_mind_one_device_of_two(monkeypatch, capsys):
    def create(device=None):
        if device == 1:
            raise UsageError("EGL device 1 offers OpenGL 3.3, but 4.3 is needed", "a newer driver")
        info = {"GL_RENDERER": "a card", "GL_VENDOR": "v", "GL_VERSION": "4.6"}
        return SimpleNamespace(info=info, release=lambda: None)

    monkeypatch.setattr("valuescape.cli.doctor.egl_device_count", lambda: 2)
    monkeypatch.setattr("valuescape.cli.doctor.create_headless_context", create)
    assert run_cli(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "no  EGL device 1" in out
    assert "All set" in out


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
        (["run", "x" * 300], "cannot be read (File name too long)"),
        (["run", "--set", f"policy.checkpoint={'x' * 300}"], "cannot be read (File name too long)"),
        (["run", "--set", "policy.checkpoint=~nosuchuser/x"], "the home folder of ~nosuchuser is not known"),
        (["run", "--set", r'policy.checkpoint="a\u0000b"'], r"a zero byte"),
        (["run", "--world-file", "x" * 300], "cannot be read (File name too long)"),
        (["run", "--headless", "--record", "x" * 300 + ".mp4"], "cannot be written (File name too long)"),
        (["run", "--headless", "--profile", "/dev/null"], "/dev/null: is a device, expected a file"),
        (["run", "--ticks", "9", "--record-run", "/"], "/: is a folder, expected a file"),
        (["replay", "x" * 300], "cannot be read (File name too long)"),
        (["compare", "/dev/zero", "/dev/zero"], "/dev/zero: is a device, expected a file"),
        (["compare", "\x1b[31mred", "b"], r"\x1b[31mred: there is no such file"),
        (["scale", "--json", "/dev/full"], "--json /dev/full: is a device"),
        (["run", "--set", "run.seed=" + "[" * 9000], "it is nested more than 8 levels deep"),
        (["run", "--set", "run.seed=" + "9" * 9000], "expected a whole number"),
        (["run", "--set", "agents.count=\udcff"], r"agents.count=\udcff: has bytes that are no text"),
        (["\x1b[31m" + "x" * 5000], r"No such command '\x1b[31mxxx"),
    ],
    ids=lambda each: ascii(" ".join(each))[1:60] if isinstance(each, list) else "",
)
def test_bad_input_is_named(refused, arguments, message):
    assert message in refused(*arguments)


def test_pipes_are_refused_for_whatever_a_person_names(refused, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    commands = ["run pipe", "run --world-file pipe", "replay pipe", "compare pipe pipe"]
    commands += ["convert pipe out --world pendulum", "run --headless --record pipe", "run --screenshot pipe"]
    commands += ["run --headless --set policy.checkpoint=pipe", "impact --json pipe"]
    for command in commands:
        said = refused(*command.split())
        assert "is a pipe" in said or "no regular file" in said, command


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
    monkeypatch.setattr("valuescape.gpu.context.library_loads", lambda name: name != "libEGL.so.1")
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

    monkeypatch.setattr("valuescape.run.session.Session", fail)
    status, _, errors = cli("run", "--headless")
    assert status == 1
    assert errors.splitlines() == [
        "valuescape: [bold] surprise",
        "  run again with --debug for the traceback",
    ]


# --- Checkpoints -----------------------------------------------------------------------------------------


class Touch:
    """Unpickling it makes a folder."""

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
    from valuescape.sim.policy.formats import native as store

    checkpoint = load_checkpoint(SHIPPED / "point_mass.safetensors", make_world("point_mass"))
    path = tmp_path / "homeless.safetensors"
    store.save(replace(checkpoint, world=""), path)
    refused_checkpoint(path, "pendulum")


def test_a_stable_baselines3_zip_is_converted(cli, tmp_path):
    import stable_baselines3

    from valuescape.envs.world_env import WorldEnv

    world = make_world("point_mass")
    stable_baselines3.SAC("MlpPolicy", WorldEnv(world), buffer_size=10, seed=0).save(tmp_path / "sac.zip")
    status, out, errors = cli("convert", "sac.zip", "sac.safetensors", "--world", "point_mass")
    assert (status, out) == (0, "wrote sac.safetensors: SAC for point_mass\n")
    assert errors.startswith("sac.zip: may have learned little yet, or not fit point_mass: V(s) of starts is")
    zipped, ours = (load_checkpoint(tmp_path / name, world) for name in ("sac.zip", "sac.safetensors"))
    assert ours.world == "point_mass"
    np.testing.assert_array_equal(ours.actor.layers[0].weight, zipped.actor.layers[0].weight)
