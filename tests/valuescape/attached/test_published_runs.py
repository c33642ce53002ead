"""The source of a published training run: what it gives, and what it says of updates and trainers."""

import os
from dataclasses import replace

import pytest
from trainers import pendulum_checkpoint

from valuescape.attached import published as module
from valuescape.attached.history import History
from valuescape.attached.published import PublishedRun
from valuescape.publishing.publisher import publish
from valuescape.publishing.subscription import Subscription
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds import make_world

NAME = f"source-{os.getpid()}"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Look after the trainer with every call."""
    monkeypatch.setattr(module, "_LOOK_S", 0.0)


@pytest.fixture
def source(tmp_path):
    """Return a function that subscribes to the training run."""
    opened = []

    def subscribed():
        opened.append(PublishedRun(Subscription(NAME), History(tmp_path / "none")))
        opened[-1].begin(make_world("pendulum"))
        return opened[-1]

    yield subscribed
    for each in opened:
        each.close()


def test_the_latest_update_is_news_once_with_the_trainer_s_numbers(source):
    with publish(NAME, world="pendulum", history=None, quiet=True) as run:
        watched = source()
        assert watched.newest() is None
        run.update_from(pendulum_checkpoint(1), 10, mean_return=-3.0)
        news = watched.newest()
        assert (news.steps, dict(news.numbers)) == (10, {"mean_return": -3.0})
        assert news.checkpoint.training.timesteps == 10
        assert watched.newest() is None


def test_an_update_that_cannot_be_shown_is_left_out_and_said_once(source, monkeypatch):
    with publish(NAME, world="pendulum", history=None, quiet=True) as run:
        watched = source()
        run.update_from(pendulum_checkpoint(1), 10)
        assert watched.newest().steps == 10
        good = watched._now.newest

        def spoiled():
            raise UsageError("critics.0.0.weight: is not finite", "a hint")

        for _ in range(2):
            monkeypatch.setattr(watched._now, "newest", spoiled)
            assert watched.newest() is None
        assert watched.said() == [
            f"{NAME}: an update is left out, the last good one stays: critics.0.0.weight: is not finite"
        ]
        monkeypatch.setattr(watched._now, "newest", good)
        run.close()
    assert watched.newest() is None


def test_an_update_of_another_world_is_left_out(source):
    with publish(NAME, world="pendulum", history=None, quiet=True) as run:
        watched = source()
        watched._world = make_world("point_mass")
        run.update_from(pendulum_checkpoint(1), 10)
        assert watched.newest() is None
        assert "was trained for world pendulum" in watched.said()[0]


def test_the_end_of_a_trainer_and_the_next_one_are_said(source, tmp_path):
    with publish(NAME, world="pendulum", history=None, quiet=True) as run:
        run.update_from(pendulum_checkpoint(1), 10)
        watched = source()
        assert watched.newest().steps == 10
    assert watched.newest() is None
    assert not watched.alive
    assert watched.said() == [f"{NAME}: the trainer has ended; the picture stays with its last weights"]
    with publish(NAME, world="pendulum", history=tmp_path / "next", quiet=True) as run:
        run.update_from(replace(pendulum_checkpoint(2), gamma=0.9), 5)
        assert watched.newest().steps == 5
        assert watched.alive
        assert watched._history.folder == tmp_path / "next"
        assert watched.said() == [f"{NAME}: the trainer began again (process {os.getpid()})"]
