"""Environments of Gymnasium as worlds: as by hand, for any number of workers, and after a kill."""

import os
import re
import signal
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from crowds import check_until, crowd, hash_at, small

from valuescape import __main__
from valuescape.sim.crew.failures import Failure, WorkerFailedError
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import map_axes
from valuescape.sim.shared.layout import Ending
from valuescape.sim.worlds import load_world_file, make_world

pytest.importorskip("gymnasium")
CART = ("world.name=gymnasium:CartPole-v1", "policy.checkpoint=random")
CAR = ("world.name=gymnasium:MountainCarContinuous-v0", "policy.checkpoint=random")


def test_spaces_become_variables(own):
    load_world_file(own())
    world = make_world("gymnasium:Own-v0")
    assert [each.name for each in world.state] == ["obs[0]", "obs[1]"]
    assert (world.state[0].low, world.state[1].high) == (-1, 1)
    assert world.obs == world.state
    assert (world.action.dim, world.max_episode_steps) == (1, 30)
    name = ("world.name=gymnasium:Own-v0", "policy.checkpoint=random")
    assert map_axes(small(*name, "heatmap.axes=obs[1], obs[0]"), world) == (1, 0)


@pytest.mark.parametrize(("env_id", "twin"), [
    ("CartPole-v1", "cartpole"),
    ("MountainCar-v0", "mountain_car"),
    ("MountainCarContinuous-v0", "mountain_car_continuous"),
    ("Pendulum-v1", "pendulum"),
    ("Acrobot-v1", "acrobot"),
])  # fmt: skip
def test_classic_control_has_the_state_and_the_map_of_its_twin(env_id, twin):
    world, twin = make_world(f"gymnasium:{env_id}"), make_world(twin)
    assert (world.state, world.obs, world.map_axes) == (twin.state, twin.obs, twin.map_axes)
    limits = world.max_episode_steps, world.action.dim
    assert limits == (twin.max_episode_steps, twin.action.dim)
    states = np.random.default_rng(1).uniform(-1, 1, (len(twin.state), 5)).astype(np.float32)
    observed, expected = np.empty((2, len(twin.obs), 5), np.float32)
    world.observe(states, observed)
    twin.observe(states, expected)
    assert np.array_equal(observed, expected)


def test_a_pendulum_s_crowd_has_angles():
    config = small("world.name=gymnasium:Pendulum-v1", "policy.checkpoint=random", "workers.count=0")
    with crowd(config) as engine:
        engine.advance_to(30)
        angle, speed = engine.row("state", 30).copy()
        before, speed_before = engine.row("state", 29).copy()
    assert np.abs(angle).max() > 2
    assert angle - before == pytest.approx(0.05 * speed, abs=1e-5)  # semi-implicit Euler
    assert np.abs(speed - speed_before).max() > 0.1


def test_agents_go_where_the_environment_goes_by_hand():
    """One agent's actions, taken from the crowd, in an environment that starts in the same state."""
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
        ("nowhere_at_all:Own-v0", "importing nowhere_at_all: ModuleNotFoundError: .*\n  install it"),
        ("math:Own-v7", "has no environment 'math:Own-v7'"),
        ("", "has no environment ''"),
    ],
)
def test_what_is_no_world_is_refused(name, said):
    with pytest.raises(UsageError) as refusal:
        make_world(f"gymnasium:{name}")
    assert re.search(said, str(refusal.value))
    assert len(str(refusal.value).splitlines()) == 2


OWN = """
import gymnasium, numpy as np
from gymnasium import spaces

class Own(gymnasium.Env):
    def __init__(self, render_mode=None):
        self.observation_space = spaces.Box(-1, 1, (2,), np.float32)
        self.action_space = spaces.Box(-1, 1, (1,), np.float32)
    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.t, self.s = 0, self.np_random.uniform(-0.5, 0.5, 2).astype(np.float32)
        return self.s.copy(), {}
    def step(self, action):
        self.t += 1
        self.s = np.clip(self.s + 0.05 * np.array([self.s[1], action[0]], np.float32), -1, 1)
        return self.s.copy(), -float(self.s[0] ** 2), False, False, {}

gymnasium.register("Own-v0", entry_point=Own, max_episode_steps=30)
"""
STEP = "return self.s.copy(), -float(self.s[0] ** 2), False, False, {}"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Write environments of the user's own, which are forgotten afterwards; returns the file's path."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before, modules = dict(gymnasium.registry), set(sys.modules)

    def write(text=OWN, name="own_envs.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    yield write
    gymnasium.registry.clear()
    gymnasium.registry.update(before)
    for name in set(sys.modules) - modules:
        if name.startswith(("valuescape_plugin_", "own_")):
            del sys.modules[name]


def test_a_file_that_only_registers_environments_is_enough_in_workers_too(own):
    assert load_world_file(own()) == ()
    name = ("world.name=gymnasium:Own-v0", "policy.checkpoint=random")
    expected = hash_at(40, small(*name))
    assert hash_at(40, small(*name, "workers.count=2")) == expected


@pytest.mark.parametrize("module", ["own_envs", "own_package", "own_package.envs"])
def test_a_module_or_package_before_the_id_is_imported_in_workers_too(own, monkeypatch, module):
    """Gymnasium's own `module:ID`; the module lies where this Python finds modules."""
    path = own() if module == "own_envs" else own(name="own_package/envs.py")
    if module != "own_envs":
        own("from . import envs" if module == "own_package" else "", "own_package/__init__.py")
    monkeypatch.syspath_prepend(path.parent if module == "own_envs" else path.parent.parent)
    name = (f"world.name=gymnasium:{module}:Own-v0", "policy.checkpoint=random")
    expected = hash_at(40, small(*name))
    assert hash_at(40, small(*name, "workers.count=2")) == expected


def test_no_module_comes_from_the_folder_that_a_person_happens_to_be_in(own, monkeypatch):
    """A stranger's configuration beside a stranger's module must not run it."""
    monkeypatch.chdir(own().parent)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each])
    with pytest.raises(UsageError, match=r"No module named 'own_envs'\n.*PYTHONPATH.*--env-file"):
        make_world("gymnasium:own_envs:Own-v0")


@pytest.mark.parametrize("place", ["elsewhere", "clone"])
def test_python_m_brings_no_modules_of_the_current_folder(place, tmp_path, monkeypatch):
    """But where the program itself is there: a clone that is not installed."""
    folder = tmp_path if place == "elsewhere" else Path(__main__.__file__).resolve().parents[1]
    monkeypatch.setattr(sys, "path", [str(folder), "after"])
    __main__._leave_current_folder()
    assert sys.path == (["after"] if place == "elsewhere" else [str(folder), "after"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            (STEP, STEP.replace("False, False, {}", "False, {}")),
            "step returns a tuple of 4: the old gym's way",
        ),
        (
            ("self.s.copy(), {}", "self.s.copy()"),
            "reset returns an array of shape ..,., exp.*info",
        ),
        (("seed=None, options=None", ""), "cannot be used: TypeError: .*'seed'"),
        (
            (STEP, STEP.replace("-float(self.s[0] ** 2)", "self.s[:1]")),
            "array of shape .1,. as reward",
        ),
        ((STEP, STEP.replace("-float(self.s[0] ** 2)", "None")), "a NoneType as reward, expected a number"),
        ((STEP, STEP.replace("self.s.copy()", "np.zeros(3)")), r"step observes \(3,\), 3 numbers; .* has 2"),
        ((STEP, STEP.replace("self.s.copy()", "[1e300, 0]")), r"obs\[0\] = 1e\+300, too large for float32"),
        ((STEP, "raise ValueError('my\\nbug')"), r"cannot be used: own_envs.py line 16: ValueError: my$"),
        ((STEP, "raise SystemExit(3)"), "cannot be used: own_envs.py line 16: SystemExit: 3"),
        (("self.observation_space", "None + self.observation_space"), "cannot|Error"),
        (("def __init__(self,", "def __init__(self, size,"), "cannot be made: .*TypeError.*size"),
        (("self.observation_space =", "self.observed ="), "has no observation_space"),
        (
            ("spaces.Box(-1, 1, (2,), np.float32)", "spaces.Dict({})"),
            "observes a Dict, 0 numbers\n.*a Box, Discrete",
        ),
        (("max_episode_steps=30", ""), "has no time limit"),
    ],
)
def test_what_an_environment_does_wrong_at_first_is_a_sentence(own, change, said):
    text = OWN.replace(*change)
    assert text != OWN

    def make():
        load_world_file(own(text))
        make_world("gymnasium:Own-v0")

    with pytest.raises(UsageError) as refusal:
        make()
    assert re.search(said, str(refusal.value), re.MULTILINE)
    assert len(str(refusal.value).splitlines()) == (1 if "SyntaxError" in str(refusal.value) else 2)


SHAPE = ("np.array([1.0])", "step returns an array of shape .1,. as reward, expected a number")
CHAINED = ("float(np.array([None])[0])", "TypeError: float.. argument must be")


@pytest.mark.parametrize(
    ("late", "said", "workers"),
    [
        (*SHAPE, 0),
        (*CHAINED, 0),
        ("float('nan')", "step returns NaN as reward", 0),
        ("1.0 / 0", "ZeroDivisionError: float division by zero", 0),
        ("np.zeros(2).astype(object)[:1] ** 'a'", "unsupported operand", 0),
        (*SHAPE, 2),  # workers send what is said here without them
        (*CHAINED, 2),
    ],
)
def test_what_an_environment_does_wrong_later_is_one_report_with_agent_and_tick(own, workers, late, said):
    """However errors are chained: an error raised by C code has no traceback of its own."""
    load_world_file(own(OWN.replace("-float(self.s[0] ** 2)", f"{late} if self.t > 5 else 1.0")))
    name = ("world.name=gymnasium:Own-v0", "policy.checkpoint=random", "agents.count=40")
    with crowd(small(*name, f"workers.count={workers}")) as engine:
        with pytest.raises(WorkerFailedError, match=said) as failure:
            engine.advance_to(20)
        assert engine.restarts <= 2
    report = str(failure.value)
    assert report.count("failed after tick 5") == 1
    assert "Traceback" in report
    if "step returns" in said:
        assert re.search(r"gymnasium:Own-v0: agent \d+, tick 6: step returns", report)


def test_a_chained_error_is_known_for_one():
    """Its text begins with the cause, which has no traceback if C code raised it."""
    try:
        int(np.array([None]).astype("S").astype(float)[0])
    except ValueError as error:
        cause = error.with_traceback(None)
    try:
        raise ValueError("setting an array element\nwith a sequence") from cause
    except ValueError as error:
        failure = Failure.of(error)
    assert not failure.trace.startswith("Traceback")
    assert failure.world_raised
    assert failure.summary == "ValueError: setting an array element"


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
