"""Scene coordinates of map positions: on the ground, and on the surface that a field lifts."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array

Bounds = tuple[tuple[float, float], tuple[float, float]]
"""Corners of the map in the state's units: (x, y) of the low one, (x, y) of the high one."""


@dataclass(frozen=True, slots=True)
class Surface:
    """A field that lifts the ground: `field` [rows, columns], values at texel centres over `bounds`.

    ends: of the field's colour scale; they are `height` apart in the scene.
    """

    bounds: Bounds
    field: Float32Array
    ends: tuple[float, float]
    height: float


def on_ground(positions: Float32Array, bounds: Bounds) -> Float32Array:
    """Return the scene coordinates [n, 2] of map positions [n, 2]; the map is [-1, 1]^2 there."""
    low, high = (np.array(corner, np.float32) for corner in bounds)
    ground: Float32Array = ((positions - low) / (high - low) * 2 - 1).astype(np.float32)
    return ground


def scene_points(positions: Float32Array, surface: Surface) -> Float32Array:
    """Return the points [n, 3] of map positions [n, 2] on the surface, as `trails/place.comp` computes them.

    Performance: `valuescape bench heights` compares it with the loop below and the shader.
    """
    points = np.empty((len(positions), 3), np.float32)
    uv = [
        (positions[:, axis] - low) / (high - low)
        for axis, (low, high) in enumerate(zip(*surface.bounds, strict=True))
    ]
    low, high = surface.ends
    share = (bilinear(surface.field, *uv) - low) / max(high - low, 1e-12)
    points[:, 0], points[:, 1] = 2 * uv[0] - 1, 2 * uv[1] - 1
    points[:, 2] = surface.height * np.minimum(np.maximum(share, 0), 1)
    return points


def scene_points_one_by_one(positions: Float32Array, surface: Surface) -> Float32Array:
    """Return the same by a loop over positions, the plain path: `features.vectorized_heights` off."""
    return np.array([_scene_point(float(x), float(y), surface) for x, y in positions], np.float32)


def _scene_point(x: float, y: float, surface: Surface) -> tuple[float, float, float]:
    (x_low, y_low), (x_high, y_high) = surface.bounds
    u, v = (x - x_low) / (x_high - x_low), (y - y_low) / (y_high - y_low)
    low, high = surface.ends
    share = (_value_at(u, v, surface.field) - low) / max(high - low, 1e-12)
    return 2 * u - 1, 2 * v - 1, surface.height * min(max(share, 0.0), 1.0)


def _value_at(u: float, v: float, field: Float32Array) -> float:
    rows, columns = field.shape
    x, left, right = _between(u, columns)
    y, bottom, top = _between(v, rows)
    below = float(field[bottom, left]) * (1 - x) + float(field[bottom, right]) * x
    above = float(field[top, left]) * (1 - x) + float(field[top, right]) * x
    return below * (1 - y) + above * y


def _between(share: float, texels: int) -> tuple[float, int, int]:
    """Return a place's distance from the texel centre below it, in texels, that texel, and the next."""
    at = min(max((0.0 if math.isnan(share) else share) * texels - 0.5, 0.0), texels - 1.0)
    low = int(at)
    return at - low, low, min(low + 1, texels - 1)


def bilinear(field: Float32Array, u: Float32Array, v: Float32Array) -> Float32Array:
    """Return the field [rows, columns] at (u, v), [n] each in [0, 1]: bilinear, constant beyond centres."""
    rows, columns = field.shape
    x, left, right = _between_many(u, columns)
    y, bottom, top = _between_many(v, rows)
    flat, bottom, top = field.ravel(), bottom * columns, top * columns
    below = flat[bottom + left] * (1 - x) + flat[bottom + right] * x
    above = flat[top + left] * (1 - x) + flat[top + right] * x
    values: Float32Array = below * (1 - y) + above * y
    return values


def _between_many(share: Float32Array, texels: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the same as `_between` for many places [n]; fmax turns a NaN into 0."""
    at = np.minimum(np.fmax(share, 0) * texels - 0.5, texels - 1)
    at = np.maximum(at, 0)
    low = at.astype(np.intp)
    return at - low, low, np.minimum(low + 1, texels - 1)
