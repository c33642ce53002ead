"""Orders from other threads to the thread that a run is in."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

_Run = TypeVar("_Run")
_Answer = TypeVar("_Answer")


class Orders(Generic[_Run]):
    """Functions that other threads want called with the run, in its thread, in their order.

    wake: called after each order, so that the run's thread looks at it soon.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._waiting: deque[tuple[Callable[[_Run], Any], Future[Any]]] = deque()
        self._lock = threading.Lock()
        self._ended: Callable[[], BaseException] | None = None

    def give(self, order: Callable[[_Run], _Answer]) -> "Future[_Answer]":
        """Have `order` called; the future has its result, or what it raised."""
        answer: Future[_Answer] = Future()
        with self._lock:
            if self._ended:
                answer.set_exception(self._ended())
                return answer
            self._waiting.append((order, answer))
        self._wake()
        return answer

    def serve(self, run: _Run) -> None:
        """Call the orders that were given until now; for the run's thread."""
        for _ in range(len(self._waiting)):
            order, answer = self._waiting.popleft()
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                answer.set_result(order(run))
            except Exception as error:  # it is the asker's
                answer.set_exception(error)
            except BaseException as error:  # the run's end, of which the asker learns, too
                answer.set_exception(error)
                raise

    def end(self, error: Callable[[], BaseException]) -> None:
        """Refuse the orders that wait, and all later ones. error: makes what their askers get."""
        with self._lock:
            self._ended = error
            waiting, self._waiting = self._waiting, deque()
        for _, answer in waiting:
            answer.set_exception(error())
