"""Recordings of runs: made, run again, and refused when they are not what they should be."""

import io
import json
import shutil
import signal
import zipfile
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from commands import Running, valuescape
from processes import wait_until

from sim.policy.loading import load_checkpoint
from sim.policy.store import save
from sim.worlds import make_world
from valuescape import recording
from valuescape.recording import sampled_ticks

SHIPPED = Path(str(files("configs").joinpath("checkpoints/point_mass.safetensors")))
CROWD = ("--set", "agents.count=70", "--set", "trails.length=16", "--set", "workers.count=0")


@pytest.fixture
def recorded(cli, tmp_path):
    """Record a run of 60 ticks; returns the file."""

    def make(*options):
        status, out, errors = cli("run", "demo", *CROWD, "--ticks", 60, "--record-run", "run.vsz", *options)
        assert (status, out, errors) == (0, "wrote run.vsz\n", "")
        return tmp_path / "run.vsz"

    return make


def rewrite(path, change):
    """Write the archive again with `change(members)` made to its members, a dict of bytes."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def about(members, change):
    tables = json.loads(members["recording.json"])
    change(tables)
    members["recording.json"] = json.dumps(tables)


def test_a_run_is_equal_when_made_again_with_other_workers(cli, recorded):
    path = recorded("--seed", 9)
    assert [each.name for each in path.parent.iterdir()] == ["run.vsz"]
    for options in ((), ("--workers", 2)):
        status, out, errors = cli("replay", path, *options)
        assert (status, errors) == (0, "")
        *lines, last = out.splitlines()
        assert [line.split()[:3] for line in lines] == [["tick", str(t), "equal"] for t in range(0, 61, 3)]
        assert last == "equal at all 21 ticks that were recorded"


def test_it_holds_the_whole_configuration_and_who_acted(recorded):
    with recording.Recording(recorded("--set", "flock.speed=2.5")) as made:
        assert made.about.config.flock.speed == 2.5
        assert made.about.checkpoint.name == "auto"
        assert made.about.versions.keys() >= {"valuescape", "numpy", "numba"}


def test_a_checksum_can_be_had_with_it(cli):
    status, out, _ = cli("run", *CROWD, "--ticks", 7, "--checksum", "--record-run", "a.vsz")
    assert status == 0
    digest = out.splitlines()[0].split()[2]
    assert digest in cli("replay", "a.vsz")[1]


def test_the_first_difference_names_tick_array_and_agent(cli, recorded):
    path = recorded()

    def disturb(members):
        name = "30/state.npy"
        state = np.load(io.BytesIO(members[name]))
        state[1, 17] += 1
        content = io.BytesIO()
        np.save(content, state)
        members[name] = content.getvalue()

        def forge(tables):
            sample = next(each for each in tables["samples"] if each["tick"] == 30)
            sample["state_hash"] = sample["arrays"]["state"] = "0" * 64

        about(members, forge)

    rewrite(path, disturb)
    status, out, _ = cli("replay", path)
    assert status == 1
    *equal, last = out.splitlines()
    assert len(equal) == 10
    assert last.startswith(f"{path}: differs at tick 30: state, agent 17: ")


def test_other_dynamics_are_found_out(cli, recorded, monkeypatch):
    path = recorded("--set", "features.simd=false")
    monkeypatch.setattr("sim.worlds.point_mass.STEP", np.float32(0.0101))
    status, out, _ = cli("replay", path)
    assert status == 1
    assert "differs at tick 3: state, agent 0" in out


def test_without_room_for_rows_hashes_remain(cli, recorded, monkeypatch):
    monkeypatch.setattr(recording, "ROWS_BYTES", 100)
    path = recorded()
    assert zipfile.ZipFile(path).namelist() == ["recording.json"]
    assert cli("replay", path)[0] == 0
    rewrite(path, lambda members: about(members, lambda t: t["samples"][2].update(state_hash="0" * 64)))
    status, out, _ = cli("replay", path)
    assert status == 1
    assert "differs at tick 6: the trail" in out


def test_which_ticks_are_kept():
    assert sampled_ticks(100, None) == [*range(0, 100, 5), 100]
    assert sampled_ticks(3, None) == [0, 1, 2, 3]
    assert sampled_ticks(10, 4) == [0, 4, 8, 10]


def test_too_many_states_are_refused(cli):
    status, _, errors = cli("run", "--ticks", 10**7, "--record-run", "a.vsz", "--record-every", 1)
    assert status == 2
    assert "name 1000 or more" in errors


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "there is no such file"),
        (lambda path: path.write_bytes(b"text"), "is no recording"),
        (lambda path: path.write_bytes(path.read_bytes()[:-200]), "only a part of one"),
        (lambda path: rewrite(path, lambda m: m.pop("recording.json")), "but no recording"),
        (lambda path: rewrite(path, lambda m: m.update({"recording.json": b"{"})), "is no JSON"),
        (lambda path: rewrite(path, lambda m: about(m, lambda t: t.update(format="x"))), "does not read"),
        (lambda path: rewrite(path, lambda m: about(m, lambda t: t.update(samples=[]))), "damaged (samples"),
        (
            lambda path: rewrite(
                path, lambda m: about(m, lambda t: t["config"].update(agents={"count": -1}))
            ),
            "damaged (config.agents.count",
        ),
    ],
    ids=["missing", "foreign", "cut off", "another zip", "no json", "version", "empty", "bad config"],
)
def test_a_file_that_is_no_whole_recording_is_refused(cli, recorded, spoil, said):
    path = recorded()
    spoil(path)
    status, out, errors = cli("replay", path)
    assert (status, out) == (2, "")
    assert said in errors
    assert str(path) in errors
    assert len(errors.splitlines()) <= 2


def test_a_flipped_bit_is_found_before_anything_runs(cli, recorded):
    path = recorded()
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        content[archive.getinfo("0/state.npy").header_offset + 200] ^= 1
    path.write_bytes(content)
    status, out, errors = cli("replay", path)
    assert (status, out) == (2, "")
    assert "damaged" in errors


def test_a_checkpoint_that_is_missing_or_has_changed_is_named(cli, recorded, tmp_path):
    own = tmp_path / "own.safetensors"
    shutil.copy(SHIPPED, own)
    path = recorded("--set", f"policy.checkpoint={own}")
    own.unlink()
    status, _, errors = cli("replay", path)
    assert status == 2
    assert "own.safetensors: there is no such file" in errors
    assert "--checkpoint FILE" in errors
    assert cli("replay", path, "--checkpoint", SHIPPED)[0] == 0
    checkpoint = load_checkpoint(SHIPPED, make_world("point_mass"))
    bias = checkpoint.actor.layers[0].bias
    bias.flags.writeable = True
    bias[0] += 1
    save(checkpoint, own)
    status, _, errors = cli("replay", path)
    assert status == 2
    assert "own.safetensors has changed since" in errors


def test_an_interrupted_run_keeps_what_it_had(tmp_path):
    path = tmp_path / "run.vsz"
    options = ("--ticks", 10**9, "--record-run", path, "--record-every", 10**5, *CROWD)
    with Running("run", "demo", *options) as run:
        wait_until(lambda: list(tmp_path.glob(".run.vsz.*")), 20, "it records")
        wait_until(
            lambda: any(p.stat().st_size > 5000 for p in tmp_path.glob(".run*")), 60, "a sample is kept"
        )
        status, _, errors = run.end_by(signal.SIGINT, group=True, within_s=5)
    assert status == 130
    assert "wrote" in errors
    assert [each.name for each in tmp_path.iterdir()] == ["run.vsz"]
    assert valuescape("replay", path, "--workers", 2).returncode == 0
