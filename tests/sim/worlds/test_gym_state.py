"""Environments of Gymnasium put into states: which can be, and what is said of those that cannot."""

import gymnasium
import numpy as np
import pytest
from settable_envs import CANNOT, Goal, Short, Walk, Windy, registered

from valuescape.sim.worlds import make_world
from valuescape.sim.worlds.gym_making import Making
from valuescape.sim.worlds.gym_state import read_state, twin_of, write_state
from valuescape.sim.worlds.gymnasium_world import try_states_of

CLASSIC = ["CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Pendulum-v1", "Acrobot-v1"]


@pytest.mark.parametrize("env_id", CLASSIC)
def test_classic_control_can_be_put_into_a_state(env_id):
    trial = try_states_of(make_world(f"gymnasium:{env_id}"))
    assert trial.reason == ""
    assert not trial.random


@pytest.mark.parametrize(("kind", "random"), [(Walk, False), (Short, False), (Windy, True)])
def test_an_own_environment_that_observes_its_state_can_be_too(monkeypatch, kind, random):
    trial = try_states_of(make_world(registered(monkeypatch, kind)))
    assert trial.reason == ""
    assert trial.random == random


@pytest.mark.parametrize("kind", CANNOT, ids=lambda kind: kind.__name__)
def test_what_cannot_be_put_into_a_state_says_why(monkeypatch, kind):
    assert CANNOT[kind] in try_states_of(make_world(registered(monkeypatch, kind))).reason


def test_the_goal_that_is_not_in_the_state_is_what_matters(monkeypatch):
    """The same environment with its goal fixed can be put into a state."""

    class Fixed(Goal):
        def reset(self, *, seed=None, options=None):
            result = super().reset(seed=seed)
            self.goal = 0.5
            return result

    assert try_states_of(make_world(registered(monkeypatch, Fixed))).reason == ""


class Lazy(gymnasium.ObservationWrapper):
    """Observes something else than the environment inside."""

    def observation(self, obs):
        return obs * 0.5


def test_a_class_derived_from_classic_control_keeps_the_twin_and_a_wrapper_may_not():
    class Heavier(gymnasium.envs.classic_control.PendulumEnv):
        pass

    assert twin_of(Heavier(g=20.0)).name == "pendulum"
    assert twin_of(Lazy(Heavier())) is None
    assert twin_of(Walk()) is None


@pytest.mark.parametrize("kind", [tuple, list, np.array])
def test_a_state_is_written_in_the_kind_that_it_has(kind):
    env = Walk()
    env.reset(seed=0)
    env.state = kind([0.1, 0.2])
    write_state(env, np.array([0.3, -0.3]))
    assert type(env.state) is type(kind([0.0]))
    assert read_state(env).tolist() == [0.3, -0.3]


def test_without_the_time_limit_an_episode_goes_on():
    for limited in (True, False):
        env = Making("gymnasium:MountainCar-v0").env(time_limit=limited)
        env.reset(seed=0)
        cut = [env.step(1)[3] for _ in range(250)]
        assert any(cut) == limited
