"""Parameters and chance in a world's steps: NumPy and machine code, crowds and rollouts, alone and spread."""

import inspect
import textwrap

import gymnasium
import numpy as np
import pytest
from lives import SEED, shortened, stage
from small_worlds import Gusty, linear_policy
from stepping import bounds, random_actions, random_states, step
from twins import assert_eventful, assert_same_lives, twins

from valuescape.sim.config.files import changed, load_config
from valuescape.sim.config.toml_writer import config_toml
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.inference import BLOCK
from valuescape.sim.rng import Stream, uniform
from valuescape.sim.rollouts.compiled import CompiledRollouts
from valuescape.sim.rollouts.plain import PlainRollouts
from valuescape.sim.rollouts.rules import RolloutRules, Rollouts
from valuescape.sim.shared.layout import slices
from valuescape.sim.stepping.compiled.stepper import make_compiled_stepper
from valuescape.sim.stepping.stepper import Stepper
from valuescape.sim.worlds import DiscreteAction, make_world
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


REFERENCES = {
    "pendulum": (
        "Pendulum-v1",
        {"gravity": 3.7, "mass": 2.5, "length": 0.6},
        {"g": 3.7, "m": 2.5, "l": 0.6},
        {},
    ),
    "mountain_car": (
        *("MountainCar-v0", {"gravity": 0.004, "force": 0.002, "goal": 0.3}),
        *({"gravity": 0.004, "force": 0.002, "goal_position": 0.3}, {}),
    ),
    "mountain_car_continuous": (
        *("MountainCarContinuous-v0", {"gravity": 0.001, "power": 0.003, "goal": 0.3}),
        *({"power": 0.003, "goal_position": 0.3}, {"step": ("0.0025", "0.001")}),
    ),
    "cartpole": (
        "CartPole-v1",
        {"gravity": 3.7, "cart_mass": 0.7, "pole_mass": 0.4, "pole_length": 3.0, "force": 4.0},
        *({"gravity": 3.7, "masscart": 0.7, "masspole": 0.4, "length": 1.5, "force_mag": 4.0}, {}),
    ),
    "acrobot": (
        "Acrobot-v1",
        {"gravity": 3.7, "mass_1": 2.0, "mass_2": 0.5, "length_1": 0.8, "length_2": 1.4},
        {
            "LINK_MASS_1": 2.0,
            "LINK_MASS_2": 0.5,
            "LINK_LENGTH_1": 0.8,
            "LINK_COM_POS_1": 0.4,
            "LINK_COM_POS_2": 0.7,
        },
        {"_dsdt": ("g = 9.8", "g = 3.7")},
    ),
}
"""Gymnasium's environment, our values, its attributes, and numbers to replace in its methods' source."""


def changed_reference(env_id, attributes, sources):
    """Return Gymnasium's environment with other numbers; those that are written in its methods, too."""
    environment = gymnasium.make(env_id, disable_env_checker=True).unwrapped
    environment.reset(seed=0)
    for name, value in attributes.items():
        setattr(environment, name, value)
    if hasattr(environment, "total_mass"):
        environment.total_mass = environment.masspole + environment.masscart
        environment.polemass_length = environment.masspole * environment.length
    for name, (number, other) in sources.items():
        method = getattr(type(environment), name)
        source = textwrap.dedent(inspect.getsource(method))
        assert source.count(number) == 1
        names = dict(method.__globals__)
        exec(source.replace(number, other), names)
        setattr(environment, name, names[name].__get__(environment))
    return environment


@pytest.mark.parametrize("name", REFERENCES)
def test_other_parameters_do_what_they_do_in_gymnasium(name):
    env_id, values, attributes, sources = REFERENCES[name]
    world, rng = (
        make_world(name, load_config(None, [f"world.name={name}", *given(values)])),
        np.random.default_rng(5),
    )
    environment = changed_reference(env_id, attributes, sources)
    states = random_states(world, rng, 300)
    actions = random_actions(world, rng, states)
    ours, reward, terminated = step(world, states, actions)
    plain = step(make_world(name), states, actions)[0]
    low, high = bounds(world.state)
    for index in range(300):
        environment.state = states[:, index].astype(np.float64)
        environment.steps_beyond_terminated = None  # else the cart-pole warns of a state after an end
        action = int(actions[0, index]) if isinstance(world.action, DiscreteAction) else actions[:, index]
        _, theirs, over, *_ = environment.step(action)
        apart = (ours[:, index] - environment.state) / (high - low)
        apart -= np.round(apart) * [variable.periodic for variable in world.state]
        assert np.abs(apart).max() < 1e-5
        if name != "acrobot":  # whose goal in Gymnasium does not know of lengths
            assert terminated[index] == over
            assert reward[index] == pytest.approx(theirs, rel=1e-5, abs=1e-5)
    assert np.abs((ours - plain) / (high - low)[:, None]).max() > 1e-3


def given(values):
    return [f"world.parameters.{name}={value}" for name, value in values.items()]


def test_the_goal_of_the_acrobot_is_a_metre_above_its_fixed_end_whatever_the_lengths():
    world = make_world(
        "acrobot", load_config(None, ["world.name=acrobot", *given({"length_1": 0.5, "length_2": 1.8})])
    )
    states = random_states(world, np.random.default_rng(6), 2000)
    following, reward, terminated = step(world, states, np.ones((1, 2000), np.float32))
    height = -0.5 * np.cos(following[0]) - 1.8 * np.cos(following[0] + following[1])
    clear = np.abs(height - 1) > 1e-4
    np.testing.assert_array_equal(terminated[clear], height[clear] > 1)
    assert 0 < terminated.mean() < 1
    np.testing.assert_array_equal(reward == 0, terminated)


def test_a_light_point_is_pushed_the_farther_and_a_narrow_robot_turns_the_more():
    state = np.zeros((2, 1), np.float32)
    light = make_world("point_mass", load_config(None, ["world.name=point_mass", *given({"mass": 0.5})]))
    assert step(light, state, np.ones((1, 1), np.float32))[0][1, 0] == pytest.approx(0.02)
    state, wheels = np.zeros((3, 1), np.float32), np.array([[0.1], [0.4]], np.float32)
    narrow = make_world(
        "differential_drive", load_config(None, ["world.name=differential_drive", *given({"track": 0.15})])
    )
    assert step(narrow, state, wheels)[0][2, 0] == pytest.approx(0.3 / 0.15 * 0.1)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("gravty=8", "'gravty' is no parameter of world pendulum\n.*did you mean gravity"),
        ("gravity=80", "world.parameters.gravity = 80.0, expected a number from 0 to 50 m/s²"),
        ("gravity=8..80", "world.parameters.gravity = '8..80', expected a number from 0 to 50"),
        ("gravity=12..8", "world.parameters.gravity = '12..8': the lower end comes first: 8..12"),
        ("gravity=heavy", "world.parameters.gravity = 'heavy', expected"),
        ("gravity=nan", "world.parameters.gravity = nan, expected a number or text"),
        ("gravity=true", "world.parameters.gravity = True, expected a number or text"),
    ],
)
def test_an_unknown_or_impossible_parameter_is_refused_by_name(value, said):
    with pytest.raises(UsageError, match=said):
        make_world("pendulum", load_config(None, ["world.name=pendulum", f"world.parameters.{value}"]))


def test_a_world_without_parameters_says_so():
    with pytest.raises(UsageError, match="'x' is unknown; world flock has no parameters"):
        make_world("flock", load_config(None, ["world.name=flock", "world.parameters.x=1"]))


def test_parameters_are_told_to_a_file_and_another_world_forgets_them(tmp_path):
    path = tmp_path / "windy.toml"
    path.write_text('[world]\nname = "pendulum"\n[world.parameters]\ngravity = "8..12"\n')
    config = load_config(path, ["world.parameters.mass=2"])
    assert config.world.parameters == {"gravity": "8..12", "mass": 2.0}
    path.write_text(config_toml(config))
    assert load_config(path) == config
    assert load_config(path, ["world.parameters.force=3", "world.name=cartpole"]).world.parameters == {
        "force": 3.0
    }
    assert changed(config, {"world.parameters.mass": 3.0}).world.parameters == {
        "gravity": "8..12",
        "mass": 3.0,
    }
    assert changed(config, {"world.name": "cartpole"}).world.parameters == {}
