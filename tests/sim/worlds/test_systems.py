"""Systems that are composed into a world: the same bits compiled and in NumPy, and as an independent loop."""

import numpy as np
import pytest
from lives import SEED, lives_of, stage
from sample_systems import WIND, doubling, hurrying, lagging, slipping, wind, wind_arrays
from stepping import observe, reset, step
from twins import assert_eventful, assert_same_lives, twins

from valuescape.api import Memory, Parameter
from valuescape.sim.codegen.compiler import source_key
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import own_plane
from valuescape.sim.rng import Stream, uniform
from valuescape.sim.rollouts.choose import state_rollouts
from valuescape.sim.rollouts.rules import RolloutRules, Rollouts
from valuescape.sim.shared.layout import Ending
from valuescape.sim.stepping.stepper import Stepper
from valuescape.sim.stepping.systems import SystemsStepper
from valuescape.sim.worlds import WORLDS, make_world
from valuescape.sim.worlds.systems.compose import with_systems
from valuescape.sim.worlds.systems.declared import System

AGENTS, TICKS = 70, 90


def world_with(*systems, name="mountain_car"):
    return with_systems(WORLDS[name](), systems)


def plain_lives(world):
    arena, rules = stage(world, AGENTS, exploration=0.1)
    kind = SystemsStepper if hasattr(world, "guard") else Stepper
    return lives_of(kind(arena, slice(0, AGENTS), world, None, rules), TICKS)


def test_a_world_with_systems_has_their_memory_parameters_and_draws_and_is_else_the_same():
    world, alone = world_with(wind, slipping, hurrying), WORLDS["mountain_car"]()
    assert [each.name for each in world.state] == ["position", "velocity", "gust", "steps", "total"]
    assert world.parameters == (*alone.parameters, WIND, slipping.parameters[0])
    assert (world.step_draws, world.name, world.obs) == (2, "mountain_car", alone.obs)
    assert isinstance(world, type(alone))
    draws = np.float32([[0.25, 0.75]])
    start = reset(world, draws)
    assert np.array_equal(start[:2], reset(alone, draws))
    assert np.array_equal(start[2:], np.float32([[0.001, 0.001], [0, 0], [0, 0]]))
    assert np.array_equal(observe(world, start), start[:2])
    assert own_plane(world).label == "at gust = 0.001 1/step², steps = 0, total = 0"


def test_a_gust_is_what_a_loop_over_agents_makes_of_it():
    """Position and velocity by the world alone; memory, push and draws by hand, one number at a time."""
    seen = plain_lives(world_with(wind))
    alone = WORLDS["mountain_car"]()
    for tick in range(30):
        draws = uniform(SEED, Stream.DYNAMICS, np.arange(AGENTS), 0, tick, 1)[0]
        following, _, _ = step(alone, seen["state"][tick][:2], seen["action"][tick + 1])
        for agent in np.flatnonzero(seen["ending"][tick] == Ending.RUNNING):
            memory = np.float32(seen["state"][tick][2, agent] * np.float32(0.9))
            memory += np.float32(draws[agent] - np.float32(0.5)) * np.float32(0.004)
            assert seen["state"][tick + 1][2, agent] == memory
            assert seen["state"][tick + 1][1, agent] == following[1, agent] + memory
    assert np.ptp(seen["state"][30][2]) > 0.001


def test_an_action_goes_through_the_systems_in_their_order_and_stays_within_its_bounds():
    """The arena keeps what the policy chose."""
    seen = plain_lives(world_with(doubling, lagging, name="mountain_car_continuous"))
    alone = WORLDS["mountain_car_continuous"]()
    chosen = seen["action"]
    for tick in range(1, 30):
        doubled = np.clip(chosen[tick] * 2, -1, 1).astype(np.float32)  # one step ago
        following, reward, _ = step(alone, seen["state"][tick][:2], doubled)
        assert np.array_equal(seen["state"][tick + 1][:2], following)
        assert np.array_equal(seen["reward"][tick + 1], reward)
    assert np.abs(chosen[1:]).max() > 0.9


def test_rewards_and_endings_are_what_the_last_system_makes_of_them():
    seen = plain_lives(world_with(hurrying))
    steps = seen["step"]
    going = seen["number"][1:] == seen["number"][:-1]
    expected = np.where(going, np.float32(-1) - steps[1:].astype(np.float32) * np.float32(0.1), 0)
    assert np.array_equal(seen["reward"][1:], expected.astype(np.float32))
    assert set(steps[seen["ending"] == 1]) == {41}
    assert seen["number"][-1].min() == 2


@pytest.mark.parametrize(
    ("name", "systems"),
    [
        ("mountain_car", (wind, slipping, hurrying, lagging)),
        ("mountain_car_continuous", (lagging, hurrying, doubling, wind, slipping)),
    ],
)
def test_compiled_and_numpy_and_a_chain_of_calls_give_the_same_bits(name, systems):
    world = world_with(*systems, name=name)
    world.values = {"wind": type(world.ranges[0])(0.001, 0.01)}  # each agent its own
    ours, theirs = twins(world, AGENTS, TICKS, exploration=0.1)
    assert_same_lives(ours, theirs)
    assert_eventful(ours)
    quiet = System("quiet", "after", _nothing, True)
    chained = world_with(*systems, quiet, name=name)
    chained.values = world.values
    assert_same_lives(ours, plain_lives(chained))


def _nothing(step):
    """Change nothing: the world then steps in NumPy."""


def test_an_array_system_gives_what_its_element_wise_twin_gives():
    assert_same_lives(plain_lives(world_with(wind)), plain_lives(world_with(wind_arrays)))


def test_rollouts_meet_the_wind_with_the_same_bits_compiled_and_in_numpy():
    found = []
    for world, simd in ((world_with(wind), True), (world_with(wind), False), (world_with(wind_arrays), True)):
        rules = RolloutRules.of(0.99, 200, exploration=0.0, seed=3)
        out = Rollouts.empty(64)
        states = np.zeros((3, 64), np.float32)
        states[0] = np.linspace(-1.0, 0.4, 64)
        state_rollouts(world, None, rules, simd=simd).run(states, out, slice(0, 64))
        found.append(out.value)
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])
    calm = Rollouts.empty(64)
    state_rollouts(WORLDS["mountain_car"](), None, rules).run(states[:2], calm, slice(0, 64))
    assert not np.array_equal(found[0], calm.value)


def test_machine_code_is_found_by_the_content_of_the_systems():
    keys = {source_key(world_with(each).dynamics) for each in (wind, slipping, lagging)}
    assert len(keys | {source_key(world_with(wind).dynamics)}) == 3


def test_a_system_works_in_its_worlds_alone():
    for_others = System("other", "before", doubling.function, worlds=("pendulum",))
    world = WORLDS["mountain_car"]()
    assert with_systems(world, (for_others,)) is world


@pytest.mark.parametrize(
    ("name", "reason"),
    [("flock", "agents see each other"), ("gymnasium:CartPole-v1", "change it with a gymnasium.Wrapper")],
)
def test_worlds_whose_steps_cannot_be_changed_are_refused_with_the_reason(name, reason):
    if name.startswith("gymnasium"):
        pytest.importorskip("gymnasium")
    with pytest.raises(UsageError, match=reason) as refusal:
        with_systems(make_world(name), (doubling,))
    assert str(refusal.value).startswith("system doubling (sample_systems.py line ")


def test_a_name_that_is_taken_is_refused_with_both_owners():
    with pytest.raises(UsageError, match="memory: the name 'velocity' is taken by world mountain_car"):
        world_with(System("a", "after", _memory, memory=(Memory("velocity", "", 0.0, 1.0),)))
    again = System("again", "after", wind.function, parameters=(WIND,), memory=(Memory("b", "", 0.0, 1.0),))
    with pytest.raises(UsageError, match=r"again .*: parameters: the name 'wind' is taken by system wind \("):
        world_with(wind, again)


def _memory(step):
    return step.next_state, step.reward, step.terminated, step.memory


def _sine(step):
    return (np.sin(step.action[0]),)


def _branch(step):
    return step.action if step.action[0] > 0 else (step.action[0],)


def _few(step):
    return step.next_state[:1], step.reward, step.terminated


def _double(step):
    return step.next_state, step.reward.astype(np.float64), step.terminated


def _mean(step):
    return step.next_state, step.reward + step.next_state[0].mean(), step.terminated


def _half(step):
    return (step.action[0] + np.float32(0.5),)


def _infinite(step):
    return step.next_state, step.reward / np.float32(0), step.terminated


def _two(step):
    return step.next_state, step.reward


def _in_place(step):
    step.state[0][:] = 0
    return step.action


def _later(step):
    return step.next_state


def _array_result(step):
    return step.next_state


def _array_writes_state(step):
    step.state[0] = 1


def _array_shape(step):
    step.reward[:] = np.zeros(3)


@pytest.mark.parametrize(
    ("when", "function", "arrays", "said"),
    [
        ("before", _sine, False, "np.sin gives other bits compiled"),
        ("before", _branch, False, "truth value of an array"),
        ("before", _half, False, "returns a choice that is no whole number"),
        ("before", _in_place, False, "read-only"),
        ("before", _later, False, "'BeforeStep' object has no attribute 'next_state'"),
        ("after", _few, False, r"it returns a tuple of 1\n.*expected a tuple of 2 \(position, velocity\)"),
        ("after", _double, False, "reward as float64, expected float32"),
        ("after", _mean, False, "depends on which others are in the call"),
        ("after", _infinite, False, "makes reward -inf from finite numbers"),
        ("after", _two, False, r"returns a tuple of 2\n.*\(next_state, reward, terminated\)"),
        ("after", _array_result, True, "expected None: an array system writes into the arrays"),
        ("after", _array_writes_state, True, "read-only"),
        ("after", _array_shape, True, "could not broadcast"),
    ],
)
def test_a_faulty_system_is_refused_with_file_and_line(when, function, arrays, said):
    faulty = System("faulty", when, function, arrays)
    with pytest.raises(UsageError, match=said) as refusal:
        world_with(wind, faulty)
    line = function.__code__.co_firstlineno
    text = str(refusal.value)
    assert text.startswith("system faulty")
    assert f"test_systems.py line {line}" in text or f"test_systems.py line {line + 1}" in text
    assert len(text.splitlines()) == 2


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"when": "during"}, "when = 'during'"),
        ({"parameters": [WIND]}, "parameters = "),
        ({"parameters": (Parameter("p", "", 3.0, 0.0, 1.0),)}, "low <= default <= high"),
        ({"memory": (WORLDS["mountain_car"].state[0],)}, "memory = "),
        ({"draws": -1}, "draws = -1"),
        ({"worlds": "pendulum"}, "worlds = 'pendulum'"),
    ],
)
def test_a_declaration_with_another_value_than_expected_is_refused(declared, said):
    with pytest.raises(UsageError, match=said):
        System(**{"name": "odd", "when": "after", "function": _memory} | declared)
