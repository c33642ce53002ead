"""Student's t: the standard errors that a 95 % confidence interval of a mean reaches to either side."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

_SMALL = np.array([np.inf, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26])
"""By degrees of freedom; from 10 on, `reach_95` expands around the normal distribution's 1.96."""


def reach_95(freedom: ArrayLike) -> NDArray[np.float64]:
    """Return the two-sided 95 % point of Student's t, elementwise, within 0.5 %; infinite without a degree.

    freedom: whole numbers, at least 0.
    """
    n = np.asarray(freedom, np.int64)
    many = np.maximum(n, len(_SMALL)).astype(np.float64)
    large = 1.96 + 2.37 / many + 2.82 / many**2
    return np.where(n < len(_SMALL), _SMALL[np.minimum(n, len(_SMALL) - 1)], large)
