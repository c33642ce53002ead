"""Files that ask for more memory or time than they are worth, or for files outside of their folder."""

import json
import os
import pickle
import shutil
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from library_files import CASES

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats import pickle_data, zip_members
from valuescape.sim.policy.formats.detect import folder_format, format_of
from valuescape.sim.policy.formats.files import read_bounded, values_of
from valuescape.sim.policy.formats.msgpack_data import read_msgpack
from valuescape.sim.policy.formats.pickle_data import ForbiddenPickleError, read_pickle
from valuescape.sim.policy.formats.tensor_files import read_tensors


def copied(name: str, to: Path) -> Path:
    """Return a copy of a library's folder, whose files may be changed."""
    return Path(shutil.copytree(CASES[name].file, to / "model"))


def said_of(name: str, path: Path) -> str:
    with pytest.raises(UsageError) as raised:
        CASES[name].format.load(path, CASES[name].given)
    return str(raised.value)


@pytest.mark.parametrize(
    ("shape", "said"), [([9] * 10**6, "dimensions"), ([2, -1], "sizes"), ([3, 4], "more than")]
)
def test_shapes_beyond_the_bounds_are_refused_before_they_are_multiplied(shape, said):
    with pytest.raises(ValueError, match=said):
        values_of(shape, 11)
    assert values_of([3, 4], 12) == 12
    assert values_of([], 1) == 1


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is no regular file"):
        read_bounded(tmp_path / "pipe")


def test_the_objects_of_a_pickle_are_bounded(monkeypatch):
    monkeypatch.setattr(pickle_data, "MAX_OPCODES", 1000)
    assert len(read_pickle(pickle.dumps(list(range(900)), 2), lambda _: False)) == 900
    with pytest.raises(ForbiddenPickleError, match="more than 1,000 opcodes"):
        read_pickle(pickle.dumps(list(range(1100)), 2), lambda _: False)


def test_extensions_of_messagepack_are_not_nested():
    with pytest.raises(ValueError, match="an extension inside another"):
        read_msgpack(bytes.fromhex("c7 05 01 93 d4 05 00 90"))
    ones = bytes.fromhex("93 dc 0028") + b"\1" * 40 + b"\xa7float32" + b"\xc4\x04" + bytes(4)
    with pytest.raises(ValueError, match="40 dimensions"):
        read_msgpack(b"\xc7" + bytes([len(ones)]) + b"\1" + ones)


def test_arrays_of_a_zip_are_bounded_together(tmp_path, monkeypatch):
    buffer = BytesIO()
    np.save(buffer, np.ones(1000))
    with zipfile.ZipFile(tmp_path / "many.npz", "w") as archive:
        for index in range(4):
            archive.writestr(f"{index}.npy", buffer.getvalue())
    assert len(read_tensors(tmp_path / "many.npz")) == 4
    monkeypatch.setattr(zip_members, "MAX_UNPACKED_BYTES", 20_000)
    with pytest.raises(UsageError, match="unpacks to more than"):
        read_tensors(tmp_path / "many.npz")


def test_links_in_folders_of_tensordict_are_not_followed(tmp_path):
    folder = copied("torchrl/ppo", tmp_path)
    file = next(folder.rglob("weight.memmap"))
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert "weight.memmap: is a link" in said_of("torchrl/ppo", folder)


def test_names_in_folders_of_tensordict_stay_inside(tmp_path):
    folder = copied("torchrl/ppo", tmp_path)
    (folder / "actor").rename(tmp_path / "actor")
    meta = json.loads((folder / "meta.json").read_text())
    meta = {f"../{key}" if key == "actor" else key: each for key, each in meta.items()}
    (folder / "meta.json").write_text(json.dumps(meta))
    assert (folder / "../actor/meta.json").is_file()
    contents = CASES["torchrl/ppo"].format.contents(folder)
    assert contents.tensors
    assert not any("actor" in each.name for each in contents.tensors)


def test_deep_json_is_no_tensordict(tmp_path):
    (tmp_path / "meta.json").write_text("[" * 100_000)
    assert folder_format(tmp_path) is None


def test_names_of_orbax_stay_inside(tmp_path):
    pytest.importorskip("tensorstore")
    folder = next(copied("brax/orbax", tmp_path).rglob("_METADATA")).parent
    described = json.loads((folder / "_METADATA").read_text())
    key = next(iter(described["tree_metadata"].values()))["key_metadata"]
    for name in ("../outside", "/etc", ".."):
        key[:] = [{"key": name, "key_type": 1}]
        (folder / "_METADATA").write_text(json.dumps(described))
        assert f"the name {name!r}" in said_of("brax/orbax", folder)


def test_an_object_in_many_places_of_brax_is_made_once(tmp_path):
    node: object = {"mean": [0.0]}
    for _ in range(40):
        node = {f"part{index}": node for index in range(9)}
    head = b"\x80\x04\x8c\x29brax.training.acme.running_statistics\0\0\0\0" + b"0"
    (tmp_path / "deep.pkl").write_bytes(head + pickle.dumps((node, node, node), 4)[2:])
    assert format_of(tmp_path / "deep.pkl").name == "brax"
    assert "deep.pkl" in said_of("brax/pickled", tmp_path / "deep.pkl")
