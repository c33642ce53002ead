"""Two maps side by side: one camera, one pointer, and their colour scales."""

import numpy as np
import pytest
from hands import SIZE, does, pause, pixel_of, turn

from valuescape.gpu.layers.density import DENSITY
from valuescape.gpu.layers.registry import MAPS
from valuescape.render.displays.events import Action, Button, DoubleClick, Drag, DragEnd, Hover, Key, Scroll
from valuescape.render.view.changes import Set

pytestmark = pytest.mark.gpu

HALF = SIZE[0] // 2


def halves(session):
    """Return the scene's part of both halves, [height, width, 3] each, without text."""
    picture = np.frombuffer(session.scene.picture.read(components=3, alignment=1), np.uint8)
    picture = picture.reshape(SIZE[1], SIZE[0], 3)[::-1].astype(int)
    plot = session.scene.plot(split=True)
    rows = slice(round(plot.top) + 2, round(plot.bottom) - 2)
    columns = slice(round(plot.left) + 2, round(plot.right) - 2)
    return picture[rows, columns], picture[rows, columns.start + HALF : columns.stop + HALF]


def alike(one, other):
    """Equal but for rounding: the same scene is drawn at another place of the picture."""
    assert np.abs(one - other).max() <= 2


@pytest.mark.parametrize("view", ["2d", "3d"])
def test_the_halves_differ_in_the_map_alone(at_the_picture, view):
    session, _ = at_the_picture(f'render.view="{view}"', "heatmap.layer=value", "heatmap.beside=value")
    pause(session)
    turn(session, 2)
    value, beside = halves(session)
    assert len(np.unique(value)) > 50
    alike(value, beside)
    session.controls.apply(Set("heatmap.beside", "density"))
    turn(session, 2)
    kept, density = halves(session)
    alike(kept, value)
    assert (np.abs(density - value) > 20).any()
    session.controls.apply_all([Set("heatmap.layer", "density"), Set("heatmap.beside", "value")])
    turn(session, 2)
    for found, expected in zip(halves(session), (density, value), strict=True):
        alike(found, expected)


def test_trails_count_in_both_halves(at_the_picture):
    session, _ = at_the_picture("heatmap.layer=value", "heatmap.beside=density")
    pause(session)
    turn(session, 2)
    twice = session.scene.trails.segments_drawn
    session.controls.apply(Set("heatmap.beside", ""))
    turn(session, 2)
    # A whole picture is wider than a half, and may have finer trails in it.
    assert 0 < twice <= 2 * session.scene.trails.segments_drawn
    assert twice > session.scene.trails.segments_drawn


@pytest.mark.parametrize("view", ["2d", "3d"])
@pytest.mark.parametrize("pane", [0, 1])
def test_a_double_click_selects_in_either_half(at_the_picture, view, pane):
    session, _ = at_the_picture(f'render.view="{view}"', "heatmap.beside=density")
    pause(session)
    does(session, DoubleClick(*pixel_of(session, 17, pane)))
    assert np.allclose(pixel_of(session, session.viewer.selected), pixel_of(session, 17), atol=1)
    does(session, DoubleClick(HALF * pane + 2, 2))
    assert session.viewer.selected is None


def test_zooming_and_dragging_in_the_right_half_are_as_in_the_left_one(at_the_picture):
    cameras = []
    for left in (0, HALF):
        session, _ = at_the_picture('render.view="2d"', "heatmap.beside=density")
        does(session, Scroll(2, 150 + left, 200), frames=30)
        does(session, Drag(Button.LEFT, 30, 10, 180 + left, 210), DragEnd(), frames=30)
        does(session, Drag(Button.LEFT, 60, 50, 260 + left, 260, box=True), DragEnd(box=True))
        cameras.append((session.viewer.map_goal, session.viewer.box))
    assert cameras[0] == cameras[1]


def test_a_drag_that_leaves_its_half_goes_on_there(at_the_picture):
    session, _ = at_the_picture('render.view="2d"', "heatmap.beside=density")
    first = Drag(Button.LEFT, 20, 0, HALF - 10, 200, box=True)
    does(session, first, Drag(Button.LEFT, 40, 50, HALF + 30, 250, box=True))
    low_x, _, high_x, _ = session.viewer.box
    plot = session.scene.plot(split=True)
    assert low_x == pytest.approx(session.viewer.map_camera.scene_at(HALF - 30, 0, plot)[0])
    assert high_x == pytest.approx(session.viewer.map_camera.scene_at(HALF + 30, 0, plot)[0])


@pytest.mark.parametrize("view", ["2d", "3d"])
def test_the_pointer_is_marked_in_both_halves(at_the_picture, view):
    session, _ = at_the_picture(f'render.view="{view}"', "heatmap.layer=value", "heatmap.beside=density")
    pause(session)
    turn(session, 2)
    before = halves(session)
    x, y = pixel_of(session, 17, 1)
    does(session, Hover(x, y), frames=2)
    changed = [np.abs(now - then).max(axis=2) > 20 for now, then in zip(halves(session), before, strict=True)]
    plot = session.scene.plot(split=True)
    row, column = round(y - plot.top) - 2, round(x - HALF - plot.left) - 2
    for each in changed:
        assert each.any()
        assert each[row - 3 : row + 4, column - 3 : column + 4].any()  # where the pointer is
    position = session.engine.row("trail_position", session.newest_tick)[17]
    low, high = np.array(session.scene.plane.bounds)
    ground = (position - low) / (high - low) * 2 - 1
    assert session.viewer.cross.point[0, :2] == pytest.approx(ground, abs=0.02)
    assert [each.split()[0] for each in session.viewer.cross.said] == ["V(s),", "visits"]
    does(session, Hover(2, 2))
    assert session.viewer.cross is None


def test_the_cross_says_the_maps_numbers(at_the_picture):
    session, _ = at_the_picture('render.view="2d"', "heatmap.layer=value", "heatmap.beside=value")
    pause(session)
    plot = session.scene.plot(split=True)
    cell = plot.width / 16, plot.height / 16
    does(session, Hover(plot.left + 4.5 * cell[0], plot.bottom - 11.5 * cell[1]), frames=2)
    value = session.stage.landscape.field.read().reshape(16, 16)[11, 4]
    said = session.viewer.cross.said[0].split()[-1].replace("−", "-")
    assert float(said) == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize("view", ["2d", "3d"])
def test_a_pointer_that_rests_costs_little_while_ticks_come(at_the_picture, view, monkeypatch):
    """Visits are read now and then; the cross stays the same object, so that nothing is laid out anew."""
    session, _ = at_the_picture(
        f'render.view="{view}"', "heatmap.layer=value", "heatmap.beside=density", "stats.gpu_frames=6"
    )
    monkeypatch.setattr(type(session), "lockstep", False)  # pictures in lockstep have the newest numbers
    pointing, reads, looks = session.inspection._pointing, [], []
    said_at, place_at = session.scene.said_at, pointing.place_at
    monkeypatch.setattr(session.scene, "said_at", lambda *of: reads.append(1) or said_at(*of))
    monkeypatch.setattr(pointing, "place_at", lambda *of: looks.append(1) or place_at(*of))
    x, y = pixel_of(session, 17, 1)
    does(session, Hover(x, y), frames=2)
    first, newest = session.viewer.cross, session.newest_tick
    turn(session, 4)
    assert session.newest_tick > newest
    assert (session.viewer.cross is first, len(reads), len(looks)) == (True, 1, 1)
    turn(session, 6)
    assert (len(reads), len(looks)) == (2, 1)


@pytest.mark.parametrize("linked", [True, False])
def test_scales_of_two_maps_that_rest_are_not_looked_at_again(at_the_picture, linked, monkeypatch):
    session, _ = at_the_picture(
        "world.name=mountain_car",
        "heatmap.layer=value",
        "heatmap.beside=other_value",
        "insight.compare_with=auto",
    )
    session.viewer.linked = linked
    turn(session, 2)
    ranges, looked = session.scene.fields.scales._ranges, []
    update, join = ranges.update, ranges.join
    monkeypatch.setattr(ranges, "update", lambda layer, *of: looked.append(layer) or update(layer, *of))
    monkeypatch.setattr(ranges, "join", lambda *of: looked.append(of) or join(*of))
    turn(session, 3)
    visits = session.scene.fields.scales.index(DENSITY)  # have a scale of their own
    assert set(looked) <= {visits}


def test_keys_show_two_maps_and_one_again(at_the_picture):
    session, _ = at_the_picture("heatmap.layer=value")
    viewer = session.viewer
    does(session, Key(Action.BESIDE))
    assert viewer.shown == ("value", viewer.beside)
    assert viewer.beside in viewer.layers
    does(session, Key(Action.CHOOSE_BESIDE, 1 + viewer.layers.index("density")))
    does(session, Key(Action.BESIDE))
    assert viewer.shown == ("value",)
    does(session, Key(Action.BESIDE))
    assert viewer.shown == ("value", "density")
    does(session, Key(Action.LINK))
    assert "different quantities" in session.annotations().notice
    assert viewer.linked
    does(session, Key(Action.CHOOSE_BESIDE, 0))
    assert viewer.shown == ("value",)
    does(session, Key(Action.LINK))
    assert "only one map is shown" in session.annotations().notice


def test_keys_choose_maps_by_number(at_the_picture):
    session, _ = at_the_picture("heatmap.layer=density")
    viewer = session.viewer
    for number, name in enumerate(viewer.layers[:9], 1):
        does(session, Key(Action.CHOOSE_LAYER, number))
        assert viewer.layer == name
    does(session, Key(Action.CHOOSE_LAYER, 0))
    assert viewer.layer == "density"
    does(session, Key(Action.LAYER))
    does(session, Key(Action.LAYER, -1))
    assert viewer.layer == "density"
    viewer.layers = ["value", "density"]
    does(session, Key(Action.CHOOSE_LAYER, 5))
    assert "no map 5: there are 2 here (value, density)" in session.annotations().notice
    assert viewer.layer == "density"


def test_a_misspelt_map_beside_is_refused(at_the_picture):
    session, _ = at_the_picture()
    session.controls.apply(Set("heatmap.beside", "dencity"))
    said = session.annotations().notice
    assert "heatmap.beside: 'dencity' is unknown" in said
    assert "did you mean density?" in said
    assert session.viewer.beside == ""
    assert "density" in MAPS.names
