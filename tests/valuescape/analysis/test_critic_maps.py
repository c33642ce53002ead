"""Maps of a critic over a chain whose values are known, and the places that they find."""

from dataclasses import replace

import numpy as np
import pytest
from small_worlds import Chain, chain_critic, chain_values, critic_of

from valuescape.analysis.analysis import Plan, analyze, places_of, significant_of
from valuescape.analysis.making import Here, TruthAsked
from valuescape.analysis.maps import critic_maps, visits_of
from valuescape.analysis.origin import plan_by
from valuescape.sim.config.files import Config, changed
from valuescape.sim.insight.plane import own_plane
from valuescape.sim.policy.network import Mlp
from valuescape.sim.rollouts.choose import state_rollouts
from valuescape.sim.rollouts.rules import RolloutEnd, RolloutRules
from valuescape.sim.worlds import make_world


def test_maps_say_what_the_critic_and_the_world_say():
    plane, checkpoint = own_plane(Chain()), critic_of(chain_values(0.0, 0.9))
    maps = critic_maps(TruthAsked(checkpoint, plane, 40, RolloutRules.of(0.9, 100), 8), Here(2))
    x, _ = maps.centres(40)
    truth = chain_values(0.0, 0.9)
    assert maps.truth.value[7] == pytest.approx(truth[np.minimum(np.ceil(x - 1e-9), 9).astype(int)], abs=1e-5)
    slope, level = np.polyfit(np.arange(10), truth, 1)
    assert maps.value[3] == pytest.approx(slope * x + level, abs=1e-5)
    assert np.array_equal(maps.error, maps.value - maps.truth.value)
    assert not maps.random
    assert maps.cut_bound == 0


def test_what_a_cut_off_return_lacks_is_bounded_by_returns_too():
    """Going back costs 1 a step for ever, -1 / (1 - 0.9) = -10; a critic of 0 says nothing about that."""
    checkpoint = replace(always_back(), gamma=0.9)
    rules = RolloutRules(0.9, 7, RolloutEnd.CUT)
    maps = critic_maps(TruthAsked(checkpoint, own_plane(Chain()), 8, rules, 2), Here(1))
    assert (maps.value == 0).all()
    lacking = maps.truth.value - -1 / (1 - 0.9)
    assert maps.cut_bound == pytest.approx(lacking.max())
    assert lacking.max() == pytest.approx(10 * 0.9**7)


def always_back():
    """The chain's policy that goes back, with a critic of 0."""
    made = chain_critic(0, 0)
    last = made.actor.layers[-1]
    return replace(made, actor=Mlp((replace(last, bias=-last.bias),)))


@pytest.mark.parametrize("simd", [True, False])
def test_rollouts_are_made_as_features_simd_says(simd, monkeypatch):
    told = []

    def spied(*given, simd):
        told.append(simd)
        return state_rollouts(*given, simd=simd)

    monkeypatch.setattr("valuescape.analysis.making.state_rollouts", spied)
    config = changed(Config(), {"features.simd": simd})
    analyze(chain_critic(0.5, 2.0), own_plane(Chain()), plan_by(config, 4, 8, 1))
    assert told == [simd]


def test_episodes_are_counted_where_their_steps_began():
    plane = own_plane(Chain())
    found = analyze(critic_of(chain_values(0.0, 0.9)), plane, Plan(episodes=20, cells=16, rollouts=2))
    visits = visits_of(plane, found.judged, edge=10)
    assert visits.count.sum() == 200
    assert (visits.count.sum(axis=0) == 20).all()  # every episode takes every place once
    seen = visits.count > 0
    assert np.isnan(visits.error[~seen]).all()
    steps = found.judged
    assert np.nansum(visits.error * visits.count) == pytest.approx((steps.predicted - steps.realised).sum())
    predicted = steps.predicted.copy()
    predicted[0] = np.nan  # one of several in its cell
    unknown = visits_of(plane, replace(steps, predicted=predicted), edge=10)
    assert np.isfinite(unknown.error[seen]).all()
    assert np.array_equal(unknown.count, visits.count)


def test_a_planted_bias_is_found_where_it_is():
    """A critic that is right but for places beyond 6, where it promises 5 too much."""
    plane = own_plane(Chain())
    found = analyze(critic_of(chain_values(0.0, 0.9)), plane, Plan(episodes=8, cells=32, rollouts=2))
    maps = replace(found.maps, value=found.maps.truth.value + 5.0 * (found.maps.centres(32)[0] > 6)[None])
    assert (maps.error[:, :16] == 0).all()
    significant = significant_of(maps)
    assert significant.mean() == pytest.approx(4 / 10, abs=0.04)
    (region,) = places_of(maps, significant, found.judged, plane, 0.9).overconfident
    assert region.mean == pytest.approx(5)
    assert 7.5 < region.centre[0] < 8.5


def test_worlds_of_many_variables_have_a_plane():
    world = make_world("cartpole")
    assert own_plane(world).label
