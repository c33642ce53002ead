"""Questions that a thread asks a cluster's head again and again: calls of Ray wait for one that is gone."""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from valuescape.sim.cluster.reaching import SETTING
from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.errors import UsageError

_INTERVAL_S = 0.5

_Answer = TypeVar("_Answer")


class ClusterGoneError(UsageError, WorkerFailedError):
    """The head of a cluster does not answer any more: the user has to mend it."""


class Asking(Generic[_Answer]):
    """A question to the head of a cluster, asked at once and then twice a second.

    newest: the newest answer. An error in place of an answer, or none, counts as silence.
    """

    def __init__(self, cluster: str, ask: Callable[[], _Answer], patience_s: float) -> None:
        """Ask for the first time, in the calling thread. Raises what `ask` raises then.

        cluster: as `workers.cluster` names it. patience_s: how long the head may be silent.
        """
        self.newest = ask()
        self._cluster, self._ask, self._patience_s = cluster, ask, patience_s + _INTERVAL_S
        self._heard_s = time.monotonic()
        self._over = threading.Event()
        threading.Thread(target=self._ask_again, name="cluster-head", daemon=True).start()

    @property
    def is_fresh(self) -> bool:
        """Whether the newest answer has just come: the head is there."""
        return time.monotonic() - self._heard_s < 3 * _INTERVAL_S

    def require_sound(self) -> None:
        """Raise ClusterGoneError if the head has been silent for too long; never waits."""
        silent = time.monotonic() - self._heard_s
        if silent > self._patience_s:
            said = (
                f"{SETTING} = {self._cluster!r}: the head of the cluster has not answered for {silent:.0f} s"
            )
            raise ClusterGoneError(
                f"{said}; nothing can go on without it", "start it again, and this command"
            )

    def close(self) -> None:
        """Ask no more."""
        self._over.set()

    def _ask_again(self) -> None:
        while not self._over.wait(_INTERVAL_S):
            with contextlib.suppress(Exception):  # the next answer counts
                self.newest = self._ask()
                self._heard_s = time.monotonic()
