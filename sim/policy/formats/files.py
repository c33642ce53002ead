"""Reads files of formats within bounds, and says what is wrong with those that are damaged."""

import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from valuescape.sim.errors import UsageError

MAX_BYTES = 256 * 2**20
_MAX_DIMENSIONS = 32

BROKEN = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError),
    *(RecursionError, StopIteration, TypeError, ValueError, struct.error, zlib.error),
)
"""Everything that reading a damaged file can raise, beside UsageError and OSError."""


def read_bounded(path: Path, most: int = MAX_BYTES) -> bytes:
    """Return the bytes of a file.

    Raises UsageError if it cannot be read, has more than `most` bytes, or is no regular file: a pipe beside a
    model would wait forever.
    """
    with sound(path):
        if path.exists() and not path.is_file():
            raise UsageError(f"{path}: is no regular file", "this is no checkpoint that is read")
        with path.open("rb") as file:
            content = file.read(most + 1)
    if len(content) > most:
        raise UsageError(f"{path}: has more than {most // 2**20} MiB", "this is no checkpoint that is read")
    return content


def values_of(shape: Sequence[int], most: int) -> int:
    """Return the number of values in an array of this shape.

    Raises ValueError for sizes below 0, for more than `most` values or 32 dimensions. Dimensions are counted
    before sizes are multiplied: the product of a million sizes takes hours.
    """
    if len(shape) > _MAX_DIMENSIONS or min(shape, default=0) < 0:
        raise ValueError(f"an array claims {len(shape)} dimensions of sizes {list(shape[:4])}")
    count = math.prod(shape)
    if count > most:
        raise ValueError(f"an array claims the shape {list(shape)}, more than {most:,} values")
    return count


@contextmanager
def sound(path: Path) -> Iterator[None]:
    """Turn what reading a damaged or unreadable file raises into a UsageError that names `path`."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}", "check the path") from error
    except BROKEN as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(
            f"{path}: is damaged, or not of the library it seems to be of: {said[:100]}", "get it again"
        ) from error
