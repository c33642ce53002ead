"""Runs keep what existed before them out of garbage collections, and give it back."""

import gc

import pytest
from remade import BASE

from valuescape.run.frozen import Frozen
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config


@pytest.fixture
def thawed():
    """The process of the tests is frozen, which a run has to find out."""
    assert gc.get_freeze_count() > 10_000
    gc.unfreeze()
    yield
    gc.freeze()


@pytest.mark.gpu
def test_what_exists_is_frozen_for_a_run_and_no_longer(tmp_path, thawed):
    counts = []
    config = load_config(None, [*BASE, "workers.count=0"])
    with Session(config, RunLength(frames=1), Outputs(tmp_path), headless=True) as session:
        assert gc.get_freeze_count() == 0
        session.turn_frames(lambda _: counts.append(gc.get_freeze_count()))
    assert counts[0] > 10_000
    assert gc.get_freeze_count() == 0


def test_a_process_that_is_frozen_is_left_so(monkeypatch):
    monkeypatch.setattr(gc, "collect", lambda: pytest.fail("a whole collection visits what was frozen later"))
    before = gc.get_freeze_count()
    run = Frozen()
    run.freeze()
    run.thaw()
    assert gc.get_freeze_count() == before > 0
