"""Ctrl-C and SIGTERM, taken when it suits.

Python raises KeyboardInterrupt wherever it happens to be: with half a worker started, or inside a driver's
call, where it leaves orphans and crashes. So what must not be torn apart holds signals back.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE_S = 2.0


class Interrupts:
    """While inside, SIGINT and SIGTERM are noted in `asked`; `check` raises where it is safe.

    Who asks again after two seconds is not put off any longer: KeyboardInterrupt, there and then.
    """

    def __init__(self) -> None:
        self.asked = False
        self._asked_s = 0.0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = _set_handlers(self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _restore_handlers(self._before)

    def check(self) -> None:
        """Raise KeyboardInterrupt if someone has asked."""
        if self.asked:
            raise KeyboardInterrupt

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.asked and now - self._asked_s > _PATIENCE_S:
            raise KeyboardInterrupt
        if not self.asked:
            self.asked, self._asked_s = True, now


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Deliver SIGINT and SIGTERM after the block instead of within; processes started within begin blocked.

    The mask alone would not do: it is the thread's, and a signal then goes to any other of the process's
    threads, upon which Python raises in this one all the same.
    """
    held: list[int] = []
    before = _set_handlers(lambda number, _frame: held.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _restore_handlers(before)
        for number in held:
            signal.raise_signal(number)


def ignore_interrupts() -> None:
    """Ignore SIGINT, and unblock what `signals_held` blocked: for a worker, whose parent decides.

    Not SIGTERM: with that a parent that ends without having closed its workers ends them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _set_handlers(handler: Any) -> dict[signal.Signals, Any]:
    """Set `handler` for both signals; returns those before. Only the main thread may, and needs to."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.signal(number, handler) for number in _SIGNALS}


def _restore_handlers(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, signal.SIG_DFL if handler is None else handler)
