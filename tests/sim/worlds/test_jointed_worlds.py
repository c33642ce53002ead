"""The cart-pole and the acrobot, side by side with Gymnasium's."""

import gymnasium
import numpy as np
import pytest
from stepping import bounds, observe, random_actions, reset, step

from valuescape.sim.rng import Stream, uniform
from valuescape.sim.worlds import make_world

IDS = {"cartpole": "CartPole-v1", "acrobot": "Acrobot-v1"}
LANES = 24

ONE_STEP = 1e-6
"""The error allowed in one step, relative to a variable's range: a few roundings of float32. Measured:
1.2e-7, in the acrobot's velocity, behind four stages of Runge-Kutta."""

FREE_RUNNING = 2e-4
"""The error allowed over a whole episode where the motion is not chaotic; measured: 1.5e-6."""


def always_left(_world, _rng, state):
    return np.zeros((1, state.shape[1]), np.float32)


def balance(_world, _rng, state):
    """Push to the side to which the pole leans, less so the further the cart is off."""
    position, velocity, angle, turning = state
    return (angle + 0.5 * turning + 0.02 * position + 0.05 * velocity > 0)[None].astype(np.float32)


def pump(_world, _rng, state):
    """Push the acrobot's second link where it already turns: the way to gain energy."""
    return np.where(state[3:4] >= 0, np.float32(2), np.float32(0))


def damp(_world, _rng, state):
    """Push against the second link's turning, until the chain hangs still."""
    return np.where(state[3:4] >= 0, np.float32(0), np.float32(2))


def environments_and_starts(name):
    """Return Gymnasium's environments, freshly reset, and their states [4, LANES], rounded to float32."""
    environments = [gymnasium.make(IDS[name], disable_env_checker=True) for _ in range(LANES)]
    for lane, environment in enumerate(environments):
        environment.reset(seed=lane)
    state = np.array([each.unwrapped.state for each in environments], np.float32).T
    put(environments, state, range(LANES))
    return environments, state


def put(environments, state, lanes):
    for lane in lanes:
        environments[lane].unwrapped.state = state[:, lane].astype(np.float64)


def difference(variables, ours, theirs):
    """Return how far apart two sets of variables are, relative to their ranges and around periodic ones."""
    low, high = (end.astype(np.float64)[:, None] for end in bounds(variables))
    apart = (ours - theirs) / (high - low)
    periodic = np.array([variable.periodic for variable in variables])[:, None]
    return np.abs(np.where(periodic, apart - np.round(apart), apart)).max()


def lengths_of_episodes(name, policy, tolerance, *, resynchronise):
    """Step both sides through an episode each lane and compare all they return; return the episodes' lengths.

    Both get the actions that `policy` takes in our states. With `resynchronise` both begin every step in the
    same state, else only the first.
    """
    world, rng = make_world(name), np.random.default_rng(1)
    environments, state = environments_and_starts(name)
    live, lengths = np.arange(LANES), np.zeros(LANES, int)
    while live.size:
        action = policy(world, rng, state)
        state, reward, terminated = step(world, state, action)
        obs = observe(world, state)
        theirs = [environments[lane].step(int(action[0, lane])) for lane in live]
        their_obs, their_reward, their_terminated, truncated = (
            np.array([one[part] for one in theirs]) for part in range(4)
        )
        their_state = np.array([environments[lane].unwrapped.state for lane in live]).T
        assert difference(world.state, state[:, live], their_state) <= tolerance
        assert difference(world.obs, obs[:, live], their_obs.T) <= tolerance
        np.testing.assert_array_equal(reward[live], their_reward)
        np.testing.assert_array_equal(terminated[live], their_terminated)
        lengths[live] += 1
        np.testing.assert_array_equal(truncated, lengths[live] >= world.max_episode_steps)
        if resynchronise:
            state[:, live] = their_state
            put(environments, state, live)
        live = live[~(their_terminated | truncated)]
    return lengths


@pytest.mark.parametrize(
    ("name", "policy", "shortest", "longest"),
    [
        ("cartpole", random_actions, 5, 100),
        ("cartpole", always_left, 5, 15),
        ("cartpole", balance, 500, 500),
        ("acrobot", random_actions, 400, 500),
        ("acrobot", pump, 50, 200),
    ],
)
def test_each_step_is_gymnasiums(name, policy, shortest, longest):
    lengths = lengths_of_episodes(name, policy, ONE_STEP, resynchronise=True)
    assert shortest <= lengths.min()
    assert lengths.max() <= longest


@pytest.mark.parametrize(
    ("name", "policy"), [("cartpole", random_actions), ("cartpole", always_left), ("acrobot", damp)]
)
def test_whole_episodes_are_gymnasiums(name, policy):
    """Where the motion is not chaotic: falling poles within tens of steps, a chain that comes to rest."""
    lengths_of_episodes(name, policy, FREE_RUNNING, resynchronise=False)


def test_the_rim_ends_an_episode_of_the_cartpole_as_a_fallen_pole_does():
    """Gymnasium's bounds: beyond 2.4 m or 12 degrees, to either side."""
    angle = np.radians(12)
    for x, tilt, expected in (
        (2.399, 0, False),
        (2.401, 0, True),
        (-2.401, 0, True),
        (0, angle - 1e-4, False),
        (0, angle + 1e-4, True),
        (0, -angle - 1e-4, True),
    ):
        _, reward, terminated = step(
            make_world("cartpole"),
            np.array([[x], [0], [tilt], [0]], np.float32),
            np.zeros((1, 1), np.float32),
        )
        assert (terminated[0], reward[0]) == (expected, 1)


def test_an_acrobot_is_bounded_as_gymnasiums():
    """Started beyond its greatest speeds and near the seam of its angles, in every direction."""
    world = make_world("acrobot")
    environments, _ = environments_and_starts("acrobot")
    signs = np.array(np.meshgrid(*[(-1, 1)] * 4)).reshape(4, -1)
    state = (signs * np.array([[3.1], [3.1], [13.0], [29.0]])).astype(np.float32)
    put(environments, state, range(16))
    for action in range(3):
        out, _, _ = step(world, state, np.full((1, 16), action, np.float32))
        put(environments, state, range(16))
        for environment in environments[:16]:
            environment.unwrapped.step(action)
        theirs = np.array([each.unwrapped.state for each in environments[:16]]).T
        assert difference(world.state, out, theirs) <= 1e-5  # at 29 rad/s every rounding counts for more
        assert (np.abs(out[2:]) <= bounds(world.state[2:])[1][:, None]).all()


@pytest.mark.parametrize("name", IDS)
def test_actions_time_limit_and_starts_are_gymnasiums(name):
    world, environment = make_world(name), gymnasium.make(IDS[name])
    assert world.action.n == environment.action_space.n
    assert world.max_episode_steps == gymnasium.spec(IDS[name]).max_episode_steps
    low, high = bounds(world.obs)
    # The cart-pole's are the map's window, inside Gymnasium's unlimited ones.
    assert (low >= environment.observation_space.low).all()
    assert (high <= environment.observation_space.high).all()
    if name == "acrobot":
        np.testing.assert_array_equal(high, environment.observation_space.high)
    ours = reset(world, uniform(4, Stream.RESET, np.arange(4000), 0, 0, world.reset_draws))
    rim = {"cartpole": 0.05, "acrobot": 0.1}[name]
    assert np.abs(ours).max() <= rim
    # Uniform: 4,000 draws place quantiles to 0.8 % of the range at most. Allow four deviations.
    quantiles = np.linspace(0, 1, 21)
    expected = (2 * quantiles - 1)[:, None] * rim
    assert np.abs(np.quantile(ours, quantiles, axis=1) - expected).max() <= 0.032 * 2 * rim
    assert np.abs(np.corrcoef(ours) - np.eye(4)).max() < 0.07
