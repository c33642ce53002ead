"""Analyses that are interrupted keep what is there, and say so."""

import numpy as np
import pytest
from small_worlds import Chain, chain_values, critic_of

from valuescape.analysis.analysis import Plan, analyze
from valuescape.analysis.output import write
from valuescape.analysis.verdict import verdict
from valuescape.sim.insight.plane import own_plane


def test_an_interrupted_analysis_keeps_what_is_there():
    found = analyze(
        critic_of(chain_values(0.0, 0.9)),
        own_plane(Chain()),
        Plan(episodes=8),
        lambda what, share: share < 0.2,
    )
    assert not found.complete
    assert found.maps is None
    assert "Interrupted" in verdict(found)[-1]


def test_interrupted_episodes_are_not_judged_as_whole_ones():
    checkpoint = critic_of(chain_values(0.0, 0.9))
    found = analyze(checkpoint, own_plane(Chain()), Plan(episodes=8), lambda what, share: share < 0.01)
    said = verdict(found)
    assert "8 of 8 episodes were interrupted" in said[0]
    assert np.isnan(found.numbers["mean_return"].value)
    assert np.isnan(found.numbers["share_terminated"].high)
    judged = found.judged  # one step, and then the critic's value
    assert judged.realised == pytest.approx(judged.predicted + judged.td_error)
    assert any("Of 100% of the steps the return ends with the critic's own value" in each for each in said)


@pytest.mark.parametrize("look_s", [0.0, 0.05])
def test_maps_that_are_interrupted_show_what_is_there(monkeypatch, tmp_path, look_s, without_drawing):
    """No maps before the first rollouts; then coarse cells."""
    monkeypatch.setattr("valuescape.sim.rollouts.field.CHUNK", 4)  # so that the whole takes a second
    monkeypatch.setattr("valuescape.analysis.making.LOOK_S", look_s)
    plan = Plan(episodes=4, cells=256, rollouts=1, threads=1)
    found = analyze(
        critic_of(chain_values(0.0, 0.9)),
        own_plane(Chain()),
        plan,
        lambda what, share: what != "rollouts from every cell",
    )
    assert not found.complete
    assert found.maps is None or 0 < found.maps.truth.progress < 1
    assert all(path.exists() for path in write(found, tmp_path / "out", "chain.zip", 1.0))
