"""Makes numbers and arrays of the records that `pickle_data` reads from NumPy's pickles."""

from typing import Any

import numpy as np

from valuescape.sim.arrays import Float64Array
from valuescape.sim.policy.formats.files import MAX_BYTES, values_of
from valuescape.sim.policy.formats.pickle_data import Name, Record

_MODULES = {
    "numpy": {"ndarray", "dtype"},
    "numpy.dtypes": None,
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy.core.numeric": {"_frombuffer"},
    "numpy._core.numeric": {"_frombuffer"},
}
_REAL = ("f4", "f8")
_KINDS = (*_REAL, "f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1")


def is_numpy(name: Name) -> bool:
    """Return whether the name occurs in pickles of NumPy's numbers and arrays."""
    known = _MODULES.get(name.module, set())
    return known is None or name.name in known


def array_of(value: Any) -> Float64Array:
    """Return a pickled array of real numbers as a new float64 array, whichever protocol wrote it.

    Raises TypeError or ValueError for anything else.
    """
    return _array(value, _REAL).astype(np.float64)


def number_of(value: Any) -> float:
    """Return a pickled real number: Python's, a NumPy scalar, or an array of one number.

    Raises TypeError or ValueError for anything else.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, Record) and value.name.name == "scalar":
        return float(_scalar(value, _REAL))
    return float(array_of(value).reshape(()))


def plain_of(value: Record) -> Any:
    """Return the NumPy array, Python number or bytes that a record stands for; None for any other record.

    Arrays are new, of numbers or bools, in native byte order. Raises TypeError or ValueError for a damaged
    record, and for arrays of other kinds.
    """
    if value.name == _ENCODE:
        text, encoding = value.args
        return text.encode("latin1") if encoding == "latin1" else None
    if not is_numpy(value.name):
        return None
    if value.name.name == "scalar":
        return _scalar(value, _KINDS).item()
    if value.name.name in ("_reconstruct", "_frombuffer"):
        array = _array(value, _KINDS)
        return array.astype(array.dtype.newbyteorder("="))
    return None


_ENCODE = Name("_codecs", "encode")
"""Writes bytes as text in protocol 2."""


def _array(value: Any, kinds: tuple[str, ...]) -> np.ndarray[Any, Any]:
    order = "C"
    if isinstance(value, Record) and value.name.name == "_reconstruct":
        _version, shape, dtype, fortran, content = value.state
        order = "F" if fortran else "C"
    elif isinstance(value, Record) and value.name.name == "_frombuffer":
        content, dtype, shape, order = value.args
    else:
        raise TypeError(f"found {type(value).__name__}, expected an array")
    kind, sizes = _dtype(dtype, kinds), [int(size) for size in shape]
    flat = np.frombuffer(_bytes(content), kind)
    if values_of(sizes, MAX_BYTES) != flat.size:
        raise ValueError(f"an array of shape {sizes} has {flat.size} numbers")
    return flat.reshape(sizes, order="F" if order == "F" else "C")


def _scalar(value: Record, kinds: tuple[str, ...]) -> np.ndarray[Any, Any]:
    dtype, content = value.args
    kind = _dtype(dtype, kinds)
    return np.frombuffer(_bytes(content), kind).reshape(())


def _bytes(content: Any) -> bytes:
    found = plain_of(content) if isinstance(content, Record) else content
    if not isinstance(found, bytes | bytearray):
        raise TypeError(f"found {type(found).__name__}, expected an array's bytes")
    return bytes(found)


def _dtype(value: Any, kinds: tuple[str, ...]) -> np.dtype[Any]:
    if not isinstance(value, Record) or value.args[0] not in kinds:
        raise TypeError("found an array that is not of real numbers")
    order = value.state[1] if value.state else "<"
    return np.dtype(f"{'>' if order == '>' else '<'}{value.args[0]}")
