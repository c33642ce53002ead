"""Networks in compiled ticks against NumPy's, within a stated bound."""

import math

import numpy as np
import pytest
from lives import lives_of, shortened, stage
from networks import checkpoint_of, random_mlp
from twins import ELEMENTWISE, assert_eventful, assert_same_lives, twins

from valuescape.presets import find_checkpoint
from valuescape.sim.policy.inference import BatchMlp, BatchPolicy, normalized_obs
from valuescape.sim.policy.network import (
    Activation,
    ActorHead,
    Layer,
    Mlp,
    ObsNormalization,
)
from valuescape.sim.stepping.stepper import Stepper
from valuescape.sim.worlds import WORLDS, ContinuousAction, make_world

pytest.importorskip("numba")

from network_outputs import act_by_network, choose, outputs

from valuescape.sim.codegen.machine import BLOCK_AGENTS
from valuescape.sim.stepping.compiled.mlp import TILE_AGENTS
from valuescape.sim.stepping.compiled.network import network_width, policy_arrays
from valuescape.sim.stepping.tiles import ACTIVATIONS

pytestmark = pytest.mark.regression


def selecting(obs_dim, units):
    """Return a network with exact sums: each is a quarter plus or minus half of an observation."""
    weight = np.zeros((units, obs_dim), np.float32)
    weight[np.arange(units), np.arange(units) % obs_dim] = 0.5 * (-1.0) ** np.arange(units)
    return Mlp((Layer(weight, np.full(units, 0.25, np.float32), Activation.IDENTITY),))


@pytest.mark.parametrize("exploration", [0.0, 0.3])
@pytest.mark.parametrize("head", [ActorHead.CLIPPED, ActorHead.SQUASHED])
@pytest.mark.parametrize("name", [n for n in ELEMENTWISE if isinstance(WORLDS[n].action, ContinuousAction)])
def test_what_is_done_with_a_networks_outputs_is_numpys(name, head, exploration):
    """Scaling, clipping and noise round alike; the outputs are exact here, in any order of sums."""
    world = shortened(name, 30)
    checkpoint = checkpoint_of(selecting(len(world.obs), world.action.dim), head)
    plain, compiled_ = twins(world, 97, 200, checkpoint, exploration=exploration)
    assert_eventful(plain)
    assert_same_lives(plain, compiled_)


@pytest.mark.parametrize("exploration", [0.0, 0.3])
@pytest.mark.parametrize(
    "name", [n for n in ELEMENTWISE if not isinstance(WORLDS[n].action, ContinuousAction)]
)
def test_choices_are_numpys(name, exploration):
    world = shortened(name, 30)
    checkpoint = checkpoint_of(selecting(len(world.obs), world.action.n), ActorHead.ARGMAX)
    plain, compiled_ = twins(world, 97, 200, checkpoint, exploration=exploration)
    assert_eventful(plain)
    assert len(np.unique(plain["action"])) > 1
    assert_same_lives(plain, compiled_)


def actions(checkpoint, space, obs):
    """The compiled policy's actions for `obs` [obs_dim, n], with rubbish beside it in the block."""
    policy = policy_arrays(checkpoint, space, given=False)
    count = obs.shape[1]
    block = np.full((len(obs), BLOCK_AGENTS), np.nan, np.float32)
    block[:, :count] = obs
    network = np.full((3, network_width(policy, len(obs)) * TILE_AGENTS), np.nan, np.float32)
    action = np.full((space.dim, BLOCK_AGENTS), np.nan, np.float32)
    act_by_network(policy, action, block, 0, len(obs), network, count)
    return action[:, :count]


def difference(checkpoint, obs=None):
    """The largest difference of the compiled network's outputs from `sim.policy.inference`'s.

    Relative to the largest output, if that is above one: sums are rounded where they are largest.
    """
    if obs is None:
        obs = np.random.default_rng(8).uniform(-3, 3, (checkpoint.obs_dim, 1024)).astype(np.float32)
    theirs = np.empty((checkpoint.actor.out_dim, obs.shape[1]), np.float32)
    inputs = normalized_obs(checkpoint, obs)
    BatchMlp(checkpoint.actor, obs.shape[1]).forward(inputs, theirs)
    assert np.ptp(theirs, axis=1).max() > 0.1
    return float(np.abs(outputs(checkpoint, obs) - theirs).max() / max(1, np.abs(theirs).max()))


BOUND = 4e-6
"""Sums of up to 300 rounded products, in another order, layer upon layer, and a tanh within 3.5e-7."""


@pytest.mark.parametrize("last", [Activation.IDENTITY, Activation.TANH])
@pytest.mark.parametrize("hidden", [Activation.TANH, Activation.RELU])
@pytest.mark.parametrize("seed", range(4))
def test_a_network_of_64_64_is_within_2e_6_of_numpys(hidden, last, seed):
    assert difference(checkpoint_of(random_mlp((3, 64, 64, 2), hidden, last, seed=seed))) < BOUND / 2


@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("last", ACTIVATIONS)
def test_every_activation_is_within_4e_6_of_numpys(hidden, last):
    assert difference(checkpoint_of(random_mlp((3, 64, 64, 2), hidden, last))) < BOUND


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_shipped_networks_are_within_4e_6_of_numpys(name):
    """On the observations of random agents, over whole episodes."""
    world = make_world(name)
    arena, rules = stage(world, 16)
    stepper = Stepper(arena, slice(0, 16), world, None, rules)
    seen = lives_of(stepper, 256)["state"][-64:].transpose(1, 0, 2).reshape(len(world.state), -1)
    obs = np.empty((len(world.obs), seen.shape[1]), np.float32)
    world.observe(seen, obs)
    assert difference(find_checkpoint("auto", world), obs) < BOUND


@pytest.mark.parametrize(
    "sizes", [(3, 300, 300, 2), (17, 1, 5), (1, 65, 63, 4), (4, 1), (6, 256, 256, 256, 3)]
)
def test_networks_of_any_size_are_within_4e_6_of_numpys(sizes):
    """Sums of 300 products have more roundings; sizes that fill no tile are padded."""
    assert difference(checkpoint_of(random_mlp(sizes, Activation.TANH))) < BOUND


def test_observations_are_normalised_and_sums_clipped_as_numpys():
    norm = ObsNormalization(np.float32([0.1, -0.2, 3]), np.float32([2, 0.5, 0.1]), 1.5)
    actor = random_mlp((3, 64, 64, 2), Activation.TANH, Activation.TANH, clip=0.5)
    checkpoint = checkpoint_of(actor, normalization=norm)
    assert difference(checkpoint) < BOUND
    obs = np.random.default_rng(8).uniform(-3, 3, (3, 1024)).astype(np.float32)
    seen = outputs(checkpoint, obs)
    assert np.abs(seen).max() == pytest.approx(math.tanh(0.5), abs=1e-6)
    without = outputs(checkpoint_of(actor), obs)
    assert np.abs(seen - without).max() > 0.1


def test_a_tie_goes_to_the_lowest():
    """Scores that are equal bit by bit: of three, of the last two, of zeros that differ in sign."""
    space = WORLDS["mountain_car"].action
    scores = np.float32([[1, 1, 1], [0, 2, 2], [3, 0, 3], [0.0, -0.0, -1], [-0.0, 0.0, 0.0], [-1, -2, -1]]).T
    identity = Mlp((Layer(np.eye(3, dtype=np.float32), np.zeros(3, np.float32), Activation.IDENTITY),))
    checkpoint = checkpoint_of(identity, ActorHead.ARGMAX)
    assert actions(checkpoint, space, scores)[0].tolist() == [0, 1, 0, 0, 0, 0]
    plain = np.empty((1, 6), np.float32)
    BatchPolicy(checkpoint, space, 6).act(scores, plain)
    assert plain[0].tolist() == [0, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_an_agents_action_does_not_depend_on_who_is_beside_it(hidden):
    """It is equal to the bit: alone, at other places, and beside NaN."""
    rng = np.random.default_rng(4)
    space = WORLDS["point_mass"].action
    norm = ObsNormalization(np.float32([0.1, -0.2]), np.float32([2, 0.5]), 3.0)
    checkpoint = checkpoint_of(random_mlp((2, 64, 30, 1), hidden, Activation.TANH), ActorHead.SQUASHED, norm)
    obs = rng.uniform(-3, 3, (2, 300)).astype(np.float32)
    together = actions(checkpoint, space, obs)
    assert len(np.unique(together)) > 50
    order = rng.permutation(300)
    np.testing.assert_array_equal(actions(checkpoint, space, obs[:, order]), together[:, order])
    for agent in (0, 63, 64, 299):
        np.testing.assert_array_equal(
            actions(checkpoint, space, obs[:, agent : agent + 1]), together[:, agent : agent + 1]
        )
    hostile = obs.copy()
    hostile[:, 1::2] = rng.choice(np.float32([np.nan, np.inf, -np.inf, 1e38]), (2, 150))
    np.testing.assert_array_equal(actions(checkpoint, space, hostile)[:, ::2], together[:, ::2])


def lost(obs_dim, units, activation):
    """A network that has diverged, whose outputs are all NaN."""
    weight, bias = np.ones((units, obs_dim), np.float32), np.full(units, np.nan, np.float32)
    return Mlp((Layer(weight, bias, activation), Layer(np.eye(units, dtype=np.float32), bias, activation)))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_nan_of_a_policy_stays_nan_and_shows_on_both_paths(name, activation):
    """NaN shows in action and state: a diverged policy must not look like one that pushes left."""
    world = shortened(name, 8)
    continuous = isinstance(world.action, ContinuousAction)
    units = world.action.dim if continuous else world.action.n
    clip = 1.5 if continuous else math.inf
    mlp = lost(len(world.obs), units, activation)
    mlp = Mlp((*mlp.layers[:-1], Layer(mlp.layers[-1].weight, mlp.layers[-1].bias, activation, clip)))
    normalization = ObsNormalization(
        np.zeros(len(world.obs), np.float32), np.ones(len(world.obs), np.float32), 10.0
    )
    head = ActorHead.SQUASHED if continuous else ActorHead.ARGMAX
    plain, compiled_ = twins(world, 33, 20, checkpoint_of(mlp, head, normalization))
    assert np.isnan(plain["action"][1]).all()
    assert np.isnan(plain["state"][1]).any(axis=0).all()
    for each in plain:
        np.testing.assert_array_equal(plain[each], compiled_[each])


def test_a_choice_among_scores_of_which_one_is_nan_is_nan():
    """At any place; higher scores before and after it do not hide it."""
    scores = np.array([[np.nan, 1, 1, 1, 3], [1, np.nan, 2, np.nan, 2], [2, 2, np.nan, 0, 1]], np.float32)
    every = np.zeros((3, TILE_AGENTS), np.float32)
    every[:, :5] = scores
    ours, theirs = np.empty((2, TILE_AGENTS), np.float32)
    choose(every.ravel(), 3, ours)
    actor = Mlp((Layer(np.eye(3, dtype=np.float32), np.zeros(3, np.float32), Activation.IDENTITY),))
    policy = BatchPolicy(checkpoint_of(actor, ActorHead.ARGMAX), WORLDS["mountain_car"].action, TILE_AGENTS)
    policy._argmax(every.copy(), theirs)
    np.testing.assert_array_equal(ours[:5], [np.nan] * 4 + [0])
    np.testing.assert_array_equal(theirs, ours)
