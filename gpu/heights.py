"""Where map positions are in the scene: on the ground, and on the surface that a field lifts."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
Bounds = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Surface:
    """What lifts the ground: `field` [rows, columns], values at texel centres over the map's `bounds`.

    ends: of the field's colour scale, which are `height` apart in the scene.
    """

    bounds: Bounds
    field: Float32Array
    ends: tuple[float, float]
    height: float


def on_ground(positions: Float32Array, bounds: Bounds) -> Float32Array:
    """Return the scene coordinates [n, 2] of map positions [n, 2]; the map is [-1, 1]^2."""
    low, high = (np.array(corner, np.float32) for corner in bounds)
    ground: Float32Array = ((positions - low) / (high - low) * 2 - 1).astype(np.float32)
    return ground


def scene_points(positions: Float32Array, surface: Surface) -> Float32Array:
    """Return where map positions [n, 2] lie on the surface, [n, 3], as `trail_place.comp` puts them.

    Performance: `valuescape bench heights` holds it against the loop below and the shader.
    """
    ground = on_ground(positions, surface.bounds)
    values = bilinear(surface.field, ((ground + 1) / 2).astype(np.float32))
    low, high = surface.ends
    z = surface.height * np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    return np.column_stack([ground, z]).astype(np.float32)


def scene_points_one_by_one(positions: Float32Array, surface: Surface) -> Float32Array:
    """Return the same in a loop over positions, the plain path: `features.vectorized_heights` off."""
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
    """Return how far a place is from one texel's centre to the next, and which two these are."""
    at = min(max((0.0 if math.isnan(share) else share) * texels - 0.5, 0.0), texels - 1.0)
    low = int(at)
    return at - low, low, min(low + 1, texels - 1)


def bilinear(field: Float32Array, uv: Float32Array) -> Float32Array:
    """Return the field at `uv` [n, 2] in [0, 1]^2: bilinear between texel centres, constant beyond."""
    size = np.array(field.shape[::-1])
    at = np.clip(np.nan_to_num(uv) * size - 0.5, 0, size - 1)
    low = at.astype(int)
    high = np.minimum(low + 1, size - 1)
    x, y = (at - low).T
    bottom = field[low[:, 1], low[:, 0]] * (1 - x) + field[low[:, 1], high[:, 0]] * x
    top = field[high[:, 1], low[:, 0]] * (1 - x) + field[high[:, 1], high[:, 0]] * x
    values: Float32Array = bottom * (1 - y) + top * y
    return values
