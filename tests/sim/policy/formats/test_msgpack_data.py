"""The reader of MessagePack; what Flax writes with it is under contract (tests/contracts)."""

import random

import numpy as np
import pytest
from library_files import CASES

from valuescape.sim.policy.formats.files import BROKEN
from valuescape.sim.policy.formats.msgpack_data import MAX_DEPTH, begins_map, read_msgpack


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("00", 0),
        ("7f", 127),
        ("e0", -32),
        ("ff", -1),
        ("cc80", 128),
        ("cd0100", 256),
        ("ce00010000", 65536),
        ("cf0000000100000000", 2**32),
        ("d080", -128),
        ("d18000", -32768),
        ("d280000000", -(2**31)),
        ("d38000000000000000", -(2**63)),
        ("ca3fc00000", 1.5),
        ("cb3ff8000000000000", 1.5),
        ("c0", None),
        ("c2", False),
        ("c3", True),
        ("a3616263", "abc"),
        ("d903616263", "abc"),
        ("c402 0102", b"\1\2"),
        ("93 01 02 90", [1, 2, []]),
        ("dc0001 05", [5]),
        ("82 a161 01 a162 80", {"a": 1, "b": {}}),
        ("de0001 a161 c0", {"a": None}),
        ("82 01 02 a161 03", {"a": 3}),
        ("d4 02 00", None),
        ("c7 00 07", None),
    ],
)
def test_values_are_those_of_the_specification(content, expected):
    """The examples are hand-made by github.com/msgpack/msgpack/blob/master/spec.md."""
    assert read_msgpack(bytes.fromhex(content)) == expected


def test_arrays_of_flax_are_read():
    values = np.arange(6, dtype="<f4").reshape(2, 3)
    inner = bytes.fromhex("93 92 02 03") + b"\xa7float32" + b"\xc4\x18" + values.tobytes()
    found = read_msgpack(b"\xc7" + bytes([len(inner)]) + b"\1" + inner)
    np.testing.assert_array_equal(found, values)
    half = bytes.fromhex("93 91 01") + b"\xa8bfloat16" + b"\xc4\x02\xc0\x3f"
    assert read_msgpack(b"\xc7" + bytes([len(half)]) + b"\1" + half) == np.float32(1.5)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xc1",
        b"\x81\xa1a",
        b"\xdf\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff" + b"\1" * 100,
        b"\x91" * (MAX_DEPTH + 2) + b"\1",
        b"\1\1",
        b"\xd9\x01\xff",
        b"\xc7\x0a\x01\x93\x91\x02\xa2f4\xc4\x04\0\0\0\0",
        b"\xc7\x09\x01\x93\x91\x01\xa1O\xc4\x01\0\0\0",
    ],
)
def test_damaged_content_raises(content):
    with pytest.raises(BROKEN):
        read_msgpack(content)


def test_mutated_content_is_read_or_raises():
    content, rng = bytearray(CASES["cleanrl_jax/td3"].file.read_bytes()), random.Random(1)
    for _ in range(300):
        changed = bytearray(content)
        for _ in range(rng.randint(1, 4)):
            changed[rng.randrange(200)] = rng.randrange(256)
        try:
            read_msgpack(bytes(changed))
        except BROKEN:
            continue


def test_maps_are_told_from_pickles():
    assert begins_map(b"\x83\xa1a")
    assert begins_map(b"\xde\x00\x01")
    assert not any(map(begins_map, (b"\x80\x04\x95", b"PK\3\4", b"{}", b"", b"\x93NUMPY")))
