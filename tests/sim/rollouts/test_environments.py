"""Rollouts of Gymnasium's environments: the same truth as of the worlds that are compiled."""

import sys
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.classic_control.mountain_car import MountainCarEnv
from networks import checkpoint_of, random_mlp
from settable_envs import CANNOT, Short, Walk, Windy, registered

from valuescape.sim.config.files import load_config
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import grid_states, own_plane
from valuescape.sim.policy.network import Activation, ActorHead, Layer, Mlp
from valuescape.sim.rollouts.choose import (
    about_speed,
    state_rollouts,
    try_rollout,
    usual_cells,
    why_no_rollouts,
)
from valuescape.sim.rollouts.compiled import CompiledRollouts
from valuescape.sim.rollouts.environments import EnvironmentRollouts
from valuescape.sim.rollouts.field import TruthField
from valuescape.sim.rollouts.rules import RolloutEnd, RolloutRules, Rollouts
from valuescape.sim.worlds import make_world

CLASSIC = [
    ("CartPole-v1", "cartpole"),
    ("MountainCar-v0", "mountain_car"),
    ("MountainCarContinuous-v0", "mountain_car_continuous"),
    ("Pendulum-v1", "pendulum"),
    ("Acrobot-v1", "acrobot"),
]


def policy_of(world, seed=2):
    """A network's policy for a world; greedy if it chooses."""
    chooses = hasattr(world.action, "n")
    actor = random_mlp((len(world.obs), 16, world.action.n if chooses else world.action.dim), seed=seed)
    head = ActorHead.ARGMAX if chooses else ActorHead.CLIPPED
    return replace(checkpoint_of(actor), actor_head=head, obs_dim=len(world.obs))


def along_the_speed():
    """The mountain car's policy that pushes the way it moves, which reaches the goal from everywhere."""
    layer = Layer(np.float32([[0, -100], [0, 0], [0, 100]]), np.zeros(3, np.float32), Activation.IDENTITY)
    return replace(checkpoint_of(Mlp((layer,))), actor_head=ActorHead.ARGMAX)


def rolled_out(rollouts, states, number=0, parts=None):
    out = Rollouts.empty(states.shape[1])
    for part in parts or [slice(0, states.shape[1])]:
        rollouts.run(states, out, part, number)
    return out


def same(a, b):
    return all(
        np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True)
        for name in Rollouts.__dataclass_fields__
    )


@pytest.mark.parametrize(("env_id", "twin"), CLASSIC)
def test_an_environment_of_classic_control_has_the_truth_of_its_twin(env_id, twin):
    """Sixty steps from each cell, before rounding has grown where a world is chaotic."""
    world, twin = make_world(f"gymnasium:{env_id}"), make_world(twin)
    rules, policy = RolloutRules(0.9, 60, RolloutEnd.CUT), policy_of(world)
    states = grid_states(own_plane(world), 8)
    assert np.array_equal(states, grid_states(own_plane(twin), 8))
    found = rolled_out(state_rollouts(world, policy, rules), states)
    compiled = state_rollouts(twin, policy, rules)
    assert type(compiled) is CompiledRollouts
    expected = rolled_out(compiled, states)
    scale = np.abs(expected.value).max()
    assert found.value == pytest.approx(expected.value, abs=2e-5 * scale)
    assert np.array_equal(found.steps, expected.steps)
    assert np.array_equal(found.end, expected.end)


def test_the_mountain_car_s_truth_is_that_of_the_compiled_one():
    """To the goal, beyond the time limit of 200 steps."""
    rules = RolloutRules.of(0.98, 200)
    fields = []
    for name in ("gymnasium:MountainCar-v0", "mountain_car"):
        world = make_world(name)
        made_by = state_rollouts(world, along_the_speed(), rules)
        states = grid_states(own_plane(world), 16)
        with TruthField(made_by, states, 4, random=False, threads=2) as field:
            assert field.wait(100)
            fields.append(field.look())
    ours, theirs = fields
    assert ours.value == pytest.approx(theirs.value, abs=1e-6)
    assert np.array_equal(ours.steps, theirs.steps)
    assert ours.terminated.all()
    assert (ours.rollouts == 1).all()


def test_drawn_actions_are_those_of_the_compiled_path():
    world, twin = make_world("gymnasium:MountainCar-v0"), make_world("mountain_car")
    rules = RolloutRules(0.9, 20, RolloutEnd.CUT, seed=3, exploration=0.5)
    states = grid_states(own_plane(world), 8)
    found = rolled_out(state_rollouts(world, policy_of(world), rules), states, number=2)
    assert same(found, rolled_out(state_rollouts(twin, policy_of(world), rules), states, number=2))


@pytest.mark.parametrize("kind", [Walk, Windy])
def test_results_do_not_depend_on_how_states_are_split(monkeypatch, kind):
    world = make_world(registered(monkeypatch, kind))
    rollouts = state_rollouts(world, policy_of(world), RolloutRules.of(0.8, 200, seed=4))
    states = grid_states(own_plane(world), 6)
    whole = rolled_out(rollouts, states)
    assert same(whole, rolled_out(rollouts, states, parts=[slice(20, 36), slice(0, 3), slice(3, 20)]))
    assert same(whole, rolled_out(rollouts, states, number=1)) == (kind is Walk)


def test_a_world_with_chance_has_several_rollouts_a_cell(monkeypatch):
    world = make_world(registered(monkeypatch, Windy))
    made_by = state_rollouts(world, policy_of(world), RolloutRules.of(0.5, 200))
    states = grid_states(own_plane(world), 4)
    with TruthField(made_by, states, 3, random=False, threads=1) as field:
        assert field.wait(100)
        truth = field.look()
    assert (truth.rollouts == 3).all()
    assert (truth.half_width > 0).all()


def test_what_an_environment_truncates_by_itself_is_cut(monkeypatch):
    world = make_world(registered(monkeypatch, Short))
    rules = RolloutRules.of(0.98, 25)
    found = rolled_out(state_rollouts(world, policy_of(world), rules), np.zeros((2, 3), np.float32))
    assert (found.steps == 10).all()
    assert (found.end == RolloutEnd.CUT).all()
    assert found.weight == pytest.approx(0.98**10)


def test_a_policy_of_nan_gives_nan_where_it_is():
    world = make_world("gymnasium:MountainCar-v0")
    layer = Layer(np.float32([[np.nan, 0]] * 3), np.zeros(3, np.float32), Activation.IDENTITY)
    policy = replace(along_the_speed(), actor=Mlp((layer,)))
    found = rolled_out(state_rollouts(world, policy, RolloutRules.of(0.9, 200)), np.zeros((2, 2), np.float32))
    assert np.isnan(found.value).all()
    assert (found.end == RolloutEnd.CUT).all()


@pytest.mark.parametrize("kind", list(CANNOT)[:3], ids=lambda kind: kind.__name__)
def test_a_world_that_cannot_be_put_into_a_state_is_refused_with_the_reason(monkeypatch, kind):
    world = make_world(registered(monkeypatch, kind))
    assert CANNOT[kind] in why_no_rollouts(world)
    with pytest.raises(UsageError, match=f"cannot be put into a state of one's choice: .*{CANNOT[kind]}"):
        state_rollouts(world, None, RolloutRules.of(0.9, 10))


def test_other_threads_get_python_s_lock_sooner_while_environments_are_stepped(monkeypatch):
    seen, before = set(), sys.getswitchinterval()

    class Noting(Walk):
        def step(self, action):
            seen.add(sys.getswitchinterval())
            return super().step(action)

    world = make_world(registered(monkeypatch, Noting))
    rollouts = state_rollouts(world, policy_of(world), RolloutRules.of(0.5, 20))
    seen.clear()
    rolled_out(rollouts, np.zeros((2, 3), np.float32))
    assert max(seen) < before / 5
    assert sys.getswitchinterval() == before


def test_long_rollouts_come_in_small_pieces():
    world = make_world("gymnasium:MountainCar-v0")
    few, many = (
        EnvironmentRollouts(world, None, RolloutRules(0.9, steps, RolloutEnd.CUT), random=False).most
        for steps in (10_000, 10)
    )
    assert few < many <= 256


def test_what_python_steps_is_announced_and_has_fewer_cells(monkeypatch):
    name = "gymnasium:Pendulum-v1"
    assert usual_cells(name) < usual_cells("pendulum") == 256
    said = about_speed(make_world(name))
    assert f"stepped in Python, some 50,000 steps a second: {usual_cells(name)} cells each way" in said
    assert said.endswith("--world pendulum has the same equations, compiled.")
    assert about_speed(make_world(registered(monkeypatch, Walk))).endswith("keeps what is done.")
    assert about_speed(make_world(registered(monkeypatch, next(iter(CANNOT))))) == ""
    assert about_speed(make_world("pendulum")) == ""


class Downhill(MountainCarEnv):
    """A mountain car whose steps cost nothing."""

    def step(self, action):
        seen, _, *rest = super().step(action)
        return seen, 0.0, *rest


def doubled_rewards(**kwargs):
    return gymnasium.wrappers.TransformReward(MountainCarEnv(**kwargs), lambda reward: 2 * reward)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [(Downhill, {}), (doubled_rewards, {}), (MountainCarEnv, {"goal_velocity": 0.05})],
    ids=["derived", "wrapped", "with a setting"],
)
def test_only_an_environment_as_gymnasium_registers_it_is_said_to_have_a_twin_s_equations(
    monkeypatch, kind, settings
):
    """Their state and observation are a twin's, so that their map has its axes."""
    world = make_world(registered(monkeypatch, kind, **settings))
    assert world.twin.name == "mountain_car"
    assert about_speed(world).endswith("keeps what is done.")


def test_environments_are_closed_when_the_field_is_left_and_made_again_for_another(monkeypatch):
    made, closed = [], []

    class Counted(Walk):
        def __init__(self):
            super().__init__()
            made.append(self)

        def close(self):
            closed.append(self)
            raise OSError("a window that is gone")

    world = make_world(registered(monkeypatch, Counted))
    made_by, states = state_rollouts(world, policy_of(world), RolloutRules.of(0.5, 20)), np.zeros((2, 16))
    made.clear()
    closed.clear()
    for fields in (1, 2):
        with TruthField(made_by, states.astype(np.float32), 1, random=False, threads=1) as field:
            assert field.wait(100)
            assert len(made) > len(closed)
        assert len(made) == 12 * fields  # the finest level has the most cells
        assert closed == made


def test_a_rollout_that_tries_a_world_leaves_no_environment_open(monkeypatch):
    left = set()

    class Counted(Walk):
        def __init__(self):
            super().__init__()
            left.add(self)

        def close(self):
            left.discard(self)

    world = make_world(registered(monkeypatch, Counted))
    try_rollout(world, policy_of(world))
    assert not left


@pytest.mark.parametrize("env_id", ["FrozenLake-v1", "CliffWalking-v1"])
def test_the_truth_of_numbered_cells_solves_bellman_s_equation(env_id):
    """The linear equations of a policy's values, of the table that the environment is made of."""
    world, gamma, repeats = make_world(f"gymnasium:{env_id}", _limited(env_id)), 0.9, 250
    table = gymnasium.make(env_id).unwrapped.P
    weight = np.random.default_rng(8).standard_normal((world.action.n, len(table))).astype(np.float32)
    actor = Mlp((Layer(weight, np.zeros(world.action.n, np.float32), Activation.IDENTITY),))
    policy = replace(checkpoint_of(actor), actor_head=ActorHead.ARGMAX, obs_dim=len(table))
    moves, gains = np.zeros((len(table),) * 2), np.zeros(len(table))
    for cell, action in enumerate(weight.argmax(axis=0)):
        for chance, following, reward, terminated in table[cell][action]:
            gains[cell] += chance * reward
            moves[cell, following] += chance * (not terminated)
    expected = np.linalg.solve(np.eye(len(table)) - gamma * moves, gains)
    sizes = world.observed.cells
    states = np.array(np.unravel_index(np.arange(len(table)), sizes), np.float32)
    random = why_no_rollouts(world) == "" and env_id == "FrozenLake-v1"
    rollouts = state_rollouts(world, policy, RolloutRules(gamma, 60, RolloutEnd.CUT))
    assert rollouts.random == random
    found = np.array([rolled_out(rollouts, states, n).value for n in range(repeats if random else 1)])
    error = 4 * found.std(axis=0) / np.sqrt(len(found)) + 0.02 * np.abs(expected).max()
    assert (np.abs(found.mean(axis=0) - expected) < error).all()
    assert np.ptp(expected) > 0.05


def _limited(env_id):
    return load_config(None, [f"world.name=gymnasium:{env_id}", "world.max_episode_steps=100"])
