"""Vectorised environments: the rows of single ones that Gymnasium steps, however they begin again."""

import os
import signal
from contextlib import ExitStack

import gymnasium
import numpy as np
import pytest
import vector_worlds
from crowds import check_until, crowd, small
from gymnasium.spaces import flatten
from vector_worlds import LIMIT, SEEDS, Hopper

from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.registry import PLUGINS
from valuescape.sim.policy.inference import BatchPolicy
from valuescape.sim.policy.network import Activation, ActorHead, Checkpoint, CriticKind, Layer, Mlp
from valuescape.sim.policy.trials import trials
from valuescape.sim.shared.layout import Ending
from valuescape.sim.worlds import declare_environment, make_world

WEIGHT = np.array([[1.0, -0.5, 0.3, 0.1], [-0.7, 0.4, -0.2, 0.6]], np.float32)
BIAS = np.array([0.1, 0.0], np.float32)
TICKS = 40


@pytest.fixture(autouse=True)
def forgotten():
    yield
    PLUGINS.withdraw("")


def checkpoint():
    """A policy that goes one way or the other, by what it sees."""
    none = np.zeros(0, np.float32)
    critic = Layer(np.ones((1, 4), np.float32), np.zeros(1, np.float32), Activation.IDENTITY)
    actor = Layer(WEIGHT, BIAS, Activation.IDENTITY)
    head, kind = ActorHead.ARGMAX, CriticKind.STATE_VALUE
    mlps = Mlp((actor,)), head, (Mlp((critic,)),), kind
    return Checkpoint("ppo", "", 4, *mlps, none, none, None, 0.9)


def configured(maker, *changes):
    name = declare_environment(maker)
    return small(
        f"world.name={name}", f"world.max_episode_steps={LIMIT}", "policy.checkpoint=random", *changes
    )


def by_hand(seed, *, shows_starts):
    """Yield (where, side, reward, ending, return) of an environment that is stepped alone.

    shows_starts: whether a start is shown before the first step of each episode but the first.
    """
    env, first = Hopper(), True
    while True:
        obs, _ = env.reset(seed=seed if first else None)
        total, step = 0.0, 0
        if first or shows_starts:
            yield obs, 0.0, Ending.RUNNING, 0.0
        over = False
        while not over:
            flat = flatten(env.observation_space, obs).astype(np.float32)
            obs, reward, terminated, truncated, _ = env.step(3 + int(np.argmax(WEIGHT @ flat + BIAS)))
            over, step, total = terminated or truncated, step + 1, total + reward
            ending = Ending.TERMINATED if terminated else Ending.TRUNCATED if truncated else Ending.RUNNING
            hidden = step == 1 and not first and not shows_starts
            yield obs, 0.0 if hidden else reward, ending, total
        first = False


@pytest.mark.parametrize("maker", ["next_step", "same_step", "disabled"])
def test_rows_are_those_of_environments_stepped_alone(maker):
    config = configured(getattr(vector_worlds, maker), "agents.count=5")
    SEEDS.clear()
    with crowd(config, checkpoint()) as engine:
        seeds = SEEDS[-5:]
        rows = []
        for tick in range(TICKS + 1):
            engine.advance_to(tick)
            names = ("state", "reward", "ending", "episode_return")
            rows.append([engine.row(name, tick).copy() for name in names])
        assert engine.episodes().number.min() > 3
    assert len(set(seeds)) == 5
    one_step = 0
    for agent, seed in enumerate(seeds):
        expected = by_hand(seed, shows_starts=maker == "next_step")
        for (state, reward, ending, total), seen in zip(rows, expected, strict=False):
            obs, its_reward, its_ending, its_total = seen
            side, x, y = state[:, agent]
            assert (side, x, y) == (obs["side"], *obs["where"])
            assert ending[agent] == its_ending
            assert reward[agent] == np.float32(its_reward)
            assert total[agent] == pytest.approx(its_total, abs=1e-5)
            one_step += its_ending == Ending.TERMINATED
    assert one_step > 3


@pytest.mark.parametrize("maker", ["next_step", "same_step", "disabled"])
def test_an_evaluation_has_the_first_episodes_of_environments_stepped_alone(maker):
    config = configured(getattr(vector_worlds, maker))
    world, policy = make_world(config.world.name, config), checkpoint()
    SEEDS.clear()
    with ExitStack() as owned:
        agents = trials(world, 6, 11, owned)
        seeds, total, over = SEEDS[-6:], np.zeros(6), np.zeros(6, bool)
        act, action = BatchPolicy(policy, world.action, 6), np.zeros((1, 6), np.float32)
        for _ in range(LIMIT):
            act.act(agents.obs, action)
            reward, terminated, cut = agents.step(action)
            total += np.where(over, 0, reward)
            over |= terminated | cut
    assert over.all()
    for agent, seed in enumerate(seeds):
        episode = by_hand(seed, shows_starts=True)
        expected = next(total for *_, ending, total in episode if ending != Ending.RUNNING)
        assert total[agent] == pytest.approx(expected, abs=1e-5)


@pytest.mark.chaos
def test_after_a_worker_s_death_its_environments_begin_anew():
    config = configured(vector_worlds.next_step, "workers.count=2", "agents.count=64")
    with crowd(config, checkpoint()) as engine:
        engine.advance_to(8)
        before = engine.row("ending", 8).copy()
        os.kill(engine.worker_pids[0], signal.SIGKILL)
        check_until(engine, lambda: engine.restarts == 1)
        engine.advance_to(9)
        ending = engine.row("ending", 9)[:32]
        running = before[:32] == Ending.RUNNING
        assert running.sum() > 10
        assert (ending[running] == Ending.TRUNCATED).all()
        assert (ending[~running] == Ending.RUNNING).all()
        engine.advance_to(10)
        assert (engine.row("episode_return", 10)[:32] != 0).all()  # all have made a step of a new episode
        engine.advance_to(40)
        assert (engine.episodes().number > 3).all()


def test_an_environment_that_does_not_cut_episodes_off_is_a_report():
    with (
        crowd(configured(vector_worlds.endless, "agents.count=3")) as engine,
        pytest.raises(
            WorkerFailedError, match=f"agent 0, tick {LIMIT + 1}: its episode goes on after {LIMIT}"
        ),
    ):
        engine.advance_to(20)


def test_gymnasium_s_own_vectorised_version_moves_as_the_single_one():
    config = small("world.name=gymnasium:CartPole-v1", "world.vector=true", "policy.checkpoint=random")
    with crowd(config) as engine:
        engine.advance_to(12)
        before, after = engine.row("state", 11).copy(), engine.row("state", 12).copy()
        action, ending = engine.row("action", 12)[0].copy(), engine.row("ending", 11).copy()
    single = gymnasium.make("CartPole-v1").unwrapped
    single.reset(seed=0)
    running = np.flatnonzero(ending == Ending.RUNNING)
    assert len(running) > 20
    for agent in running:
        single.state, single.steps_beyond_terminated = before[:, agent].astype(np.float64), None
        assert np.allclose(single.step(int(action[agent]))[0], after[:, agent], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda env: env.metadata.pop("autoreset_mode"), r'metadata\["autoreset_mode"\] is None, expected'),
        (
            lambda env: env.close() or setattr(env, "step", lambda _: (0, 0, 0, 0)),
            "a tuple of 4: the old gym's way",
        ),
        (lambda env: setattr(env, "num_envs", 7), "made a SyncVectorEnv of 7 environments"),
    ],
)
def test_what_a_vectorised_environment_does_wrong_is_a_sentence(change, said):
    def broken(num_envs):
        env = vector_worlds.next_step(num_envs)
        env.metadata = dict(env.metadata)
        change(env)
        return env

    config = configured(broken)
    with pytest.raises(UsageError, match=said) as refusal:
        make_world(config.world.name, config)
    assert len(str(refusal.value).splitlines()) == 2
