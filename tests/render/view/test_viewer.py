"""Events that change the view, and those that the view passes on as requests."""

import math

import numpy as np
import pytest

from valuescape.gpu.layers.registry import MAPS
from valuescape.render.displays.events import (
    KEYS,
    Action,
    Button,
    Close,
    DoubleClick,
    Drag,
    DragEnd,
    Key,
    Scroll,
)
from valuescape.render.overlay.axes import project
from valuescape.render.view.camera import MapCamera, OrbitCamera, Rect
from valuescape.render.view.changes import Request, Select
from valuescape.render.view.keys import Say
from valuescape.render.view.viewer import Viewer
from valuescape.sim.insight.signal_kinds import TRAIL_COLORS

PLOT, SIZE = Rect(80, 40, 400, 250), (640, 360)


def viewer(**changes):
    return Viewer(**{"flat": True, "layer": "value", "trail_color": "age", **changes})


def press(view, *actions):
    """Press keys; return what `handle` gives back for each."""
    return [view.handle(Key(action), PLOT, SIZE) for action in actions]


@pytest.mark.parametrize(
    ("action", "request_made"),
    [
        (Action.PAUSE, Request.PAUSE),
        (Action.STEP, Request.STEP),
        (Action.SCREENSHOT, Request.SCREENSHOT),
        (Action.BACK, Request.LEAVE),
        (Action.QUIT, Request.QUIT),
    ],
)
def test_some_keys_ask_for_something(action, request_made):
    view = viewer()
    assert press(view, action) == [request_made]
    assert view == viewer()


def test_keys_that_change_what_is_shown():
    view = viewer()
    asked = press(view, Action.PROJECTION, Action.LAYER, Action.TRAIL_COLOR, Action.HELP)
    assert asked == [None] * 4
    view.advance(10)
    assert view == viewer(flat=False, layer="density", trail_color="agent", help_shown=True, help_seen=True)


@pytest.mark.parametrize(
    ("action", "name", "values"),
    [(Action.LAYER, "layer", MAPS.names), (Action.TRAIL_COLOR, "trail_color", TRAIL_COLORS)],
)
def test_a_key_goes_round_its_values(action, name, values):
    view, seen = viewer(), []
    for _ in values:
        seen.append(getattr(view, name))
        press(view, action)
    assert sorted(seen) == sorted(values)
    assert getattr(view, name) == seen[0]


def test_escape_closes_the_help_then_leaves():
    view = viewer(help_shown=True)
    assert press(view, Action.BACK, Action.BACK) == [None, Request.LEAVE]
    assert not view.help_shown


def test_closing_the_window_quits_whatever_is_shown():
    assert viewer(help_shown=True).handle(Close(), PLOT, SIZE) is Request.QUIT


def test_the_map_follows_a_drag_at_once():
    view = viewer()
    before = view.map_camera.scene_at(200, 100, PLOT)
    view.handle(Drag(Button.LEFT, 30, -20), PLOT, SIZE)
    assert view.map_camera.scene_at(230, 80, PLOT) == pytest.approx(before)
    assert view.orbit_goal == OrbitCamera()


def test_the_wheel_zooms_smoothly_to_where_the_pointer_is():
    view = viewer()
    before = view.map_camera.scene_at(150, 90, PLOT)
    view.handle(Scroll(3, 150, 90), PLOT, SIZE)
    assert view.map_camera == MapCamera()
    view.advance(0.06)
    assert 1 / 1.15**3 < view.map_camera.reach < 1
    assert view.map_camera.scene_at(150, 90, PLOT) == pytest.approx(before)
    view.advance(10)
    assert view.map_camera.reach == pytest.approx(1 / 1.15**3)


def test_the_height_field_is_orbited_panned_and_zoomed():
    start = OrbitCamera()
    view = viewer(flat=False)
    view.handle(Drag(Button.LEFT, 10, 5), PLOT, SIZE)
    assert (view.orbit_goal.yaw, view.orbit_goal.target_x) != (start.yaw, start.target_x)
    assert view.orbit_goal.target_x == start.target_x
    view.handle(Drag(Button.RIGHT, 10, 5, 330, 185), PLOT, SIZE)
    assert view.orbit_goal.target_x != start.target_x
    view.handle(Scroll(1, 320, 300), PLOT, SIZE)
    assert view.orbit_goal.distance == pytest.approx(start.distance / 1.15)
    assert view.map_goal == MapCamera()


def test_the_view_can_be_reset():
    view = viewer(flat=False)
    view.handle(Drag(Button.LEFT, 10, 5), PLOT, SIZE)
    view.handle(Scroll(1, 320, 300), PLOT, SIZE)
    press(view, Action.RESET_VIEW)
    view.advance(10)
    assert view.orbit_camera.distance == pytest.approx(OrbitCamera().distance)
    assert view.orbit_camera.yaw == pytest.approx(OrbitCamera().yaw)


def test_the_view_turns_by_itself():
    view = viewer(flat=False, turn_deg_per_s=90)
    for _ in range(100):
        view.advance(0.1)
    turned = view.orbit_goal.yaw - OrbitCamera().yaw
    assert turned == pytest.approx(math.radians(900))


def test_every_action_has_one_key_in_the_help():
    assert [action for _, action, _ in KEYS] == list(Action)
    keys = [key for names, _, _ in KEYS for key in names.split(", ")]
    assert len(set(keys)) == len(keys)
    assert all(text for _, _, text in KEYS)


def test_escape_lets_go_of_the_selection_before_it_leaves():
    view = viewer(selected=3, following=True, box=(0.0, 0.0, 1.0, 1.0))
    assert press(view, Action.BACK) == [None]
    assert (view.selected, view.following, view.box) == (None, False, None)
    assert press(view, Action.BACK) == [Request.LEAVE]


def test_a_double_click_selects():
    assert viewer().handle(DoubleClick(3, 4), PLOT, SIZE) == Select(3, 4)


def test_following_needs_a_selection():
    view = viewer()
    assert press(view, Action.FOLLOW) == [Say("no agent is selected: double-click one")]
    assert not view.following
    view.selected = 5
    assert press(view, Action.FOLLOW) == [Say("agent 5 is followed")]
    assert view.following
    assert press(view, Action.FOLLOW) == [Say("agent 5 is followed no longer")]


def test_a_view_that_follows_keeps_the_agent_in_the_middle():
    view = viewer(selected=1, following=True)
    view.follow(0.3, -0.2)
    view.advance(10)
    assert (view.map_camera.center_x, view.map_camera.center_y) == pytest.approx((0.3, -0.2))
    assert (view.orbit_camera.target_x, view.orbit_camera.target_y) == pytest.approx((0.3, -0.2))


def test_moving_the_map_ends_following():
    view = viewer(selected=1, following=True)
    view.handle(Drag(Button.LEFT, 30, -20, 230, 80), PLOT, SIZE)
    assert not view.following


def test_views_can_be_saved_and_gone_back_to():
    view = viewer()
    view.handle(Scroll(5, 150, 90), PLOT, SIZE)
    saved = view.map_goal
    said = view.handle(Key(Action.SAVE_VIEW, 2), PLOT, SIZE)
    assert said == Say("view 2 saved: 2 goes back to it")
    press(view, Action.RESET_VIEW, Action.PROJECTION)
    assert view.handle(Key(Action.VIEW, 3), PLOT, SIZE) == Say("no view 3 is saved: Ctrl+3 saves one")
    assert not view.flat
    assert view.handle(Key(Action.VIEW, 2), PLOT, SIZE) == Say("view 2")
    assert (view.flat, view.map_goal) == (True, saved)


def test_a_box_reaches_from_where_the_drag_began():
    view = viewer()
    view.handle(Drag(Button.LEFT, 10, 10, 310, 210, box=True), PLOT, SIZE)
    view.handle(Drag(Button.LEFT, -60, 40, 250, 250, box=True), PLOT, SIZE)
    places = [view.map_camera.scene_at(*pixel, PLOT) for pixel in ((300, 200), (250, 250))]
    xs, ys = zip(*places, strict=True)
    assert view.box == pytest.approx((min(xs), min(ys), max(xs), max(ys)))
    assert view.handle(DragEnd(box=True), PLOT, SIZE) is None
    before = view.box
    view.handle(Drag(Button.LEFT, 10, 10, 310, 110, box=True), PLOT, SIZE)  # another begins anew
    assert view.box != before
    assert view.map_goal == MapCamera()


def test_over_the_height_field_a_frame_of_the_picture_is_drawn():
    view = viewer(flat=False, box=(0.0, 0.0, 1.0, 1.0))
    view.handle(Drag(Button.LEFT, 10, 10, 310, 210, box=True), PLOT, SIZE)
    view.handle(Drag(Button.LEFT, -60, 40, 250, 250, box=True), PLOT, SIZE)
    assert (view.frame, view.box) == ((250, 200, 300, 250), None)
    assert view.handle(DragEnd(box=True), PLOT, SIZE) is Request.BOX
    assert press(view, Action.BACK) == [None]
    assert view.frame is None


def test_the_field_is_raised_and_lowered_smoothly():
    view = viewer()
    press(view, Action.PROJECTION)
    seen = []
    while view.lift < 1:
        seen.append(view.matrix(SIZE, PLOT))
        view.advance(0.02)
    assert 10 < len(seen) < 40
    np.testing.assert_array_equal(seen[0], view.map_camera.matrix(SIZE, PLOT))
    np.testing.assert_array_equal(view.matrix(SIZE, PLOT), view.orbit_camera.matrix(SIZE, PLOT))
    corners = [[project(matrix, SIZE, (x, y, 0.0)) for x in (-1, 1) for y in (-1, 1)] for matrix in seen]
    ways = np.linalg.norm(np.diff(np.array(corners), axis=0), axis=2)
    assert ways.max() < 60  # pixels: nothing jumps
    press(view, Action.PROJECTION)
    view.advance(10)
    assert view.lift == 0


def test_glow_is_switched():
    view = viewer()
    press(view, Action.GLOW)
    assert view.looks.render.glow > 0
    press(view, Action.GLOW)
    assert view.looks == viewer().looks
