"""Array types that annotations share."""

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]
Uint32Array = NDArray[np.uint32]
BoolArray = NDArray[np.bool_]
IndexArray = NDArray[np.intp]
"""Indices into other arrays, in NumPy's own integer type."""
