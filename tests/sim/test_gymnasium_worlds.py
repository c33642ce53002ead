"""Environments of Gymnasium as worlds: as by hand, for any number of workers, and after a kill."""

import os
import signal

import gymnasium
import numpy as np
import pytest
from crowds import check_until, crowd, hash_at, small

from sim.errors import UsageError
from sim.landscape import map_axes
from sim.layout import Ending
from sim.worlds import DiscreteAction, make_world

pytest.importorskip("gymnasium")
CART = ("world.name=gymnasium:CartPole-v1", "policy.checkpoint=random")
CAR = ("world.name=gymnasium:MountainCarContinuous-v0", "policy.checkpoint=random")


def test_spaces_become_variables():
    world = make_world("gymnasium:CartPole-v1")
    assert [each.name for each in world.state] == ["obs[0]", "obs[1]", "obs[2]", "obs[3]"]
    assert (world.state[0].high, world.state[1].high) == (pytest.approx(4.8), 10)
    assert world.obs == world.state
    assert isinstance(world.action, DiscreteAction)
    assert (world.action.n, world.max_episode_steps, world.step_s) == (2, 500, 0.02)
    assert map_axes(small(*CART, "heatmap.axes=obs[2], obs[3]"), world) == (2, 3)


def test_agents_go_where_the_environment_goes_by_hand():
    """Of one agent: its actions, taken from the crowd, in an environment that starts in the same state."""
    config = small(*CART, "agents.count=40", "workers.count=0")
    env = gymnasium.make("CartPole-v1").unwrapped
    env.reset(seed=0)
    with crowd(config) as engine:
        env.state = engine.row("state", 0)[:, 33].astype(np.float64)
        for tick in range(1, 200):
            engine.advance_to(tick)
            obs, reward, terminated, *_ = env.step(int(engine.row("action", tick)[0, 33]))
            np.testing.assert_allclose(engine.row("state", tick)[:, 33], obs, rtol=1e-4, atol=1e-5)
            assert engine.row("reward", tick)[33] == reward
            assert (engine.row("ending", tick)[33] == Ending.TERMINATED) == terminated
            if terminated:
                break
        assert terminated
        engine.advance_to(tick + 1)
        assert np.abs(engine.row("state", tick + 1)[:, 33]).max() <= 0.05
        assert engine.episode_stats().finished > 0


@pytest.mark.parametrize("name", [CART, CAR])
def test_a_run_is_the_same_for_any_number_of_workers(name):
    expected = hash_at(60, small(*name))
    assert hash_at(60, small(*name, "workers.count=3", "features.simd=false")) == expected


@pytest.mark.chaos
@pytest.mark.parametrize("name", [CART, CAR])
def test_a_run_is_the_same_after_a_worker_was_killed(name):
    with crowd(small(*name, "workers.count=2")) as engine:
        engine.advance_to(45)
        os.kill(engine.worker_pids[1], signal.SIGKILL)
        check_until(engine, lambda: engine.restarts == 1)
        engine.advance_to(120)
        seen = engine.state_hash()
    assert seen == hash_at(120, small(*name))


def test_an_episode_is_cut_off_at_the_time_limit():
    with crowd(small("world.name=gymnasium:MountainCar-v0", "agents.count=2")) as engine:
        engine.advance_to(200)
        assert engine.row("ending", 200).tolist() == [Ending.TRUNCATED] * 2
        engine.advance_to(210)
        assert engine.episodes().number.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("CartPole-v7", "has no environment 'CartPole-v7'\n  did you mean CartPole-v1"),
        ("os:CartPole-v1", "has no environment 'os:CartPole-v1'"),
        ("FrozenLake-v1", "observes Discrete"),
        ("", "has no environment ''"),
    ],
)
def test_what_is_no_world_is_refused(name, said):
    with pytest.raises(UsageError) as refusal:
        make_world(f"gymnasium:{name}")
    assert said in str(refusal.value)


def test_without_gymnasium_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "gymnasium", None)
    with pytest.raises(UsageError, match="needs gymnasium, which is not installed"):
        make_world("gymnasium:CartPole-v1")


def test_more_actions_than_the_log_can_hold_are_refused():
    with (
        pytest.raises(UsageError, match=r"lower agents\.count"),
        crowd(small(*CART, "agents.count=3000000", "workers.count=0")),
    ):
        pass
