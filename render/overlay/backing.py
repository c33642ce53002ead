"""Dark backings for those blocks of text that lie over the height field. No OpenGL."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from valuescape.render.overlay.layout import overlap
from valuescape.render.overlay.overlay import Overlay
from valuescape.render.view.camera import Rect
from valuescape.sim.arrays import Float32Array, Float64Array

_CORNERS = np.array(list(product((-1.0, 1.0), (-1.0, 1.0), (0.0, 1.0))))
_EDGES = np.array([(i, j) for i in range(8) for j in range(i) if (_CORNERS[i] != _CORNERS[j]).sum() == 1])


def back_up(
    overlay: Overlay,
    blocks: Sequence[Rect],
    matrix: Float32Array,
    size_px: tuple[int, int],
    top: float,
) -> None:
    """Draw a backing for each block of text that overlaps the scene's box in the picture.

    matrix: [4, 4], from scene to clip space. top: height of the box in the scene.
    """
    corners = box_corners(matrix, size_px, top)
    if corners is None:
        reached = list(blocks)
    else:
        (left, high), (right, low) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        around = Rect(left, high, right - left, low - high)  # a fast test that excludes most blocks
        reached = [block for block in blocks if overlap(block, around) and reaches(corners, block)]
    for block in reached:
        overlay.panel(block)


def box_corners(matrix: Float32Array, size_px: tuple[int, int], top: float) -> Float64Array | None:
    """Return the pixels [8, 2] of the corners of the scene's box; None if one is behind the camera."""
    points = np.column_stack([_CORNERS * (1.0, 1.0, top), np.ones(8)]) @ matrix.T.astype(np.float64)
    if (points[:, 3] <= 1e-4).any():
        return None
    flat = points[:, :2] / points[:, 3:]
    pixels: Float64Array = (flat * (1, -1) + 1) / 2 * size_px
    return pixels


def reaches(corners: Float64Array, block: Rect) -> bool:
    """Return whether the convex hull of a box's corners [8, 2] overlaps a rectangle.

    Separating axes: they are apart if their projections on some edge's normal are.
    """
    rectangle = np.array([(x, y) for x in (block.left, block.right) for y in (block.top, block.bottom)])
    along = corners[_EDGES[:, 0]] - corners[_EDGES[:, 1]]
    normals = np.concatenate([np.eye(2), along[:, ::-1] * (1, -1)])
    ours, others = normals @ corners.T, normals @ rectangle.T
    apart = (ours.max(axis=1) <= others.min(axis=1)) | (others.max(axis=1) <= ours.min(axis=1))
    return not bool(apart.any())
