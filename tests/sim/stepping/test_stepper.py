"""Ticks of a slice, against the same episodes worked out one agent at a time in plain Python."""

from typing import ClassVar

import numpy as np
import pytest
from lives import SEED, lives_of, shortened, stage

from valuescape.sim.rng import Stream, normal, uniform
from valuescape.sim.shared.layout import Ending
from valuescape.sim.stepping.stepper import ROW_ARRAYS, Stepper
from valuescape.sim.worlds import WORLDS, ContinuousAction, Variable
from valuescape.sim.worlds.base import ArrayWorld

AGENTS = 40


class Stairs(ArrayWorld):
    """Climb one step a tick, from step 0 to 7; 10 is the top. Five ticks at most."""

    name = "stairs"
    source = "this test"
    state: ClassVar = (Variable("step", "", 0, 10), Variable("age", "", 0, 5))
    obs = state
    action: ClassVar = ContinuousAction((Variable("push", "N", -2, 2),))
    step_s = 1.0
    max_episode_steps = 5
    reset_draws = 1

    def reset(self, draws, out):
        out[0] = np.floor(draws[0] * 8)
        out[1] = 0

    def step(self, state, action, out, reward, terminated):
        np.add(state, 1, out=out)
        reward[:] = out[0]
        terminated[:] = out[0] >= 10


class Push:
    """A policy whose action is half of the observation."""

    def act(self, obs, out):
        out[:] = obs[:1] / 2


def history(world, ticks, policy=None, exploration=0.0, agents=AGENTS, **rules):
    """Step a whole crowd; return, for each array of `lives_of`, its row of every tick."""
    arena, rules = stage(world, agents, exploration=exploration, **rules)
    return lives_of(Stepper(arena, slice(0, agents), world, policy, rules), ticks)


def lonely_life(world, agent, ticks, act):
    """One agent's life: for each tick (state, reward, ending, episode, episode_step, episode_return)."""
    episode = step = 0
    total, reward, ending = np.float32(0), np.float32(0), Ending.RUNNING
    state = start(world, agent, episode)
    for tick in range(ticks + 1):
        yield state[:, 0].copy(), reward, ending, episode, step, total
        if ending:
            episode, step, total, reward, ending = (
                episode + 1,
                0,
                np.float32(0),
                np.float32(0),
                Ending.RUNNING,
            )
            state = start(world, agent, episode)
            continue
        state, reward, terminated = stepped(world, state, act(state, agent, episode, tick))
        step, total = step + 1, total + reward
        ending = Ending.TRUNCATED if step >= world.max_episode_steps else Ending.RUNNING
        ending = Ending.TERMINATED if terminated else ending


def start(world, agent, episode):
    state = np.empty((len(world.state), 1), np.float32)
    world.reset(uniform(SEED, Stream.RESET, agent, episode, 0, world.reset_draws), state)
    return state


def stepped(world, state, action):
    following, reward, terminated = np.empty_like(state), np.empty(1, np.float32), np.empty(1, bool)
    world.step(state, action, following, reward, terminated)
    return following, reward[0], terminated[0]


def random_action(world):
    """Return the random policy's action: uniform over the action space, whatever the episode."""

    def act(_state, agent, _episode, tick):
        draw = uniform(SEED, Stream.EXPLORATION, agent, 0, tick, world.action.dim)
        if isinstance(world.action, ContinuousAction):
            low, high = world.action.low[:, None], world.action.high[:, None]
            return low + draw * (high - low)
        return np.floor(draw * np.float32(world.action.n))

    return act


@pytest.mark.parametrize(
    ("name", "episode_steps"), [("point_mass", 30), ("pendulum", 25), ("mountain_car", 20)]
)
def test_a_crowd_lives_as_its_agents_would_alone(name, episode_steps):
    world, ticks = shortened(name, episode_steps), 100
    seen = history(world, ticks)
    for agent in (0, 7, AGENTS - 1):
        life = zip(*lonely_life(world, agent, ticks, random_action(world)), strict=True)
        for array, told in zip(
            ("state", "reward", "ending", "number", "step", "episode_return"), life, strict=True
        ):
            np.testing.assert_array_equal(seen[array][..., agent], np.array(told), array)


def test_an_episode_ends_by_termination_or_by_its_length_and_starts_again():
    seen = history(Stairs(), 60)
    first = seen["state"][0, 0]
    assert set(first) == set(range(8))
    for agent in range(AGENTS):
        ends = np.flatnonzero(seen["ending"][:, agent])
        assert ends[0] == min(10 - first[agent], 5)
        # Who is five steps from the top reaches it with the last tick: that is a termination.
        expected = Ending.TERMINATED if first[agent] >= 5 else Ending.TRUNCATED
        assert seen["ending"][ends[0], agent] == expected
        begins = ends[ends < 60] + 1
        assert (seen["step"][begins, agent] == 0).all()
        assert (seen["ending"][begins, agent] == Ending.RUNNING).all()
        assert (np.diff(seen["number"][:, agent]) == np.isin(np.arange(60), ends)).all()


def test_finished_episodes_are_summed_up_once_each():
    seen = history(Stairs(), 60)
    for agent in range(AGENTS):
        ends = np.flatnonzero(seen["ending"][:, agent])
        assert seen["finished_count"][-1, agent] == len(ends)
        assert seen["finished_length"][-1, agent] == seen["step"][ends, agent].sum()
        assert seen["finished_return"][-1, agent] == seen["episode_return"][ends, agent].sum()
        assert seen["terminated_count"][-1, agent] == (seen["ending"][ends, agent] == 1).sum()
    assert 0 < seen["terminated_count"][-1].sum() < seen["finished_count"][-1].sum()


def test_the_return_is_the_sum_of_the_rewards_of_the_episode():
    seen = history(Stairs(), 60)
    for agent in range(AGENTS):
        for episode in range(int(seen["number"][-1, agent]) + 1):
            of_it = seen["number"][:, agent] == episode
            np.testing.assert_array_equal(
                seen["episode_return"][of_it, agent], np.cumsum(seen["reward"][of_it, agent])
            )


def test_a_policy_acts_on_what_it_sees_and_its_action_is_kept_with_the_tick_it_led_to():
    seen = history(Stairs(), 20, Push())
    going_on = seen["ending"][:-1] == Ending.RUNNING
    np.testing.assert_array_equal(seen["action"][1:, 0][going_on], seen["state"][:-1, 0][going_on] / 2)
    assert (seen["action"][1:, 0][~going_on] == 0).all()


def test_exploration_adds_noise_of_its_share_of_half_the_range_and_clips():
    plain, noisy = history(Stairs(), 1, Push()), history(Stairs(), 1, Push(), exploration=0.25)
    noise = 0.25 * 2 * normal(SEED, Stream.EXPLORATION, np.arange(AGENTS), 0, 0, 1)
    expected = np.clip(plain["action"][1] + noise, -2, 2)
    np.testing.assert_allclose(noisy["action"][1], expected, rtol=1e-6)
    assert (noisy["action"][1] == 2).any()


def test_exploration_of_discrete_actions_is_epsilon_greedy():
    class AlwaysLeft:
        def act(self, obs, out):
            out[:] = 0

    seen = history(WORLDS["mountain_car"](), 50, AlwaysLeft(), exploration=0.3, agents=2000)
    actions = seen["action"][1:].ravel()
    assert set(actions) == {0, 1, 2}
    # 100,000 draws: of each other action a tenth, with a deviation of 0.001; allow four.
    for other in (1, 2):
        assert (actions == other).mean() == pytest.approx(0.1, abs=0.004)


@pytest.mark.parametrize("name", ["point_mass", "mountain_car_continuous"])
def test_a_trail_is_where_the_agent_was(name):
    seen = history(shortened(name, 20), 60)
    np.testing.assert_array_equal(seen["trail_position"], seen["state"][:, :2].transpose(0, 2, 1))


@pytest.mark.parametrize("name", WORLDS)
def test_a_strand_is_new_exactly_where_an_episode_begins_or_the_map_wraps(name):
    world = shortened(name, 30)
    seen = history(world, 120)
    new = np.diff(seen["trail_strand"].astype(int), axis=0)
    begins = np.diff(seen["number"].astype(int), axis=0) > 0
    turns = np.zeros_like(begins)
    if name == "pendulum":
        turn = np.floor((seen["state"][:, 0].astype(float) + np.pi) / (2 * np.pi))
        turns = np.diff(turn, axis=0) != 0
        assert (turns & ~begins).any()
    np.testing.assert_array_equal(new, begins | turns)


def test_a_wrapped_trail_stays_on_the_map_at_the_same_angle():
    seen = history(WORLDS["pendulum"](), 150)
    angle, drawn = seen["state"][:, 0].astype(float), seen["trail_position"][..., 0]
    assert np.abs(angle).max() > np.pi
    assert np.abs(drawn).max() <= np.float32(np.pi)
    np.testing.assert_allclose(np.cos(drawn), np.cos(angle), atol=1e-5)
    np.testing.assert_allclose(np.sin(drawn), np.sin(angle), atol=1e-5)


def test_a_step_made_twice_gives_the_same():
    """As when a worker dies halfway through a tick, and the next one makes that tick again."""
    world = shortened("pendulum", 10)
    arena, rules = stage(world, AGENTS)
    stepper = Stepper(arena, slice(0, AGENTS), world, None, rules)
    stepper.initialise()
    for tick in range(25):
        stepper.step(tick)
        once = {name: arena[name].tobytes() for name in arena.layout.fields()}
        for name in (*ROW_ARRAYS, "trail_position", "trail_strand"):
            arena[name][(tick + 1) % len(arena[name])] = 99
        stepper.step(tick)
        assert {name: arena[name].tobytes() for name in arena.layout.fields()} == once
