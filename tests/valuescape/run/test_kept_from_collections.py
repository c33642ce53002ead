"""Garbage collections while frames are made: they leave out what was there before, until the run ends."""

import gc

import pytest
from commands import SMALL

from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config

pytestmark = pytest.mark.gpu


@pytest.fixture(params=[False, True])
def kept_out(request):
    """Whether the process itself keeps what is there out of collections, before the run does."""
    if not request.param:
        gc.unfreeze()
    yield request.param
    gc.freeze()


def test_a_run_lets_in_again_what_it_kept_out_and_no_more(tmp_path, kept_out):
    before, during = gc.get_freeze_count(), []
    assert (before > 0) == kept_out
    config = load_config(None, [*SMALL, "workers.count=0"])
    with Session(config, RunLength(frames=2), Outputs(tmp_path), headless=True) as session:
        session.turn_frames(lambda _: during.append(gc.get_freeze_count()))
    assert min(during) > 10_000
    assert gc.get_freeze_count() == pytest.approx(before, abs=1000)  # fewer where some have ended since
