"""The worlds, side by side with what they claim to be: Gymnasium's, and the double integrator."""

import itertools
from dataclasses import dataclass, field

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stepping import bounds, observe, random_actions, random_states, reset, step

from valuescape.sim.errors import UsageError
from valuescape.sim.rng import Stream, uniform
from valuescape.sim.worlds import WORLDS, ContinuousAction, DiscreteAction, make_world
from valuescape.sim.worlds.registry import world_names

GYMNASIUM_IDS = {
    "mountain_car": "MountainCar-v0",
    "mountain_car_continuous": "MountainCarContinuous-v0",
    "pendulum": "Pendulum-v1",
}
ONE_STEP = {"mountain_car": 2e-7, "mountain_car_continuous": 2e-7, "pendulum": 3e-6}
"""The error allowed in one step, relative to a variable's range: two or three roundings of float32. The
pendulum's angle is not wrapped: after twelve turns (75 rad) a float32 holds it to 4e-6 only, and with it its
cosine and sine."""

FREE_RUNNING = 2e-4
"""The error allowed over a whole episode, relative to a variable's range: 999 roundings of 1e-7 that all go
the same way make 1e-4, and the valley may double that."""


def push_along(world, _rng, state):
    """Return actions that push with full force where the state already moves: the way to gain energy."""
    forward = state[1:2] >= 0
    if isinstance(world.action, DiscreteAction):
        return np.where(forward, np.float32(2), np.float32(0))
    return np.where(forward, world.action.high, world.action.low).astype(np.float32)


def brake(world, _rng, state):
    """Return actions that take speed away, until the pendulum hangs still."""
    return np.clip(-state[1:2], world.action.low, world.action.high)


# --- Gymnasium -------------------------------------------------------------------------------------------


@dataclass
class Comparison:
    """Two runs of the same episodes: for each step, (ours, theirs) of the agents whose episodes go on."""

    state: list = field(default_factory=list)
    obs: list = field(default_factory=list)
    reward: list = field(default_factory=list)
    terminated: int = 0
    truncated: int = 0

    def assert_close(self, world, tolerance):
        """Assert that states and observations differ by at most `tolerance` of their range; rewards too."""
        for pairs, variables in ((self.state, world.state), (self.obs, world.obs)):
            ours, theirs = (np.concatenate(side, axis=1) for side in zip(*pairs, strict=True))
            low, high = bounds(variables)
            error = np.abs(ours - theirs.astype(np.float64)).max(axis=1)
            assert (error <= tolerance * (high - low)).all(), f"{error} in {[v.name for v in variables]}"
        ours, theirs = (np.concatenate(side) for side in zip(*self.reward, strict=True))
        np.testing.assert_allclose(ours, theirs, rtol=max(tolerance, 1e-5), atol=max(tolerance, 1e-6))


def side_by_side(name, policy, starts, *, resynchronise):
    """Step our world and Gymnasium's environments through one whole episode for each start.

    starts: [2, n]; where NaN, the environment's own reset says. Both sides get the same actions. With
    `resynchronise` both also begin every step in the same state, else they run freely from the same start.
    Asserts that the episodes end in the same steps for the same reason. Returns the Comparison.
    """
    world, rng = make_world(name), np.random.default_rng(1)
    discrete = isinstance(world.action, DiscreteAction)
    environments = [gymnasium.make(GYMNASIUM_IDS[name], disable_env_checker=True) for _ in starts.T]

    def set_state(lane):
        environments[lane].unwrapped.state = state[:, lane].astype(np.float64)

    state = starts.astype(np.float32)
    for lane, environment in enumerate(environments):
        environment.reset(seed=lane)
        if np.isnan(starts[0, lane]):
            state[:, lane] = environment.unwrapped.state
        set_state(lane)

    result = Comparison()
    live = np.arange(len(environments))
    for taken in range(1, world.max_episode_steps + 1):
        action = policy(world, rng, state)
        state, reward, terminated = step(world, state, action)
        obs = observe(world, state)
        # An environment that is done is not stepped again; its agent goes on, but nobody looks at it.
        theirs = [environments[i].step(int(action[0, i]) if discrete else action[:, i]) for i in live]
        their_state = np.array([environments[i].unwrapped.state for i in live], np.float64).T
        result.state.append((state[:, live], their_state))
        result.obs.append((obs[:, live], np.array([one[0] for one in theirs]).T))
        result.reward.append((reward[live], np.array([one[1] for one in theirs])))

        their_terminated = np.array([one[2] for one in theirs])
        their_truncated = np.array([one[3] for one in theirs])
        np.testing.assert_array_equal(terminated[live], their_terminated, f"step {taken}")
        # Truncating is the engine's part; it does so by this number.
        np.testing.assert_array_equal(their_truncated, taken >= world.max_episode_steps, f"step {taken}")
        result.terminated += their_terminated.sum()
        result.truncated += (their_truncated & ~their_terminated).sum()

        ended = their_terminated | their_truncated
        if resynchronise:
            state[:, live] = their_state
            for lane in live[~ended]:
                set_state(lane)
        live = live[~ended]
        if not live.size:
            break
    assert not live.size
    assert result.terminated + result.truncated == len(environments)
    return result


def starts_of(name, own, anywhere):
    """Return `own` starts that are left to Gymnasium and `anywhere` that lie all over the map."""
    world = make_world(name)
    everywhere = random_states(world, np.random.default_rng(2), anywhere)
    # One that chance would hardly give: past the goal, but rolling back, which is no way to arrive.
    everywhere[:, 0] = bounds(world.state)[1] * [0.95, -0.5]
    return np.concatenate([np.full((2, own), np.nan), everywhere], axis=1)


@pytest.mark.parametrize("policy", [random_actions, push_along])
@pytest.mark.parametrize("name", GYMNASIUM_IDS)
def test_each_step_is_gymnasiums(name, policy):
    result = side_by_side(name, policy, starts_of(name, 12, 12), resynchronise=True)
    result.assert_close(make_world(name), ONE_STEP[name])
    # That the interesting cases occurred: the goal, the time limit, the wall, the speed limit.
    position, velocity = np.concatenate([theirs for _, theirs in result.state], axis=1)
    if name == "pendulum":
        assert result.truncated == 24
        assert (np.abs(velocity) == 8).any()
        assert (np.abs(position) > np.pi).any()
    else:
        assert result.terminated == 24 if policy is push_along else result.truncated >= 12
        assert ((position.astype(np.float32) == np.float32(-1.2)) & (velocity == 0)).any()


@pytest.mark.parametrize("policy", [random_actions, push_along])
@pytest.mark.parametrize("name", ["mountain_car", "mountain_car_continuous"])
def test_whole_episodes_in_the_valley_are_gymnasiums(name, policy):
    result = side_by_side(name, policy, starts_of(name, 12, 12), resynchronise=False)
    result.assert_close(make_world(name), FREE_RUNNING)
    if policy is push_along:
        assert result.terminated == 24
    else:
        assert result.truncated >= 12


@pytest.mark.parametrize("policy", [random_actions, brake])
def test_whole_episodes_of_the_pendulum_are_gymnasiums(policy):
    """Where the pendulum is not chaotic: a passage near upright makes any difference many times as large.

    Random torques are too weak to lift it there from near its rest; braking takes it to rest from anywhere.
    """
    starts = starts_of("pendulum", 12, 12)
    if policy is random_actions:
        starts = np.random.default_rng(3).uniform([[np.pi - 0.5], [-0.5]], [[np.pi + 0.5], [0.5]], (2, 24))
    result = side_by_side("pendulum", policy, starts, resynchronise=False)
    result.assert_close(make_world("pendulum"), FREE_RUNNING)
    assert result.truncated == 24


@pytest.mark.parametrize("name", GYMNASIUM_IDS)
def test_spaces_and_time_limit_are_gymnasiums(name):
    world, environment = make_world(name), gymnasium.make(GYMNASIUM_IDS[name])
    low, high = bounds(world.obs)
    np.testing.assert_array_equal(low, environment.observation_space.low)
    np.testing.assert_array_equal(high, environment.observation_space.high)
    if isinstance(world.action, ContinuousAction):
        np.testing.assert_array_equal(world.action.low, environment.action_space.low)
        np.testing.assert_array_equal(world.action.high, environment.action_space.high)
    else:
        assert world.action.n == environment.action_space.n
    assert world.max_episode_steps == gymnasium.spec(GYMNASIUM_IDS[name]).max_episode_steps


@pytest.mark.parametrize("name", GYMNASIUM_IDS)
def test_starts_are_distributed_as_gymnasiums(name):
    world, environment = make_world(name), gymnasium.make(GYMNASIUM_IDS[name])
    draws = uniform(4, Stream.RESET, np.arange(2000), 0, 0, world.reset_draws)
    ours = reset(world, draws)
    environment.reset(seed=4)
    theirs = []
    for _ in range(2000):
        environment.reset()
        theirs.append(environment.unwrapped.state)
    # Both uniform over the same range if all their quantiles agree; 2,000 draws of a uniform place those to a
    # deviation of 1.1 % of the range at most, the difference of two such to 1.6 %. Allow four.
    quantiles = np.linspace(0, 1, 21)
    difference = np.quantile(ours, quantiles, axis=1) - np.quantile(np.array(theirs), quantiles, axis=0)
    spread = np.ptp(np.array(theirs), axis=0)
    assert (np.abs(difference) <= 0.064 * spread).all()


# --- the point mass --------------------------------------------------------------------------------------


def runge_kutta(derivative, y, h):
    """One step of the classical fourth-order method, for any derivative, in whatever precision `y` has."""
    k1 = derivative(y)
    k2 = derivative(y + h / 2 * k1)
    k3 = derivative(y + h / 2 * k2)
    k4 = derivative(y + h * k3)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def double_integrator(action):
    """Return the derivative of (position, velocity) under accelerations `action` [n]."""
    return lambda y: np.stack([y[1], np.broadcast_to(action, y[1].shape)])


def bang_bang(world, _rng, state):
    """Return the time-optimal accelerations: full force, reversed on the parabola to the origin."""
    position, velocity = state
    switch = position + velocity * np.abs(velocity) / (2 * world.action.high[0])
    return np.where(switch > 0, world.action.low[0], world.action.high[0])[None]


def test_a_step_of_the_point_mass_is_runge_kuttas():
    world, rng = make_world("point_mass"), np.random.default_rng(5)
    state = random_states(world, rng, 1000)
    action = random_actions(world, rng, state)
    out, reward, terminated = step(world, state, action)
    position, velocity = state.astype(np.float64)
    acceleration = action[0].astype(np.float64)
    expected = runge_kutta(double_integrator(acceleration), np.stack([position, velocity]), 0.01)
    np.testing.assert_allclose(out, expected, rtol=2e-7, atol=2e-7)
    np.testing.assert_allclose(reward, -np.hypot(position, velocity) - 0.01 * acceleration**2, rtol=1e-6)
    np.testing.assert_array_equal(terminated, np.hypot(*expected) < 0.1)


def test_episodes_of_the_point_mass_are_runge_kuttas():
    world, rng = make_world("point_mass"), np.random.default_rng(6)
    state = reset(world, uniform(6, Stream.RESET, np.arange(50), 0, 0, world.reset_draws))
    exact = state.astype(np.float64)
    ended = np.zeros(50, bool)
    for _ in range(world.max_episode_steps):
        action = bang_bang(world, rng, state)
        state, _, terminated = step(world, state, action)
        exact = runge_kutta(double_integrator(action[0].astype(np.float64)), exact, 0.01)
        # Errors add up: a rounding of a position or velocity below 4 is 2e-7, and there are at most 300 steps
        # to the goal, over which a wrong velocity also moves the position.
        np.testing.assert_allclose(state[:, ~ended], exact[:, ~ended], rtol=0, atol=1e-4)
        ended |= terminated
        if ended.all():
            break
    assert ended.all(), "time-optimal control reaches the origin from everywhere"


def test_the_point_mass_terminates_within_a_tenth_of_the_origin():
    """The reached state counts, not the one left; the agents start so that they drift to the rim."""
    world = make_world("point_mass")
    around = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    for radius, expected in ((0.0, True), (0.0999, True), (0.1001, False), (1.0, False)):
        reached = radius * np.stack([np.cos(around), np.sin(around)])
        left = reached - np.stack([0.01 * reached[1], np.zeros(60)])
        _, _, terminated = step(world, left.astype(np.float32), np.zeros((1, 60), np.float32))
        np.testing.assert_array_equal(terminated, expected)


def test_the_point_mass_is_the_one_in_the_books():
    world = make_world("point_mass")
    assert (world.step_s, world.max_episode_steps) == (0.01, 1000)
    assert (world.action.low.tolist(), world.action.high.tolist()) == ([-5], [5])
    draws = uniform(7, Stream.RESET, np.arange(4000), 0, 0, world.reset_draws)
    starts = reset(world, draws)
    assert (starts >= -2).all()
    assert (starts < 2).all()
    # Position and velocity are independent and uniform: each its own draw, stretched to +-2.
    np.testing.assert_allclose(starts, 4 * draws - 2, atol=1e-6)


# --- every world -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WORLDS)
def test_starts_lie_on_the_map_even_at_the_ends_of_the_draws(name):
    world = make_world(name)
    ends = np.array([0, 1 - 2.0**-24], np.float32)
    draws = np.array(np.meshgrid(*[ends] * world.reset_draws)).reshape(world.reset_draws, -1)
    low, high = bounds(world.state)
    starts = reset(world, draws)
    assert (starts >= low[:, None]).all()
    assert (starts <= high[:, None]).all()


N = 101


@pytest.mark.parametrize("name", WORLDS)
@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, N), max_size=4))
def test_an_agents_fate_does_not_depend_on_the_batch(name, seed, cuts):
    """Bit for bit, in slices of the shared arrays as workers have them: results must not depend on them."""
    world, rng = make_world(name), np.random.default_rng(seed)
    draws = uniform(seed, Stream.RESET, np.arange(N), 0, 0, world.reset_draws)
    start, state = reset(world, draws), random_states(world, rng, N)
    action = random_actions(world, rng, state)
    whole = (start, *step(world, state, action), observe(world, state))

    parts = [np.empty_like(array) for array in whole]
    edges = sorted({0, N, *cuts})
    for slice_ in (slice(a, b) for a, b in itertools.pairwise(edges)):
        start, out, reward, terminated, obs = (part[..., slice_] for part in parts)
        world.reset(draws[:, slice_], start)
        world.step(state[:, slice_], action[:, slice_], out, reward, terminated)
        world.observe(state[:, slice_], obs)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", WORLDS)
def test_a_step_leaves_what_it_was_given_alone(name):
    world, rng = make_world(name), np.random.default_rng(8)
    state = random_states(world, rng, 10)
    action = random_actions(world, rng, state)
    before = state.copy(), action.copy()
    out, reward, _ = step(world, state, action)
    np.testing.assert_array_equal(state, before[0])
    np.testing.assert_array_equal(action, before[1])
    assert np.isfinite(out).all()
    assert np.isfinite(reward).all()


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_says_where_it_comes_from(name):
    world = make_world(name)
    assert world.name == name
    assert world.source
    for variable in (*world.state, *world.obs):
        assert variable.name
        assert variable.low < variable.high


@pytest.mark.parametrize("name", world_names())
def test_a_world_says_what_it_is_for_and_what_a_termination_means(name):
    world = make_world(name)
    assert 5 < len(world.goal) < 60
    assert not world.goal.endswith(".")
    assert world.termination in ("goal", "failure", "never")


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_terminates_if_it_says_so(name):
    world = make_world(name)
    rng = np.random.default_rng(0)
    state = random_states(world, rng, 30_000)
    *_, terminated = step(world, state, random_actions(world, rng, state))
    assert terminated.any() == (world.termination != "never")


def test_an_unknown_world_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError, match="pendulm") as refusal:
        make_world("pendulm")
    assert "did you mean pendulum?" in refusal.value.hint
