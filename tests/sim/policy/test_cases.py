"""Regressions on other people's models, with the right values."""

import json

import numpy as np
import pytest

from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.critics import critic_of
from valuescape.sim.insight.signal_kinds import TD_ERROR, VALUE
from valuescape.sim.insight.signals import Signals
from valuescape.sim.policy.inference import BatchPolicy, value
from valuescape.sim.policy.loading import load_checkpoint, load_with_statistics
from valuescape.sim.worlds import make_world


def test_a_critic_of_normalised_rewards_predicts_the_returns(cases):
    """A2C of RL Baselines3 Zoo: V(s0) -65.2, realised -66.5; TD error -0.002 +- 0.021 in its own units."""
    checkpoint = load_with_statistics(cases("a2c_mountain_car.zip"), make_world("mountain_car"))
    settings = ["world.name=mountain_car", "workers.count=0", "agents.count=256"]
    config = load_config(None, [*settings, "features.simd=false", "features.async_physics=false"])
    agents, errors, values = config.agents.count, [], []
    with Engine(config, checkpoint) as engine:
        engine.wait_ready()
        signals = [
            Signals(signal, engine.world, engine, engine.rules.map_axes, critic_of(checkpoint))
            for signal in (TD_ERROR, VALUE)
        ]
        for tick in range(199):
            engine.advance_to(tick)
            for rows, each in zip((errors, values), signals, strict=True):
                rows.append(each.row(tick, agents))
    assert np.mean(values[0]) == pytest.approx(-65.2, abs=0.5)
    assert np.nanmean(errors) == pytest.approx(-0.002, abs=0.001)
    assert np.nanstd(errors) == pytest.approx(0.021, abs=0.002)


def test_squashed_means_without_gsde_are_those_of_release_2_0(cases):
    world, right = make_world("pendulum"), np.load(cases("squash_nosde_200.npz"))
    checkpoint = load_checkpoint(cases("squash_nosde_200.zip"), world)
    obs = np.ascontiguousarray(right["obs"].T)
    action = np.empty((1, obs.shape[1]), np.float32)
    BatchPolicy(checkpoint, world.action, obs.shape[1]).act(obs, action)
    np.testing.assert_allclose(action[0], np.clip(right["act"][:, 0], -2, 2), atol=1e-5)
    np.testing.assert_allclose(value(checkpoint, obs), right["v"][:, 0], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("custom_relu_elu.zip", "policy_class is mypol.TwoNetsPolicy"),
        ("scale_ppo.zip", "features_extractor_class is <class 'mypol.Scale'>"),
        ("cut_short.zip", "is cut short"),
        ("lfs_pointer.zip", "is a Git-LFS pointer"),
        ("html_page.zip", "is a web page"),
        ("x.onnx", "is an ONNX file"),
        ("ars_linear.zip", "is a model of ARS, which has no critic"),
    ],
)
def test_what_cannot_be_shown_right_is_refused_by_name(name, message, cases):
    with pytest.raises(UsageError) as caught:
        load_checkpoint(cases(name), make_world("pendulum"))
    assert message in str(caught.value)


def test_qr_dqn_s_value_is_the_greatest_mean_of_quantiles(cases):
    right = json.loads(cases("expected.json").read_text())["qrdqn"]
    checkpoint = load_checkpoint(cases("qrdqn.zip"), make_world("cartpole"))
    found = value(checkpoint, np.array(right["obs"], np.float32).T)
    np.testing.assert_allclose(found, right["V_max_over_actions_of_mean_quantile"], atol=1e-4)  # 4 digits


def test_trpo_is_called_so(cases):
    assert load_checkpoint(cases("trpo_cartpole.zip"), make_world("cartpole")).algorithm == "trpo"
