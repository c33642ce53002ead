"""Recordings of runs: written, run again, and refused if they are damaged or foreign."""

import io
import json
import shutil
import signal
import zipfile
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from commands import Running
from processes import wait_until

from valuescape.recordings import recording
from valuescape.recordings.recording import sampled_ticks
from valuescape.sim.cluster.engine import ClusterEngine
from valuescape.sim.cluster.stub import StubNodes
from valuescape.sim.policy.formats.native import save
from valuescape.sim.policy.loading import load_checkpoint
from valuescape.sim.worlds import make_world

SHIPPED = Path(str(files("valuescape.configs").joinpath("checkpoints/point_mass.safetensors")))
CROWD = ("--set", "agents.count=70", "--set", "trails.length=16", "--set", "workers.count=0")


@pytest.fixture(scope="module")
def kept():
    """The content of recordings that were made, by their options."""
    return {}


@pytest.fixture
def recorded(cli, tmp_path, kept):
    """Record a run of 60 ticks; returns a file of the test's own. Runs of the same options are made once."""
    path = tmp_path / "run.vsz"

    def make(*options):
        if options in kept:
            path.write_bytes(kept[options])
            return path
        status, out, errors = cli("run", "demo", *CROWD, "--ticks", 60, "--record-run", "run.vsz", *options)
        assert (status, out, errors) == (0, "wrote run.vsz\n", "")
        kept[options] = path.read_bytes()
        return path

    return make


def rewrite(path, change):
    """Rewrite the archive after `change(members)`, where members is a dict of bytes."""
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


def flat(errors):
    """Return a message without the line breaks that make it fit."""
    return " ".join(errors.split())


def test_a_run_is_equal_when_made_again_with_other_workers(cli, recorded):
    path = recorded("--seed", 9)
    assert [each.name for each in path.parent.iterdir()] == ["run.vsz"]
    for options in ((), ("--workers", 2)):
        status, out, errors = cli("replay", path, *options)
        assert (status, errors) == (0, "")
        *lines, last = out.splitlines()
        assert [line.split()[:3] for line in lines] == [["tick", str(t), "equal"] for t in range(0, 61, 3)]
        assert last == "equal at all 21 ticks that were recorded"


def test_what_a_cluster_recorded_is_run_again_without_it(cli, recorded, monkeypatch):
    """So is an older recording, which names the cluster."""

    def nodes(config, checkpoint):
        return ClusterEngine(config, checkpoint, lambda: StubNodes(2))

    with monkeypatch.context() as patched:
        patched.setattr("valuescape.recordings.simulate.make_engine", nodes)
        path = recorded("--cluster", "10.0.0.1:6379")
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("recording.json"))["config"]["workers"]["cluster"] == ""
    assert cli("replay", path)[0] == 0
    rewrite(
        path,
        lambda members: about(members, lambda each: each["config"]["workers"].update(cluster="127.0.0.1:1")),
    )
    assert cli("replay", path)[0] == 0


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
    monkeypatch.setattr("valuescape.sim.worlds.point_mass.STEP", np.float32(0.0101))
    status, out, _ = cli("replay", path)
    assert status == 1
    assert "differs at tick 3: state, agent 0" in out


def test_without_room_for_rows_hashes_remain(cli, recorded, monkeypatch):
    monkeypatch.setattr(recording, "ROWS_BYTES", 100)
    path = recorded("--seed", 2)  # a run that no other test has made
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
    assert said in flat(errors)
    assert str(path) in errors
    assert len(errors.splitlines()) <= 2


def patched(path, mark, offset, value):
    """Change a byte of the first record of a zip file that begins with `mark`."""
    content = bytearray(path.read_bytes())
    content[content.index(mark) + offset] = value
    path.write_bytes(content)


def array_file(array, **options):
    content = io.BytesIO()
    np.save(content, array, **options)
    return content.getvalue()


def head(text):
    """Return an array file with the header `text`, and some zeros after it."""
    return b"\x93NUMPY\x01\0" + len(text).to_bytes(2, "little") + text.encode() + bytes(99)


ENTRY = b"PK\x01\x02"
FOREIGN = {
    "version needed": lambda path: patched(path, ENTRY, 6, 99),
    "encrypted": lambda path: patched(path, ENTRY, 8, 1),
    "packed by bzip2": lambda path: patched(path, ENTRY, 10, 12),
    "packed by what there is not": lambda path: patched(path, ENTRY, 10, 77),
    "an offset beyond the end": lambda path: patched(path, ENTRY, 45, 99),
    "many members": lambda path: path.write_bytes(ENTRY * 1_000_000),
}


@pytest.mark.parametrize("spoil", FOREIGN)
def test_a_zip_that_recordings_are_not_is_refused(cli, recorded, spoil):
    path = recorded()
    FOREIGN[spoil](path)
    status, out, errors = cli("replay", path)
    assert (status, out) == (2, "")
    assert errors.startswith(f"valuescape: {path}: ")
    assert len(errors.splitlines()) <= 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no array"),
        (b"text", "is no array"),
        (array_file(np.zeros(3)), "has another shape or type than the run's"),
        (array_file(np.zeros((4, 70), np.float64)), "has another shape or type than the run's"),
        (array_file(np.array([{}, None], object), allow_pickle=True), "has another shape or type"),
        (head("{'descr': '<f4', 'fortran_order': False, 'shape': (2**40,)}"), "is no array"),
        (head("{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 70)}"), "has another shape"),
        (
            head("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 70)}"),
            "has another size than its shape",
        ),
        (head("(" * 3000), "is no array"),
        (b"\x93NUMPY\x09\0" + bytes(99), "is an array of an unknown version"),
    ],
    ids=["empty", "text", "shape", "type", "objects", "sum", "huge", "short", "deep", "version"],
)
def test_a_member_that_is_another_array_is_refused(cli, recorded, content, said):
    path = recorded()
    forged = "0" * 64

    def forge(tables):
        tables["samples"][0]["arrays"]["state"] = tables["samples"][0]["state_hash"] = forged

    rewrite(path, lambda members: (members.update({"0/state.npy": content}), about(members, forge)))
    status, out, errors = cli("replay", path)
    assert (status, out) == (2, "")
    assert said in flat(errors)
    assert len(errors.splitlines()) <= 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"samples": None}, "samples = None, expected a valid "),
        ({"samples": [{}]}, "samples.0.tick is missing"),
        ({"seed": -1}, "seed = -1, expected greater than or equal to 0"),
        ({"seed": 10**400}, "seed = a whole number of 400 digits"),
        ({"versions": {"numpy": 2}}, "versions.numpy = 2, expected a valid string"),
        ({"versions": dict.fromkeys(map(str, range(999)), "")}, "expected at most 100 entries, found 999"),
        ({"more": 1}, "more is unknown"),
        ({"config": {"world": {"name": "\x1b"}, "x": 1}}, "config.x is unknown"),
    ],
    ids=lambda each: "" if isinstance(each, str) else next(iter(each)),
)
def test_what_a_recording_says_of_itself_is_bounded(cli, recorded, change, said):
    path = recorded()
    rewrite(path, lambda members: about(members, lambda tables: tables.update(change)))
    status, out, errors = cli("replay", path)
    assert (status, out) == (2, "")
    assert said in flat(errors)


def test_ticks_of_a_recording_rise(cli, recorded):
    path = recorded()
    rewrite(path, lambda members: about(members, lambda tables: tables["samples"].reverse()))
    assert "ticks have to rise" in cli("replay", path)[2]


def test_nesting_that_is_too_deep_is_no_json(cli, recorded):
    path = recorded()
    rewrite(path, lambda members: members.update({"recording.json": b"[" * 10**6}))
    status, _, errors = cli("replay", path)
    assert status == 2
    assert "is no JSON: recursion limit exceeded" in errors


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
    assert "own.safetensors: there is no such file" in flat(errors)
    assert "--checkpoint FILE" in errors
    assert cli("replay", path, "--checkpoint", SHIPPED)[0] == 0
    checkpoint = load_checkpoint(SHIPPED, make_world("point_mass"))
    bias = checkpoint.actor.layers[0].bias
    bias.flags.writeable = True
    bias[0] += 1
    save(checkpoint, own)
    status, _, errors = cli("replay", path)
    assert status == 2
    assert "own.safetensors has changed since" in flat(errors)


def test_an_interrupted_run_keeps_what_it_had(cli, tmp_path):
    path = tmp_path / "run.vsz"
    options = ("--ticks", 10**7, "--record-run", path, "--record-every", 10**4, *CROWD)
    with Running("run", "demo", *options) as run:
        wait_until(lambda: list(tmp_path.glob(".run.vsz.*")), 20, "it records")
        wait_until(
            lambda: any(p.stat().st_size > 5000 for p in tmp_path.glob(".run*")), 60, "a sample is kept"
        )
        status, _, errors = run.end_by(signal.SIGINT, group=True, within_s=5)
    assert status == 130
    assert "wrote" in errors
    assert [each.name for each in tmp_path.iterdir()] == ["run.vsz"]
    assert cli("replay", path)[0] == 0
