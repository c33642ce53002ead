"""`make_vec`: Gymnasium's vector environments, side by side with Gymnasium's own."""

import os
import signal
import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium import error
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from processes import own_descendants

import valuescape
from valuescape.envs import crowd_engine
from valuescape.envs.spaces import WORLD_OF_ID
from valuescape.envs.world_env import WorldEnv
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds import WORLDS, make_world

MODES = ("NextStep", "SameStep", "Disabled")


@pytest.fixture(autouse=True)
def _quick_workers(monkeypatch):
    """Let workers come from a fork server (see `crowds.SMALL`)."""
    load = crowd_engine.load_config
    forked = "workers.start_method=forkserver"
    monkeypatch.setattr(crowd_engine, "load_config", lambda path, changes: load(path, [forked, *changes]))


@pytest.fixture
def make():
    """Return `make_vec` with few environments and no workers; all that it makes is closed afterwards."""
    made = []

    def make(name="mountain_car_continuous", num_envs=5, num_workers=0, seed=3, **options):
        made.append(valuescape.make_vec(name, num_envs, num_workers, seed, **options))
        return made[-1]

    yield make
    for vec in made:
        vec.close()


def actions_of(vec, seed=0):
    """Endless random actions."""
    rng = np.random.default_rng(seed)
    space = vec.single_action_space
    while True:
        if isinstance(space, gymnasium.spaces.Discrete):
            yield rng.integers(space.n, size=vec.num_envs)
        else:
            yield rng.uniform(space.low, space.high, (vec.num_envs, *space.shape)).astype(np.float32)


def states(vec):
    """The states of the newest tick, [state_dim, num_envs]."""
    return vec.engine.row("state", vec.engine.newest_tick)


def run(vec, steps, seed=5):
    """Reset and step; return copies of all results, infos too."""
    seen = [(vec.reset(seed=seed)[0].copy(),)]
    for _, actions in zip(range(steps), actions_of(vec), strict=False):
        *arrays, infos = vec.step(actions)
        final = [row for row in infos.get("final_obs", ()) if row is not None]
        seen.append((*(array.copy() for array in arrays), np.array(final)))
    return seen


def assert_same(one, other):
    for ours, theirs in zip(one, other, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)


class Reference:
    """Gymnasium's own environments with our start states: whenever one resets, it gets ours."""

    def __init__(self, name, vec, steps):
        self.vec = vec
        self.envs = SyncVectorEnv(
            [lambda: gymnasium.make(name, disable_env_checker=True, max_episode_steps=steps)] * vec.num_envs,
            autoreset_mode=vec.mode,
        )
        self.envs.reset(seed=0)
        self.copy_states(range(vec.num_envs))

    def copy_states(self, envs):
        state = states(self.vec)
        for env in envs:
            self.envs.envs[env].unwrapped.state = state[:, env].astype(np.float64)


def shorten(monkeypatch, name, steps):
    monkeypatch.setattr(WORLDS[name], "max_episode_steps", steps)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", WORLD_OF_ID)
def test_steps_are_those_of_gymnasium(make, monkeypatch, name, mode):
    """Ours begin every step where theirs are; 300 steps, in episodes of at most 37."""
    shorten(monkeypatch, WORLD_OF_ID[name], 37)
    vec = make(name, autoreset_mode=mode)
    vec.reset(seed=1)
    reference = Reference(name, vec, 37)
    ended, resets = np.zeros(5, bool), 0
    for _, actions in zip(range(300), actions_of(vec), strict=False):
        ours = vec.step(actions)
        theirs = reference.envs.step(actions)
        np.testing.assert_array_equal(ours[2], theirs[2])
        np.testing.assert_array_equal(ours[3], theirs[3])
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-4, atol=1e-5)
        assert (ours[1].dtype, ours[2].dtype, ours[0].dtype) == (np.float64, np.bool_, np.float32)
        fresh = ended if mode == "NextStep" else (ours[2] | ours[3]) & (mode == "SameStep")
        np.testing.assert_allclose(ours[0][~fresh], theirs[0][~fresh], rtol=1e-4, atol=1e-4)
        assert ours[4].keys() == theirs[4].keys()
        if ours[4]:
            np.testing.assert_array_equal(ours[4]["_final_obs"], theirs[4]["_final_obs"])
            for a, b in zip(ours[4]["final_obs"], theirs[4]["final_obs"], strict=True):
                assert (a is None) == (b is None)
                if a is not None:
                    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
        ended = ours[2] | ours[3]
        resets += ended.sum()
        if mode == "Disabled" and ended.any():
            vec.reset(options={"reset_mask": ended.copy()})
            reference.envs.reset(options={"reset_mask": ended.copy()})
        reference.copy_states(range(5))
    assert resets >= 35


@pytest.mark.parametrize("name", WORLD_OF_ID)
def test_spaces_are_those_of_gymnasium(make, name):
    vec, theirs = make(name), gymnasium.make_vec(name, 5, vectorization_mode="sync")
    assert vec.single_observation_space == theirs.single_observation_space
    assert vec.single_action_space == theirs.single_action_space
    assert vec.observation_space == theirs.observation_space
    assert vec.action_space == theirs.action_space
    assert vec.spec.max_episode_steps == gymnasium.spec(name).max_episode_steps
    assert vec.spec.id == name
    assert vec.observation_space.contains(vec.reset()[0])
    theirs.close()


@pytest.mark.filterwarnings("ignore:.*infinity", "ignore:.*symmetric")  # advice that is not for these
@pytest.mark.parametrize("name", WORLDS)
def test_our_worlds_pass_gymnasiums_own_check(name):
    check_env(WorldEnv(make_world(name)), skip_render_check=True)


def test_a_spec_makes_the_same_crowd_again(make):
    vec = make("cartpole", seed=8)
    other = gymnasium.make_vec(vec.spec, num_envs=5, vectorization_mode="vector_entry_point")
    np.testing.assert_array_equal(vec.reset()[0], other.reset()[0])
    other.close()


def test_a_seed_says_all(make):
    assert_same(run(make("cartpole", seed=1), 60), run(make("cartpole", seed=2), 60))
    vec = make("cartpole")
    again = run(vec, 60)
    assert_same(again, run(vec, 60))
    assert (again[0][0] != vec.reset(seed=6)[0]).all()
    np.testing.assert_array_equal(make("cartpole", seed=5).reset()[0], again[0][0])


def test_without_a_seed_every_reset_is_another_episode(make):
    vec = make()
    seen = {float(vec.reset()[0][0, 0]) for _ in range(4)}
    vec.step(vec.action_buffer)
    seen |= {float(vec.reset()[0][0, 0]) for _ in range(4)}
    assert len(seen) == 8


@pytest.mark.regression
@pytest.mark.parametrize(("name", "mode"), list(zip(["cartpole", "pendulum"], MODES[:2], strict=True)))
def test_any_number_of_workers_does_the_same(make, monkeypatch, name, mode):
    runs = [
        run(make(name, 70, workers, autoreset_mode=mode, copy=copy), 260)
        for workers, copy in ((0, True), (1, False), (2, True))
    ]
    assert_same(runs[0], [(a[0], a[1].astype(np.float64), *a[2:]) if len(a) > 1 else a for a in runs[1]])
    assert_same(runs[0], runs[2])


@pytest.mark.regression
def test_compiled_worlds_do_as_numpy(make, monkeypatch):
    compiled = [run(make("pendulum", 40, autoreset_mode=mode), 230) for mode in MODES[:2]]
    monkeypatch.setattr("valuescape.sim.stepping.choose.available", lambda: False)
    for mode, seen in zip(MODES[:2], compiled, strict=True):
        assert_same(run(make("pendulum", 40, autoreset_mode=mode), 230), seen)


@pytest.mark.chaos
@pytest.mark.parametrize("seed", [5, list(range(70))], ids=["one seed", "seeds"])
@pytest.mark.parametrize("mode", MODES[:2])
def test_a_killed_worker_is_replaced_and_nobody_notices(make, mode, seed):
    expected = run(make("cartpole", 70, autoreset_mode=mode), 60, seed)
    vec = make("cartpole", 70, 2, autoreset_mode=mode)
    step, calls = vec.step, 0

    def step_and_kill(actions):
        nonlocal calls
        calls += 1
        if calls in (20, 40):
            os.kill(vec.engine.worker_pids[calls // 40], signal.SIGKILL)
        return step(actions)

    vec.step = step_and_kill
    assert_same(run(vec, 60, seed), expected)
    assert vec.engine.restarts == 2


def test_views_keep_still_for_one_step(make):
    vec = make(copy=False)
    first = vec.reset()[0]
    assert np.shares_memory(first, vec.engine.arena["state"])
    start = first.copy()
    second, rewards, *_ = vec.step(vec.action_buffer)
    np.testing.assert_array_equal(first, start)
    assert rewards.dtype == np.float32
    assert second.shape == (5, 2)
    third = vec.step(vec.action_buffer)[0]
    assert np.shares_memory(third, first)


def test_copies_are_the_callers(make):
    vec = make()
    obs = vec.reset()[0]
    assert obs.flags.c_contiguous
    arrays = [obs, *vec.step(vec.action_buffer)[:4]]
    before = [array.copy() for array in arrays]
    for _ in range(3):
        vec.step(np.ones((5, 1)))
    for array, then in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, then)


def test_the_buffer_is_as_good_as_an_array(make):
    one, other = make(), make()
    one.reset()
    other.reset()
    actions = np.linspace(-3, 3, 5, dtype=np.float32)[:, None]  # some are clipped
    other.action_buffer[:] = actions
    assert_same([one.step(actions)[:2]], [other.step(other.action_buffer)[:2]])
    np.testing.assert_array_equal(other.action_buffer, actions)


def test_a_step_in_two_halves_is_a_step(make):
    one, other = make(num_workers=1), make()
    one.reset(seed=4)
    other.reset(seed=4)
    for _, actions in zip(range(20), actions_of(one), strict=False):
        one.step_async(actions)
        assert_same([one.step_wait()[:4]], [other.step(actions)[:4]])


def test_calls_out_of_order_say_so(make):
    vec = make()
    with pytest.raises(error.ResetNeeded):
        vec.step(vec.action_buffer)
    with pytest.raises(error.ResetNeeded):
        vec.reset(options={"reset_mask": np.array([True, True, False, True, True])})
    vec.reset()
    with pytest.raises(error.NoAsyncCallError):
        vec.step_wait()
    vec.step_async(vec.action_buffer)
    for call in (vec.reset, lambda: vec.step(vec.action_buffer), lambda: vec.step_async(vec.action_buffer)):
        with pytest.raises(error.AlreadyPendingCallError):
            call()
    vec.step_wait()
    vec.close()
    vec.close()
    for call in (vec.reset, vec.step_wait, lambda: vec.step(np.zeros((5, 1)))):
        with pytest.raises(error.ClosedEnvironmentError):
            call()


@pytest.mark.parametrize("actions", [np.zeros(5), np.zeros((4, 1)), np.zeros((5, 2)), 0.0])
def test_actions_of_another_shape_are_refused(make, actions):
    vec = make()
    vec.reset()
    with pytest.raises(ValueError, match=r"expected \(5, 1\)"):
        vec.step(actions)


@pytest.mark.parametrize("bad", [-1, 3, 1.5, np.nan])
def test_an_action_that_is_no_choice_is_named(make, bad):
    vec = make("mountain_car")
    vec.reset()
    with pytest.raises(ValueError, match=f"environment 2: action {bad:g} is none of 0 to 2"):
        vec.step(np.array([0, 1, bad, bad, 2]))
    vec.step(np.array([0, 1, 2, 0, 2]))
    vec.action_buffer[3] = bad
    with pytest.raises(ValueError, match="environment 3"):
        vec.step(vec.action_buffer)


def test_without_autoreset_an_ended_episode_must_be_reset(make, monkeypatch):
    shorten(monkeypatch, "pendulum", 4)
    vec = make("pendulum", autoreset_mode=AutoresetMode.DISABLED)
    assert vec.metadata["autoreset_mode"] is AutoresetMode.DISABLED
    vec.reset()
    vec.step(vec.action_buffer)
    vec.reset(options={"reset_mask": np.array([False, True, False, False, True])})
    for _ in range(3):
        truncated = vec.step(vec.action_buffer)[3]
    assert truncated.tolist() == [True, False, True, True, False]
    with pytest.raises(error.ResetNeeded, match="environments 0, 2, 3 have ended"):
        vec.step(vec.action_buffer)
    before = vec.engine.row("obs", 4).copy()
    obs = vec.reset(options={"reset_mask": truncated})[0]
    np.testing.assert_array_equal(obs.T[:, ~truncated], before[:, ~truncated])
    assert (obs.T[:, truncated] != before[:, truncated]).all()
    assert vec.step(vec.action_buffer)[3].tolist() == [False, True, False, False, True]


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"low": 1}, ValueError, "low"),
        ({"reset_mask": [True] * 5}, TypeError, "NumPy array of bool"),
        ({"reset_mask": np.ones(4, bool)}, ValueError, r"shape \(5,\)"),
        ({"reset_mask": np.zeros(5, bool)}, ValueError, "with a True"),
    ],
)
def test_options_that_do_not_fit_are_refused(make, options, kind, says):
    vec = make()
    vec.reset()
    with pytest.raises(kind, match=says):
        vec.reset(options=options)


def test_a_seed_is_one_number_of_64_bits(make):
    vec = make()
    vec.reset(seed=2**64 - 1)
    with pytest.raises(ValueError, match="expected one number"):
        vec.reset(seed=2**64)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("mountain_cat", 5, 0), "did you mean mountain_car"),
        (("flock", 5, 0), "see each other"),
        (("pendulum", 0, 0), "agents.count"),
        (("pendulum", 5, -1), "workers.count"),
    ],
)
def test_a_crowd_that_cannot_be_is_refused(arguments, says):
    with pytest.raises(UsageError, match=says):
        valuescape.make_vec(*arguments)


def test_closing_ends_the_workers(make):
    vec = make(num_workers=2)
    obs = vec.reset()[0]
    assert len(own_descendants() & set(vec.engine.worker_pids)) == 2
    vec.close()
    assert not own_descendants() & set(vec.engine.worker_pids)
    assert obs.shape == (5, 2)


def test_without_gymnasium_it_says_what_to_install():
    script = (
        "import sys; sys.modules['gymnasium'] = None; import valuescape\n"
        "try: valuescape.make_vec('pendulum', 2, 0)\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.startswith("UsageError")
    assert "pip install 'valuescape[train]'" in done.stdout
