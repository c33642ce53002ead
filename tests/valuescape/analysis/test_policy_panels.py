"""Panels of what a policy does, for the report of an analysis."""

import numpy as np
from linear_critics import Drift, linear_checkpoint
from sample_checkpoints import dqn_checkpoint, sac_checkpoint

from valuescape.analysis.maps import Maps
from valuescape.analysis.policy_panels import policy_panels
from valuescape.sim.insight.plane import own_plane
from valuescape.sim.worlds import make_world


def shown_of(checkpoint, world, *action):
    """The panels over 12 x 12 cells; of the analysis' maps only plane and size count."""
    return policy_panels(
        checkpoint, Maps(own_plane(world), None, False, np.zeros((12, 12)), None, None), *action
    )


def test_each_map_that_there_is_has_a_panel_with_its_ends_and_names():
    shown = shown_of(dqn_checkpoint(), make_world("mountain_car"))
    assert list(shown) == ["policy", "flow", "uphill"]
    assert {each.field.shape for each in shown.values()} == {(12, 12)}
    assert (shown["policy"].low, shown["policy"].high) == (-0.5, 2.5)
    assert shown["policy"].label == "0: push left, 1: coast, 2: push right"
    assert (shown["uphill"].low, shown["uphill"].high, shown["uphill"].colors) == (-1, 1, "RdBu_r")
    assert np.isfinite(shown["policy"].field).all()


def test_twins_have_one_more():
    shown = shown_of(sac_checkpoint(), make_world("point_mass"))
    assert list(shown) == ["policy", "flow", "uphill", "disagreement"]
    assert shown["disagreement"].low == 0
    assert shown["disagreement"].high == shown["disagreement"].field.max() > 0


def test_the_part_of_the_action_is_the_one_that_the_setting_names():
    first, second = (
        shown_of(linear_checkpoint(action=(1, 30)), Drift(), *part)["policy"] for part in ((), ("turn",))
    )
    assert (first.low, first.high) == (-2, 2)
    assert (second.low, second.high) == (-60, 60)
    assert (second.field == 30).all()


def test_a_map_without_any_value_has_a_scale_all_the_same():
    shown = shown_of(linear_checkpoint((1, 1, 1)), Drift())
    assert np.isnan(shown["uphill"].field).all()
    assert shown["uphill"].low < shown["uphill"].high
