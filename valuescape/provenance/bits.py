"""Arrays of booleans as text: packed, compressed (zlib), in base64."""

import base64
import zlib
from typing import Annotated

import numpy as np
from pydantic import Field

from valuescape.sim.arrays import BoolArray
from valuescape.sim.errors import UsageError

MAX_LENGTH = 300_000

Bits = Annotated[str, Field(max_length=MAX_LENGTH)]


def as_bits(values: BoolArray) -> str | None:
    """Return booleans as text; None if there are too many."""
    text = base64.b64encode(zlib.compress(np.packbits(values).tobytes(), 9)).decode("ascii")
    return text if len(text) <= MAX_LENGTH else None


def from_bits(text: str, count: int) -> BoolArray:
    """Return `count` booleans, [count]. Raises UsageError if the text is damaged, or of another number."""
    expected = -(-count // 8)
    try:
        packed = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), expected + 1)
    except (ValueError, zlib.error):
        packed = b""
    if len(packed) != expected:
        raise UsageError("what is selected in this picture is damaged in its metadata")
    return np.unpackbits(np.frombuffer(packed, np.uint8), count=count).astype(np.bool_)
