"""Handles Ctrl-C and SIGTERM at safe points of the program, within a bounded time.

By default Python raises KeyboardInterrupt wherever the program happens to be: while a worker is being
started, or inside a driver's call, which leaves orphans or crashes. Here a signal sets a flag instead, and
loops check the flag. Not every wait is a loop that does, however, and Python's signal handlers do not run
until calls into other languages return. So a thread watches the flag and enforces the end: see `Interrupts`.
"""

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_ONE_PRESS_S = 0.1
"""Signals closer together than this count as one: `timeout` sends two, and launchers forward Ctrl-C."""

LOOK_S = 5.0
"""Time within which the program is to check the flag after a signal."""

UNDO_S = 2.0
"""Time for the program to clean up after KeyboardInterrupt was raised."""

_current: "Interrupts | None" = None
_unfinished: list[Path] = []


class Interrupts:
    """Inside, SIGINT and SIGTERM set the flag `asked`; `check` raises KeyboardInterrupt where that is safe.

    A second signal raises KeyboardInterrupt in the main thread at once, wherever that is. The same happens
    LOOK_S after the first if the flag has not been read. At the third signal, or if the process has not ended
    UNDO_S later, it ends at once with status 130, along with its children, and removes the paths in
    `unfinished`.
    """

    def __init__(self) -> None:
        self._asked = self._seen = self._insisted = self._raised = False
        self._tearable = 0
        self._before: dict[signal.Signals, Any] = {}
        self._watch: _Watch | None = None

    def __enter__(self) -> Self:
        global _current
        self._before = _set_handlers(self._note)
        if self._before:
            self._watch = _Watch(self)
            _current = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        global _current
        if self._watch:
            _current = None
            self._watch.stop()
        _restore_handlers(self._before)

    @property
    def asked(self) -> bool:
        """Whether an end has been asked for. Code that reads this is expected to act on it."""
        self._seen = self._asked
        return self._asked

    @asked.setter
    def asked(self, asked: bool) -> None:
        self._asked = asked

    def check(self) -> None:
        """Raise KeyboardInterrupt if an end has been asked for."""
        if self.asked:
            raise KeyboardInterrupt

    @property
    def is_looked_at(self) -> bool:
        """Whether `asked` has been read since it became true."""
        return self._seen

    def insist(self) -> None:
        """Raise KeyboardInterrupt in the main thread as soon as it runs Python; for use by other threads."""
        self._insisted = True
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)  # which also ends a system call that it waits for

    @contextlib.contextmanager
    def tearing(self) -> Iterator[None]:
        """Within the block, raise KeyboardInterrupt as soon as a signal arrives, or at once if one has."""
        self._tearable += 1
        try:
            self.check()
            yield
        finally:
            self._tearable -= 1

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
        if (self._insisted or self._tearable) and not self._raised:
            self._raised = True  # once, so that cleaning up is not interrupted
            raise KeyboardInterrupt


class _Watch:
    """A thread that receives signals whatever the main thread does, and enforces the end of the process."""

    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._presses: list[float] = []
        self._end_s: float | None = None  # time at which the process ends in any case
        self._allowed = 2  # further signals end the process before that
        self._sent = False  # a signal that this thread has sent has not arrived yet
        self._read, self._write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._run, name="valuescape-signals", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        signal.set_wakeup_fd(self._before)
        os.write(self._write, b"\0")
        self._thread.join()
        os.close(self._read)
        os.close(self._write)

    def _run(self) -> None:
        while True:
            select.select([self._read], [], [], self._pause_s())
            heard = b""
            with contextlib.suppress(BlockingIOError):
                heard = os.read(self._read, 4096)
            if b"\0" in heard:
                return
            now = time.monotonic()
            for number in heard:
                self._heard(number, now)
            self._look(now)

    def _heard(self, number: int, now: float) -> None:
        if self._sent and number == signal.SIGINT:
            self._sent = False
        elif number in _SIGNALS and not (self._presses and now - self._presses[-1] <= _ONE_PRESS_S):
            self._presses.append(now)

    def _look(self, now: float) -> None:
        if not self._presses:
            return
        patient = now - self._presses[0] < LOOK_S or self._interrupts.is_looked_at
        if self._end_s is None and (len(self._presses) > 1 or not patient):
            self._end_s = now + UNDO_S
            self._sent = True
            self._allowed = max(2, len(self._presses))
            self._interrupts.insist()
        elif self._end_s is not None and (now >= self._end_s or len(self._presses) > self._allowed):
            end_at_once()

    def _pause_s(self) -> float | None:
        """Return for how many seconds nothing is due; None: until a signal arrives."""
        if not self._presses:
            return None
        due = self._presses[0] + LOOK_S if self._end_s is None else self._end_s
        return max(0.0, min(due - time.monotonic(), 0.5))


def end_at_once() -> NoReturn:
    """End the process and its children, and remove the paths in `unfinished`; never returns."""
    with contextlib.suppress(Exception):
        _end_children()
    for path in reversed(_unfinished):
        with contextlib.suppress(OSError):
            (path.rmdir if path.is_dir() else path.unlink)()
    if sys.stderr.isatty():
        os.write(2, b"\x1b[?25h")  # progress bars hide the cursor
    os._exit(130)


@contextlib.contextmanager
def unfinished(path: Path) -> Iterator[None]:
    """Remove `path` if the process ends at once within the block; a folder only if it is empty."""
    _unfinished.append(path)
    try:
        yield
    finally:
        _unfinished.remove(path)


@contextlib.contextmanager
def may_be_torn() -> Iterator[None]:
    """Within the block, raise KeyboardInterrupt as soon as a signal arrives, if `Interrupts` is entered.

    For long calls that do not check the flag and can be abandoned anywhere.
    """
    with _current.tearing() if _current and _is_main_thread() else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def may_be_left() -> Iterator[None]:
    """Within the block, end the process as soon as a signal arrives, if `Interrupts` is entered.

    For long calls through other languages that no exception passes through, as a compiler's.
    """
    if _current and _is_main_thread():
        _current.check()
        with leaving_at_once():
            yield
    else:
        yield


@contextlib.contextmanager
def leaving_at_once() -> Iterator[None]:
    """Within the block, end the process as soon as a signal arrives: there is nothing to clean up yet.

    KeyboardInterrupt would not do, because an interrupted import may print anything.
    """
    before = _set_handlers(lambda _number, _frame: end_at_once())
    try:
        yield
    finally:
        _restore_handlers(before)


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Deliver SIGINT and SIGTERM after the block instead of within it.

    Processes that are started within begin with both blocked. Blocking alone would not do: it applies to
    this thread, so that another thread receives the signal, upon which Python raises in the main thread.
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
            _deliver(number)


def ignore_interrupts() -> None:
    """Ignore SIGINT, and unblock what `signals_held` blocked. For workers: the main process decides.

    SIGTERM is not ignored: a main process that ends without closing its workers ends them by it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _deliver(number: int) -> None:
    """Call the handler of a signal that was held back; raised again, it would be counted twice."""
    handler = signal.getsignal(number)
    if callable(handler):
        handler(number, None)
    else:
        signal.raise_signal(number)


def _end_children() -> None:
    """Kill all descendants, repeatedly, since the main thread may be starting another meanwhile."""
    import psutil  # here, because workers import this module too and do not need it

    for _ in range(5):
        children = psutil.Process().children(recursive=True)
        for child in children:
            with contextlib.suppress(psutil.Error):
                child.kill()
        if not children or not psutil.wait_procs(children, 0.2)[1]:
            return


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _set_handlers(handler: Any) -> dict[signal.Signals, Any]:
    """Set `handler` for both signals; return those before. Only the main thread may, so others do nothing."""
    if not _is_main_thread():
        return {}
    return {number: signal.signal(number, handler) for number in _SIGNALS}


def _restore_handlers(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, signal.SIG_DFL if handler is None else handler)
