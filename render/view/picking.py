"""Places of points on the screen, and the nearest one to the pointer. Pure functions on arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array

Positions = Float32Array


def on_screen(points: Positions, matrix: Positions, size_px: tuple[int, int]) -> Positions:
    """Return the pixels [n, 2], from the top left, of scene points [n, 3]; NaN for those behind the camera.

    matrix: [4, 4], from scene to clip space.
    """
    clip = points @ matrix[:, :3].T + matrix[:, 3]
    w = np.where(clip[:, 3] > 1e-4, clip[:, 3], np.nan)
    pixels: Positions = np.column_stack(
        [(clip[:, 0] / w + 1) / 2 * size_px[0], (1 - clip[:, 1] / w) / 2 * size_px[1]]
    )
    return pixels


def nearest(pixels: Positions, pointer: tuple[float, float], within_px: float) -> int | None:
    """Return the index of the nearest of `pixels` [n, 2] to the pointer; None beyond `within_px`."""
    away = np.hypot(*(pixels - np.array(pointer, np.float32)).T)
    away = np.where(np.isfinite(away), away, np.inf)
    best = int(away.argmin()) if len(away) else 0
    return best if len(away) and away[best] <= within_px else None


def inside(ground: Positions, box: tuple[float, float, float, float]) -> NDArray[Any]:
    """Return which points [n, 2 or more] are in the box (low x, low y, high x, high y): [n] bool."""
    x_low, y_low, x_high, y_high = box
    x, y = ground[:, 0], ground[:, 1]
    return (x >= x_low) & (x <= x_high) & (y >= y_low) & (y <= y_high)
