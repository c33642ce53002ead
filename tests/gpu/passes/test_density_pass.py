"""Visitation density: against numpy.histogram2d, and how it fades."""

import numpy as np
import pytest
from recording import Recording

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.density import DensityPass
from valuescape.gpu.trail_ring import TrailRing

pytestmark = pytest.mark.gpu

BOUNDS = ((-2.0, -1.0), (2.0, 3.0))
"""Windows whose cells have exact borders, so that NumPy's double precision draws the same line."""


class Density:
    """A density pass with the ring that it reads."""

    def __init__(self, gl, agents, *, edge=16, half_life=0.0, length=8, bounds=BOUNDS):
        self.meter = FrameMeter()
        self.ring = TrailRing(gl, agents, length, self.meter)
        self.density = DensityPass(gl, self.ring, edge, bounds, half_life, self.meter)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.density.release()
        self.ring.release()

    def show(self, positions):
        """Take over a recording to its end, one tick a frame; returns the visits."""
        source = Recording(positions)
        for tick in range(len(positions)):
            self.density.update(self.ring.upload(source, tick))
        return self.density.read_visits()


def histogram(positions, edge=16, bounds=BOUNDS):
    """Return NumPy's counts [y, x] of positions [..., 2]."""
    x, y = positions.reshape(-1, 2).astype(np.float64).T
    (x_low, y_low), (x_high, y_high) = bounds
    counts, _, _ = np.histogram2d(y, x, edge, ((y_low, y_high), (x_low, x_high)))
    return counts


def scattered(ticks, agents, seed=0):
    """Positions in and around the window."""
    rng = np.random.default_rng(seed)
    return rng.uniform((-2.5, -1.5), (2.5, 3.5), (ticks, agents, 2)).astype(np.float32)


@pytest.mark.parametrize("agents", [1, 255, 256, 257, 1000])
def test_visits_are_numpy_s_histogram(gl, agents):
    positions = scattered(5, agents)
    with Density(gl, agents) as each:
        visits = each.show(positions)
    assert visits.sum() < positions[..., 0].size or agents == 1, "some are outside the window"
    np.testing.assert_array_equal(visits, histogram(positions))


def test_borders_belong_to_the_window(gl):
    """All corners of all cells: as in NumPy, each to the cell above, and the uppermost to the last cell.

    Where a state is bounded, agents are exactly on the window's upper border.
    """
    lines = np.linspace(0, 1, 17)
    corners = np.stack(np.meshgrid(-2 + 4 * lines, -1 + 4 * lines), axis=2).reshape(1, -1, 2)
    with Density(gl, corners.shape[1]) as each:
        visits = each.show(corners)
    assert visits.sum() == 17 * 17
    np.testing.assert_array_equal(visits, histogram(corners))


def test_next_to_the_borders_is_outside(gl):
    low, high = np.float32([-2, -1]), np.float32([2, 3])
    below, above = np.nextafter(low, np.float32(-9)), np.nextafter(high, np.float32(9))
    positions = [[below[0], 0], [0, below[1]], [above[0], 0], [0, above[1]], [0, 0]]
    with Density(gl, 5) as each:
        assert each.show(np.array([positions])).sum() == 1


def test_what_is_no_number_counts_nowhere(gl):
    positions = [[np.nan, 0], [0, np.nan], [np.inf, 0], [0, -np.inf], [np.nan, np.nan], [0, 0]]
    with Density(gl, 6) as each:
        visits = each.show(np.array([positions]))
    assert visits.sum() == visits[4, 8] == 1


def test_the_first_axis_is_y_from_the_low_corner(gl):
    with Density(gl, 1) as each:
        visits = each.show(np.array([[[1.9, -0.9]]]))
    assert np.argwhere(visits).tolist() == [[0, 15]]


def test_without_a_half_life_every_visit_counts(gl):
    """More than a float could count one by one: 2^24 + 1."""
    agents = 1 << 16
    with Density(gl, agents, edge=4, length=2) as each:
        each.ring.upload(Recording(np.zeros((2, agents, 2))), 1)
        for _ in range(128):
            each.density.update(range(0, 2))
        one = np.full((1, agents, 2), 99)
        one[0, 0] = 0
        each.ring.position.write(one.astype(np.float32).tobytes())  # tick 0, of a single agent in the window
        each.density.update(range(0, 1))
        visits = each.density.read_visits()
    assert visits.sum() == visits[1, 2] == 2**24 + 1


@pytest.mark.parametrize("half_life", [3.0, 1200.0])
def test_a_visit_counts_half_after_the_half_life(gl, half_life):
    """One visit fades as exactly as many: in fixed point, the last one would be gone within a second."""
    elsewhere = np.full((int(half_life), 1, 2), 9)
    with Density(gl, 1, half_life=half_life) as each:
        visits = each.show(np.concatenate([np.zeros((1, 1, 2)), elsewhere]))
    assert visits.max() == visits.sum() == pytest.approx(0.5, rel=1e-4)


def test_fading_follows_numpy(gl):
    positions = scattered(40, 300)
    expected = np.zeros((16, 16))
    for row in positions:
        expected = expected * 0.5 ** (1 / 7) + histogram(row)
    with Density(gl, 300, half_life=7) as each:
        visits = each.show(positions)
        field = np.frombuffer(each.density.texture.read(), np.float32).reshape(16, 16)
    np.testing.assert_allclose(visits, expected, rtol=1e-5)
    np.testing.assert_allclose(field, np.log2(1 + expected), rtol=1e-4)


@pytest.mark.parametrize("half_life", [0.0, 2.0])
def test_the_density_does_not_depend_on_how_many_ticks_a_frame_brings(gl, half_life):
    positions = scattered(8, 400)
    with Density(gl, 400, half_life=half_life) as each:
        by_one = each.show(positions)
    with Density(gl, 400, half_life=half_life) as each:
        source = Recording(positions)
        for newest in (2, 2, 7):
            each.density.update(each.ring.upload(source, newest))
        np.testing.assert_array_equal(each.density.read_visits(), by_one)


def test_the_same_run_gives_the_same_density(gl):
    positions = np.float32(0.2) * scattered(6, 5000)  # crowded: many atomics on a cell
    with Density(gl, 5000, half_life=5) as each:
        first = each.show(positions).tobytes()
    with Density(gl, 5000, half_life=5) as each:
        assert each.show(positions).tobytes() == first


def test_nothing_new_costs_nothing(gl):
    with Density(gl, 10) as each:
        each.meter.clear()
        each.density.update(range(0))
        assert each.meter.dispatches == 0
