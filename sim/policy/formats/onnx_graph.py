"""Reads ONNX graphs as data: chains of Gemm, MatMul, Add and activations between an input and a named value.

The file is a protobuf message, of which the few fields that a perceptron needs are read here (onnx.proto, IR
version 3 and later). Nothing is run; a graph with other operators is refused by the operator's name.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Any

import numpy as np

from valuescape.sim.policy.formats.chains import Chain, Linear
from valuescape.sim.policy.formats.files import values_of
from valuescape.sim.policy.formats.torch_data import MAX_VALUES
from valuescape.sim.policy.network import Activation, Layer

MAX_NODES = 2000
_MAX_FIELDS = 100_000
"""Of one message: an empty one of 2 bytes makes an object of 200."""
_MAX_DIMENSIONS = 32
_PASSED = {"Identity", "Dropout", "Cast", "Flatten", "Reshape", "Squeeze", "Unsqueeze"}
"""Operators that leave the numbers as they are."""
_CHOICES = {"ArgMax", "Softmax", "LogSoftmax"}
"""Operators behind the scores of discrete actions, which leave the greatest where it is."""
_ACTIVATIONS = {
    "Relu": Activation.RELU,
    "Tanh": Activation.TANH,
    "Elu": Activation.ELU,
    "LeakyRelu": Activation.LEAKY_RELU,
    "Sigmoid": Activation.SIGMOID,
    "Gelu": Activation.GELU,
    "Silu": Activation.SILU,
}
_TYPES = {1: "<f4", 11: "<f8", 10: "<f2", 6: "<i4", 7: "<i8", 9: "?"}


@dataclass(frozen=True, slots=True)
class Node:
    """One operator."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass(slots=True)
class Graph:
    """A graph: its operators, constants, and the names of its inputs and outputs."""

    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    producer: str = ""


@dataclass(frozen=True, slots=True)
class Traced:
    """The network between values of the graph and one behind them.

    inputs: the names of those values, side by side, which may be inputs of the graph. scores: whether the
    value is the index of the greatest output. mean, std: of the inputs, if they are normalised by the graph.
    low, high: the bounds that outputs are clipped to.
    """

    chain: Chain
    inputs: tuple[str, ...]
    scores: bool
    mean: np.ndarray[Any, Any] | None = None
    std: np.ndarray[Any, Any] | None = None
    low: Any = None
    high: Any = None


def read_graph(content: bytes) -> Graph:
    """Return the graph in the bytes of an ONNX file. Raises ValueError if they are damaged."""
    graph = Graph()
    for number, value in _fields(content):
        if number == 2:
            graph.producer = _text(value)[:40]
        elif number == 7:
            _read_graph(value, graph)
    for node in graph.nodes:
        if node.op == "Constant" and isinstance(node.attributes.get("value"), np.ndarray):
            graph.constants[node.outputs[0]] = node.attributes["value"]
    graph.inputs = [name for name in graph.inputs if name not in graph.constants]
    return graph


def _read_graph(content: bytes, graph: Graph) -> None:
    for number, value in _fields(content):
        if number == 1:
            graph.nodes.append(_node(value))
            if len(graph.nodes) > MAX_NODES:
                raise ValueError(f"it has more than {MAX_NODES} operators")
        elif number == 5:
            name, array = _tensor(value)
            graph.constants[name] = array
        elif number in (11, 12):
            names = graph.inputs if number == 11 else graph.outputs
            names += [_text(each) for part, each in _fields(value) if part == 1][:1]


def _node(content: bytes) -> Node:
    parts = [*_fields(content)]
    texts = {number: tuple(_text(each) for part, each in parts if part == number) for number in (1, 2, 4)}
    attributes = dict(_attribute(each) for part, each in parts if part == 5)
    return Node(texts[4][0] if texts[4] else "", texts[1], texts[2], attributes)


def _attribute(content: bytes) -> tuple[str, Any]:
    name, found = "", None
    for number, value in _fields(content):
        if number == 1:
            name = _text(value)
        elif number == 2:
            found = struct.unpack("<f", value)[0]
        elif number == 3:
            found = value
        elif number == 4:
            found = _text(value)
        elif number == 5:
            found = _tensor(value)[1]
    return name, found


def _tensor(content: bytes) -> tuple[str, np.ndarray[Any, Any]]:
    """Return name and values of a tensor; of a type that no perceptron needs, an empty one."""
    shape, kind, name, raw, numbers = [], 0, "", b"", b""
    for number, value in _fields(content):
        if number == 1:
            shape += [value] if isinstance(value, int) else [*islice(_varints(value), _MAX_DIMENSIONS + 1)]
        elif number == 2:
            kind = value
        elif number == 8:
            name = _text(value)
        elif number == 9:
            raw = value
        elif number == 4:
            numbers += value
    if kind not in _TYPES or (not raw and not (numbers and kind == 1)):
        return name, np.zeros(0, np.float32)
    flat = np.frombuffer(raw or numbers, _TYPES[kind])
    if values_of(shape, MAX_VALUES) != flat.size:
        raise ValueError(f"tensor {name[:40]} of shape {shape[:4]} has {flat.size} numbers")
    return name, flat.reshape(shape)


def _fields(content: Any) -> Iterator[tuple[int, Any]]:
    """Yield the fields of a message: number, and an int or the bytes of the value."""
    at = count = 0
    while at < len(content):
        count += 1
        if count > _MAX_FIELDS:
            raise ValueError(f"a message has more than {_MAX_FIELDS:,} fields")
        key, at = _varint(content, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(content, at)
            yield key >> 3, value
            continue
        length, at = (8, at) if wire == 1 else (4, at) if wire == 5 else _varint(content, at)
        if wire not in (1, 2, 5) or at + length > len(content):
            raise ValueError("it is no protobuf message, or cut short")
        yield key >> 3, content[at : at + length]
        at += length


def _varint(content: Any, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = content[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise ValueError("it is no protobuf message")


def _varints(content: bytes) -> Iterator[int]:
    at = 0
    while at < len(content):
        value, at = _varint(content, at)
        yield value


def _text(value: Any) -> str:
    return bytes(value).decode("utf-8", "replace")


class _Tracer:
    """Walks from a value of the graph back to its inputs, and collects the layers on the way."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.makers = {name: node for node in graph.nodes for name in node.outputs}
        self.linears: list[Linear] = []
        self.activation = Activation.IDENTITY
        self.bias: Any = None
        self.scores = False
        self.mean: Any = None
        self.std: Any = None
        self.ends: tuple[Any, Any] = (None, None)

    def trace(self, name: str) -> Traced:
        """Return the network that ends in a value. Raises ValueError that names an unknown operator."""
        for _ in range(MAX_NODES):
            node = self.makers.get(name)
            if node is None or node.op == "Concat":
                break
            name = self._step(node)
        else:
            raise ValueError("its operators go round in a circle")
        inputs = (name,) if node is None else node.inputs
        if not self.linears or self.bias is not None or self.activation is not Activation.IDENTITY:
            raise ValueError(f"no perceptron ends in {name}")
        return Traced(
            Chain(tuple(reversed(self.linears))), inputs, self.scores, self.mean, self.std, *self.ends
        )

    def _step(self, node: Node) -> str:
        """Take in one operator; returns the name of the value before it."""
        if node.op == "Clip" and not self.linears:
            self.ends = self._clipped(node)
        if node.op in _CHOICES and not self.linears:
            self.scores = True
        if node.op in _PASSED or (node.op in ("Clip", *_CHOICES) and not self.linears):
            return node.inputs[0]
        if node.op in ("Gemm", "MatMul"):
            return self._linear(node)
        if node.op in _ACTIVATIONS or self._is_silu(node):
            return self._activated(node)
        values = self.graph.constants
        constant = next((each for each in node.inputs if each in values), None)
        dynamic = next((each for each in node.inputs if each not in values), None)
        if constant is None or dynamic is None or node.op not in ("Add", "Sub", "Div"):
            raise ValueError(f"the operator {node.op} is of no perceptron that is read")
        if node.op == "Add" and self.bias is None:
            self.bias = values[constant]
        elif node.op == "Div" and self._may_normalize(node, dynamic) and self.std is None:
            self.std = values[constant]
        elif node.op == "Sub" and self._may_normalize(node, dynamic):
            self.mean = values[constant]
        else:
            raise ValueError(f"the operator {node.op} stands where no perceptron has one")
        return dynamic

    def _may_normalize(self, node: Node, dynamic: str) -> bool:
        """Return whether an operator may be a part of (inputs - mean) / std, seen from its end."""
        return bool(self.linears) and self.mean is None and node.inputs[0] == dynamic

    def _clipped(self, node: Node) -> tuple[Any, Any]:
        """Return low and high of a Clip: constants, attributes of old versions, or None."""
        ends = [*node.inputs[1:], "", ""][:2]
        old = node.attributes.get("min"), node.attributes.get("max")
        return tuple(self.graph.constants.get(end, each) for end, each in zip(ends, old, strict=True))  # type: ignore[return-value]

    def _is_silu(self, node: Node) -> bool:
        """Return whether a product is x * sigmoid(x)."""
        if node.op != "Mul":
            return False
        gates = [self.makers.get(each) for each in node.inputs]
        return any(
            gate is not None and gate.op == "Sigmoid" and gate.inputs[0] in node.inputs for gate in gates
        )

    def _activated(self, node: Node) -> str:
        if self.activation is not Activation.IDENTITY or self.bias is not None:
            raise ValueError("two activations follow each other")
        alpha = node.attributes.get("alpha")
        usual = {"Elu": 1.0, "LeakyRelu": 0.01}.get(node.op)
        if usual is not None and alpha is not None and not math.isclose(alpha, usual, rel_tol=1e-3):
            raise ValueError(f"{node.op} has alpha {alpha:g}, expected {usual:g}")
        if node.attributes.get("approximate", "none") != "none":
            raise ValueError(f"{node.op} is approximated by {node.attributes['approximate']}")
        if node.op == "Mul":
            self.activation = Activation.SILU
            return next(each for each in node.inputs if self._other_is_its_gate(node, each))
        self.activation = _ACTIVATIONS[node.op]
        return node.inputs[0]

    def _other_is_its_gate(self, node: Node, name: str) -> bool:
        gates = (self.makers.get(each) for each in node.inputs if each != name)
        return any(gate is not None and gate.op == "Sigmoid" and gate.inputs[0] == name for gate in gates)

    def _linear(self, node: Node) -> str:
        matrix = self.graph.constants.get(node.inputs[1])
        if matrix is None or matrix.ndim != 2 or self.mean is not None or self.std is not None:
            raise ValueError(f"a {node.op} has no matrix of its own")
        said = node.attributes
        if said.get("transA"):
            raise ValueError("a Gemm turns its input")
        weight = matrix if said.get("transB") else matrix.T
        weight = weight.astype(np.float32) * np.float32(said.get("alpha", 1.0))
        bias = np.zeros(len(weight), np.float32) if self.bias is None else self._flat(self.bias, len(weight))
        if node.op == "Gemm" and len(node.inputs) > 2:
            own = self._flat(self.graph.constants[node.inputs[2]], len(weight))
            bias = bias + own * np.float32(said.get("beta", 1.0))
        layer = Layer(np.ascontiguousarray(weight), bias, self.activation)
        self.linears.append(Linear(node.outputs[0], layer))
        self.activation, self.bias = Activation.IDENTITY, None
        return node.inputs[0]

    def _flat(self, values: np.ndarray[Any, Any], size: int) -> np.ndarray[Any, Any]:
        return np.broadcast_to(np.ravel(values).astype(np.float32), (size,))


@np.errstate(all="ignore")  # numbers of a damaged file, which are checked when they become a checkpoint
def traced(graph: Graph, name: str) -> Traced:
    """Return the network that ends in a value of the graph.

    Raises ValueError, naming what is of no perceptron, if it is none.
    """
    found = _Tracer(graph).trace(name)
    for before, after in pairwise(found.chain.linears):
        if len(before.layer.bias) != after.layer.weight.shape[1]:
            raise ValueError(f"{before.name} and {after.name} do not fit each other")
    return found
