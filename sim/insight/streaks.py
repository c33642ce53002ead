"""A picture of a flow: grains of noise smeared along its lines, each a comet that flies with it.

Oriented line integral convolution (Wegenkittl, Gröller and Purgathofer, 1997), after Cabral and Leedom
(1993): the noise is sparse and the kernel rises towards its front, so that a still picture has a direction.
"""

import numpy as np

from valuescape.sim.arrays import BoolArray, Float32Array, IndexArray
from valuescape.sim.rng import Stream, uniform

STEPS = 24
"""Steps that a grain is smeared over."""

STEP = 0.7
"""Length of a step, in texels."""

_GRAINS = 0.035
"""Share of the texels that have a grain."""


def streaks(flow: Float32Array, periodic: tuple[bool, bool] = (False, False)) -> Float32Array:
    """Return the streaks of a flow [2, edge, edge] (along x, y), [edge, edge] float32 from 0 to 1.

    Only directions count, not lengths. Where the flow is 0 grains stay grains; where it is NaN there are
    none. periodic: whether opposite edges along x and y are the same place; elsewhere lines end at the
    border. The noise is the same every time.

    Performance: 25 ms for 128 x 128 texels on one core of an AMD EPYC.
    """
    edge = flow.shape[1]
    noise = (uniform(0, Stream.TEXTURE, np.arange(edge * edge), 0, 0, 1)[0] < _GRAINS).astype(np.float32)
    towards = _steps(flow)
    at = np.stack(np.meshgrid(np.arange(edge), np.arange(edge))).reshape(2, -1).astype(np.float32)
    total, inside = np.zeros(edge * edge, np.float32), np.ones(edge * edge, np.bool_)
    for step in range(STEPS):  # against the flow, so what was passed long ago counts most: the comet's head
        total += np.float32((step + 1) / STEPS) * inside * _between(noise, at, edge)
        at -= towards[:, _texel(np.round(at), edge)]
        inside &= _wrapped(at, edge, periodic)
    total[np.isnan(flow.reshape(2, -1)).any(axis=0)] = 0
    return np.minimum(total, 1).reshape(edge, edge)


def _steps(flow: Float32Array) -> Float32Array:
    """Return a step along the flow for each texel, [2, texels], in texels; 0 where there is no direction."""
    flow = flow.reshape(2, -1)
    length = np.hypot(*flow)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = flow / length * np.float32(STEP)
    return np.where(length > 0, step, np.float32(0)).astype(np.float32)


def _wrapped(at: Float32Array, edge: int, periodic: tuple[bool, bool]) -> BoolArray:
    """Take places [2, n] across periodic edges, in place; return which are on the map."""
    inside = np.ones(at.shape[1], np.bool_)
    for row, wraps in zip(at, periodic, strict=True):
        if wraps:
            row %= edge
        else:
            inside &= (row >= -0.5) & (row <= edge - 0.5)
    return inside


def _between(values: Float32Array, at: Float32Array, edge: int) -> Float32Array:
    """Return `values` [texels] at places [2, n] between texels' centres, which are whole numbers."""
    low = np.floor(at)
    x, y = at - low
    corners = [low + np.array([[right], [up]], np.float32) for up in (0, 1) for right in (0, 1)]
    here, right, up, both = (values[_texel(corner, edge)] for corner in corners)
    lower, upper = here + x * (right - here), up + x * (both - up)
    between: Float32Array = lower + y * (upper - lower)
    return between


def _texel(at: Float32Array, edge: int) -> IndexArray:
    """Return the index of the texel at whole numbers [2, n]; beyond the border, that of the border."""
    column, row = np.clip(at, 0, edge - 1).astype(np.intp)
    texel: IndexArray = row * edge + column
    return texel
