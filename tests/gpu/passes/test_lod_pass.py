"""Levels of detail and culling on the GPU, against a twin in NumPy."""

import numpy as np
import pytest
from frame_block import frame_block
from recording import spirals, with_breaks

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.individuals import Individuals
from valuescape.gpu.passes.lod import Detail, LodPass, segments
from valuescape.gpu.structs import DRAW_COMMAND, TRAIL_INSTANCE
from valuescape.gpu.trail_ring import TrailRing

pytestmark = pytest.mark.gpu

VIEWPORT = np.array([200.0, 100.0])
MARGIN = 3.0
CULLED = -1


def choices(points, strands, matrix, levels, tolerance, *, use_levels=True, use_culling=True):
    """Return the level [agents] of trails [ticks, agents, 3], CULLED where nothing is in view.

    Written agent by agent from the head of `lod_choose.comp`, in double precision.
    """
    result = []
    for trail, strand in zip(points.swapaxes(0, 1).astype(np.float64), strands.T, strict=True):
        clip = np.c_[trail, np.ones(len(trail))] @ matrix.T
        behind = (clip[:, 3] < 1e-4).any()
        pixel = (clip[:, :2] / np.maximum(clip[:, 3:], 1e-4) / 2 + 0.5) * VIEWPORT
        outside = (pixel.min(axis=0) > VIEWPORT + MARGIN).any() or (pixel.max(axis=0) < -MARGIN).any()
        if use_culling and outside and not behind:
            result.append(CULLED)
        else:
            result.append(0 if behind or not use_levels else coarsest(pixel, strand, levels, tolerance))
    return np.array(result)


def coarsest(pixel, strand, levels, tolerance):
    """Return the coarsest level whose chords stay within the tolerance."""
    cuts = np.flatnonzero(np.diff(strand)) + 1
    pieces = np.split(pixel, cuts)
    bend = max(
        (np.linalg.norm(np.diff(piece, 2, axis=0), axis=1).max() for piece in pieces if len(piece) > 2),
        default=0.0,
    )
    level = 0
    while level + 1 < levels:
        chord = 2 ** (level + 1) * (2 if len(cuts) else 1)
        if chord**2 / 8 * bend > tolerance or (len(cuts) and chord > min(map(len, pieces))):
            break
        level += 1
    return level


class Lod:
    """A LOD pass over given scene points; `update` returns the levels, checked against the draw commands."""

    def __init__(self, gl, points, strands=None, *, levels=5, tolerance=0.5, **switches):
        ticks, agents, _ = points.shape
        self.gl, self.ticks, self.agents, self.levels = gl, ticks, agents, levels
        self.strands = np.zeros((ticks, agents), np.uint32) if strands is None else strands
        self.ring = TrailRing(gl, agents, ticks, FrameMeter())
        rows = np.empty((ticks, agents, 4), np.float32)
        rows[..., :3] = points
        rows[..., 3] = self.strands.view(np.float32)
        self.ring.point.write(rows.tobytes())
        self.individuals = Individuals(gl, agents, FrameMeter())
        detail = Detail(levels, tolerance, **switches)
        self.lod = LodPass(gl, self.ring, self.individuals, detail, FrameMeter())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lod.release()
        self.individuals.release()
        self.ring.release()

    def update(self, matrix=None, oldest=0):
        """Return the level of every agent, CULLED for those in no list."""
        block = frame_block(
            self.gl,
            view_projection=np.eye(4) if matrix is None else matrix,
            viewport_px=VIEWPORT,
            newest=self.ticks - 1,
            oldest=oldest,
            trail_rows=self.ticks,
            trail_slots=self.agents,
            individuals=self.individuals.count,
        )
        self.lod.update(MARGIN)
        block.release()
        commands = self.lod.read_commands()
        found = np.full(self.agents, CULLED)
        for level, listed in enumerate(self.lists(commands)):
            assert (listed["level"] == level).all()
            assert (np.diff(listed["slot"].astype(int)) > 0).all(), "the lists keep the agents' order"
            assert (found[listed["slot"]] == CULLED).all(), "no agent is in two lists"
            found[listed["slot"]] = level
        return found

    def lists(self, commands):
        """Yield the instances of every level's command."""
        instances = np.frombuffer(self.lod.instances.read(), TRAIL_INSTANCE)
        for level, command in enumerate(commands):
            first = command["base_instance"]
            assert first == level * self.agents
            yield instances[first : first + command["instances"]]


def on_map(positions):
    """Return map positions [..., 2] in [-2, 2]^2 as scene points [..., 3]."""
    return np.concatenate([positions / 2, np.zeros((*positions.shape[:2], 1), np.float32)], axis=2)


def zoomed(factor, x=0.0, y=0.0):
    matrix = np.diag([factor, factor, 1.0, 1.0])
    matrix[:2, 3] = -factor * x, -factor * y
    return matrix


def perspective(distance):
    """Look down the z axis from `distance`."""
    matrix = np.eye(4)
    matrix[3] = 0, 0, -1, distance
    return matrix


def assert_clear_cut(points, strands, matrix, found, **settings):
    """Compare with the twin, but where single precision may decide: for tolerances a little off, too."""
    tolerance = settings.pop("tolerance")
    twins = [choices(points, strands, matrix, tolerance=tolerance * by, **settings) for by in (0.999, 1.001)]
    clear = twins[0] == twins[1]
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(found[clear], twins[0][clear])
    return twins[0]


@pytest.mark.parametrize("agents", [1, 31, 256, 257, 1000])
@pytest.mark.parametrize("broken", [False, True], ids=["whole", "broken"])
def test_levels_are_the_twin_s(gl, agents, broken):
    """Over several work groups, zoomed so that some trails are out of view."""
    positions = spirals(agents, 96, seed=agents)
    strands = np.zeros(positions.shape[:2], np.uint32)
    if broken:
        positions, strands = with_breaks(positions, every=120)
    points, matrix = on_map(positions), zoomed(5, 0.2, -0.1)
    with Lod(gl, points, strands) as each:
        found = each.update(matrix)
    expected = assert_clear_cut(points, strands, matrix, found, levels=5, tolerance=0.5)
    assert agents < 200 or set(expected) == {CULLED, 0, 1, 2, 3, 4}


def test_levels_in_perspective_are_the_twin_s(gl):
    """Near, far, and behind the eye: z reaches from -1 to 1, the eye is at 0.8."""
    positions = spirals(300, 64, seed=3)
    points = on_map(positions)
    points[..., 2] = np.random.default_rng(0).uniform(-1, 1, 300) + 0.1 * points[..., 0]
    strands = np.zeros(positions.shape[:2], np.uint32)
    with Lod(gl, points, strands) as each:
        found = each.update(perspective(0.8))
    expected = assert_clear_cut(points, strands, perspective(0.8), found, levels=5, tolerance=0.5)
    assert {CULLED, 0, 1, 2} <= set(expected)


def test_a_straight_trail_is_drawn_as_coarsely_as_can_be(gl):
    line = np.linspace(-0.9, 0.9, 64)
    points = np.stack([line, line, 0 * line], axis=1)[:, None]
    for levels in (1, 2, 5, 8):
        with Lod(gl, points.astype(np.float32), levels=levels) as each:
            assert each.update().tolist() == [levels - 1]


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_a_parabola_s_level_follows_from_its_curvature(gl, level):
    """A second difference of b pixels a tick: chords of s ticks are off by s^2/8 b."""
    t = np.arange(40)
    for factor, expected in ((0.9, level), (1.1, max(level - 1, 0))):
        bend_px = factor * 0.5 * 8 / 4**level
        y = bend_px * t**2 / 2 * 2 / VIEWPORT[1]
        points = np.stack([t * 0.01 - 0.5, y - 0.5, 0 * t], axis=1)[:, None].astype(np.float32)
        with Lod(gl, points, tolerance=0.5, use_culling=False) as each:
            assert each.update().tolist() == [expected]


def test_a_break_asks_for_twice_as_fine_a_level(gl):
    t = np.arange(64)
    strands = np.zeros((64, 1), np.uint32)
    bend_px = 0.9 * 0.5 * 8 / 4**2
    points = np.stack([t * 0.01 - 0.5, bend_px * t**2 / 100 - 0.9, 0 * t], axis=1)[:, None].astype(np.float32)
    for cut, expected in ((64, 2), (32, 1), (3, 0)):  # the last leaves a strand shorter than two strides
        strands[cut:] = 1
        with Lod(gl, points, strands, use_culling=False) as each:
            assert each.update().tolist() == [expected]
        strands[:] = 0


def test_switched_off_all_is_level_0_and_in_view(gl):
    positions = spirals(300, 32)
    with Lod(gl, on_map(positions), use_levels=False, use_culling=False) as each:
        assert (each.update(zoomed(20)) == 0).all()
        assert each.lod.read_commands()["instances"].tolist() == [300, 0, 0, 0, 0]


def test_each_switch_is_off_by_itself(gl):
    points, matrix = on_map(spirals(300, 64)), zoomed(4, 0.5, 0)
    strands = np.zeros(points.shape[:2], np.uint32)
    for switches in ({"use_levels": False}, {"use_culling": False}):
        with Lod(gl, points, **switches) as each:
            found = each.update(matrix)
        assert_clear_cut(points, strands, matrix, found, levels=5, tolerance=0.5, **switches)


def test_a_trail_just_outside_is_culled_only_beyond_the_margin(gl):
    """To each of the four sides."""
    for side in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        for beyond_px, expected in ((MARGIN - 1, 0), (MARGIN + 1, CULLED)):
            end = np.array(side) * (1 + 2 * beyond_px / VIEWPORT)
            points = np.zeros((2, 1, 3), np.float32)
            points[:, 0, :2] = end, 1.1 * end
            with Lod(gl, points, use_levels=False) as each:
                assert each.update().tolist() == [expected]


def test_a_trail_around_the_view_is_in_view(gl):
    """Both of its samples are outside, on opposite sides."""
    points = np.array([[[-3, 0, 0]], [[3, 0, 0]]], np.float32)
    with Lod(gl, points) as each:
        assert each.update().tolist() == [4]


def test_commands_draw_two_vertices_a_sample(gl):
    with Lod(gl, on_map(spirals(10, 50))) as each:
        each.update(oldest=9)  # ticks 9 to 49: 41 samples at level 0, then 22, 13 (9, 12, 16 … 48, 49), 8, 5
        commands = each.lod.read_commands()
    assert commands["vertices"].tolist() == [82, 44, 24, 14, 10]
    assert commands["first"].tolist() == [0] * 5


def test_only_ticks_that_can_be_shown_count(gl):
    """A bend before the oldest tick is none."""
    t = np.arange(64)
    y = np.where(t < 20, 0.3 * (t % 2), 0.0)
    points = np.stack([t * 0.01 - 0.5, y, 0 * t], axis=1)[:, None].astype(np.float32)
    with Lod(gl, points) as each:
        assert each.update(oldest=0).tolist() == [0]
        assert each.update(oldest=21).tolist() == [4]


def test_segments_are_what_lies_between_samples():
    commands = np.zeros(3, DRAW_COMMAND)
    commands["vertices"], commands["instances"] = (82, 44, 2), (10, 3, 5)
    assert segments(commands) == 40 * 10 + 21 * 3 + 0
    assert segments(np.zeros(2, DRAW_COMMAND)) == 0
