"""The layout of the file that a training run publishes in: the one definition for both sides.

    head        256 bytes, `HEAD`
    statement   JSON: `Statement`, written before the file has its name
    networks    JSON: `Networks`, written with the first update
    two slots   each `SLOT`, then JSON of at most `SAID_BYTES` (`Said`), then the weights as flat float32

Update n goes to slot n mod 2. Its slot has the number 0 while it is written, and n afterwards; then
`HEAD["newest"]` becomes n. A reader copies the slot of the newest update, and takes the copy only if the slot
had that number before and after, and if the checksum over number, step, JSON and weights is right. So a copy
is never torn or mixed, also where a processor lets other cores see writes in another order.
"""

import json
import zlib
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array

MAGIC = b"VLSCAPE\n"
LAYOUT = 1
"""The number of this layout; both sides need the same."""

HEAD = np.dtype(
    [
        ("magic", "S8"),
        ("layout", "<u4"),
        ("state", "<u4"),
        ("newest", "<u8"),  # the number of the newest update, 0 if there is none
        ("floats", "<u8"),  # of one update's weights
        ("statement_bytes", "<u4"),
        ("networks_bytes", "<u4"),
        ("statement_sum", "<u4"),
        ("networks_sum", "<u4"),
    ]
)
SLOT = np.dtype(
    [
        ("number", "<u8"),  # 0 while the slot is written
        ("step", "<i8"),
        ("sent_ns", "<i8"),  # CLOCK_MONOTONIC
        ("said_bytes", "<u4"),
        ("sum", "<u4"),
    ]
)
STATEMENT_AT, NETWORKS_AT, SLOTS_AT = 256, 8192, 2**17
SAID_BYTES = 4096
MAX_FLOATS = 2**26
"""Weights of 256 MiB: more than any checkpoint that is read."""

WAITING, TRAINING, ENDED = 0, 1, 2
"""The values of `HEAD["state"]`: no update yet, updates, ended in order."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a training run says of itself when it begins."""

    name: str
    world: str
    """As this program names worlds."""
    history: str
    """The folder of its history, absolute; "" if it keeps none."""
    pid: int
    host: str
    started_s: float
    """Unix time."""


@dataclass(frozen=True, slots=True)
class Networks:
    """Everything of the checkpoint that does not move, and the places of the arrays that do."""

    metadata: dict[str, str]
    """As in a file of the native format."""
    shapes: dict[str, list[int]]
    """Of the arrays by their names in the native format, in the order in which their numbers lie."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one update says beside the weights."""

    numbers: dict[str, float]
    metadata: dict[str, str]
    """The entries of `Networks.metadata` that differ in this update."""


_Part = TypeVar("_Part", Statement, Networks, Said)


def floats_of(shapes: dict[str, list[int]]) -> int:
    """Return how many numbers arrays of these shapes have together."""
    return int(sum(np.prod(shape, dtype=np.int64) for shape in shapes.values()))


def views(flat: Float32Array, shapes: dict[str, list[int]]) -> dict[str, Float32Array]:
    """Return views of the arrays that lie in `flat` one after the other."""
    found, at = {}, 0
    for name, shape in shapes.items():
        size = int(np.prod(shape, dtype=np.int64))
        found[name] = flat[at : at + size].reshape(shape)
        at += size
    return found


def slot_bytes(floats: int) -> int:
    """Return the distance of the two slots: whole pages, so that they share no line of a cache."""
    return -(-(SLOT.itemsize + SAID_BYTES + 4 * floats) // 4096) * 4096


def file_bytes(floats: int) -> int:
    """Return the size of the file for updates of so many weights."""
    return SLOTS_AT + 2 * slot_bytes(floats)


class Slot:
    """One slot of a mapped file, as arrays that alias it."""

    def __init__(self, memory: Any, index: int, floats: int) -> None:
        at = SLOTS_AT + index * slot_bytes(floats)
        self.head: NDArray[Any] = np.frombuffer(memory, SLOT, 1, at)
        self.said: NDArray[np.uint8] = np.frombuffer(memory, np.uint8, SAID_BYTES, at + SLOT.itemsize)
        self.weights: Float32Array = np.frombuffer(
            memory, np.float32, floats, at + SLOT.itemsize + SAID_BYTES
        )


def checksum(head: NDArray[Any], number: int, said: bytes, weights: Float32Array) -> int:
    """Return the checksum of an update: over its number, step, time, JSON and weights."""
    start = zlib.crc32(number.to_bytes(8, "little") + head["step"].tobytes() + head["sent_ns"].tobytes())
    return zlib.crc32(weights.data, zlib.crc32(said, start))


def to_json(value: Statement | Networks | Said) -> bytes:
    """Return one of the JSON parts as bytes."""
    fields = {name: getattr(value, name) for name in value.__dataclass_fields__}
    return json.dumps(fields, separators=(",", ":")).encode()


def from_json(kind: type[_Part], text: bytes) -> _Part:
    """Return one of the JSON parts. Raises ValueError or TypeError if it has other fields."""
    return kind(**json.loads(text))
