"""Update of a height field: a mesh that is built and uploaded anew, or one that a texture lifts."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from valuescape.benchmarks.conftest import Measure
from valuescape.benchmarks.made_up import hills
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.uploaded_field import UploadedField

EDGES = (32, 128)


def vertices(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return position and normal of each vertex of a grid over the field, [edge * edge, 6]."""
    edge = len(field)
    x, y = np.meshgrid(np.linspace(-1, 1, edge), np.linspace(-1, 1, edge))
    slope_y, slope_x = np.gradient(field, 2 / (edge - 1))
    normal = np.stack([-slope_x, -slope_y, np.ones_like(field)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return np.concatenate([x[..., None], y[..., None], field[..., None], normal], -1).astype(np.float32)


def triangles(edge: int) -> NDArray[np.uint32]:
    """Return two triangles for every cell, [n], by a loop as in tutorials."""
    corners = []
    for row in range(edge - 1):
        for column in range(edge - 1):
            corner = row * edge + column
            corners += [corner, corner + 1, corner + edge, corner + edge, corner + 1, corner + edge + 1]
    return np.array(corners, np.uint32)


@pytest.mark.parametrize("edge", EDGES)
def bench_all_anew(measure: Measure, gl: Any, edge: int) -> None:
    """Vertices, triangles and buffers made anew; the old ones are freed."""
    field = hills(edge)

    def call() -> None:
        made = gl.buffer(vertices(field).tobytes()), gl.buffer(triangles(edge).tobytes())
        for each in made:
            each.release()

    measure("mesh and buffers anew", edge * edge, call)


@pytest.mark.parametrize("edge", EDGES)
def bench_vertices(measure: Measure, gl: Any, own: Callable[[Any], Any], edge: int) -> None:
    """Triangles stay; vertices are computed and written."""
    field, buffer = hills(edge), own(gl.buffer(reserve=edge * edge * 24))
    measure("vertices written", edge * edge, lambda: buffer.write(vertices(field).tobytes()))


@pytest.mark.parametrize("edge", EDGES)
def bench_texture(measure: Measure, gl: Any, own: Callable[[Any], Any], edge: int) -> None:
    """The mesh stays; the texture that lifts it is written, as in the program without compute shaders."""
    field, values = own(UploadedField(gl, edge, FrameMeter())), hills(edge).ravel()
    measure("a texture that lifts the mesh", edge * edge, lambda: field.write(values))
