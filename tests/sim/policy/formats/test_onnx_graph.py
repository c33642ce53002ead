"""ONNX graphs that compute something else than their layers would alone; the fixtures are under contract."""

import struct

import numpy as np
import pytest
from library_files import CASES

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats import onnx_graph
from valuescape.sim.policy.formats.detect import format_of
from valuescape.sim.policy.formats.onnx_graph import read_graph, traced


def field(number: int, content: bytes) -> bytes:
    """Return a field of a message that has bytes; their length is in two bytes."""
    return bytes([number << 3 | 2, len(content) & 127 | 128, len(content) >> 7]) + content


def node(op: str, inputs: str, output: str, **attributes: str) -> bytes:
    parts = [field(1, each.encode()) for each in inputs.split()] + [field(2, output.encode())]
    parts += [field(4, op.encode())]
    parts += [field(5, field(1, key.encode()) + field(4, each.encode())) for key, each in attributes.items()]
    return field(1, b"".join(parts))


def graph(*nodes: bytes) -> bytes:
    one = field(
        5, field(1, b"\2\2") + b"\x10\1" + field(8, b"w") + field(9, np.eye(2, dtype="<f4").tobytes())
    )
    ends = [field(number, field(1, name)) for number, name in ((11, b"obs"), (12, b"value"))]
    return field(7, b"".join((*nodes, one, *ends)))


def gelu(**attributes: str) -> bytes:
    return graph(
        node("MatMul", "obs w", "a"), node("Gelu", "a", "b", **attributes), node("MatMul", "b w", "value")
    )


def test_an_approximated_gelu_is_not_taken_for_the_exact_one():
    assert len(traced(read_graph(gelu(approximate="none")), "value").chain.linears) == 2
    assert len(traced(read_graph(gelu()), "value").chain.linears) == 2
    with pytest.raises(ValueError, match="Gelu is approximated by tanh"):
        traced(read_graph(gelu(approximate="tanh")), "value")


def test_a_division_before_the_difference_is_refused(tmp_path):
    """x / std - mean is not (x - mean) / std."""
    case, path = CASES["onnx/ppo"], tmp_path / "model.onnx"
    content = case.file.read_bytes()
    assert content.count(b"\x22\x03Sub") == content.count(b"\x22\x03Div") == 1
    swapped = content.replace(b"\x22\x03Sub", b"\x22\x03---").replace(b"\x22\x03Div", b"\x22\x03Sub")
    path.write_bytes(swapped.replace(b"\x22\x03---", b"\x22\x03Div"))
    with pytest.raises(UsageError, match="the operator Div stands where"):
        format_of(path).load(path, case.given)


def test_a_clipped_critic_is_refused(tmp_path):
    case = CASES["onnx/ppo"]
    clipped = read_graph(case.file.read_bytes()).outputs[0]
    (tmp_path / "map.toml").write_text(f'[map]\nactor = "{clipped}"\ncritic = "{clipped}"\n')
    given = case.stated(case.said["given"] | {"names": tmp_path / "map.toml", "algorithm": "ppo"})
    with pytest.raises(UsageError, match="critic ends in Clip"):
        case.format.load(case.file, given)


def test_operators_are_counted_before_all_are_read(monkeypatch):
    made = []
    monkeypatch.setattr(onnx_graph, "_node", made.append)
    with pytest.raises(ValueError, match="more than 2000 operators"):
        read_graph(b"\x3a" + struct.pack("<BBB", 0xA0, 0x9C, 0x01) + b"\x0a\x00" * 10_000)
    assert len(made) == 2001
