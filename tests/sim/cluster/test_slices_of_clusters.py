"""Slices of agents, the rows that are kept of them, and the catalogue of who has which."""

from itertools import pairwise

import numpy as np
import pytest
from crowds import crowd, shipped, small

from valuescape.sim.cluster.catalogue import Catalogue, Entry
from valuescape.sim.cluster.kept_rows import KeptRows, joined, put_back, rows_of
from valuescape.sim.cluster.slices import Slice, divided
from valuescape.sim.engine import Engine
from valuescape.sim.policy.inference import BLOCK


@pytest.mark.parametrize(
    ("agents", "weights"), [(1, [1]), (1000, [1, 1, 1]), (1000, [2, 8]), (70, [1] * 9), (10**8, [64] * 100)]
)
def test_slices_have_all_agents_in_whole_blocks_by_weight(agents, weights):
    parts = divided(agents, weights)
    assert len(parts) == len(weights)
    assert (parts[0].first, parts[-1].stop) == (0, agents)
    assert all(one.stop == next_.first for one, next_ in pairwise(parts))
    assert all(part.first % BLOCK == 0 or len(part) == 0 for part in parts)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(len(part) - agents * weight / sum(weights)) <= BLOCK


def test_what_two_slices_share_and_where_it_is():
    one = Slice(32, 96)
    assert one.common(Slice(64, 200)) == Slice(64, 96)
    assert len(one.common(Slice(96, 128))) == 0
    assert Slice(64, 96).within(one) == slice(32, 64)


def test_a_run_goes_on_from_kept_rows_that_were_cut_and_joined():
    """From tick 40 of 96 agents, in an arena whose rows are of another tick."""
    config = small("agents.count=96", "world.name=point_mass", "policy.exploration=0.2")
    checkpoint = shipped(config)
    with crowd(config, checkpoint) as engine:
        engine.advance_to(40)
        kept = rows_of(engine.arena, Slice(0, 96), 40)
        engine.advance_to(70)
        expected = engine.state_hash()
    parts = [kept.cut(Slice(64, 96)), kept.cut(Slice(0, 32)), kept.cut(Slice(32, 64))]
    with Engine(config, checkpoint) as engine:
        engine.wait_ready()
        put_back(engine.arena, joined(parts))
        engine.go_on_from(40)
        assert engine.recent_row("state", 39) is None
        engine.advance_to(70)
        assert engine.state_hash() == expected
    with pytest.raises(ValueError, match="agents 0 to 31 at tick 40, agents 64 to 95 at tick 40"):
        joined(parts[:2])


def test_a_catalogue_finds_the_newest_tick_of_which_all_pieces_are_kept():
    catalogue = Catalogue()
    for first, stop, tick in ((0, 64, 20), (64, 128, 20), (0, 64, 40), (96, 128, 40)):
        arrays = {"state": np.zeros((2, stop - first)), "system_off": np.zeros(0)}
        catalogue.add(Entry(Slice(first, stop), tick, None, KeptRows(Slice(first, stop), tick, arrays)))
    assert catalogue.newest([Slice(0, 64)], 99) == 40
    assert catalogue.newest([Slice(0, 128)], 99) == 20
    assert catalogue.newest([Slice(32, 64), Slice(96, 100)], 99) == 40
    assert catalogue.newest([Slice(0, 64)], 39) == 20
    assert catalogue.newest([Slice(0, 64)], 19) is None
    pieces = catalogue.pieces(Slice(32, 100), 20)
    assert [(each.slice, each.arrays["state"].shape[1]) for each in pieces] == [
        (Slice(32, 64), 32),
        (Slice(64, 100), 36),
    ]
    catalogue.forget(40)
    assert catalogue.newest([Slice(0, 128)], 99) is None
