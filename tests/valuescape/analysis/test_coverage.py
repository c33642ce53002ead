"""Quantile coverage: against returns whose distribution is known."""

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from blas_limits import threads_beside_another
from sample_checkpoints import qrdqn_checkpoint, tqc_checkpoint

from valuescape.analysis.analysis import Plan, analyze
from valuescape.analysis.coverage import coverage_of, quantile_coverage
from valuescape.analysis.episodes import run_episodes
from valuescape.analysis.output import summary_of, write
from valuescape.api import DiscreteAction, ElementwiseWorld, Variable
from valuescape.sim.insight.plane import own_plane
from valuescape.sim.policy.network import ActionNoise, Activation, Checkpoint, Layer, Mlp, mean_layer
from valuescape.sim.worlds import make_world

LEVELS = (np.arange(20) + 0.5) / 20
NORMAL = NormalDist()
CLAIMED = np.array([NORMAL.inv_cdf(level) for level in LEVELS])


class Lottery(ElementwiseWorld):
    """One step, which pays a uniform prize that no observation tells."""

    name = "lottery"
    state = (Variable("prize", "", 0.0, 1.0), Variable("nothing", "", 0.0, 1.0))
    obs = (Variable("nothing", "", 0.0, 1.0),)
    action = DiscreteAction(("a", "b"))
    step_s, max_episode_steps, reset_draws = 1.0, 5, 1

    @staticmethod
    def start(draws):
        return draws[0], np.float32(0) * draws[0]

    @staticmethod
    def observation(state):
        return (state[1],)

    @staticmethod
    def dynamics(state, action):
        prize, nothing = state
        return (prize, nothing), prize, prize > np.float32(-1)


def buyer(shift: float = 0.0, quantiles: int = 25) -> Checkpoint:
    """A QR-DQN that knows the prize's distribution, but for a shift; action b is worth 1 less."""
    levels = (np.arange(quantiles) + 0.5) / quantiles + shift
    bias = np.stack([levels, levels - 1], axis=1).ravel().astype(np.float32)
    layer = Layer(np.zeros((2 * quantiles, 1), np.float32), bias, Activation.IDENTITY)
    mean = Mlp((mean_layer(layer, 2),))
    return replace(
        qrdqn_checkpoint(), world="", obs_dim=1, actor=mean, critics=(mean,), quantile_layers=(layer,)
    )


def normal_steps(shift=0.0, episodes=200, steps=10):
    """Quantiles [k, n] of normal returns with means of their own, returns [n], and episodes [n]."""
    rng = np.random.default_rng(0)
    means = rng.normal(0, 5, episodes * steps)
    quantiles = CLAIMED[:, None] + means + shift
    return quantiles, rng.normal(means, 1), np.repeat(np.arange(episodes), steps)


def covered(*steps, **settings):
    return quantile_coverage(*steps, levels=LEVELS, **settings)


@pytest.mark.parametrize("shift", [0.0, 0.5, -1.0])
def test_shares_are_the_normal_distribution_s(shift):
    found = covered(*normal_steps(shift))
    expected = np.array([NORMAL.cdf(each + shift) for each in CLAIMED])
    shares = np.array([each.value for each in found.shares])
    np.testing.assert_allclose(shares, expected, atol=0.04)
    assert sum(each.low <= true <= each.high for each, true in zip(found.shares, expected, strict=True)) >= 16
    assert found.error.value == pytest.approx(np.abs(shares - LEVELS).mean())
    assert found.error.low <= np.abs(expected - LEVELS).mean() <= found.error.high
    assert (found.error.low > 0.1) == (shift != 0)


def test_the_interval_of_a_calibrated_critic_s_error_reaches_zero():
    """Each episode has one return, seen from all its steps: intervals over steps would be too narrow."""
    rng, reached = np.random.default_rng(1), 0
    for _ in range(40):
        got = np.repeat(rng.normal(0, 1, 60), 8)
        found = covered(np.tile(CLAIMED[:, None], 480), got, np.repeat(np.arange(60), 8), resamples=300)
        reached += found.error.low == 0
    assert reached >= 36


def test_a_return_that_equals_a_quantile_is_at_or_below_it():
    found = quantile_coverage(
        np.array([[1.0], [2.0], [3.0]]), np.array([2.0]), np.array([0]), levels=np.array([1, 3, 5]) / 6
    )
    assert [each.value for each in found.shares] == [0, 1, 1]
    assert found.error.value == pytest.approx((1 / 6 + 1 / 2 + 1 / 6) / 3)
    assert np.isnan(found.error.low)  # of one episode nothing is known


def test_steps_that_are_not_finite_are_left_out():
    quantiles, got, whose = normal_steps(episodes=50)
    expected = covered(quantiles, got, whose)
    some = np.concatenate([got, [np.nan, 0.0]])
    more = np.concatenate([quantiles, np.zeros((20, 1)), np.full((20, 1), np.inf)], axis=1)
    found = covered(more, some, np.concatenate([whose, [3, 4]]))
    assert (found.shares, found.error) == (expected.shares, expected.error)
    nothing = covered(quantiles[:, :0], got[:0], whose[:0])
    assert np.isnan(nothing.error.value)


@pytest.mark.parametrize(("shift", "error"), [(0.0, 0.0), (0.3, 0.255)])
def test_a_right_critic_of_quantiles_is_told_from_a_shifted_one(shift, error):
    """The greedy action's quantiles count: those of the other are below every prize."""
    found = coverage_of(buyer(shift), run_episodes(buyer(shift), Lottery(), 400, 0))
    assert found.error.value == pytest.approx(error, abs=0.04)
    assert (found.error.low == 0) == (shift == 0)


def test_analyze_states_the_coverage(tmp_path, without_drawing):
    found = analyze(buyer(), own_plane(Lottery()), Plan(episodes=100, cells=8, rollouts=2))
    stated = summary_of(found, "x.zip", 1.0)["quantile_coverage"]
    assert [each["level"] for each in stated] == pytest.approx((np.arange(25) + 0.5) / 25)
    prizes = found.judged.realised
    expected = [(prizes <= np.float32(each["level"])).mean() for each in stated]
    assert [each["value"] for each in stated] == pytest.approx(expected)
    assert found.numbers["quantile_coverage_error"] == found.coverage.error
    write(found, tmp_path, "x.zip", 1.0)
    page = (tmp_path / "report.html").read_text()
    assert "quantile_coverage_error" in page
    assert f"<td>{stated[0]['level']:.3f}</td><td>{stated[0]['value']:.3f}</td>" in page


def test_drawn_actions_are_what_quantiles_are_asked_of():
    """Quantiles of TQC that are the action's own value, before an actor that draws widely around 0."""
    world, plain = make_world("point_mass"), tqc_checkpoint(critics=2)
    spread = np.array([-0.5, 0.5], np.float32)
    layer = Layer(np.repeat(np.float32([[0, 0, 1]]), 2, axis=0), spread, Activation.IDENTITY)
    noise = Layer(np.zeros((1, 16), np.float32), np.zeros(1, np.float32), Activation.IDENTITY)
    critic = Mlp((mean_layer(layer, 1),))
    checkpoint = replace(
        plain, critics=(critic, critic), quantile_layers=(layer, layer), noise=ActionNoise(noise), gamma=0.0
    )
    judged = run_episodes(checkpoint, world, 8, 0, alpha=0.1)
    drawn = judged.asked[:, 2]
    np.testing.assert_allclose(judged.predicted, drawn, atol=1e-6)
    assert drawn.std() > 0.1
    found = coverage_of(checkpoint, judged)
    assert found.levels.tolist() == [0.125, 0.375, 0.625, 0.875]  # of both critics together
    expected = [(judged.realised <= drawn + each).mean() for each in (-0.5, -0.5, 0.5, 0.5)]
    assert [each.value for each in found.shares] == pytest.approx(expected, abs=1e-3)


def test_blas_keeps_the_limit_of_another_thread(monkeypatch):
    judged = run_episodes(buyer(), Lottery(), 4, 0)
    beside, after = threads_beside_another(
        monkeypatch,
        "valuescape.analysis.coverage.return_quantiles",
        lambda: coverage_of(buyer(), judged),
    )
    assert (beside, after) == ({1}, {2})
