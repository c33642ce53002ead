"""The questions of Gymnasium's own tests of vector environments, asked of the crowd."""

import json
import math

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import valuescape
from valuescape.envs.crowd_image import SIZE
from valuescape.envs.spaces import WORLD_OF_ID
from valuescape.sim.errors import UsageError

ENVS = 6


@pytest.fixture
def make():
    """Return `make_vec` with few environments and no workers; all that it makes is closed afterwards."""
    made = []

    def make(name="cartpole", num_workers=0, seed=3, num_envs=ENVS, **options):
        made.append(valuescape.make_vec(name, num_envs, num_workers, seed, **options))
        return made[-1]

    yield make
    for vec in made:
        vec.close()


def course(vec, steps=60):
    """Return observations of steps with one action, during which episodes end and begin again."""
    action = vec.action_buffer
    action[:] = 1
    return np.array([vec.step(action)[0] for _ in range(steps)])


# Seeds


@pytest.mark.parametrize("autoreset_mode", ["NextStep", "SameStep"])
@pytest.mark.parametrize(("num_workers", "simd"), [(0, True), (1, True), (0, False)])
def test_with_a_list_of_seeds_each_does_as_the_first_of_a_crowd(
    make, monkeypatch, num_workers, autoreset_mode, simd
):
    """In its first start and the later ones, on both paths and in workers."""
    if not simd:
        monkeypatch.setattr("valuescape.sim.stepping.choose.available", lambda: False)
    vec = make(num_workers=num_workers, autoreset_mode=autoreset_mode)
    seeds = [7, 0, 2**64 - 1, 7, 1, 2]
    start = vec.reset(seed=seeds)[0]
    seen = course(vec)
    for env, seed in enumerate(seeds):
        alone = make(num_envs=1, autoreset_mode=autoreset_mode)
        np.testing.assert_array_equal(alone.reset(seed=seed)[0][0], start[env])
        np.testing.assert_array_equal(course(alone)[:, 0], seen[:, env])
    assert (seen[:, 0] == seen[:, 3]).all()
    assert (seen[-1, 0] != seen[-1, 4]).any()


def test_one_seed_takes_the_place_of_a_list(make):
    vec, other = make(), make()
    vec.reset(seed=list(range(ENVS)))
    course(vec)
    np.testing.assert_array_equal(vec.reset(seed=8)[0], other.reset(seed=8)[0])
    np.testing.assert_array_equal(course(vec), course(other))


def test_in_a_list_none_goes_on(make):
    vec, other = make(), make()
    np.testing.assert_array_equal(
        vec.reset(seed=[None, 5, None, None, None, None])[0][0], other.reset()[0][0]
    )
    after = vec.reset(seed=[None, 5, None, None, None, None])[0]
    np.testing.assert_array_equal(after[0], other.reset()[0][0])
    np.testing.assert_array_equal(after[1], make(num_envs=1).reset(seed=5)[0][0])


@pytest.mark.parametrize("seed", [np.int64(4), np.uint8(4), np.array(4)])
def test_a_number_of_numpys_is_a_number(make, seed):
    np.testing.assert_array_equal(make().reset(seed=seed)[0], make().reset(seed=4)[0])
    np.testing.assert_array_equal(
        make().reset(seed=np.arange(ENVS))[0], make().reset(seed=list(range(ENVS)))[0]
    )


@pytest.mark.parametrize("seed", [3.0, -1, True, "7", 2**64, [1, 2, 3, 4, 5, 6.5], [1, 2, 3, 4, 5, -6]])
def test_what_is_no_seed_is_refused_in_a_sentence(make, seed):
    with pytest.raises(ValueError, match="expected one number from 0") as caught:
        make().reset(seed=seed)
    assert len(str(caught.value)) < 200


def test_so_many_seeds_as_environments(make):
    with pytest.raises(ValueError, match="2 seeds for 6 environments"):
        make().reset(seed=[1, 2])


def test_np_random_follows_the_seed(make):
    vec = make(seed=17)
    assert vec.np_random_seed == 17
    drawn = vec.np_random.random()
    assert drawn == gymnasium.utils.seeding.np_random(17)[0].random()
    vec.reset()
    assert vec.np_random_seed == 17
    vec.reset(seed=18)
    assert vec.np_random_seed == 18


# Masks


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_a_seed_and_a_mask_together(make, mode):
    """A selected environment starts as in a crowd of that seed; the others don't move."""
    vec = make(autoreset_mode=mode)
    vec.reset(seed=1)
    for _ in range(3):
        before = vec.step(np.ones(ENVS, np.int64))[0]
    mask = np.array([True, False, True, False, False, True])
    after = vec.reset(seed=9, options={"reset_mask": mask})[0]
    np.testing.assert_array_equal(after[mask], make().reset(seed=9)[0][mask])
    np.testing.assert_array_equal(after[~mask], before[~mask])
    seeds = list(range(10, 10 + ENVS))
    after = vec.reset(seed=seeds, options={"reset_mask": ~mask})[0]
    np.testing.assert_array_equal(after[~mask], make().reset(seed=seeds)[0][~mask])


def test_a_first_reset_with_a_mask_of_all(make):
    every = np.ones(ENVS, np.bool_)
    vec = make()
    np.testing.assert_array_equal(vec.reset(options={"reset_mask": every})[0], make().reset()[0])
    np.testing.assert_array_equal(
        make().reset(seed=4, options={"reset_mask": every})[0], make().reset(seed=4)[0]
    )
    vec.step(np.zeros(ENVS, np.int64))


# Options


def extremes(name, options, number=400):
    """Return the extremes of each state variable at the starts, ours and Gymnasium's."""
    vec = valuescape.make_vec(name, number, 0)
    theirs = gymnasium.make(name).unwrapped
    try:
        vec.reset(seed=1, options=options)
        ours = np.array(vec.get_attr("state"))
    finally:
        vec.close()
    starts = []
    for seed in range(number):
        theirs.reset(seed=seed, options=options)
        starts.append(theirs.state)
    theirs.close()
    return [(each.min(axis=0), each.max(axis=0), each.std(axis=0)) for each in (ours, np.array(starts))]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("CartPole-v1", {"low": -0.2, "high": 0.3}),
        ("CartPole-v1", {"high": 0.01}),
        ("Acrobot-v1", {"low": 0.5, "high": 1.5}),
        ("MountainCar-v0", {"low": -1.0}),
        ("MountainCarContinuous-v0", {"low": 0.1, "high": 0.2}),
        ("Pendulum-v1", {"x_init": 0.5}),
        ("Pendulum-v1", {"x_init": 2.0, "y_init": 8.0}),
    ],
)
def test_starts_are_as_wide_as_gymnasiums(name, options):
    ours, theirs = extremes(name, options)
    spread = np.maximum(theirs[1] - theirs[0], 1e-6)
    for a, b in zip(ours, theirs, strict=True):
        assert (np.abs(a - b) < 0.06 * spread + 1e-6).all()


def test_options_hold_for_the_reset_that_has_them(make):
    vec = make()
    wide = vec.reset(seed=1, options={"low": 1.0, "high": 2.0})[0]
    assert ((wide >= 1) & (wide < 2)).all()
    assert (np.abs(vec.reset()[0]) <= 0.05).all()
    mask = np.arange(ENVS) < 2
    some = vec.reset(options={"low": 1.0, "high": 2.0, "reset_mask": mask})[0]
    assert ((some >= 1).all(axis=1) == mask).all()
    np.testing.assert_array_equal(wide, make().reset(seed=1, options={"low": 1.0, "high": 2.0})[0])
    terminated = vec.step(np.ones(ENVS, np.int64))[2]
    assert (terminated == mask).all()  # who starts fallen has fallen


def test_what_is_observed_of_a_wider_start_is_that_start(make):
    vec = make("pendulum")
    obs = vec.reset(options={"x_init": math.pi / 2, "y_init": 0.0})[0]
    angle = np.array(vec.get_attr("state"))[:, 0]
    np.testing.assert_allclose(obs, np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1), atol=1e-6)
    assert np.abs(angle).max() <= math.pi / 2


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("cartpole", {"low": 1, "high": 0}, "low=1 is above high=0"),
        ("cartpole", {"low": "a"}, "low='a' is no number"),
        ("cartpole", {"high": math.nan}, "no number"),
        ("cartpole", {"x_init": 1}, "cartpole has reset_mask, low, high"),
        ("pendulum", {"low": 1}, "pendulum has reset_mask, x_init, y_init"),
        ("differential_drive", {"low": 1}, "has reset_mask"),
    ],
)
def test_options_that_are_none_are_refused(make, name, options, says):
    with pytest.raises(ValueError, match=says):
        make(name).reset(options=options)


# Specification


@pytest.mark.parametrize("name", WORLD_OF_ID)
def test_a_spec_goes_through_json(make, name):
    vec = make(name, seed=5, render_mode="rgb_array")
    text = vec.spec.to_json()
    assert json.loads(text)["id"] == name
    spec = EnvSpec.from_json(text)
    other = gymnasium.make_vec(spec, num_envs=ENVS, vectorization_mode="vector_entry_point")
    np.testing.assert_array_equal(vec.reset()[0], other.reset()[0])
    assert other.render_mode == "rgb_array"
    other.close()


# Attributes


def test_attributes_are_shared_but_for_the_state(make):
    vec = make("pendulum")
    vec.reset()
    theirs = SyncVectorEnv([lambda: gymnasium.make("Pendulum-v1")] * ENVS)
    for name in ("action_space", "observation_space", "render_mode"):
        assert vec.get_attr(name) == theirs.get_attr(name) == vec.call(name)
    theirs.close()
    assert vec.get_attr("step_s") == (0.05,) * ENVS
    assert vec.get_attr("num_envs") == (ENVS,) * ENVS
    states = vec.get_attr("state")
    assert len({state.tobytes() for state in states}) == ENVS
    states[0][:] = 9
    assert (vec.get_attr("state")[0] != 9).all()
    with pytest.raises(AttributeError, match="neither the crowd nor its world pendulum"):
        vec.get_attr("nothing_like_that")


def test_a_state_can_be_set(make):
    vec = make("pendulum")
    vec.reset()
    vec.set_attr("state", [np.array([0.1 * env, 1.0]) for env in range(ENVS)])
    np.testing.assert_allclose(np.array(vec.get_attr("state"))[:, 0], 0.1 * np.arange(ENVS), rtol=1e-6)
    obs = vec.step(np.zeros((ENVS, 1), np.float32))[0]
    assert obs[0, 2] < obs[5, 2]  # the pull is the stronger, the further it leans
    with pytest.raises(ValueError, match="expected 2 numbers"):
        vec.set_attr("state", [np.zeros(3)] * ENVS)
    vec.step_async(np.zeros((ENVS, 1), np.float32))
    with pytest.raises(gymnasium.error.AlreadyPendingCallError):
        vec.set_attr("state", [np.zeros(2)] * ENVS)
    vec.step_wait()
    vec.close()
    with pytest.raises(gymnasium.error.ClosedEnvironmentError):
        vec.get_attr("state")


def test_notes_are_left_and_what_environments_are_made_with_is_not_changed(make):
    vec = make()
    for note in ("here", "there"):
        vec.set_attr("note", note)
        assert vec.get_attr("note") == (note,) * ENVS
    vec.set_attr("note", ["same"] * ENVS)
    with pytest.raises(ValueError, match="share one value"):
        vec.set_attr("note", list(range(ENVS)))
    with pytest.raises(ValueError, match="2 values for 6 environments"):
        vec.set_attr("note", [1, 2])
    for name in ("max_episode_steps", "step_s", "action_space", "engine", "num_envs"):
        with pytest.raises(ValueError, match="world file of your own"):
            vec.set_attr(name, 1)


@pytest.mark.parametrize("arguments", [("reset",), ("step", 1), ("step_s", 3)])
def test_a_method_of_one_environment_is_refused(make, arguments):
    with pytest.raises(NotImplementedError, match="without objects of their own"):
        make().call(*arguments)


# Pictures


@pytest.mark.parametrize("name", ["cartpole", "pendulum", "differential_drive"])
def test_render_shows_the_crowd_on_its_map(make, name):
    vec = make(name, num_envs=300, render_mode="rgb_array")
    vec.reset(seed=1)
    (image,) = vec.render()
    assert (image.shape, image.dtype) == ((*SIZE, 3), np.uint8)
    for _ in range(20):
        vec.step(vec.action_space.sample())
    (later,) = vec.render()
    assert (image != later).any()
    assert vec.metadata["render_fps"] >= 1


def blue(image):
    """Centre of the dots, as shares of the picture from its lower left."""
    rows, columns = np.nonzero(image[..., 0] < 150)
    return columns.mean() / image.shape[1], 1 - rows.mean() / image.shape[0]


def test_a_dot_is_where_the_agent_is(make):
    vec = make("mountain_car", render_mode="rgb_array", num_envs=4)
    vec.reset()
    seen = []
    for position, speed in ((-1.2, -0.07), (-0.3, 0.0), (0.6, 0.07), (99.0, 99.0)):
        vec.set_attr("state", [np.array([position, speed])] * 4)
        seen.append(blue(vec.render()[0]))
    np.testing.assert_allclose(seen, [(0.03, 0.03), (0.5, 0.5), (0.97, 0.97), (0.97, 0.97)], atol=0.01)
    vec.set_attr("state", [np.array([np.nan, 0.0])] * 4)
    assert (vec.render()[0][..., 0] > 200).all()


def test_without_a_render_mode_there_is_no_picture(make):
    vec = make()
    vec.reset()
    assert vec.render() is None
    with pytest.raises(UsageError, match="render_mode='human' is unknown"):
        make(render_mode="human")


# Actions


@pytest.mark.parametrize("simd", [True, False])
@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_nan_is_no_action(make, monkeypatch, kind, simd):
    """On both paths, as an argument or in the buffer; the crowd goes on with the next actions."""
    if not simd:
        monkeypatch.setattr("valuescape.sim.stepping.choose.available", lambda: False)
    vec = make("pendulum")
    vec.reset(seed=1)
    actions = np.zeros((ENVS, 1), kind)
    actions[[2, 4]] = np.nan
    for given in (actions, None):
        with pytest.raises(ValueError, match=r"environment 2: action nan is no number \(2 such in all\)"):
            vec.step(vec.action_buffer if given is None else given)
    actions[:] = [[np.inf], [-np.inf], [0], [1e30], [-3], [2]]
    other = make("pendulum")
    other.reset(seed=1)
    clipped = np.array([[2], [-2], [0], [2], [-2], [2]], kind)
    np.testing.assert_array_equal(vec.step(actions)[0], other.step(clipped)[0])
