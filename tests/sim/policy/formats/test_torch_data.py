"""Torch files read as data: what torch itself reads, and nothing that a hostile file asks for."""

import os
import pickle
import zipfile
from collections import OrderedDict
from io import BytesIO

import numpy as np
import pytest
import torch
from mutations import members_of, zip_of
from torch import nn

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.pickle_data import Record
from valuescape.sim.policy.formats.torch_data import named_tensors, read_torch, torch_content

TYPES = ("float32", "float64", "float16", "bfloat16", "int8", "uint8", "int16", "int32", "int64", "bool")


def saved(value: object, **options) -> bytes:
    file = BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


@pytest.fixture(params=[True, False], ids=["zip", "before torch 1.6"])
def through(request):
    """Save a value and read it again, in both kinds of files."""
    return lambda value: torch_content(saved(value, _use_new_zipfile_serialization=request.param), "a.pt")


@pytest.mark.parametrize("name", TYPES)
def test_tensors_of_every_type_are_read(name, through):
    tensor = (torch.arange(-3, 9).reshape(3, 4) * 0.7).to(getattr(torch, name))
    found = np.asarray(through({"x": tensor})["x"])
    expected = tensor.to(torch.float32) if name == "bfloat16" else tensor
    np.testing.assert_array_equal(found, expected.numpy())
    assert found.dtype == expected.numpy().dtype
    assert not np.shares_memory(found, np.asarray(through({"x": tensor})["x"]))


def test_views_have_the_numbers_that_torch_sees(through):
    base = torch.arange(24.0).reshape(4, 6)
    views = {"turned": base.T, "part": base[1:3, ::2], "number": base[2, 3], "none": base[:0], "same": base}
    for name, tensor in through(views).items():
        np.testing.assert_array_equal(np.asarray(tensor), views[name].numpy())


def test_what_is_beside_tensors_is_plain(through):
    value = {
        "steps": 7,
        "args": OrderedDict(env="Ant", rate=3e-4, flags=[True, None, "x"], pair=(1, 2)),
        "state": {0: {"step": torch.tensor(5.0)}, 1: {}},
        "mean": np.arange(3.0),
        "count": np.float64(2.5),
        "whole": np.int64(3),
        "many": np.asfortranarray(np.arange(6, dtype=np.int32).reshape(2, 3)),
    }
    found = through(value)
    assert found["args"] == {"env": "Ant", "rate": 3e-4, "flags": [True, None, "x"], "pair": (1, 2)}
    assert (found["steps"], found["count"], found["whole"]) == (7, 2.5, 3)
    assert np.asarray(found["state"][0]["step"]) == 5
    np.testing.assert_array_equal(found["mean"], value["mean"])
    np.testing.assert_array_equal(found["many"], value["many"])


@pytest.mark.parametrize("protocol", range(2, 6))
def test_every_protocol_of_pickles_is_read(protocol):
    found = torch_content(saved({"a": torch.ones(2), "b": np.arange(3)}, pickle_protocol=protocol), "a.pt")
    assert np.asarray(found["a"]).tolist() == [1, 1]
    assert found["b"].tolist() == [0, 1, 2]


def test_tensors_are_named_as_in_a_state_dict(through):
    """Also those of a module that was saved whole, which torch could load only by running its class."""
    network = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Sequential(nn.Linear(3, 1)))
    expected = network.state_dict()
    for value in (expected, network):
        found = named_tensors(through(value))
        assert list(found) == list(expected)
        for name, tensor in found.items():
            np.testing.assert_array_equal(np.asarray(tensor), expected[name].numpy())
    nested = named_tensors(through({"model": expected, "more": [(torch.ones(1),)]}))
    assert list(nested) == [*(f"model.{name}" for name in expected), "more.0.0"]


def test_objects_of_other_classes_stay_inert(through):
    found = through({"space": torch.device("cpu"), "path": pytest.approx(1.0), "w": torch.ones(1)})
    assert isinstance(found["path"], Record)
    assert list(named_tensors(found)) == ["w"]


class Maker:
    """Pickles to a call of os.mkdir."""

    def __reduce__(self):
        return os.mkdir, ("made",)


def test_no_call_is_made_wherever_it_stands(tmp_path, monkeypatch, through):
    monkeypatch.chdir(tmp_path)
    for value in (Maker(), {"a": Maker(), "w": torch.ones(1)}, [Maker()], nn.Sequential(nn.Linear(1, 1))):
        found = through(value)
        assert not (tmp_path / "made").exists()
        if isinstance(value, dict):
            assert isinstance(found["a"], Record)
            assert np.asarray(found["w"]) == 1
    pickle.loads(pickle.dumps(Maker()))
    assert (tmp_path / "made").exists()  # the call is one that would have done it


def with_pickle(content: bytes) -> bytes:
    """Return a sound torch file with another data.pkl."""
    members = members_of(saved({"w": torch.ones(4)}))
    return zip_of({name: content if name.endswith("data.pkl") else each for name, each in members.items()})


def tensor_opcodes(size: int, stride: int, offset: int = 0) -> bytes:
    """Return a pickle of a tensor [size] over the storage of four numbers."""
    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ"
    numbers = [b"J" + each.to_bytes(4, "little", signed=True) for each in (offset, size, stride)]
    at, length, step = numbers
    return (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + storage + at + length + b"\x85" + step + b"\x85"
        b"\x89}tR."
    )


def doubled(times: int) -> bytes:
    """Return opcodes of lists that hold the list before twice."""
    return b"".join(b"]q%c(h%ch%ce" % (n, n - 1, n - 1) for n in range(1, times))


HOSTILE = {
    "a list in itself": b"\x80\x02]q\x00h\x00a.",
    "a dict in itself": b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.",
    "a deep tuple": b"\x80\x02)" + b"\x85" * 100_000 + b".",
    "a deep list": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
    "lists of lists of lists": b"\x80\x02(]q\x00" + doubled(50) + b"t.",
    "a tensor longer than its storage": tensor_opcodes(size=5, stride=1),
    "a tensor before its storage": tensor_opcodes(size=2, stride=1, offset=-1),
    "a negative stride": tensor_opcodes(size=2, stride=-1),
    "a huge shape over a small storage": tensor_opcodes(size=2**30, stride=0),
    "a call of what is no name": b"\x80\x02]))R.",
    "an extension": b"\x80\x02\x82\x01.",
    "a huge number": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    "nothing": b"",
}


def read_all(content: bytes) -> None:
    for tensor in named_tensors(torch_content(content, "a.pt")).values():
        np.asarray(tensor)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_end_in_a_sentence_or_in_plain_values(name):
    content = with_pickle(HOSTILE[name])
    if "itself" in name:
        read_all(content)
    else:
        with pytest.raises((UsageError, ValueError)) as refused:
            read_all(content)
        assert len(str(refused.value)) < 500


def test_a_tensor_of_a_well_made_pickle_is_read():
    """So that the hostile ones above fail by what is hostile in them."""
    assert np.asarray(torch_content(with_pickle(tensor_opcodes(2, 3)), "a.pt")).tolist() == [1, 1]


def test_a_zip_bomb_is_refused(tmp_path):
    members = members_of(saved({"w": torch.ones(4)}))
    members["archive/data/0"] = bytes(2**26)
    (tmp_path / "a.pt").write_bytes(zip_of(members, zipfile.ZIP_DEFLATED))
    with pytest.raises(UsageError, match=r"a\.pt: is a zip bomb"):
        read_torch(tmp_path / "a.pt")


def test_all_tensors_together_are_bounded(monkeypatch):
    """The same storage may be named by many tensors."""
    monkeypatch.setattr("valuescape.sim.policy.formats.torch_data.MAX_TOTAL_BYTES", 100)
    base = torch.ones(10)
    found = torch_content(saved([base, base[:5]]), "a.pt")
    found[0].__array__()
    found[0]._storages.left = 70
    np.asarray(found[0])
    with pytest.raises(UsageError, match="more than"):
        np.asarray(found[1])
