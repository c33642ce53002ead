"""Training that a view follows: models that a notebook hands over, and training runs that are published."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from itertools import count
from pathlib import Path

from valuescape.attached.follower import TrainingFollower
from valuescape.attached.history import History
from valuescape.attached.opening import Opened, Waiting, open_target
from valuescape.attached.source import News
from valuescape.run.session import Session
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.world_fit import check_world
from valuescape.sim.worlds import World
from valuescape.training_run import follow

_LOG = logging.getLogger("valuescape")
_numbers = count(1)


class HandedOver:
    """The updates that a notebook gives to its view: a source whose newest one counts."""

    name = "this notebook"
    alive = True
    trainer = None

    def __init__(self) -> None:
        self._news: News | None = None
        self._lock = threading.Lock()

    def give(self, news: News) -> None:
        """Have an update shown; from any thread."""
        with self._lock:
            self._news = news

    def begin(self, _world: World) -> None:
        """Nothing to look for: updates are given."""

    def newest(self) -> News | None:
        """Return the newest update, if it was not returned before."""
        with self._lock:
            news, self._news = self._news, None
        return news

    def said(self) -> list[str]:
        """Return nothing: whoever gives updates knows what becomes of them."""
        return []

    def close(self) -> None:
        """Let go of an update that was not shown."""
        self._news = None


class Following:
    """Has a session follow training; for the session's thread. owned: of the session; ends it."""

    def __init__(self, session: Session, owned: ExitStack) -> None:
        self._session, self._owned = session, owned
        self._source: HandedOver | None = None
        self._newest = 0

    def follow(self, opened: Opened) -> None:
        """Follow a training run that is published, or saves checkpoints in a folder."""
        self._owned.enter_context(TrainingFollower(self._session, opened.source, opened.history))

    def take(self, checkpoint: Checkpoint, steps: int | None) -> None:
        """Have the agents act with a checkpoint, whose critic is shown; those before can be gone back to.

        steps: of training; one more than the last if None. Raises UsageError if it does not fit the world.
        """
        check_world(checkpoint, self._session.engine.world, Path("update"))
        if self._source is None:
            self._begin(checkpoint, 0 if steps is None else steps)
        else:
            self._newest = self._newest + 1 if steps is None else steps
            self._source.give(News(self._newest, checkpoint, time.monotonic_ns()))

    def _begin(self, checkpoint: Checkpoint, steps: int) -> None:
        history = History(Path(f"updates-{next(_numbers)}"))  # a name for what is in memory
        history.hold(steps, checkpoint)
        self._newest, self._source = steps, HandedOver()
        self._owned.enter_context(follow(history.folder, history))
        self._session.stage.wishes.act_with(steps, checkpoint, str(history.folder))
        self._owned.enter_context(TrainingFollower(self._session, self._source, history))


def opened_run(name: str) -> Opened:
    """Return a training run by the name that it is published by, or its folder; waits for its first update.

    The logger `valuescape` is told what is waited for. Raises UsageError as `open_target` does.
    """
    return open_target(name, Waiting(lambda: None, _LOG.warning), Given())


@contextmanager
def known(opened: Opened | None) -> Iterator[None]:
    """Let configurations name a training run that goes on, within."""
    with follow(opened.history.folder, opened.history) if opened else nullcontext():
        yield
