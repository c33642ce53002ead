"""The plane of states that the map shows, and the grid on which its landscape is computed."""

import math
from typing import ClassVar

import numpy as np
import pytest

from valuescape.presets import find_checkpoint
from valuescape.sim.config.files import load_config
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import (
    MapPlane,
    grid_obs,
    grid_states,
    map_axes,
    map_plane,
    network_inputs,
    own_plane,
)
from valuescape.sim.worlds import WORLDS, make_world
from valuescape.sim.worlds.cartpole import CartPole

CART = make_world("cartpole")
POSITION, VELOCITY, ANGLE, TURNING = range(4)


def plane(*settings, world=CART):
    """Return the plane that `heatmap` settings choose."""
    return map_plane(load_config(None, [f"heatmap.{setting}" for setting in settings]), world)


def complaint(*settings, world=CART):
    """Return the message for settings that must be refused, of one or two lines."""
    with pytest.raises(UsageError) as refusal:
        plane(*settings, world=world)
    message = str(refusal.value)
    assert len(message.splitlines()) <= 2
    return message


# --- which plane -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WORLDS)
def test_unless_told_otherwise_a_world_shows_its_own_plane(name):
    world = make_world(name)
    own = plane(world=world)
    assert own == own_plane(world)
    assert own.axes == world.map_axes
    x, y = own.axes
    assert x != y
    assert own.variables == (world.state[x], world.state[y])
    for variable, value in zip(world.state, own.values, strict=True):
        assert variable.low <= value <= variable.high


def test_axes_are_chosen_by_name_in_the_order_given():
    assert plane("axes=cart velocity, pole velocity").axes == (VELOCITY, TURNING)
    assert plane("axes=pole velocity,cart velocity").axes == (TURNING, VELOCITY)
    pendulum = make_world("pendulum")
    assert map_axes(load_config(None, ["heatmap.axes=angular speed, angle"]), pendulum) == (1, 0)


def test_the_window_and_its_names_are_those_of_the_axes():
    chosen = plane("axes=pole angle, cart velocity")
    assert [variable.name for variable in chosen.variables] == ["pole angle", "cart velocity"]
    assert chosen.bounds == ((-math.radians(12), -3.0), (math.radians(12), 3.0))


def test_a_slice_holds_the_variables_it_names():
    chosen = plane("axes=pole angle, pole velocity", "slice= cart velocity = 0.5,cart position=-1")
    assert (chosen.values[POSITION], chosen.values[VELOCITY]) == (-1.0, 0.5)
    assert chosen.label == "at cart position = −1 m, cart velocity = 0.5 m/s"


class Lopsided(CartPole):
    """A cart-pole with a map of its own, and a slice that is not in the middle."""

    map_axes = (3, 2)
    map_slice: ClassVar[dict[str, float]] = {"cart velocity": 1.5, "pole angle": 0.1}


def test_what_a_slice_does_not_name_the_world_says():
    own = plane(world=Lopsided())
    assert own.axes == (TURNING, ANGLE)
    assert own.values[:2] == (0.0, 1.5)
    other = plane("axes=cart position, pole velocity", "slice=cart velocity=2", world=Lopsided())
    assert (other.values[VELOCITY], other.values[ANGLE]) == (2.0, 0.1)


def test_a_world_of_two_variables_has_nothing_to_say_of_a_slice():
    assert own_plane(make_world("pendulum")).label == ""


# --- what is refused -------------------------------------------------------------------------------------


def test_an_unknown_axis_is_refused_with_the_nearest_name():
    message = complaint("axes=pole angel, cart position")
    assert "heatmap.axes = 'pole angel, cart position'" in message
    assert "'pole angel' is no state variable of cartpole" in message
    assert "did you mean pole angle?" in message


def test_an_axis_nobody_could_mean_is_refused_with_all_names():
    hint = complaint("axes=price, weather").splitlines()[1]
    assert hint.strip() == "cartpole has cart position, cart velocity, pole angle, pole velocity"


@pytest.mark.parametrize(
    "axes", ["pole angle", "pole angle,", "", "pole angle, cart position, cart velocity"]
)
def test_anything_but_two_axes_is_refused(axes):
    message = complaint(f"axes='{axes}'")
    assert message.startswith(f"heatmap.axes = {axes!r}")


def test_the_same_axis_twice_is_refused():
    assert "expected two different variables" in complaint("axes=pole angle, pole angle")


def test_an_unknown_variable_of_a_slice_is_refused_with_the_nearest_name():
    message = complaint("slice=cart speed=0, cart velocty=1")
    assert "heatmap.slice = 'cart speed=0, cart velocty=1'" in message
    assert "'cart speed' is no state variable of cartpole" in message
    assert "did you mean cart velocity?" in complaint("slice=cart velocty=1")


@pytest.mark.parametrize("text", ["cart velocity", "=1", "cart velocity=1,", "cart velocity 1"])
def test_a_slice_that_is_no_name_and_value_is_refused(text):
    message = complaint(f"slice='{text}'")
    assert message.startswith(f"heatmap.slice = {text!r}: expected name=value")
    assert "cart velocity, pole velocity" in message, "the variables that it may name"


@pytest.mark.parametrize("value", ["fast", "", "nan", "inf", "3.01", "-1e9", "1=2"])
def test_a_value_that_is_no_number_of_the_window_is_refused(value):
    message = complaint(f"slice='cart velocity={value}'")
    assert f"cart velocity is {value!r}, expected a number from -3 to 3 m/s" in message


def test_a_variable_cannot_be_axis_and_held_nor_held_twice():
    assert "pole angle is an axis of the map" in complaint("slice=pole angle=0")
    assert "cart velocity is given twice" in complaint("slice=cart velocity=0, cart velocity=1")
    message = complaint("slice=angle=0", world=make_world("pendulum"))
    assert "angle is an axis of the map" in message
    assert "leave heatmap.slice empty" in message


# --- the grid --------------------------------------------------------------------------------------------


def assert_texel_centres(over: MapPlane):
    """Assert that the grid's axes hold texel centres, row by row from the low corner; the rest held."""
    low, high = (np.array(corner) for corner in over.bounds)
    states = grid_states(over, 4)
    assert states.shape == (len(over.world.state), 16)
    assert states.dtype == np.float32
    on_map, size = states[list(over.axes)].reshape(2, 4, 4), (high - low) / 4
    corners = {(0, 0): low + size / 2, (0, 3): [high[0] - size[0] / 2, low[1] + size[1] / 2]}
    corners[3, 0] = [low[0] + size[0] / 2, high[1] - size[1] / 2]
    for (row, column), expected in corners.items():
        np.testing.assert_allclose(on_map[:, row, column], expected, rtol=1e-6)
    for index in set(range(len(states))) - set(over.axes):
        np.testing.assert_array_equal(states[index], np.float32(over.values[index]))


@pytest.mark.parametrize("name", WORLDS)
def test_the_grid_has_the_centres_of_texels_row_by_row_from_the_low_corner(name):
    assert_texel_centres(own_plane(make_world(name)))


def test_so_has_a_grid_over_other_axes():
    assert_texel_centres(plane("axes=pole velocity, cart velocity", "slice=pole angle=0.1"))


def test_the_critic_is_asked_about_what_agents_see():
    pendulum = own_plane(make_world("pendulum"))
    angle, speed = grid_states(pendulum, 5)
    np.testing.assert_allclose(grid_obs(pendulum, 5), [np.cos(angle), np.sin(angle), speed], rtol=1e-6)


def test_the_critic_is_asked_about_the_slice():
    drive = make_world("differential_drive")
    facing_up = plane(f"slice=heading={math.pi / 2}", world=drive)
    x, y, _ = grid_states(facing_up, 5)
    # Looking along y, the origin is -y ahead and x to the left.
    np.testing.assert_allclose(grid_obs(facing_up, 5), [-y, x], atol=1e-6)


def test_without_normalisation_networks_take_what_agents_see():
    pendulum = make_world("pendulum")
    checkpoint = find_checkpoint("auto", pendulum)
    assert checkpoint.obs_normalization is None
    over = own_plane(pendulum)
    np.testing.assert_array_equal(network_inputs(over, checkpoint, 5), grid_obs(over, 5))
