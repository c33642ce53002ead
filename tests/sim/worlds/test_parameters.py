"""Parameters and chance in a world's steps: NumPy and machine code, crowds and rollouts, alone and spread."""

import numpy as np
import pytest
from lives import SEED, shortened, stage
from small_worlds import Gusty, linear_policy
from stepping import random_states
from twins import assert_eventful, assert_same_lives, twins

from valuescape.sim.policy.inference import BLOCK
from valuescape.sim.rng import Stream, uniform
from valuescape.sim.rollouts.compiled import CompiledRollouts
from valuescape.sim.rollouts.plain import PlainRollouts
from valuescape.sim.rollouts.rules import RolloutRules, Rollouts
from valuescape.sim.shared.layout import slices
from valuescape.sim.stepping.compiled.stepper import make_compiled_stepper
from valuescape.sim.stepping.stepper import Stepper
from valuescape.sim.worlds.parameters import Range

SPREADS = [{}, {"wind": Range(-1, 2)}, {"gust": Range(0.5, 3), "mass": Range(2, 2)}]


def gusty(values):
    world = Gusty()
    world.values = values
    return world


@pytest.mark.parametrize("given_actions", [False, True])
@pytest.mark.parametrize("values", SPREADS)
def test_a_compiled_tick_with_chance_and_parameters_is_numpys(values, given_actions):
    plain, compiled = twins(gusty(values), 2100, 90, given_actions=given_actions)
    assert_eventful(plain)
    assert_same_lives(plain, compiled)


@pytest.mark.parametrize(
    ("name", "parameter"), [("pendulum", "length"), ("cartpole", "pole_length"), ("acrobot", "gravity")]
)
def test_a_shipped_world_with_a_spread_parameter_is_numpys(name, parameter):
    world = shortened(name, 30)
    world.values = {parameter: Range(0.5, 3)}
    plain, compiled = twins(world, 300, 60)
    assert_same_lives(plain, compiled)
    assert_eventful(plain)
    world.values = {}
    assert twins(world, 300, 60)[1]["state"].tobytes() != compiled["state"].tobytes()


def test_steps_are_made_with_the_agents_own_parameter_and_draws():
    seen = twins(gusty({"wind": Range(-1, 2)}), 50, 30)[1]
    agents = np.arange(50)
    wind = np.float32(-1) + uniform(SEED, Stream.PARAMETER, agents, 0, 0, 3)[0] * np.float32(3)
    assert np.ptp(wind) > 2
    np.testing.assert_allclose(np.diff(seen["state"][:, 0], axis=0), 0.05 * np.tile(wind, (30, 1)), atol=1e-6)
    for tick in range(30):
        draws = uniform(SEED, Stream.DYNAMICS, agents, 0, tick, 5)
        moved = seen["state"][tick + 1, 1] - seen["state"][tick, 1] - 0.05 * seen["action"][tick + 1, 0]
        np.testing.assert_allclose(moved, draws[:4].sum(axis=0) - draws[4], atol=2e-5)


@pytest.mark.parametrize("workers", [1, 3])
def test_slices_of_a_spread_crowd_come_to_the_same(workers):
    world, agents = gusty(SPREADS[1]), 1000
    whole, rules = stage(world, agents)
    parts, _ = stage(world, agents)
    steppers = [
        make_compiled_stepper(parts, part, world, None, rules) for part in slices(agents, workers, BLOCK)
    ]
    for stepper in (Stepper(whole, slice(0, agents), world, None, rules), *steppers):
        stepper.initialise()
        for tick in range(50):
            stepper.step(tick)
    for name in whole.layout.fields():
        assert whole[name].tobytes() == parts[name].tobytes(), name


def test_an_agent_with_a_seed_of_its_own_meets_the_same_again_at_another_tick():
    lives = []
    for tick in (0, 17):
        world = gusty(SPREADS[1])
        arena, rules = stage(world, 3, given_actions=True)
        stepper = make_compiled_stepper(arena, slice(0, 3), world, None, rules)
        stepper.initialise()
        for k in range(tick):
            stepper.step(k)
        stepper.begin(np.array([1]), tick, 99, np.array([0]))
        states = []
        for k in range(tick, tick + 100):  # beyond the end of the episode
            stepper.step(k)
            states.append(stepper.row(k + 1).state[:, 1].copy())
        lives.append(np.array(states))
    assert np.array_equal(*lives)


def rolled_out(path, world, states, number):
    out = Rollouts.empty(states.shape[1])
    rules = RolloutRules.of(0.9, 40, seed=5)
    path(world, linear_policy([2.0, 3.0]), rules).run(states, out, slice(0, states.shape[1]), number)
    return out


@pytest.mark.parametrize("values", SPREADS)
def test_compiled_rollouts_are_numpys_and_each_has_parameters_of_its_own(values):
    world = gusty(values)
    states = np.repeat(random_states(world, np.random.default_rng(3), 1), 3000, axis=1)
    made = [
        [rolled_out(path, world, states, number) for number in (0, 1)]
        for path in (PlainRollouts, CompiledRollouts)
    ]
    for ours, theirs in zip(*made, strict=True):
        np.testing.assert_array_equal(ours.value, theirs.value)
        np.testing.assert_array_equal(ours.end, theirs.end)
    first, second = made[0]
    assert (first.value[0] == first.value).all() == (not values.get("wind"))
    assert bool(values.get("wind")) == bool((first.value != second.value).any())
