"""The differential drive, beside an integration of its equations in small steps."""

import numpy as np
from stepping import observe, random_actions, random_states, reset, step

from valuescape.sim.rng import Stream, uniform
from valuescape.sim.worlds import make_world

WORLD = make_world("differential_drive")
TRACK_M, STEP_S = 0.3, 0.1


def driven(state, action, pieces=20_000):
    """Return x, y, heading after a step, by the midpoint rule in float64 over `pieces` equal parts."""
    x, y, heading = state.astype(np.float64)
    left, right = action.astype(np.float64)
    speed, turning, h = (left + right) / 2, (right - left) / TRACK_M, STEP_S / pieces
    for piece in range(pieces):
        middle = heading + turning * h * (piece + 0.5)
        x, y = x + speed * np.cos(middle) * h, y + speed * np.sin(middle) * h
    return np.stack([x, y, heading + turning * STEP_S])


def around(angle):
    return (angle + np.pi) % (2 * np.pi) - np.pi


def test_a_step_is_the_arc_that_its_equations_give():
    rng = np.random.default_rng(1)
    state = random_states(WORLD, rng, 200)
    action = random_actions(WORLD, rng, state)
    action[:, :4] = [[0.5, -0.5, 0.5, 0], [0.5, 0.5, -0.5, 0]]  # straight on, two turns on the spot, rest
    out, reward, terminated = step(WORLD, state, action)
    expected = driven(state, action)
    np.testing.assert_allclose(out[:2], expected[:2], rtol=0, atol=1e-6)
    np.testing.assert_allclose(around(out[2] - expected[2]), 0, atol=2e-6)
    assert (np.abs(out[2]) <= np.float32(np.pi)).all()
    effort = 0.1 * (action.astype(np.float64) ** 2).sum(axis=0)
    np.testing.assert_allclose(reward, -np.hypot(state[0], state[1]) - effort, rtol=1e-6)
    np.testing.assert_array_equal(terminated, np.hypot(*expected[:2]) < 0.1)


def test_equal_and_opposite_wheels_draw_a_line_a_point_and_a_circle():
    """A wheel at rest is the centre of a circle through the other: back at the start after 2 pi track / v."""
    state = np.array([[1.0], [0.5], [0.0]], np.float32)
    for left, right, expected in ((0.5, 0.5, [1.5, 0.5]), (-0.5, 0.5, [1.0, 0.5])):
        here = state
        for _ in range(10):
            here, _, _ = step(WORLD, here, np.array([[left], [right]], np.float32))
        np.testing.assert_allclose(here[:2, 0], expected, atol=1e-5)
    right = np.float32(2 * np.pi * TRACK_M / (100 * STEP_S))
    here, path = state, []
    for _ in range(100):
        here, _, _ = step(WORLD, here, np.array([[0], [right]], np.float32))
        path.append(here[:2, 0])
    np.testing.assert_allclose(here[:2], state[:2], atol=1e-5)
    centre = [1.0, 0.5 + TRACK_M / 2]
    np.testing.assert_allclose(np.hypot(*(np.array(path) - centre).T), TRACK_M / 2, atol=1e-5)


def test_it_sees_the_origin_from_where_it_is():
    state = np.array([[1, 1, 0, -2], [0, 0, 1, 0], [0, np.pi, 0, 0.5]], np.float32)
    expected = [[-1, 1, 0, 2 * np.cos(0.5)], [0, 0, -1, -2 * np.sin(0.5)]]
    np.testing.assert_allclose(observe(WORLD, state), expected, atol=1e-6)


def test_turning_towards_the_origin_and_driving_there_arrives():
    """A controller of two lines, from every start within the time limit."""
    state = reset(WORLD, uniform(1, Stream.RESET, np.arange(200), 0, 0, WORLD.reset_draws))
    assert np.abs(state[:2]).max() <= 2
    arrived = np.zeros(200, bool)
    for _ in range(WORLD.max_episode_steps):
        ahead, left = observe(WORLD, state)
        turn = np.arctan2(left, ahead)
        speed = np.clip(np.cos(turn), 0, 1) * 0.25
        action = np.clip([speed - 0.25 * turn, speed + 0.25 * turn], -0.5, 0.5).astype(np.float32)
        state, _, terminated = step(WORLD, state, action)
        arrived |= terminated
    assert arrived.all()
