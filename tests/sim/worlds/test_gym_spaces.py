"""Observation and action spaces as variables: against Gymnasium's own flattening, sample by sample."""

import re

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.spaces import flatten, flatten_space
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array, iterate

from valuescape.sim.config.files import load_config
from valuescape.sim.errors import UsageError
from valuescape.sim.rng import Stream
from valuescape.sim.stepping.acting import clipped, explore, random_actions
from valuescape.sim.worlds.gym_actions import ActedSpace
from valuescape.sim.worlds.gym_results import NotANumberError, ResultError
from valuescape.sim.worlds.gym_spaces import ObservedSpace, UnfitSpaceError, grid_of
from valuescape.sim.worlds.registry import make_world

INNER = spaces.Dict({"y": spaces.Box(-1, 1, ()), "x": spaces.MultiBinary((2, 2))})
NESTED = {"mode": spaces.Discrete(3, start=5), "position": spaces.Box(-1, 1, (2,)), "goal": INNER}
OBSERVED = {
    "a matrix": spaces.Box(-1, 1, (2, 3), np.float64),
    "whole numbers": spaces.Box(-5, 5, (4,), np.int16),
    "dict": spaces.Dict(NESTED),
    "tuple": spaces.Tuple((spaces.Discrete(4), spaces.Box(0, 9, (1,)), spaces.MultiDiscrete([2, 3]))),
    "one of many": spaces.Discrete(12, start=-3),
    "a prime of many": spaces.Discrete(13),
    "a dict of one": spaces.Dict({"cell": spaces.Discrete(6)}),
    "several of many": spaces.MultiDiscrete(np.array([[2, 3], [4, 5]]), start=np.array([[0, 1], [-2, 3]])),
    "bits": spaces.MultiBinary(5),
}


@pytest.mark.parametrize("space", OBSERVED.values(), ids=list(OBSERVED))
def test_policies_see_what_gymnasium_flattens(space):
    observed, samples = ObservedSpace(space), []
    space.seed(3)
    assert len(observed.obs) == flatten_space(space).shape[0]
    for _ in range(40):
        samples.append(space.sample())
        state = observed.states("step", samples[-1])
        seen = np.full((len(observed.obs), 1), np.nan, np.float32)
        observed.observe(state, seen)
        assert state.shape == (len(observed.state), 1)
        assert np.array_equal(seen[:, 0], flatten(space, samples[-1]).astype(np.float32))
    batch = concatenate(space, samples, create_empty_array(space, 40))
    states = observed.states("step", batch, 40)
    alone = [observed.states("step", each) for each in samples]
    assert np.array_equal(states, np.concatenate(alone, axis=1))
    low, high = (
        np.array([getattr(each, end) for each in observed.state])[:, None] for end in ("low", "high")
    )
    assert ((states >= low) & (states <= high)).all()


ONE, TWO = spaces.Box(-1, 1, (1,)), spaces.Box(-1, 1, (2,))


@pytest.mark.parametrize(
    ("keys", "axes"),
    [
        ({"goal": spaces.Discrete(3), "place": ONE, "speed": ONE}, ["place", "speed"]),
        (
            {"achieved_goal": TWO, "desired_goal": TWO, "observation": TWO},
            ["achieved_goal[0]", "achieved_goal[1]"],
        ),
        ({"bits": spaces.MultiBinary(2), "goal.x": ONE, "lidar": TWO}, ["lidar[0]", "lidar[1]"]),
        ({"a": spaces.Discrete(3), "b": spaces.Discrete(2)}, ["a", "b"]),
        ({"velocity": TWO, "agent_pos": TWO}, ["agent_pos[0]", "agent_pos[1]"]),
    ],
)
def test_the_map_of_a_dict_shows_a_position_before_goals_and_choices(keys, axes):
    observed = ObservedSpace(spaces.Dict(keys))
    assert [observed.state[axis].name for axis in observed.map_axes] == axes


def test_variables_are_called_by_the_keys_that_lead_to_them():
    observed = ObservedSpace(spaces.Dict(NESTED))
    assert [each.name for each in observed.state] == [
        *("goal.x[0][0]", "goal.x[0][1]", "goal.x[1][0]", "goal.x[1][1]", "goal.y", "mode"),
        *("position[0]", "position[1]"),
    ]
    assert [each.name for each in observed.obs][5:8] == ["mode is 5", "mode is 6", "mode is 7"]
    assert observed.map_slice == {f"goal.x[{i}][{j}]": 0 for i in (0, 1) for j in (0, 1)} | {"mode": 1}
    assert [v.name for v in ObservedSpace(OBSERVED["tuple"]).state] == [
        "obs[0]",
        "obs[1]",
        "obs[2][0]",
        "obs[2][1]",
    ]
    same = spaces.Dict({"a": spaces.Dict({"b": spaces.Box(0, 1, (1,))}), "a.b": spaces.Box(0, 1, (1,))})
    assert [each.name for each in ObservedSpace(same).state] == ["a.b", "a.b (2)"]


def test_a_state_between_two_choices_counts_as_the_nearer_one():
    observed = ObservedSpace(spaces.MultiDiscrete([3, 2]))
    state = np.array([[-0.4, 0.4, 0.6, 2.4, 9], [0.4, 0.6, -3, 1, 0]], np.float32)
    seen = np.full((5, 5), np.nan, np.float32)
    observed.observe(state, seen)
    assert seen[:3].argmax(axis=0).tolist() == [0, 0, 1, 2, 2]
    assert seen[3:].argmax(axis=0).tolist() == [0, 1, 0, 1, 0]
    assert (seen.sum(axis=0) == 2).all()


@pytest.mark.parametrize(
    ("env_id", "kwargs", "axes"),
    [
        ("FrozenLake-v1", {"map_name": "8x8"}, ("column", "row")),
        ("CliffWalking-v1", {}, ("column", "row")),
        ("Taxi-v4", {}, ("taxi column", "taxi row")),
    ],
)
def test_numbered_cells_are_shown_as_the_grid_that_they_are_of(env_id, kwargs, axes):
    env = gymnasium.make(env_id, **kwargs)
    observed = ObservedSpace(env.observation_space, grid_of(env))
    assert tuple(observed.state[axis].name for axis in observed.map_axes) == axes
    for cell in range(0, int(env.observation_space.n), 7):
        digits = observed.states("reset", cell)[:, 0]
        if env_id == "Taxi-v4":
            assert digits.tolist() == list(env.unwrapped.decode(cell))
        else:
            columns = 8 if env_id == "FrozenLake-v1" else 12
            assert digits.tolist() == list(divmod(cell, columns))


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (spaces.Text(5), "observes a Text"),
        (spaces.Dict({"a": spaces.Box(0, 1, (2,)), "b": spaces.Text(5)}), "observes a Text as b"),
        (spaces.Graph(spaces.Box(0, 1, (2,)), None), "observes a Graph"),
        (
            spaces.Tuple((spaces.Box(0, 1), spaces.Sequence(spaces.Box(0, 1)))),
            r"observes a Sequence as obs\[1\]",
        ),
        (spaces.Box(0, 255, (8, 8, 3), np.uint8), r"a picture, a Box of uint8 of shape \(8, 8, 3\)"),
        (spaces.Box(0, 1, (100, 100)), "10000 numbers"),
        (spaces.Box(0, 1, (1,)), "a single number"),
        (spaces.Dict({}), "observes a Dict, 0 numbers"),
    ],
    ids=str,
)
def test_what_cannot_be_shown_is_refused_by_name(space, said):
    with pytest.raises(UnfitSpaceError, match=said) as refusal:
        ObservedSpace(space)
    assert refusal.value.expected.startswith("a Box, Discrete")


@pytest.mark.parametrize(
    ("space", "seen", "said"),
    [
        (spaces.Dict(NESTED), {"mode": 5, "goal": {}}, "step observes a dict without goal.x"),
        (spaces.Dict(NESTED), np.zeros(8), "step observes an array of shape .8,. without goal.x"),
        (spaces.Discrete(4), 4, "step observes obs = 4, expected a whole number from 0 to 3"),
        (spaces.Discrete(4), 1.5, "step observes obs = 1.5, expected a whole"),
        (spaces.Discrete(4), "no", "step observes a str as obs, expected 1 whole"),
        (spaces.MultiDiscrete([2, 2], start=[0, 5]), [0, 4], "obs = 4, expected a whole number from 5 to 6"),
        (
            spaces.Tuple((spaces.Box(0, 1, (2,)),) * 2),
            (np.zeros(2), np.zeros(3)),
            r"\(3,\) as obs\[1\], 3 num",
        ),
    ],
    ids=str,
)
def test_what_is_not_in_the_space_s_form_is_said(space, seen, said):
    with pytest.raises(ResultError, match=said):
        ObservedSpace(space).states("step", seen)


def test_of_nan_the_variable_is_named():
    space = spaces.Dict({"a": spaces.Box(0, 1, (2,)), "b": spaces.Box(0, 1, (1,))})
    with pytest.raises(NotANumberError, match=r"step observes NaN: a\[1\]"):
        ObservedSpace(space).states("step", {"a": np.array([0, np.nan]), "b": np.zeros(1)})


ACTED = {
    "a matrix": spaces.Box(np.array([[-1, 0], [2, -3]]), np.array([[1, 1], [3, 4]]), dtype=np.float32),
    "fine bounds": spaces.Box(-0.1, 0.7, (3,), np.float64),
    "one number": spaces.Box(-2, 2, ()),
    "whole numbers": spaces.Box(0, 5, (2,), np.int32),
    "one of many": spaces.Discrete(4, start=-1),
    "several": spaces.MultiDiscrete([3, 2, 4], start=[0, 1, -2]),
    "several in rows": spaces.MultiDiscrete(np.array([[3, 2], [4, 5]])),
    "bits": spaces.MultiBinary((2, 3)),
}


@pytest.mark.parametrize("space", ACTED.values(), ids=list(ACTED))
def test_every_action_of_a_crowd_is_one_of_the_environment(space):
    acted, n = ActedSpace(space), 200
    key = 5, Stream.EXPLORATION, np.arange(n, dtype=np.uint64), 0, 7
    action = np.full((acted.action.dim, n), np.nan, np.float32)
    random_actions(acted.action, key, action)
    wild = clipped(acted.action, np.where(action > 0, np.float32(1e9), np.float32(-1e9)))
    noisy = action.copy()
    explore(acted.action, np.float32(0.5), key, noisy)
    assert 0.2 * n < (noisy != action).any(axis=0).sum()
    for given in (action, wild, noisy):
        batch = acted.batch(given)
        assert batch_space(space, n).contains(batch)
        for index, each in enumerate(iterate(batch_space(space, n), batch)):
            one = acted.one(given[:, index])
            assert space.contains(one)
            assert np.array_equal(one, each)
    assert space.contains(acted.middle())
    discrete = not isinstance(space, spaces.Box)
    assert not discrete or len(np.unique(acted.batch(action).reshape(n, -1)[:, 0])) > 1


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (spaces.Box(-np.inf, np.inf, (2,)), r"acts in a Box of shape \(2,\) without finite bounds"),
        (spaces.Dict({"a": spaces.Discrete(2)}), "acts in a Dict"),
        (spaces.Tuple((spaces.Discrete(2),)), "acts in a Tuple"),
    ],
    ids=str,
)
def test_what_agents_cannot_act_in_is_refused_by_name(space, said):
    with pytest.raises(UnfitSpaceError, match=said):
        ActedSpace(space)


def test_a_configuration_states_arguments_and_a_time_limit():
    changes = "world.name=gymnasium:FrozenLake-v1", "world.env.map_name='8x8'", "world.max_episode_steps=9"
    config = load_config(None, changes)
    world = make_world(config.world.name, config)
    assert (world.max_episode_steps, world.state[0].high) == (9, 7.5)
    env = world.making.env()
    assert [bool(each) for each in _cut(env)] == [False] * 8 + [True]
    config = load_config(None, ["world.name=pendulum", "world.env.size=3"])
    said = re.escape("world.env = {'size': 3}: is for environments of Gymnasium")
    with pytest.raises(UsageError, match=said):
        make_world("pendulum", config)


def _cut(env):
    """Yield whether an episode was cut off, step by step, up and down at the edge of the lake."""
    env.reset(seed=0)
    while True:
        *_, terminated, truncated, _ = env.step(3)
        yield terminated or truncated
        if terminated or truncated:
            return
