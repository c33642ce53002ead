"""Reads MessagePack as `flax.serialization.to_bytes` writes it, as data, within bounds.

The format is at github.com/msgpack/msgpack/blob/master/spec.md; Flax's extension types 1 to 3 are arrays,
complex numbers and scalars of NumPy. An array is itself MessagePack: its shape, the name of its dtype, its
bytes.
"""

import struct
from typing import Any

import numpy as np

from valuescape.sim.policy.formats.files import MAX_BYTES, values_of

MAX_ENTRIES = 200_000
MAX_DEPTH = 60

_NUMBERS = {
    **{0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q"},
    **{0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"},
}
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_SIZES = {
    **{0xC4: ("bytes", ">B"), 0xC5: ("bytes", ">H"), 0xC6: ("bytes", ">I")},
    **{0xD9: ("text", ">B"), 0xDA: ("text", ">H"), 0xDB: ("text", ">I")},
    **{0xDC: ("list", ">H"), 0xDD: ("list", ">I"), 0xDE: ("map", ">H"), 0xDF: ("map", ">I")},
    **{0xC7: ("extension", ">B"), 0xC8: ("extension", ">H"), 0xC9: ("extension", ">I")},
}
_FIXED_EXTENSIONS = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_ARRAY, _SCALAR = 1, 3


def begins_map(head: bytes) -> bool:
    """Return whether the first byte is that of a map with entries in MessagePack."""
    return head[:1] in {*(bytes([0x81 + index]) for index in range(15)), b"\xde", b"\xdf"}


def read_msgpack(content: bytes) -> Any:
    """Return the value in `content`: dicts with text keys, lists, plain values, and NumPy arrays.

    Extension types other than Flax's arrays and scalars are None, as are entries of maps whose keys are no
    text. Raises ValueError, EOFError or struct.error if it is damaged, or beyond the bounds of this module.
    """
    return _whole(_Reader(content))


def _whole(reader: "_Reader") -> Any:
    """Return the one value of a reader. Raises ValueError if there is more behind it."""
    value = reader.value(0)
    if not reader.is_done:
        raise ValueError("has bytes behind its end")
    return value


class _Reader:
    """Reads values one by one; `at` is the place of the next. extensions: whether there may be some.

    Flax has none in others: each level of those would copy all that is inside.
    """

    def __init__(self, content: bytes | memoryview, extensions: bool = True) -> None:
        self.at = 0
        self._content, self._extensions = memoryview(content), extensions
        self._entries = 0

    @property
    def is_done(self) -> bool:
        """Whether nothing is left."""
        return self.at == len(self._content)

    def value(self, depth: int) -> Any:
        """Return the next value."""
        if depth > MAX_DEPTH:
            raise ValueError(f"is nested more than {MAX_DEPTH} deep")
        code = self._bytes(1)[0]
        if code < 0x80 or code >= 0xE0:
            return code if code < 0x80 else code - 0x100
        if code < 0xC0:
            kinds = ("map", "list", "text", "text")
            return self._sized(kinds[(code - 0x80) >> 4], code & (0x1F if code >= 0xA0 else 0x0F), depth)
        if code in _CONSTANTS:
            return _CONSTANTS[code]
        if code in _NUMBERS:
            return self._number(_NUMBERS[code])
        if code in _FIXED_EXTENSIONS:
            return self._sized("extension", _FIXED_EXTENSIONS[code], depth)
        if code not in _SIZES:
            raise ValueError(f"has the byte {code:#x}, which begins nothing")
        kind, size = _SIZES[code]
        return self._sized(kind, int(self._number(size)), depth)

    def _sized(self, kind: str, size: int, depth: int) -> Any:
        if kind == "text":
            return bytes(self._bytes(size)).decode()
        if kind == "bytes":
            return bytes(self._bytes(size))
        if kind == "extension":
            code = self._number(">b")
            if not self._extensions:
                raise ValueError("has an extension inside another one")
            return _extension(int(code), self._bytes(size))
        self._entries += size
        if self._entries > MAX_ENTRIES:
            raise ValueError(f"has more than {MAX_ENTRIES:,} entries")
        if kind == "list":
            return [self.value(depth + 1) for _ in range(size)]
        pairs = [(self.value(depth + 1), self.value(depth + 1)) for _ in range(size)]
        return {key: value for key, value in pairs if isinstance(key, str)}

    def _number(self, form: str) -> Any:
        (number,) = struct.unpack(form, self._bytes(struct.calcsize(form)))
        return number

    def _bytes(self, count: int) -> memoryview:
        if self.at + count > len(self._content):
            raise EOFError("ends too early")
        found = self._content[self.at : self.at + count]
        self.at += count
        return found


def _extension(code: int, content: memoryview) -> Any:
    if code not in (_ARRAY, _SCALAR):
        return None
    shape, name, values = _whole(_Reader(content, extensions=False))
    kind = "u2" if name == "bfloat16" else name
    dtype = np.dtype(str(kind))
    if dtype.kind not in "fiub" or not all(isinstance(size, int) for size in shape):
        raise ValueError(f"has an array of {name!r:.40} with the shape {shape!r:.80}")
    flat = np.frombuffer(values, dtype)
    if flat.size != values_of(shape, MAX_BYTES):
        raise ValueError(f"has an array of shape {shape!r:.80} with {flat.size} values")
    array = flat.reshape(shape)
    return (array.astype("u4") << 16).view("f4") if name == "bfloat16" else array
