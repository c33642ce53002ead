"""The flock, side by side with its declaration, and its two implementations with each other."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lives import at_tick, stage

from valuescape.sim.config.files import load_config
from valuescape.sim.config.sections import FlockConfig
from valuescape.sim.rng import Stream, uniform
from valuescape.sim.stepping.stepper import Stepper
from valuescape.sim.worlds.flock.world import Flock

PRESET = Path(__file__).parents[3] / "configs" / "flock.toml"
ONE_STEP = 2e-6
"""The error allowed in velocities and, as a share of the extent, in positions: ten roundings of float32."""


def declared(birds, config, extent):
    """Return (next state, reward) by the rule as it is declared: float64, bird by bird, every pair.

    Also returns how near each bird is to seeing one more or one less: float32 may decide that differently.
    """
    after, reward, margin = np.empty_like(birds), np.zeros(birds.shape[1]), np.full(birds.shape[1], np.inf)
    for i, (x, y, vx, vy) in enumerate(birds.T):
        n, cohere, separate, match = 0, np.zeros(2), np.zeros(2), np.zeros(2)
        for j, (other_x, other_y, *velocity) in enumerate(birds.T):
            if i == j:
                continue
            way = np.array([other_x - x, other_y - y])
            way -= extent * np.round(way / extent)
            distance = np.hypot(*way)
            for limit in (config.visual_distance, config.separation):
                margin[i] = min(margin[i], abs(distance - limit))
            if distance <= config.visual_distance:
                n += 1
                cohere += way
                match += velocity
                if distance < config.separation:
                    separate -= way
        velocity = np.array([vx, vy])
        if n and np.hypot(*match) > 0:
            reward[i] = velocity @ match / (np.hypot(*velocity) * np.hypot(*match))
        n = max(n, 1)
        velocity = (
            velocity
            + cohere / n * config.cohere_factor
            + separate / n * config.separate_factor
            + match / n * config.match_factor
        ) / 2
        velocity /= np.hypot(*velocity)
        after[:2, i] = (birds[:2, i] + velocity * config.speed) % extent
        after[2:, i] = velocity
    return after, reward, margin


def flock_of(n, **changes):
    """Return a flock of `n` birds and the states they start with."""
    world = Flock(FlockConfig(**changes), n)
    birds = np.full((4, n), np.nan, np.float32)
    world.reset(uniform(3, Stream.RESET, np.arange(n, dtype=np.uint64), 0, 0, world.reset_draws), birds)
    return world, birds


def stepped(world, birds, bounds=None, compiled=False):
    """Return (next states, rewards) of all birds, made slice by slice; `bounds` are where slices meet."""
    n = birds.shape[1]
    out, reward, terminated = np.full_like(birds, np.nan), np.full(n, np.nan, np.float32), np.ones(n, bool)
    bounds = [0, n] if bounds is None else bounds
    step = world.compiled_step_among() if compiled else None
    action = np.empty((0, n), np.float32)
    for begin, end in pairwise(bounds):
        part = slice(begin, end)
        results = action[:, part], out[:, part], reward[part], terminated[part]
        if step:
            step.kernel(*step.context, birds, begin, end, *results)
        else:
            world.step_among(birds, part, *results)
    assert not terminated.any()
    return out, reward


def same_bits(a, b):
    return all(one.tobytes() == other.tobytes() for one, other in zip(a, b, strict=True))


def place(*positions, velocity=(1.0, 0.0)):
    """Return birds at `positions`, all with the same velocity."""
    return np.array([[*position, *velocity] for position in positions], np.float32).T.copy()


def order_parameter(birds):
    """Return how much the birds agree on where to fly: 1 if all do, about 1/sqrt(n) if none does."""
    return np.hypot(*birds[2:].mean(axis=1))


MODELS = {
    "small": (200, {"extent": 100.0, "visual_distance": 5.0}),
    "large": (400, {"extent": 150.0, "visual_distance": 15.0}),
    "auto": (150, {}),
    "dense": (300, {"extent": 20.0}),
    "three cells": (120, {"extent": 15.5}),
    "two cells": (90, {"extent": 12.0}),
    "one cell": (60, {"extent": 8.0}),
    "sees round the square": (40, {"extent": 3.0}),
    "sparse": (50, {"extent": 300.0, "speed": 20.0}),
}


@pytest.fixture(params=MODELS, scope="module")
def model(request):
    """A flock of each size, at its start and after some steps, when birds are close to each other."""
    n, changes = MODELS[request.param]
    world, birds = flock_of(n, **changes)
    states = [birds]
    for _ in range(40):
        birds, _ = stepped(world, birds, compiled=True)
    return world, FlockConfig(**changes), [*states, birds]


def test_a_step_is_as_declared(model):
    world, config, states = model
    extent = float(world.rules.extent)
    for birds in states:
        after, reward = stepped(world, birds)
        expected, expected_reward, margin = declared(birds.astype(np.float64), config, extent)
        sure = margin > 1e-5
        assert sure.mean() > 0.9
        moved = after[:2] - expected[:2]
        moved -= extent * np.round(moved / extent)
        assert np.abs(moved[:, sure]).max() < ONE_STEP * max(extent, 10)
        assert np.abs(after[2:] - expected[2:])[:, sure].max() < ONE_STEP
        assert np.abs(reward - expected_reward)[sure].max() < 1e-4


def test_compiled_and_plain_steps_are_equal_bit_by_bit(model):
    world, _, states = model
    for birds in states:
        assert same_bits(stepped(world, birds), stepped(world, birds, compiled=True))


@pytest.mark.parametrize("compiled", [False, True])
def test_slices_do_not_matter(model, compiled):
    world, _, states = model
    n = world.num_agents
    for birds in states:
        whole = stepped(world, birds, compiled=compiled)
        for bounds in ([0, n // 2, n], [0, 1, 2, n - 3, n - 3, n], [*range(0, n, 32), n]):
            assert same_bits(whole, stepped(world, birds, bounds, compiled))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.floats(0.5, 200), st.floats(0.1, 30))
def test_both_are_equal_in_any_square(seed, n, extent, visual_distance):
    world, _ = flock_of(n, extent=extent, visual_distance=visual_distance)
    rng = np.random.default_rng(seed)
    whole = rng.uniform(0, 1, (2, n)).astype(np.float32) * world.rules.extent
    whole[:, rng.random(n) < 0.2] = 0  # many at one place, and on an edge
    whole = np.minimum(whole, np.nextafter(world.rules.extent, np.float32(0)))
    birds = np.concatenate([whole, rng.normal(size=(2, n)).astype(np.float32)])
    plain = stepped(world, birds)
    assert same_bits(plain, stepped(world, birds, [0, n // 3, n], compiled=True))
    assert (plain[0][:2] >= 0).all()
    assert (plain[0][:2] < world.rules.extent).all()


def test_more_birds_than_a_block():
    world, birds = flock_of(2600)
    assert same_bits(stepped(world, birds), stepped(world, birds, [0, 1300, 2600], compiled=True))


def test_a_bird_alone_flies_straight_on_and_has_no_reward():
    world = Flock(FlockConfig(extent=100.0), 1)
    birds = place((99.5, 40.0))
    after, reward = stepped(world, birds)
    np.testing.assert_array_equal(after[:, 0], np.float32([0.5, 40, 1, 0]))
    assert reward[0] == 0


def test_neighbours_are_seen_across_edges_and_corners():
    world = Flock(FlockConfig(extent=100.0, match_factor=0.0), 2)
    for first, second in (((99, 50), (2, 50)), ((50, 1), (50, 98)), ((99, 99), (1, 1)), ((1, 99), (99, 1))):
        after, reward = stepped(world, place(first, second, velocity=(0.6, 0.8)))
        way = np.subtract(second, first) - 100 * np.round(np.subtract(second, first) / 100)
        turn = after[2, 0] * np.float32(0.8) - after[3, 0] * np.float32(0.6)
        assert np.sign(turn) == np.sign(way[0] * 0.8 - way[1] * 0.6) or way[0] * 0.8 == way[1] * 0.6
        np.testing.assert_allclose(reward, 1, atol=1e-6)
        expected = np.array([0.6, 0.8]) + 0.03 * way
        np.testing.assert_allclose(after[2:, 0], expected / np.hypot(*expected), atol=1e-6)


def test_a_bird_just_as_far_as_one_sees_is_seen():
    world = Flock(FlockConfig(extent=100.0), 2)
    assert stepped(world, place((10, 10), (13, 14)))[1].tolist() == [1, 1]
    beyond = np.nextafter(np.float32(14), np.float32(15))
    assert stepped(world, place((10, 10), (13, beyond)))[1].tolist() == [0, 0]


def test_birds_at_one_place_with_nowhere_to_go_keep_their_velocity():
    world = Flock(FlockConfig(extent=100.0, match_factor=1.0), 2)
    birds = place((50, 50), (50, 50))
    birds[2, 1] = -1
    after, reward = stepped(world, birds)
    np.testing.assert_array_equal(after[2:], birds[2:])
    assert reward.tolist() == [-1, -1]


def test_starts_are_all_over_the_square_and_fly_at_speed_one():
    world, birds = flock_of(20_000)
    extent = float(world.rules.extent)
    assert extent == 1000
    assert [variable.high for variable in world.state[:2]] == [extent, extent]
    np.testing.assert_allclose(np.hypot(*birds[2:]), 1, atol=3e-7)
    assert birds[:2].min() >= 0
    assert birds[:2].max() < extent
    np.testing.assert_allclose(birds[:2].mean(axis=1) / extent, 0.5, atol=0.01)
    assert order_parameter(birds) < 0.02


def test_a_draw_next_to_one_starts_within_the_square():
    world = Flock(FlockConfig(), 7)
    out = np.empty((4, 1), np.float32)
    world.reset(np.full((3, 1), np.nextafter(np.float32(1), np.float32(0))), out)
    assert (out[:2] < world.rules.extent).all()


def test_a_flock_forms():
    """In the small model more birds agree with their neighbours than at the start."""
    world, birds = flock_of(200, **MODELS["small"][1])
    start, (_, first_reward) = order_parameter(birds), stepped(world, birds, compiled=True)
    for _ in range(1000):
        birds, reward = stepped(world, birds, compiled=True)
    assert start < 0.2
    assert order_parameter(birds) > 0.6
    assert first_reward.mean() < 0.2
    assert reward.mean() > 0.9


def test_episodes_of_the_flock_begin_again_as_numpys():
    """In the compiled loop, too, where the plain path makes those ticks."""
    from valuescape.sim.stepping.compiled.stepper import make_compiled_stepper

    flocks = []
    for make in (Stepper, make_compiled_stepper):
        world, _ = flock_of(60)
        world.max_episode_steps = 7
        arena, rules = stage(world, 60)
        stepper = make(arena, slice(0, 60), world, None, rules)
        stepper.initialise()
        tick = 0
        while tick < 30:
            tick = stepper.step_to(tick, 30)
        flocks.append(at_tick(arena, 30))
    assert (flocks[0]["number"] == 3).all()
    for name, values in flocks[0].items():
        np.testing.assert_array_equal(values, flocks[1][name], name)


def test_the_preset_is_the_small_model():
    config = load_config(PRESET)
    assert config.flock == FlockConfig(extent=100.0, visual_distance=5.0)
    assert config.agents.count == 200
