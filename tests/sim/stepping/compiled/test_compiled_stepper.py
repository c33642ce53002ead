"""The compiled tick against the plain one, bit by bit."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lives import shortened, stage
from twins import ELEMENTWISE, assert_eventful, assert_same_lives, twins

from valuescape.sim.policy.inference import BLOCK
from valuescape.sim.shared.layout import Ending, slices
from valuescape.sim.stepping.stepper import Stepper
from valuescape.sim.worlds import WORLDS, ContinuousAction, Variable, make_world
from valuescape.sim.worlds.base import ElementwiseWorld

pytest.importorskip("numba")

from valuescape.sim.codegen.machine import BLOCK_AGENTS
from valuescape.sim.stepping.compiled.stepper import make_compiled_stepper

pytestmark = pytest.mark.regression


@pytest.mark.parametrize("agents", [1, 31, 33])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_compiled_tick_of_random_actions_is_numpys(name, agents):
    plain, compiled_ = twins(shortened(name, 40), agents, 400)
    assert_eventful(plain)
    assert_same_lives(plain, compiled_)


@pytest.mark.parametrize("agents", [2049, 4100])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_blocks_that_are_not_full_are_no_exception(name, agents):
    """One agent more than a block, and two blocks and a few."""
    assert BLOCK_AGENTS == 2048
    plain, compiled_ = twins(shortened(name, 25), agents, 60)
    assert_eventful(plain)
    assert_same_lives(plain, compiled_)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_whole_episodes_are_numpys(name):
    """Episodes of the world's own length, in which most of its states occur."""
    world = make_world(name)
    assert_same_lives(*twins(world, 40, min(world.max_episode_steps + 20, 1100)))


def given_actions(stepper):
    """Write actions within and beyond the bounds before every tick, whole ones for a choice."""
    space, rng = stepper.world.action, np.random.default_rng(3)

    def write(_tick):
        target = stepper.arena["given_action"]
        if isinstance(space, ContinuousAction):
            span = (space.high - space.low)[:, None]
            target[:] = space.low[:, None] + span * rng.uniform(-0.5, 1.5, target.shape)
        else:
            target[:] = rng.integers(-1, space.n + 1, target.shape)

    return write


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_given_actions_are_clipped_and_done_as_numpys(name):
    world = shortened(name, 40)
    plain, compiled_ = twins(world, 33, 300, before_tick=given_actions, given_actions=True)
    assert_eventful(plain)
    assert_same_lives(plain, compiled_)


class Wide(ElementwiseWorld):
    """Six state variables, of which agents see differences, and a single draw to start from."""

    name = "wide"
    source = "this test"
    state = tuple(Variable(f"s{index}", "", -9, 9) for index in range(6))
    obs = state[:3]
    action = ContinuousAction((Variable("push", "", -1, 1),))
    step_s = 1.0
    max_episode_steps = 9
    reset_draws = 1

    @staticmethod
    def start(draws):
        x = draws[0]
        return x, -x, x * x, x + x, -x * x, x

    @staticmethod
    def dynamics(state, action):
        a, b, c, d, e, f = state
        return (b, c, d, e, f, a + action[0]), a, a > d

    @staticmethod
    def observation(state):
        return state[0] - state[1], state[2] - state[3], state[4] - state[5]


def test_a_world_with_many_variables_few_draws_and_observations_of_its_own():
    plain, compiled_ = twins(Wide(), 2100, 60, before_tick=given_actions, given_actions=True)
    assert_eventful(plain)
    assert plain["obs"].any()
    assert_same_lives(plain, compiled_)


def restarted_by_hand(stepper):
    """Restart agents whose episodes ended, and every seventh tick one whose episode has not."""

    def restart(tick):
        ended = stepper.row(tick - 1).ending != Ending.RUNNING
        if tick % 7 == 0:
            ended[tick % len(ended)] = True
        stepper.restart(np.flatnonzero(ended), tick - 1)

    return restart


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_without_autoreset_agents_go_on_or_are_restarted_as_numpys(name):
    assert_same_lives(*twins(shortened(name, 20), 33, 100, autoreset=False))
    plain, compiled_ = twins(shortened(name, 20), 33, 300, before_tick=restarted_by_hand, autoreset=False)
    assert_eventful(plain)
    assert_same_lives(plain, compiled_)


PERIODIC_MAPS = list(
    {
        (name, *(WORLDS[name].state[axis].periodic for axis in axes)): (name, axes)
        for name in ELEMENTWISE
        for axes in itertools.permutations(range(len(WORLDS[name].state)), 2)
        if any(WORLDS[name].state[axis].periodic for axis in axes)
    }.values()
)
"""For each world two axes of which the first, the second, or both are periodic."""


@pytest.mark.parametrize(("name", "axes"), PERIODIC_MAPS)
def test_trails_on_a_periodic_map_are_numpys(name, axes):
    plain, compiled_ = twins(shortened(name, 150), 64, 300, map_axes=axes)
    assert_same_lives(plain, compiled_)


def test_some_trail_crosses_the_edge_of_a_periodic_map():
    """Otherwise the test above would compare nothing."""
    seen, _ = twins(shortened("pendulum", 150), 64, 150)
    assert seen["trail_strand"][149].any()


@settings(deadline=None, max_examples=12)
@given(st.integers(1, 4500), st.integers(1, 5), st.sampled_from(ELEMENTWISE))
def test_slices_stepped_on_their_own_come_to_the_same(agents, workers, name):
    world = shortened(name, 12)
    whole, rules = stage(world, agents)
    parts, _ = stage(world, agents)
    plain = Stepper(whole, slice(0, agents), world, None, rules)
    steppers = [
        make_compiled_stepper(parts, part, world, None, rules) for part in slices(agents, workers, BLOCK)
    ]
    for stepper in (plain, *steppers):
        stepper.initialise()
        for tick in range(20):
            stepper.step(tick)
    for name in whole.layout.fields():
        assert whole[name].tobytes() == parts[name].tobytes(), name


def test_a_compiled_tick_made_twice_gives_the_same():
    """As when a worker dies halfway through a tick, and the next one makes that tick again."""
    world = shortened("pendulum", 10)
    arena, rules = stage(world, 70)
    stepper = make_compiled_stepper(arena, slice(0, 70), world, None, rules)
    stepper.initialise()
    for tick in range(25):
        stepper.step(tick)
        once = {name: arena[name].tobytes() for name in arena.layout.fields()}
        for name in (
            "state",
            "action",
            "reward",
            "ending",
            "episode_return",
            "trail_position",
            "trail_strand",
        ):
            arena[name][(tick + 1) % len(arena[name])] = 99
        stepper.step(tick)
        assert {name: arena[name].tobytes() for name in arena.layout.fields()} == once


def test_the_plain_path_may_go_on_from_a_compiled_tick():
    """As a new worker does, whichever path it and the one before take."""
    world = shortened("acrobot", 15)
    arena, rules = stage(world, 40)
    twin, _ = stage(world, 40)
    part = slice(0, 40)
    plain, machine = (
        Stepper(arena, part, world, None, rules),
        make_compiled_stepper(arena, part, world, None, rules),
    )
    alone = Stepper(twin, part, world, None, rules)
    plain.initialise()
    alone.initialise()
    for tick in range(90):
        (machine if tick // 7 % 2 else plain).step(tick)
        alone.step(tick)
    for name in arena.layout.fields():
        assert arena[name].tobytes() == twin[name].tobytes(), name
