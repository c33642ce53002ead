"""The training run that a viewer finds: published, ended, killed, or not there in time."""

import os

import pytest
from trainers import pendulum_checkpoint

from valuescape.attached import published
from valuescape.attached.opening import Waiting, open_target
from valuescape.publishing.publisher import publish
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.worlds import make_world

NAME = f"opening-{os.getpid()}"


@pytest.fixture
def said(tmp_path, monkeypatch):
    """What was said, in a folder of its own in which every look after the trainer counts."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(published, "_LOOK_S", 0.0)
    return []


def opened(said, name=NAME, most_s=0.3):
    return open_target(name, Waiting(lambda: None, said.append, most_s), Given())


def test_a_run_that_has_ended_is_shown_from_its_history_until_the_next_begins(said):
    for steps in (7, 9):  # runs/NAME, runs/NAME-2
        with publish(NAME, world="pendulum", quiet=True) as run:
            run.update_from(pendulum_checkpoint(1), steps)
    found = opened(said)
    try:
        assert said == [
            f"{NAME}: is not published now; this is its history, runs/{NAME}-2, until one of that name begins"
        ]
        assert found.changes == {"policy.checkpoint": f"runs/{NAME}-2", "world.name": "pendulum"}
        assert [each.steps for each in found.history.files().saved] == [9]
        found.source.begin(make_world("pendulum"))
        assert (found.source.newest(), found.source.alive) == (None, False)
        with publish(NAME, world="pendulum", history=None, quiet=True) as run:
            run.update_from(pendulum_checkpoint(2), 1)
            assert found.source.newest().steps == 1
            assert found.source.alive
    finally:
        found.source.close()


@pytest.mark.parametrize(
    ("name", "what"),
    [
        (NAME, f"the training run {NAME} to be published"),
        ("logs/", "the first checkpoint in logs"),
    ],
    ids=["a name", "a folder"],
)
def test_what_does_not_come_in_time_is_named(said, name, what):
    with pytest.raises(UsageError, match=f"waited 0.3 s for {what}, in vain"):
        opened(said, name)
    assert said == [f"waiting for {what}, for 0.3 s at most (Ctrl-C ends it)"]


def test_the_first_update_is_waited_for_as_long(said):
    said_of_it = f"waited 0.3 s for the first update of {NAME}, in vain"
    with (
        publish(NAME, world="pendulum", history=None, quiet=True),
        pytest.raises(UsageError, match=said_of_it),
    ):
        opened(said)
