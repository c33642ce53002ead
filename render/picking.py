"""Which agent is under the pointer, and where agents are in the scene. Pure functions on arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.float32]
Bounds = tuple[tuple[float, float], tuple[float, float]]


def on_ground(positions: Positions, bounds: Bounds) -> Positions:
    """Return the scene coordinates [n, 2] of map positions [n, 2]; the map is [-1, 1]^2."""
    low, high = (np.array(corner, np.float32) for corner in bounds)
    ground: Positions = ((positions - low) / (high - low) * 2 - 1).astype(np.float32)
    return ground


def scene_points(
    positions: Positions, bounds: Bounds, field: Positions, ends: tuple[float, float], height: float
) -> Positions:
    """Return where map positions [n, 2] lie on the surface, [n, 3], as `trail_place.comp` puts them.

    field: [rows, columns], values at texel centres. ends: of its colour scale, `height` apart.
    """
    ground = on_ground(positions, bounds)
    values = bilinear(field, ((ground + 1) / 2).astype(np.float32))
    low, high = ends
    z = height * np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    return np.column_stack([ground, z]).astype(np.float32)


def bilinear(field: Positions, uv: Positions) -> Positions:
    """Return the field at `uv` [n, 2] in [0, 1]^2: bilinear between texel centres, constant beyond."""
    size = np.array(field.shape[::-1])
    at = np.clip(np.nan_to_num(uv) * size - 0.5, 0, size - 1)
    low = at.astype(int)
    high = np.minimum(low + 1, size - 1)
    x, y = (at - low).T
    bottom = field[low[:, 1], low[:, 0]] * (1 - x) + field[low[:, 1], high[:, 0]] * x
    top = field[high[:, 1], low[:, 0]] * (1 - x) + field[high[:, 1], high[:, 0]] * x
    values: Positions = bottom * (1 - y) + top * y
    return values


def on_screen(points: Positions, matrix: Positions, size_px: tuple[int, int]) -> Positions:
    """Return the pixels [n, 2] of scene points [n, 3], from the top left; NaN behind the camera."""
    clip = points @ matrix[:, :3].T + matrix[:, 3]
    w = np.where(clip[:, 3] > 1e-4, clip[:, 3], np.nan)
    pixels: Positions = np.column_stack(
        [(clip[:, 0] / w + 1) / 2 * size_px[0], (1 - clip[:, 1] / w) / 2 * size_px[1]]
    )
    return pixels


def nearest(pixels: Positions, pointer: tuple[float, float], within_px: float) -> int | None:
    """Return the index of the point nearest to the pointer, None if there is none within `within_px`."""
    away = np.hypot(*(pixels - np.array(pointer, np.float32)).T)
    away = np.where(np.isfinite(away), away, np.inf)
    best = int(away.argmin()) if len(away) else 0
    return best if len(away) and away[best] <= within_px else None


def inside(ground: Positions, box: tuple[float, float, float, float]) -> NDArray[Any]:
    """Return which scene points [n, 2 or 3] are over the box (x and y from, x and y to), [n] bool."""
    x_low, y_low, x_high, y_high = box
    x, y = ground[:, 0], ground[:, 1]
    return (x >= x_low) & (x <= x_high) & (y >= y_low) & (y <= y_high)
