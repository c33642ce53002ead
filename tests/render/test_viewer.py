"""What a person's keys and pointer change in the view, and what they ask of the run."""

import math

import pytest

from gpu.source import LAYERS, TRAIL_COLORS
from render.camera import MapCamera, OrbitCamera, Rect
from render.events import KEYS, Action, Button, Close, Drag, Key, Scroll
from render.viewer import Request, Viewer

PLOT, HEIGHT_PX = Rect(80, 40, 400, 250), 360


def viewer(**changes):
    return Viewer(**{"flat": True, "layer": "value", "trail_color": "age", **changes})


def press(view, *actions):
    """Return what each key leaves for others to do."""
    return [view.handle(Key(action), PLOT, HEIGHT_PX) for action in actions]


@pytest.mark.parametrize(
    ("action", "request_made"),
    [
        (Action.PAUSE, Request.PAUSE),
        (Action.STEP, Request.STEP),
        (Action.SCREENSHOT, Request.SCREENSHOT),
        (Action.BACK, Request.QUIT),
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
    assert view == viewer(flat=False, layer="density", trail_color="agent", help_shown=True)


@pytest.mark.parametrize(
    ("action", "name", "values"),
    [(Action.LAYER, "layer", LAYERS), (Action.TRAIL_COLOR, "trail_color", TRAIL_COLORS)],
)
def test_a_key_goes_round_its_values(action, name, values):
    view, seen = viewer(), []
    for _ in values:
        seen.append(getattr(view, name))
        press(view, action)
    assert sorted(seen) == sorted(values)
    assert getattr(view, name) == seen[0]


def test_escape_closes_the_help_then_quits():
    view = viewer(help_shown=True)
    assert press(view, Action.BACK, Action.BACK) == [None, Request.QUIT]
    assert not view.help_shown


def test_closing_the_window_quits_whatever_is_shown():
    assert viewer(help_shown=True).handle(Close(), PLOT, HEIGHT_PX) is Request.QUIT


def test_the_map_follows_a_drag_at_once():
    view = viewer()
    before = view.map_camera.scene_at(200, 100, PLOT)
    view.handle(Drag(Button.LEFT, 30, -20), PLOT, HEIGHT_PX)
    assert view.map_camera.scene_at(230, 80, PLOT) == pytest.approx(before)
    assert view.orbit_goal == OrbitCamera()


def test_the_wheel_zooms_smoothly_to_where_the_pointer_is():
    view = viewer()
    before = view.map_camera.scene_at(150, 90, PLOT)
    view.handle(Scroll(3, 150, 90), PLOT, HEIGHT_PX)
    assert view.map_camera == MapCamera()
    view.advance(0.06)
    assert 1 / 1.15**3 < view.map_camera.reach < 1
    assert view.map_camera.scene_at(150, 90, PLOT) == pytest.approx(before)
    view.advance(10)
    assert view.map_camera.reach == pytest.approx(1 / 1.15**3)


def test_the_height_field_is_orbited_panned_and_zoomed():
    start = OrbitCamera()
    view = viewer(flat=False)
    view.handle(Drag(Button.LEFT, 10, 5), PLOT, HEIGHT_PX)
    assert (view.orbit_goal.yaw, view.orbit_goal.target_x) != (start.yaw, start.target_x)
    assert view.orbit_goal.target_x == start.target_x
    view.handle(Drag(Button.RIGHT, 10, 5), PLOT, HEIGHT_PX)
    assert view.orbit_goal.target_x != start.target_x
    view.handle(Scroll(1, 0, 0), PLOT, HEIGHT_PX)
    assert view.orbit_goal.distance == pytest.approx(start.distance / 1.15)
    assert view.map_goal == MapCamera()


def test_the_view_can_be_reset():
    view = viewer(flat=False)
    view.handle(Drag(Button.LEFT, 10, 5), PLOT, HEIGHT_PX)
    view.handle(Scroll(1, 0, 0), PLOT, HEIGHT_PX)
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
