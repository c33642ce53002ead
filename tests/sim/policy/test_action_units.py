"""Actors and critics of other units of actions act and value as before."""

from dataclasses import replace

import numpy as np
from networks import checkpoint_of, random_mlp

from valuescape.sim.policy.action_units import in_head_units
from valuescape.sim.policy.network import ActionNoise, Activation, ActorHead, CriticKind, Layer

LOW, HIGH = np.array([-3.0, 1.0], np.float32), np.array([5.0, 2.0], np.float32)
MIDDLE, HALF = (LOW + HIGH) / 2, (HIGH - LOW) / 2
OBS = np.random.default_rng(0).standard_normal((20, 3)).astype(np.float32)


def answers(mlp, inputs):
    """By NumPy, in double precision."""
    for layer in mlp.layers:
        inputs = inputs @ layer.weight.T.astype(np.float64) + layer.bias
        inputs = np.tanh(inputs) if layer.activation is Activation.TANH else inputs
    return inputs


def made(head, last=Activation.IDENTITY, **changes):
    bounds = {"action_low": LOW, "action_high": HIGH}
    return replace(checkpoint_of(random_mlp((3, 8, 2), last=last), head), **bounds, **changes)


def test_means_of_minus_1_to_1_become_the_world_s_and_so_does_their_noise():
    noise = ActionNoise(
        Layer(np.zeros((2, 8), np.float32), np.log([0.5, 0.2]).astype("f4"), Activation.IDENTITY)
    )
    before = made(ActorHead.CLIPPED, actor_units_differ=True, noise=noise)
    after = in_head_units(before)
    np.testing.assert_allclose(
        answers(after.actor, OBS), MIDDLE + HALF * answers(before.actor, OBS), rtol=1e-5
    )
    np.testing.assert_allclose(np.exp(after.noise.layer.bias), [0.5 * 4, 0.2 * 0.5], rtol=1e-6)
    assert len(after.actor.layers) == len(before.actor.layers)
    assert in_head_units(after) is after


def test_a_tanh_at_the_end_gets_a_layer_behind_it():
    before = made(ActorHead.CLIPPED, Activation.TANH, actor_units_differ=True)
    found = answers(in_head_units(before).actor, OBS)
    np.testing.assert_allclose(found, MIDDLE + HALF * answers(before.actor, OBS), rtol=1e-5)


def test_actions_in_the_world_s_units_become_outputs_of_a_squashed_actor():
    critic = random_mlp((5, 6, 1), seed=1)
    before = made(
        ActorHead.SQUASHED,
        Activation.TANH,
        actor_units_differ=True,
        critic_units_differ=True,
        critics=(critic,),
        critic_kind=CriticKind.ACTION_VALUE,
    )
    after = in_head_units(before)
    outputs, actions = answers(after.actor, OBS), answers(before.actor, OBS)
    np.testing.assert_allclose(MIDDLE + HALF * outputs, actions, rtol=1e-5, atol=1e-6)
    found = answers(after.critics[0], np.hstack([OBS, outputs]))
    np.testing.assert_allclose(found, answers(critic, np.hstack([OBS, actions])), rtol=1e-4, atol=1e-5)


def test_nothing_changes_before_the_bounds_are_known():
    none = np.zeros(0, np.float32)
    before = made(ActorHead.SQUASHED, critic_units_differ=True)
    assert in_head_units(waiting := replace(before, action_low=none, action_high=none)) is waiting
