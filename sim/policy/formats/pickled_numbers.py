"""Makes numbers and arrays of the records that `pickle_data` reads from NumPy's pickles."""

from typing import Any

import numpy as np

from valuescape.sim.arrays import Float64Array
from valuescape.sim.policy.formats.pickle_data import Name, Record

_MODULES = {
    "numpy": {"ndarray", "dtype"},
    "numpy.dtypes": None,
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy.core.numeric": {"_frombuffer"},
    "numpy._core.numeric": {"_frombuffer"},
}


def is_numpy(name: Name) -> bool:
    """Return whether the name occurs in pickles of NumPy's numbers and arrays."""
    known = _MODULES.get(name.module, set())
    return known is None or name.name in known


def array_of(value: Any) -> Float64Array:
    """Return a pickled array of real numbers as a new float64 array, whichever protocol wrote it.

    Raises TypeError or ValueError for anything else.
    """
    if isinstance(value, Record) and value.name.name == "_reconstruct":
        _version, shape, dtype, _is_fortran, content = value.state
    elif isinstance(value, Record) and value.name.name == "_frombuffer":
        content, dtype, shape, _order = value.args
    else:
        raise TypeError(f"found {type(value).__name__}, expected an array")
    flat = np.frombuffer(content, _float_dtype(dtype))
    return flat.reshape([int(size) for size in shape]).astype(np.float64)


def number_of(value: Any) -> float:
    """Return a pickled real number: Python's, a NumPy scalar, or an array of one number.

    Raises TypeError or ValueError for anything else.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, Record) and value.name.name == "scalar":
        dtype, content = value.args
        return float(np.frombuffer(content, _float_dtype(dtype)).reshape(()))
    return float(array_of(value).reshape(()))


def _float_dtype(value: Any) -> np.dtype[Any]:
    if not isinstance(value, Record) or value.args[0] not in ("f4", "f8"):
        raise TypeError("found an array that is not of real numbers")
    order = value.state[1] if value.state else "<"
    return np.dtype(f"{'>' if order == '>' else '<'}{value.args[0]}")
