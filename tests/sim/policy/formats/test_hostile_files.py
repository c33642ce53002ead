"""Untrusted files: refused in a sentence, and nothing in them is run."""

import collections
import io
import os
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from pickled_statistics import VecNormalize, statistics
from sample_checkpoints import dqn_checkpoint, sac_checkpoint

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.conversion import convert
from valuescape.sim.policy.formats import native as store
from valuescape.sim.policy.formats import zip_members as archive
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.vecnormalize import read_statistics
from valuescape.sim.policy.loading import load_checkpoint
from valuescape.sim.worlds import make_world


class Touch:
    """Pickles to a call that makes a file when unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def load(path: Path):
    return load_checkpoint(path, make_world("point_mass"))


def make_zip(path: Path, compression: int = zipfile.ZIP_STORED, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name.replace("policy_pth", "policy.pth"), content)
    return path


def torch_bytes(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def test_the_marker_would_be_made_by_unpickling(tmp_path):
    pickle.loads(pickle.dumps(Touch(tmp_path / "marker")))
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_bare_pickle_is_not_opened(tmp_path, protocol):
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(Touch(tmp_path / "marker"), protocol))
    with pytest.raises(UsageError, match="was not opened"):
        load(path)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("hidden", [True, False])
def test_code_in_policy_pth_is_not_run(tmp_path, hidden):
    content = Touch(tmp_path / "marker")
    weights = torch_bytes({"actor.mu.weight": content}) if hidden else pickle.dumps(content)
    path = make_zip(tmp_path / "model.zip", data=b"{}", policy_pth=weights)
    with pytest.raises(UsageError, match="nothing of it was run"):
        load(path)
    assert not (tmp_path / "marker").exists()


def test_code_in_the_json_is_not_run(tmp_path):
    import base64
    import json

    call = base64.b64encode(pickle.dumps(Touch(tmp_path / "marker"))).decode()
    keys = ("observation_space", "action_space", "policy_kwargs", "policy_class")
    data = {key: {":type:": "<class 'gym.spaces.box.Box'>", ":serialized:": call} for key in keys}
    weights = torch_bytes({"action_net.weight": torch.zeros(1, 2)})
    path = make_zip(tmp_path / "model.zip", data=json.dumps(data).encode(), policy_pth=weights)
    with pytest.raises(UsageError):
        load(path)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path, compression):
    path = make_zip(tmp_path / "bomb.zip", compression, data=b" " * (8 * 2**20), policy_pth=b"")
    with pytest.raises(UsageError, match="zip bomb: data unpacks to 8,388,608 bytes"):
        load(path)


def test_a_bomb_inside_policy_pth_is_refused(tmp_path):
    inner = make_zip(tmp_path / "inner.zip", zipfile.ZIP_DEFLATED, data=bytes(8 * 2**20))
    path = make_zip(tmp_path / "model.zip", data=b"{}", policy_pth=inner.read_bytes())
    with pytest.raises(UsageError, match=r"policy.pth: is a zip bomb"):
        load(path)


def test_a_directory_that_lies_about_sizes_is_refused(tmp_path):
    path = make_zip(tmp_path / "a.zip", zipfile.ZIP_DEFLATED, data=b"x" * 5000, policy_pth=b"y")
    content = bytearray(path.read_bytes())
    where = content.index(b"PK\x01\x02") + 24
    content[where : where + 4] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(UsageError, match="damaged zip"):
        load(path)


@pytest.mark.parametrize("count", [archive.MAX_MEMBERS + 1, 2 * archive.MAX_MEMBERS + 1])
def test_too_many_members_are_refused(tmp_path, count):
    path = make_zip(tmp_path / "a.zip", **{f"m{index}": b"" for index in range(count)})
    with pytest.raises(UsageError, match="members"):
        load(path)


def test_missing_members_are_named(tmp_path):
    with pytest.raises(UsageError, match="without the member data"):
        load(make_zip(tmp_path / "a.zip", other=b""))
    torch.save({"weight": torch.zeros(2)}, tmp_path / "weights.pt")
    with pytest.raises(UsageError, match="has no linear layers"):
        load(tmp_path / "weights.pt")


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_json_that_is_none_is_refused(tmp_path, data):
    with pytest.raises(UsageError, match="data is no JSON"):
        load(make_zip(tmp_path / "a.zip", data=data, policy_pth=torch_bytes({})))


@pytest.mark.parametrize("keep", [2, 10, 40, 300, -1, -30])
def test_a_zip_cut_short_is_refused(tmp_path, keep):
    path = make_zip(tmp_path / "a.zip", data=b"{}", policy_pth=torch_bytes({"a": torch.zeros(1)}))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UsageError, match=r"a\.zip"):
        load(path)


def test_damage_anywhere_ends_in_a_sentence(tmp_path):
    rng = np.random.default_rng(0)
    sound = make_zip(
        tmp_path / "a.zip", data=b"{}", policy_pth=torch_bytes({"a": torch.zeros(3)})
    ).read_bytes()
    for _ in range(100):
        content = bytearray(sound)
        content[rng.integers(len(content))] ^= 1 << rng.integers(8)
        (tmp_path / "b.zip").write_bytes(content)
        with pytest.raises(UsageError):
            load(tmp_path / "b.zip")


FOREIGN = {
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\n", "is a Git-LFS pointer"),
    "page": (b"<!DOCTYPE html><html>404</html>", "is a web page"),
    "page without a doctype": (b"\n <HTML>", "is a web page"),
    "onnx": (b"\x08\x07\x12\x07pytorch" + bytes(40), "is an ONNX file"),
    "hdf5": (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
    "gzip": (b"\x1f\x8b\x08\x00", "is a gzip archive"),
    "empty": (b"", "is empty"),
    "text": (b"hello, this is no model at all", "is not a zip, safetensors, torch, "),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_files_of_other_kinds_are_named(name, tmp_path):
    content, message = FOREIGN[name]
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        load(tmp_path / "a.zip")
    assert message in str(caught.value)


def test_a_zip_whose_end_is_missing_is_cut_short(tmp_path):
    """Also if the zip inside it, policy.pth, is still whole."""
    inner = torch_bytes({"a": torch.zeros(5000)})
    whole = make_zip(tmp_path / "a.zip", data=b"{}", policy_pth=inner).read_bytes()
    for keep in (60, 2000, len(inner) + 100, len(whole) - 30):
        (tmp_path / "a.zip").write_bytes(whole[:keep])
        with pytest.raises(UsageError, match="is cut short"):
            load(tmp_path / "a.zip")


def test_a_model_of_stable_baselines_2_is_named(tmp_path):
    with pytest.raises(UsageError, match="Stable-Baselines 2"):
        load(make_zip(tmp_path / "a.zip", data=b"{}", parameter_list=b"[]", parameters=b""))


def test_a_path_to_no_file_is_named(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        load(tmp_path / "none.zip")
    with pytest.raises(UsageError, match="is a folder"):
        load(tmp_path)
    with pytest.raises(UsageError, match="no regular file"):
        load(Path("/dev/null"))


@pytest.mark.parametrize(
    ("checkpoint", "world", "message"),
    [
        (sac_checkpoint(), "pendulum", "was trained for world point_mass, expected pendulum"),
        (sac_checkpoint(), "mountain_car", "acts continuously, but world mountain_car has 3 discrete"),
        (sac_checkpoint(), "mountain_car_continuous", "acts within [-5.0] to [5.0]"),
        (sac_checkpoint(), "pendulum", "takes 2 observations, but world pendulum has 3"),
        (dqn_checkpoint(), "point_mass", "chooses among 3 discrete actions, but world point_mass has cont"),
    ],
)
def test_a_checkpoint_for_another_world_is_refused(tmp_path, checkpoint, world, message):
    from dataclasses import replace

    named = "trained for" in message
    store.save(checkpoint if named else replace(checkpoint, world=""), tmp_path / "a.safetensors")
    with pytest.raises(UsageError) as caught:
        load_checkpoint(tmp_path / "a.safetensors", make_world(world))
    assert message in str(caught.value)


def write(tmp_path: Path, content: bytes) -> Path:
    (tmp_path / "statistics.pkl").write_bytes(content)
    return tmp_path / "statistics.pkl"


@pytest.mark.parametrize("protocol", range(3, 6))
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4"])
def test_statistics_are_read(tmp_path, protocol, dtype):
    rms = {"mean": np.array([1, 2], dtype), "var": np.array([4, 9], dtype)}
    norm = read_statistics(write(tmp_path, statistics(protocol, rms))).obs
    np.testing.assert_array_equal(norm.mean, [1, 2])
    np.testing.assert_array_equal(norm.std, [2, 3])
    assert norm.clip == 10


@pytest.mark.parametrize("protocol", range(3, 6))
def test_code_in_statistics_is_refused_by_name(tmp_path, protocol):
    content = statistics(protocol, intruder=Touch(tmp_path / "marker"))
    with pytest.raises(UsageError, match=r"asks for (posix|nt)\.mkdir"):
        read_statistics(write(tmp_path, content))
    assert not (tmp_path / "marker").exists()


def test_code_is_refused_even_where_it_is_all_there_is(tmp_path):
    with pytest.raises(UsageError, match=r"asks for (posix|nt)\.mkdir"):
        read_statistics(write(tmp_path, pickle.dumps(Touch(tmp_path / "marker"))))
    assert not (tmp_path / "marker").exists()


REFUSED_STATISTICS = {
    "another class": (pickle.dumps(collections.Counter("ab")), "collections.Counter"),
    "no object": (pickle.dumps([1, 2]), "is no VecNormalize"),
    "empty": (b"", "damaged pickle"),
    "cut short": (statistics()[:-20], "damaged pickle"),
    "huge memo": (b"\x80\x04Nr\xff\xff\xff\xff.", "is no VecNormalize"),
    "huge bytes": (b"\x80\x05\x96" + (2**40).to_bytes(8, "little") + b".", "damaged pickle"),
    "deep": (b"\x80\x04)" + b"\x85" * 10**6 + b"}\x94(h\x00K\x01u.", "damaged pickle"),
    "persistent": (b"\x80\x04NQ.", "uses the opcode BINPERSID"),
    "extension": (b"\x80\x04\x82\x01.", "uses the opcode EXT1"),
    "objects": (statistics(rms={"mean": np.array([None, None])}), "not of real numbers"),
    "lengths": (statistics(rms={"mean": np.zeros(3)}), "mean has shape (3,), var (2,)"),
    "matrix": (statistics(rms={"mean": np.zeros((1, 2)), "var": np.zeros((1, 2))}), "mean has shape (1, 2)"),
    "nan": (statistics(rms={"mean": np.full(2, np.nan)}), "obs_rms.mean has 2 of 2 values that are NaN"),
    "negative": (statistics(rms={"var": np.full(2, -1.0)}), "is no VecNormalize"),
    "off": (statistics(norm_obs=False), "leave --vecnormalize out"),
    "dict": (statistics(obs_rms={"a": 1}), "found dict, expected RunningMeanStd"),
    "clip": (statistics(clip_obs=float("nan")), "clip_obs is nan"),
    "giant": (statistics(clip_obs=10**400), "is no VecNormalize"),
}


@pytest.mark.parametrize("name", REFUSED_STATISTICS)
def test_unsound_statistics_are_refused(name, tmp_path):
    content, message = REFUSED_STATISTICS[name]
    with pytest.raises(UsageError, match=r"statistics\.pkl") as caught:
        read_statistics(write(tmp_path, content))
    assert message in str(caught.value)


def test_statistics_of_other_observations_are_refused(tmp_path):
    rms = {"mean": np.zeros(3), "var": np.ones(3)}
    store.save(sac_checkpoint(), tmp_path / "a.safetensors")
    given = Given(obs_normalization=write(tmp_path, statistics(rms=rms)))
    with pytest.raises(UsageError, match=r"statistics\.pkl: observation statistics have shapes"):
        convert(tmp_path / "a.safetensors", tmp_path / "b", "point_mass", given)
    assert not (tmp_path / "b").exists()


def test_reading_statistics_imports_nothing_they_name(tmp_path):
    assert "gym.spaces.box" not in sys.modules
    box = type("Box", (VecNormalize,), {"__module__": "gym.spaces.box"})
    read_statistics(write(tmp_path, statistics(observation_space=box(shape=(2,)))))
    assert "gym.spaces.box" not in sys.modules
