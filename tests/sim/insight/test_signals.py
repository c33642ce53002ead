"""Signals tick by tick, against the same numbers worked out from whole runs."""

from functools import partial

import numpy as np
import pytest
import torch
from crowds import shipped, small

from valuescape.sim.engine import Engine
from valuescape.sim.insight.signal_kinds import (
    ACTION,
    ADVANTAGE,
    BUILT_IN,
    GAE_LAMBDA,
    OUTCOME,
    REWARD,
    SPEED,
    TD_ERROR,
    VALUE,
    available,
    find_signal,
)
from valuescape.sim.insight.signals import Critic, Signals
from valuescape.sim.policy.inference import value
from valuescape.sim.policy.reference import TorchCheckpoint
from valuescape.sim.shared.layout import Ending
from valuescape.sim.worlds import make_world

TICKS = 120


class Kept:
    """All ticks of a run: each array is [ticks, ..., agents]."""

    def __init__(self, config, checkpoint, ticks=TICKS):
        self.config, self.checkpoint = config, checkpoint
        names = ("state", "action", "reward", "ending")
        self.arrays = {name: [] for name in names}
        with Engine(config, checkpoint) as engine:
            engine.wait_ready()
            self.world, self.axes = engine.world, engine.rules.map_axes
            for tick in range(ticks):
                engine.advance_to(tick)
                for name in names:
                    self.arrays[name].append(engine.recent_row(name, tick))
        self.arrays = {name: np.stack(rows) for name, rows in self.arrays.items()}
        self.gone = set()

    def recent_row(self, name, tick, agents=slice(None)):
        return None if tick in self.gone else self.arrays[name][tick][..., agents]

    def signals(self, signal):
        critic = Critic(partial(value, self.checkpoint), self.checkpoint.gamma)
        return Signals(signal, self.world, self, self.axes, critic)

    def rows(self, signal):
        signals, agents = self.signals(signal), self.config.agents.count
        return np.stack([signals.row(tick, agents) for tick in range(len(self.arrays["reward"]))])


@pytest.fixture(scope="module")
def run():
    # Short episodes that end in both ways.
    config = small("world.name=mountain_car_continuous", "workers.count=0", "policy.exploration=0.5")
    return Kept(config, shipped(config), ticks=400)


@pytest.fixture(scope="module")
def choices():
    config = small("world.name=mountain_car", "workers.count=0")
    return Kept(config, shipped(config))


def started(run):
    """Mark where agents have just started, [ticks, agents]: after an end, and at the very first tick."""
    fresh = np.ones(run.arrays["ending"].shape, bool)
    fresh[1:] = run.arrays["ending"][:-1] != Ending.RUNNING
    return fresh


def test_the_run_has_both_ends(run):
    assert {Ending.RUNNING, Ending.TERMINATED} <= set(np.unique(run.arrays["ending"]))
    assert started(run)[1:].sum() > 10


def test_the_td_error_is_that_of_torch(run):
    """Return r + gamma V(s') - V(s) by torch's critic; NaN where no step led to the tick."""
    state, reward, ending = (run.arrays[name] for name in ("state", "reward", "ending"))
    ticks, _, agents = state.shape
    obs = np.empty((ticks, len(run.world.obs), agents), np.float32)
    for tick in range(ticks):
        run.world.observe(state[tick], obs[tick])
    rows = torch.from_numpy(np.ascontiguousarray(obs.transpose(0, 2, 1)).reshape(ticks * agents, -1))
    values = TorchCheckpoint(run.checkpoint).value(rows).detach().numpy().reshape(ticks, agents)
    after = np.where(ending[1:] == Ending.TERMINATED, 0, values[1:])
    expected = reward[1:] + run.checkpoint.gamma * after - values[:-1]
    found = run.rows(TD_ERROR)
    fresh = started(run)
    assert np.isnan(found[fresh]).all()
    np.testing.assert_allclose(found[1:][~fresh[1:]], expected[~fresh[1:]], atol=2e-4)
    np.testing.assert_allclose(run.rows(VALUE), values, atol=2e-4)
    np.testing.assert_array_equal(found, run.rows(ADVANTAGE))


def test_speed_is_the_way_over_the_map(run):
    found, fresh = run.rows(SPEED), started(run)
    state = run.arrays["state"]
    share = np.diff(state, axis=0)
    for row, variable in enumerate(run.world.state):
        share[:, row] /= variable.high - variable.low
    expected = np.hypot(share[:, 0], share[:, 1]) / run.world.step_s
    np.testing.assert_allclose(found[1:][~fresh[1:]], expected[~fresh[1:]], rtol=1e-4, atol=1e-6)
    assert np.isnan(found[fresh]).all()


def test_an_edge_that_is_crossed_is_no_great_way():
    config = small("world.name=pendulum", "workers.count=0")
    run = Kept(config, shipped(config))
    angle = run.arrays["state"][:, run.axes[0]]
    variable = run.world.state[run.axes[0]]
    span = variable.high - variable.low
    assert (np.abs(np.diff(np.mod(angle, span), axis=0)) > span / 2).any()
    assert np.nanmax(run.rows(SPEED)) * run.world.step_s < 0.5


def test_rewards_actions_and_outcomes_are_the_engine_s(choices):
    fresh = started(choices)
    reward = choices.rows(REWARD)
    np.testing.assert_array_equal(reward[~fresh], choices.arrays["reward"][~fresh])
    assert np.isnan(reward[fresh]).all()
    np.testing.assert_array_equal(choices.rows(ACTION), choices.arrays["action"][:, 0])
    np.testing.assert_array_equal(choices.rows(OUTCOME), choices.arrays["ending"])


@pytest.mark.parametrize(
    ("name", "said"), [("mountain_car", "goal reached"), ("cartpole", "failed"), ("pendulum", "terminated")]
)
def test_an_outcome_is_named_as_the_world_means_it(name, said):
    names = Signals(OUTCOME, make_world(name), None, (0, 1), None).scale.names
    assert names == ("running", said, "truncated")


def test_choices_have_names_and_signed_scales_are_signed(choices, run):
    assert choices.signals(ACTION).scale.names == choices.world.action.names
    assert run.signals(ACTION).scale.signed
    assert run.signals(TD_ERROR).scale.signed
    assert not run.signals(SPEED).scale.signed


@pytest.mark.parametrize("signal", BUILT_IN)
def test_of_a_tick_that_is_gone_nothing_is_said(run, signal):
    run.gone = {3}
    try:
        signals, agents = run.signals(signal), run.config.agents.count
        assert np.isnan(signals.row(3, agents)).all()
        needs_two = signal not in (VALUE, ACTION, OUTCOME)
        assert np.isnan(signals.row(4, agents)).all() == needs_two
    finally:
        run.gone = set()


@pytest.mark.parametrize("signal", [VALUE, TD_ERROR, REWARD])
def test_one_agent_is_as_in_the_crowd(run, signal):
    signals = run.signals(signal)
    row = signals.row(7, run.config.agents.count)
    assert signals.of_agent(7, 5) == pytest.approx(float(row[5]), abs=2e-5)


def test_a_state_is_evaluated_once(run):
    asked = []

    def evaluate(obs):
        asked.append(obs.shape[1])
        return value(run.checkpoint, obs)

    signals = Signals(ADVANTAGE, run.world, run, run.axes, Critic(evaluate, 0.9))
    for tick in range(5):
        signals.row(tick, run.config.agents.count)
    assert len(asked) == 5
    assert signals.decay == pytest.approx(0.9 * GAE_LAMBDA)


def test_what_needs_a_critic_is_refused_without(run):
    assert available(None, run.world) == [SPEED, REWARD, ACTION, OUTCOME]
    untrained = Critic(lambda obs: obs[0], None)
    assert set(available(untrained, run.world)) == set(BUILT_IN) - {TD_ERROR, ADVANTAGE}
    for critic, signal in ((None, VALUE), (untrained, TD_ERROR)):
        with pytest.raises(ValueError, match="critic"):
            Signals(signal, run.world, run, run.axes, critic)


def test_renewed_signals_are_those_of_the_world_that_there_is_then():
    """Speeds are measured in widths of a map that has grown with its birds; colours reach to other ends."""
    few, many = (
        make_world("flock", small("world.name=flock", f"agents.count={count}")) for count in (50, 200)
    )
    rows = Kept(small("world.name=flock", "agents.count=50"), None, ticks=2)
    signals = Signals(SPEED, few, rows, (0, 1), None)
    before = np.median(signals.row(1, 50))  # of birds that stay inside: all fly at one speed
    signals.renew(many)
    assert np.median(signals.row(1, 50)) == pytest.approx(before / 2, rel=1e-5)
    narrow, wide = (
        make_world("pendulum", small("world.name=pendulum", f"world.parameters.gravity={ends}"))
        for ends in ("8..12", "5..20")
    )
    signals = Signals(find_signal("gravity", narrow), narrow, rows, (0, 1), None)
    assert (signals.scale.low, signals.scale.high) == (8, 12)
    signals.renew(wide)
    assert (signals.scale.low, signals.scale.high) == (5, 20)
