"""Pictures of trails and agents, looked up pixel by pixel."""

import numpy as np
import pytest
from pictures import SIZE, WORLD, MadeUpSignals, hills, studio
from recording import Recording, spirals, with_breaks

from valuescape.gpu.constants import MARK_COLORS
from valuescape.render.overlay.axes import plot_rect, project
from valuescape.render.overlay.labels import Heading
from valuescape.render.overlay.text import Font
from valuescape.render.scene.colormaps import AGE_ROW, FIRST_LAYER_ROW, OUTCOME_ROW, colormap_rows
from valuescape.render.scene.scene import HEIGHT
from valuescape.render.view.camera import MapCamera, OrbitCamera
from valuescape.sim.insight.plane import own_plane
from valuescape.sim.insight.signal_kinds import REWARD, TD_ERROR
from valuescape.sim.shared.layout import Ending
from valuescape.sim.worlds.base import TERMINATED
from valuescape.sim.worlds.point_mass import PointMass

pytestmark = pytest.mark.gpu

PLAIN = ("heatmap.contours=0", "trails.width_px=3", "trails.opacity=1", "agents.size_px=9")


def flat_field(edge):
    """The same value everywhere, but for one far corner that makes the scale: the low end's dark purple."""
    values = np.zeros(edge * edge)
    values[-1] = 1
    return values


DARK = colormap_rows()[FIRST_LAYER_ROW, 0, :3].astype(int)
LIGHT = colormap_rows()[AGE_ROW, 255, :3].astype(int)


def pixel_of(position, camera=None, height=0.0):
    """Return where (x, y) is drawn, in pixels from the top left; with an orbit camera, at a height."""
    low, high = np.array(own_plane(WORLD).bounds)
    scene = (np.array(position) - low) / (high - low) * 2 - 1
    matrix = (camera or MapCamera()).matrix(SIZE, plot_rect(SIZE, Font(13).line_px))
    x, y = project(matrix, SIZE, (*scene, height))
    return int(x), int(y)


def color_at(picture, pixel):
    x, y = pixel
    return picture[y, x]


def near(color, expected, by=12):
    return np.abs(color - expected).max() <= by


def line(start, end, ticks):
    """Return the path [ticks, 1, 2] of one agent from start to end."""
    return (np.linspace(0, 1, ticks)[:, None] * np.subtract(end, start) + start)[:, None]


@pytest.mark.parametrize("lod", ["true", "false"])
def test_no_line_is_drawn_across_a_break(gl, lod):
    """Two strands, a metre apart: both are there to their ends, between them is nothing."""
    strands = np.repeat([[4], [5]], 16, axis=0)
    path = np.concatenate([line((-2, 0), (-0.5, 0), 16), line((0.5, 0), (2, 0), 16)])
    settings = (*PLAIN, f"features.trail_lod={lod}", "trails.color_by=agent")
    with studio(gl, Recording(path, strands), *settings, field=flat_field) as camera:
        picture = camera.shoot(trail_color="agent")
    between = [color_at(picture, pixel_of((x, 0))) for x in np.linspace(-0.4, 0.4, 9)]
    on_strands = [color_at(picture, pixel_of((x, 0))) for x in (-1, -0.55, 0.55, 1, 1.7)]
    assert all(near(each, DARK) for each in between)
    assert not any(near(each, DARK, 20) for each in on_strands)


def test_a_trail_without_a_break_has_no_gap(gl):
    with studio(gl, Recording(line((-2, 0), (2, 0), 32)), *PLAIN, field=flat_field) as camera:
        picture = camera.shoot(trail_color="agent")
    shades = [color_at(picture, pixel_of((x, 0))) for x in np.linspace(-1.9, 1.9, 80)]
    assert not any(near(each, DARK, 20) for each in shades)


def test_an_agent_is_at_its_trail_s_newest_end(gl):
    """White, at the end; beside it the lightest colour of the trail, at the other end the faintest."""
    with studio(gl, Recording(line((-2, 2), (1, -3), 64)), *PLAIN, field=flat_field) as camera:
        picture = camera.shoot()
    assert near(color_at(picture, pixel_of((1, -3))), 255)
    newest = color_at(picture, pixel_of(np.add((1, -3), (-3 * 0.15, 5 * 0.15))))
    oldest = color_at(picture, pixel_of(np.add((-2, 2), (3 * 0.05, -5 * 0.05))))
    assert near(newest, LIGHT, 45)
    assert np.abs(oldest - DARK).sum() < 0.35 * np.abs(newest - DARK).sum()


def test_the_newest_end_has_the_lightest_colour(gl):
    """Not that of the oldest, which is next to it where a texture repeats."""
    settings = (*PLAIN, "agents.size_px=0.5", "trails.width_px=8")
    with studio(gl, Recording(line((-2, 0), (2, 0), 2)), *settings, field=flat_field) as camera:
        picture = camera.shoot()
    assert near(color_at(picture, pixel_of((1.96, 0))), LIGHT, 12)


def test_trails_of_different_agents_have_different_colours(gl):
    paths = np.concatenate([line((-2, y), (2, y), 16) for y in (-2, 0, 2)], axis=1)
    with studio(gl, Recording(paths), *PLAIN, field=flat_field) as camera:
        by_agent, by_age = (camera.shoot(trail_color=color) for color in ("agent", "age"))
    shades = [[color_at(each, pixel_of((1, y))) for y in (-2, 0, 2)] for each in (by_agent, by_age)]
    assert all(np.abs(shades[0][i] - shades[0][i - 1]).max() > 40 for i in range(3))
    assert all(np.abs(shades[1][i] - shades[1][i - 1]).max() <= 1 for i in range(3))


def height_at(position):
    """Return the surface's height at a position, by the landscape's formula."""
    values = hills(64).reshape(64, 64)
    low, high = np.array(own_plane(WORLD).bounds)
    x, y = ((np.array(position) - low) / (high - low) * 64).astype(int)
    return HEIGHT * float((values[y, x] - values.min()) / (values.max() - values.min()))


@pytest.mark.parametrize("place", [(0.8, 1.0), (-1.0, 0.0), (2.0, -3.0)], ids=["hill", "hollow", "slope"])
def test_agents_and_trails_ride_on_the_surface(gl, place):
    """Seen from high enough that nothing is hidden; the hill's top is 40 pixels above the ground."""
    camera_of_test = OrbitCamera(pitch=1.0)
    start = np.add(place, (-0.6, 0))
    with studio(gl, Recording(line(start, place, 24)), *PLAIN, "render.mesh_resolution=128") as camera:
        picture = camera.shoot(flat=False, pitch=1.0)
    assert near(color_at(picture, pixel_of(place, camera_of_test, height_at(place))), 255)
    with studio(gl, Recording(np.full((1, 1, 2), 99)), *PLAIN, "render.mesh_resolution=128") as camera:
        bare = camera.shoot(flat=False, pitch=1.0)
    for share in (0.5, 0.7):
        point = start + share * np.subtract(place, start)
        pixel = pixel_of(point, camera_of_test, height_at(point))
        assert np.abs(color_at(picture, pixel) - color_at(bare, pixel)).max() > 20
    ground = pixel_of((0.8, 1.0), camera_of_test)
    assert ground[1] - pixel_of((0.8, 1.0), camera_of_test, height_at((0.8, 1.0)))[1] > 20


def test_what_is_behind_a_hill_is_hidden(gl):
    """An agent on the far side of the hill, seen from low down."""
    behind = Recording(np.full((2, 1, 2), (0.8, 2.6)))
    pose = {"flat": False, "yaw": -np.pi / 2, "pitch": 0.2}
    with studio(gl, behind, *PLAIN) as camera:
        hidden = camera.shoot(**pose)
        seen = camera.shoot(**{**pose, "yaw": np.pi / 2})
    white = [(each[:, :400].min(axis=2) > 245).sum() for each in (hidden, seen)]
    assert white[0] == 0
    assert white[1] > 10


def test_the_surface_s_colours_reach_the_border(gl):
    """Left is low, right is high: no colour of the other side shows at either."""
    with studio(
        gl, Recording(np.full((1, 1, 2), 99)), *PLAIN, field=lambda edge: np.tile(np.arange(edge), edge)
    ) as camera:
        picture = camera.shoot()
    plot = plot_rect(SIZE, Font(13).line_px)
    row = picture[int(plot.top + plot.height / 2), int(plot.left) + 2 : int(plot.right) - 2]
    assert near(row[0], colormap_rows()[FIRST_LAYER_ROW, 0, :3], 8)
    assert near(row[-1], colormap_rows()[FIRST_LAYER_ROW, 255, :3], 8)


def test_contour_lines_have_no_gaps(gl):
    """Of a slope along y alone, every column looks the same: also where the map's two triangles meet."""

    def slope(edge):
        return np.repeat(np.linspace(0, 1, edge) ** 2, edge)

    with studio(gl, Recording(np.full((1, 1, 2), 99)), field=slope) as camera:
        picture = camera.shoot()
    plot = plot_rect(SIZE, Font(13).line_px)
    rows, columns = (
        slice(int(low) + 2, int(high) - 2) for low, high in ((plot.top, plot.bottom), (plot.left, plot.right))
    )
    inside = picture[rows, columns]
    assert np.ptp(inside, axis=1).max() <= 1
    assert (np.abs(np.diff(inside[:, 0].sum(axis=1))) > 30).sum() > 8  # the lines are there


def test_zooming_in_moves_the_map_but_not_its_frame(gl):
    """Nothing of the map is drawn beside the plot."""
    with studio(gl, Recording(spirals(50, 32)), *PLAIN) as camera:
        whole, zoomed = camera.shoot(), camera.shoot(reach=0.2)
    plot = plot_rect(SIZE, Font(13).line_px)
    right_of_it = np.s_[:, int(plot.right) + 3 :]
    assert (whole != zoomed).mean() > 0.1
    np.testing.assert_array_equal(whole[right_of_it], zoomed[right_of_it])


@pytest.mark.parametrize("flat", [True, False], ids=["map", "height field"])
def test_the_same_run_gives_the_same_picture(gl, flat):
    """Byte for byte, from scenes made anew."""
    pictures = []
    for _ in range(2):
        source = Recording(*with_breaks(spirals(600, 40)))
        with studio(gl, source, field=None) as camera:
            pictures += [camera.shoot(Heading(("Same",)), flat=flat) for _ in range(2)]
    assert all((each == pictures[0]).all() for each in pictures)
    assert len(np.unique(pictures[0].reshape(-1, 3), axis=0)) > 500


def ended(ending):
    """An agent far away whose last episode ended in the middle of the map."""
    strands, endings = np.zeros((2, 6, 1), int)
    positions = np.zeros((6, 1, 2))
    positions[4:] = (2.5, 4)
    strands[4:], endings[3] = 1, ending
    return Recording(positions, strands, endings)


@pytest.mark.parametrize("termination", TERMINATED)
def test_the_mark_of_a_termination_says_what_it_meant(gl, termination):
    """Green for success, orange for all else, as the legend below the map has it; and of another shape."""
    world = type("Meaning", (PointMass,), {"termination": termination})()
    with studio(gl, ended(Ending.TERMINATED), *PLAIN, "agents.size_px=16", field=None, world=world) as camera:
        picture = camera.shoot(trail_color="agent")  # which has no legend of its own
    x, y = pixel_of((0, 0))
    expected = np.array(MARK_COLORS.get(termination, MARK_COLORS["either"])[:3]) * 255
    assert near(picture[y, x], expected, 70)
    beside = [picture[y + dy, x + dx] for dx, dy in ((4, 0), (0, 4))]
    assert all(near(each, expected, 70) for each in beside) == (termination == "goal")
    legend = picture[-40:, :40].reshape(-1, 3)
    assert any(near(each, expected, 12) for each in legend) == (termination != "never")


def test_the_outcome_s_colours_are_the_marks_kind():
    """A goal reached is not the colour of a failure, and each is told from the two others."""
    rows = {each: colormap_rows(termination=each)[OUTCOME_ROW, [40, 128, 215], :3] for each in TERMINATED}
    assert np.abs(rows["goal"][1].astype(int) - rows["failure"][1]).max() > 100
    for row in rows.values():
        for one, other in ((0, 1), (1, 2), (0, 2)):
            assert np.abs(row[one].astype(int) - row[other]).max() > 60


def signed(source, name=TD_ERROR, **scale):
    return MadeUpSignals(name, np.sin(source.positions[:, :, 0] * 3), **scale)


def colourful(picture):
    """Return the median distance of the surface's pixels from gray."""
    plot = plot_rect(SIZE, Font(13).line_px)
    inside = picture[int(plot.top) + 3 : int(plot.bottom) - 3, int(plot.left) + 3 : int(plot.right) - 3]
    return float(np.median(np.ptp(inside, axis=2)))


def test_fields_step_back_from_trails_of_a_signed_signal(gl):
    source = Recording(spirals(8, 24))
    with studio(gl, source, signals=signed(source, signed=True)) as camera:
        quiet = camera.shoot(layer="both", trail_color="td_error")
    assert colourful(quiet) < 3
    plot = plot_rect(SIZE, Font(13).line_px)
    inside = quiet[int(plot.top) + 3 : int(plot.bottom) - 3, int(plot.left) + 3 : int(plot.right) - 3]
    assert np.median(inside.max(axis=2)) < 120
    for settings, signals in (
        (("heatmap.colormap=viridis",), signed(source, signed=True)),
        ((), signed(source, REWARD)),
        ((), None),
    ):
        with studio(gl, source, *settings, signals=signals) as camera:
            assert colourful(camera.shoot(layer="both")) > 40
