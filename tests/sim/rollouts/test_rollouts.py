"""Rollouts: against closed forms, and the compiled path against the plain one."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from networks import checkpoint_of, random_mlp
from small_worlds import STEP, Chain, Regulator, always_on, chain_values, linear_policy
from stepping import random_states

from valuescape.sim.policy.network import ActionNoise, Activation, ActorHead, CriticKind, Layer
from valuescape.sim.rollouts.compiled import CompiledRollouts
from valuescape.sim.rollouts.plain import PlainRollouts
from valuescape.sim.rollouts.rules import LONGEST, RolloutEnd, RolloutRules, Rollouts, horizon
from valuescape.sim.worlds import make_world

PATHS = [PlainRollouts, CompiledRollouts]


def rolled_out(path, world, checkpoint, rules, states, parts=1, number=0):
    """Return the rollouts from `states`, made in so many parts."""
    out = Rollouts.empty(states.shape[1])
    rollouts = path(world, checkpoint, rules)
    edges = np.linspace(0, states.shape[1], parts + 1).astype(int)
    for begin, end in pairwise(edges):
        rollouts.run(states, out, slice(int(begin), int(end)), number)
    return out


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in Rollouts.__dataclass_fields__)


@pytest.mark.parametrize("path", PATHS)
def test_a_linear_policy_costs_what_the_lyapunov_equation_says(path):
    gain, gamma = np.array([2.0, 3.0]), 0.9
    closed = np.array([[1, STEP], [0, 1]]) - np.outer([0, STEP], gain)
    cost = np.eye(2) + np.outer(gain, gain)
    kron = np.eye(4) - gamma * np.kron(closed.T, closed.T)
    p = np.linalg.solve(kron, cost.ravel()).reshape(2, 2)
    states = random_states(Regulator(), np.random.default_rng(1), 300)
    rules = RolloutRules.of(gamma, 200)
    found = rolled_out(path, Regulator(), linear_policy(gain), rules, states)
    expected = -np.einsum("in,ij,jn->n", states, p, states)
    bound = 1e-3 / (1 - gamma) * 20  # what was cut off
    assert np.abs(found.value - expected).max() < min(bound, 0.02 * np.abs(expected).max())
    assert (found.end == RolloutEnd.CUT).all()
    assert (found.steps == horizon(gamma)).all()
    longer = replace(rules, max_steps=2000)
    assert np.allclose(found.value, rolled_out(path, Regulator(), linear_policy(gain), longer, states).value)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("gamma", [0.0, 0.9, 1.0])
def test_a_chain_is_worth_what_its_bellman_equation_says(path, gamma):
    states = np.stack([np.arange(10), np.zeros(10)]).astype(np.float32)
    found = rolled_out(path, Chain(), always_on(), RolloutRules.of(gamma, 100), states)
    assert found.value == pytest.approx(chain_values(0.0, gamma), abs=1e-6)
    if gamma == 0.0:
        assert (found.steps == 1).all()
        return
    assert found.steps.tolist() == list(range(10, 0, -1))
    assert (found.end == RolloutEnd.TERMINATED).all()
    assert found.total.tolist() == [2.0 - steps for steps in range(10, 0, -1)]


@pytest.mark.parametrize("path", PATHS)
def test_the_mean_of_random_rollouts_is_the_value(path):
    """Within four of its standard errors, at each of ten places."""
    states = np.tile(np.stack([np.arange(10), np.zeros(10)]), 1000).astype(np.float32)
    rules = RolloutRules.of(0.9, 100, exploration=0.4)
    found = rolled_out(path, Chain(), always_on(), rules, states).value.reshape(1000, 10)
    error = found.std(axis=0, ddof=1) / np.sqrt(1000)
    cut = 1e-3 / (1 - 0.9)
    assert (np.abs(found.mean(axis=0) - chain_values(0.4, 0.9)) < 4 * error + cut).all()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("exploration", [0.0, 0.3])
@pytest.mark.parametrize("name", ["mountain_car", "pendulum"])
def test_results_do_not_depend_on_how_states_are_split(path, exploration, name):
    world = make_world(name)
    states = random_states(world, np.random.default_rng(2), 3000)
    outputs = world.action.n if name == "mountain_car" else 1
    actor = random_mlp((len(world.obs), 16, outputs))
    head = ActorHead.ARGMAX if name == "mountain_car" else ActorHead.CLIPPED
    checkpoint = replace(checkpoint_of(actor), actor_head=head, obs_dim=len(world.obs))
    rules = RolloutRules.of(0.9, 50, exploration=exploration, seed=3)
    whole = rolled_out(path, world, checkpoint, rules, states)
    assert same(whole, rolled_out(path, world, checkpoint, rules, states, parts=7))
    again = rolled_out(path, world, checkpoint, rules, states, number=1)
    assert same(whole, again) == (exploration == 0.0)


@pytest.mark.parametrize("name", ["mountain_car", "pendulum", "cartpole", "differential_drive"])
def test_random_actions_give_the_same_bits_on_both_paths(name):
    world = make_world(name)
    states = random_states(world, np.random.default_rng(4), 2500)
    rules = RolloutRules.of(0.95, 60, time_limit=True, seed=9)
    plain, compiled = (rolled_out(path, world, None, rules, states) for path in PATHS)
    assert same(plain, compiled)
    assert len(np.unique(plain.end)) > 1 or name == "pendulum"


def test_a_network_s_rollouts_agree_on_both_paths():
    world = make_world("pendulum")
    states = random_states(world, np.random.default_rng(5), 500)
    actor = random_mlp((3, 32, 1), last=Activation.TANH)
    checkpoint = replace(checkpoint_of(actor), actor_head=ActorHead.SQUASHED, obs_dim=3)
    rules = RolloutRules.of(0.9, 60)
    plain, compiled = (rolled_out(path, world, checkpoint, rules, states) for path in PATHS)
    assert np.abs(plain.value - compiled.value).max() < 1e-3
    assert np.median(np.abs(plain.value - compiled.value)) < 1e-5


@pytest.mark.parametrize("path", PATHS)
def test_a_nan_stays_where_it_is(path):
    states = np.zeros((2, 5), np.float32)
    states[0, 2] = np.nan
    found = rolled_out(path, Regulator(), linear_policy([1.0, 1.0]), RolloutRules.of(0.9, 100), states)
    assert np.isnan(found.value).tolist() == [False, False, True, False, False]


def test_rules_say_where_rollouts_stop():
    assert RolloutRules.of(0.9, 10).max_steps == horizon(0.9) == 66
    assert RolloutRules.of(0.9, 10, time_limit=True).limit_end is RolloutEnd.TIME_LIMIT
    assert RolloutRules.of(1.0, 10) == RolloutRules(1.0, 10, RolloutEnd.TIME_LIMIT)
    assert RolloutRules.of(0.5, 1000, time_limit=True) == RolloutRules(0.5, 10, RolloutEnd.CUT)
    assert horizon(0.0) == 1
    assert horizon(1 - 1e-9) == LONGEST
    with pytest.raises(ValueError, match=r"gamma = 1\.5, expected 0 to 1"):
        RolloutRules.of(1.5, 10)


# --- Stochastic policies ---------------------------------------------------------------------------------


def noisy(kind):
    """A checkpoint of a pendulum's policy that draws its actions."""
    rng = np.random.default_rng(8)
    last = Activation.TANH if kind.startswith("squashed") else Activation.IDENTITY
    actor = random_mlp((3, 24, 1), last=last, seed=8)
    weight = (0.3 * rng.standard_normal((1, 24)) - 0.5 * (kind == "squashed gSDE")).astype(np.float32)
    layer = Layer(weight if "constant" not in kind else 0 * weight, np.float32([-0.7]), Activation.IDENTITY)
    if kind == "squashed gSDE":
        layer = replace(layer, bias=np.zeros(1, np.float32))
    head = ActorHead.SQUASHED if kind.startswith("squashed") else ActorHead.CLIPPED
    critic = CriticKind.ACTION_VALUE if kind.startswith("squashed") else CriticKind.STATE_VALUE
    noise = ActionNoise(layer, state_dependent=kind == "squashed gSDE")
    return replace(checkpoint_of(actor), actor_head=head, obs_dim=3, noise=noise, critic_kind=critic)


@pytest.mark.parametrize("kind", ["squashed", "squashed gSDE", "gaussian", "gaussian, constant"])
def test_drawn_actions_agree_on_both_paths(kind):
    """Draw by draw: after three steps nothing has had time to grow."""
    world, checkpoint = make_world("pendulum"), noisy(kind)
    states = random_states(world, np.random.default_rng(6), 3000)
    rules = RolloutRules(0.9, 3, RolloutEnd.CUT, seed=2, sampled=True, alpha=0.2)
    plain, compiled = (rolled_out(path, world, checkpoint, rules, states) for path in PATHS)
    # Where tanh is all but 1, float32 says little of 1 - tanh(x)², and two ways to calculate it part.
    assert np.quantile(np.abs(plain.value - compiled.value), 0.9) < 1e-3
    assert np.median(np.abs(plain.value - compiled.value)) < 1e-5
    assert np.abs(plain.total - compiled.total).max() < 1e-2
    other = rolled_out(CompiledRollouts, world, checkpoint, replace(rules, seed=3), states)
    assert np.median(np.abs(other.value - compiled.value)) > 1e-3
    assert same(compiled, rolled_out(CompiledRollouts, world, checkpoint, rules, states, parts=5))


def test_choices_agree_on_both_paths():
    world = make_world("mountain_car")
    checkpoint = replace(checkpoint_of(random_mlp((2, 16, 3), seed=3)), actor_head=ActorHead.ARGMAX)
    states = random_states(world, np.random.default_rng(6), 3000)
    rules = RolloutRules(0.9, 5, RolloutEnd.CUT, seed=2, sampled=True)
    plain, compiled = (rolled_out(path, world, checkpoint, rules, states) for path in PATHS)
    assert (plain.steps != compiled.steps).mean() < 0.002
    greedy = rolled_out(CompiledRollouts, world, checkpoint, replace(rules, sampled=False), states)
    assert same(greedy, rolled_out(PlainRollouts, world, checkpoint, replace(rules, sampled=False), states))


@pytest.mark.parametrize("critic", [CriticKind.ACTION_VALUE, CriticKind.MEAN_ACTION_VALUE])
@pytest.mark.parametrize("path", PATHS)
def test_soft_returns_begin_with_the_action_that_the_critic_is_asked_about(path, critic):
    """One step: no noise and no entropy in it. Two: what the second adds is -alpha log pi."""
    world, checkpoint = make_world("pendulum"), replace(noisy("squashed"), critic_kind=critic)
    states = random_states(world, np.random.default_rng(7), 500)
    one = RolloutRules(0.9, 1, RolloutEnd.CUT, sampled=True, alpha=0.2)
    first = rolled_out(path, world, checkpoint, one, states)
    greedy = rolled_out(path, world, checkpoint, replace(one, sampled=False), states)
    assert first.value == pytest.approx(greedy.value, abs=1e-5)
    soft, hard = (
        rolled_out(path, world, checkpoint, replace(one, max_steps=2, alpha=alpha), states)
        for alpha in (0.2, 0.0)
    )
    assert np.array_equal(soft.total, hard.total)
    entropy = (soft.value - hard.value) / (0.9 * 0.2)  # of one draw at each state
    assert np.std(entropy) > 0.1
    assert -3 < entropy.mean() < 1.5
