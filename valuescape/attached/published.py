"""The source of updates of a training run that publishes by a name."""

import threading
import time
from contextlib import suppress
from pathlib import Path

from valuescape.attached.history import History
from valuescape.attached.source import News
from valuescape.publishing.subscription import Subscription
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.world_fit import check_world
from valuescape.sim.worlds import World

_LOOK_S = 0.25
"""Seconds between two looks whether the trainer lives, or begins again."""

_FOLDER_S = 2.0
"""Seconds between two looks at the folder of the run's history."""


class PublishedRun:
    """The updates of a published training run; also of the next one by that name, once it has ended.

    Performance: `newest` takes 1 us without an update, 1 ms with one of 64-64 networks.
    """

    def __init__(self, subscription: Subscription | None, history: History, name: str = "") -> None:
        """subscription: owned from now on; None if nothing is published by `name` yet, or any more.

        history: of the run; its folder is looked at now and then.
        """
        self.name = subscription.name if subscription else name
        self.alive = subscription is not None
        self._history, self._over = history, threading.Event()
        self._thread = threading.Thread(target=self._keep_looking, name="history", daemon=True)
        self._now = subscription
        self._world: World | None = None
        self._look_at = 0.0
        self._said: list[str] = []
        self._refused = ""

    @property
    def trainer(self) -> int | None:
        """The process that trains; None if none does."""
        return self._now.statement.pid if self._now else None

    def begin(self, world: World) -> None:
        """Have updates checked against `world`, and look at the history from now on."""
        self._world = world
        self._thread.start()

    def newest(self) -> News | None:
        """Return the newest update, if there is another; look after the trainer now and then."""
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + _LOOK_S
            self._look_after()
        if self._now is None:
            return None
        try:
            update = self._now.newest()
            if update and self._world:
                check_world(update.checkpoint, self._world, Path(self.name))
        except UsageError as error:
            self._refuse(str(error).splitlines()[0])
            return None
        if update is None:
            return None
        self._refused = ""
        return News(update.step, update.checkpoint, update.sent_ns, update.numbers)

    def _refuse(self, why: str) -> None:
        """Say, once for each reason in a row, that an update is left out."""
        if why != self._refused:
            self._refused = why
            self._said.append(f"{self.name}: an update is left out, the last good one stays: {why}")

    def _look_after(self) -> None:
        """Note the trainer's end; after it, look for the next one by that name."""
        if self._now is not None and self._now.alive:
            return
        if self.alive and self._now is not None:
            self.alive = False
            how = "has ended" if self._now.state == "finished" else "was killed"
            self._said.append(f"{self.name}: the trainer {how}; the picture stays with its last weights")
        self._join_next()

    def _join_next(self) -> None:
        try:
            following = Subscription(self.name)
        except UsageError:
            return
        if not following.alive or (self._now and following.statement == self._now.statement):
            following.close()
            return
        if self._now is not None:
            self._now.close()
        self._now, self.alive = following, True
        self._history.folder = following.history or self._history.folder
        self._said.append(f"{self.name}: the trainer began again (process {following.statement.pid})")

    def said(self) -> list[str]:
        """Return what became of the trainer since the last call."""
        said, self._said = self._said, []
        return said

    def _keep_looking(self) -> None:
        while not self._over.wait(_FOLDER_S):
            with suppress(UsageError):  # none is there yet
                self._history.look()

    def close(self) -> None:
        """Give the memory of the training run back, and end the thread."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._now is not None:
            self._now.close()
            self._now = None
