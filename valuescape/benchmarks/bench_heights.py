"""Height of agents on the surface: by a loop in Python, by NumPy, by a compute shader."""

from collections.abc import Callable
from typing import Any

import pytest

from valuescape.benchmarks.conftest import Measure
from valuescape.benchmarks.made_up import BOUNDS, MadeUpCrowd, hills
from valuescape.gpu.bindings import Texture
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.heights import Surface, scene_points, scene_points_one_by_one
from valuescape.gpu.individuals import Individuals
from valuescape.gpu.passes.place import PlacePass
from valuescape.gpu.passes.ranges import RangePass
from valuescape.gpu.passes.uploaded_field import UploadedField
from valuescape.gpu.trail_ring import TrailRing

COUNTS = (10, 100, 1_000, 10_000, 100_000)
EDGE = 128


def surface() -> Surface:
    """Return a surface of hills."""
    field = hills(EDGE)
    return Surface(BOUNDS, field, (float(field.min()), float(field.max())), 0.6)


@pytest.mark.parametrize("count", COUNTS)
def bench_one_by_one(measure: Measure, count: int) -> None:
    """The plain path, a loop in Python: `features.vectorized_heights` off."""
    positions, hilly = MadeUpCrowd(count, 1).positions[0], surface()
    measure("loop in Python", count, lambda: scene_points_one_by_one(positions, hilly))


@pytest.mark.parametrize("count", COUNTS)
def bench_numpy(measure: Measure, count: int) -> None:
    """All at once, as a click finds its agent."""
    positions, hilly = MadeUpCrowd(count, 1).positions[0], surface()
    measure("NumPy", count, lambda: scene_points(positions, hilly))


@pytest.mark.parametrize("count", COUNTS)
def bench_shader(measure: Measure, gl: Any, own: Callable[[Any], Any], count: int) -> None:
    """The way of a frame, `trails/place.comp`: nothing is read back."""
    meter, crowd = FrameMeter(), MadeUpCrowd(count, 1)
    ring = own(TrailRing(gl, count, 2, meter))
    individuals, field = own(Individuals(gl, count, meter)), own(UploadedField(gl, EDGE, meter))
    field.write(hills(EDGE).ravel())
    ranges = own(RangePass(gl, 1, 0.1, meter))
    ranges.update(0, field.texture)
    field.texture.use(Texture.HEIGHT)
    place = own(PlacePass(gl, ring, individuals, BOUNDS, 0.6, meter))
    ticks = ring.upload(crowd, 0)

    def call() -> None:
        place.update(ticks, 0)
        gl.finish()

    measure("compute shader", count, call)
