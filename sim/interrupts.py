"""Ctrl-C and SIGTERM, taken when it suits, and in time.

Python raises KeyboardInterrupt wherever it happens to be: with half a worker started, or inside a driver's
call, where it leaves orphans and crashes. So a signal is noted, and loops look at the note. Not every wait is
a loop that looks, though, and Python's handlers wait for calls into other languages to return. So a thread
watches over what was noted: see `Interrupts`.
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
"""Signals so close together are one: `timeout` sends two, and starters of programs forward Ctrl-C."""

LOOK_S = 5.0
"""How long a signal may go without anybody looking at it."""

UNDO_S = 2.0
"""How long what was interrupted may take to undo itself."""

_current: "Interrupts | None" = None
_unfinished: list[Path] = []


class Interrupts:
    """While inside, SIGINT and SIGTERM are noted in `asked`; `check` raises where it is safe.

    KeyboardInterrupt is raised in the main thread wherever that is at the second signal, or LOOK_S after the
    first if nobody has looked. If the program is still there UNDO_S later, or at the third signal, the
    process ends at once with status 130, its children with it, and what `unfinished` names is removed.
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
        """Whether someone has asked for an end. Who reads this is expected to act on it."""
        self._seen = self._asked
        return self._asked

    @asked.setter
    def asked(self, asked: bool) -> None:
        self._asked = asked

    def check(self) -> None:
        """Raise KeyboardInterrupt if someone has asked."""
        if self.asked:
            raise KeyboardInterrupt

    @property
    def is_looked_at(self) -> bool:
        """Whether someone has read `asked` since it became true."""
        return self._seen

    def insist(self) -> None:
        """Raise KeyboardInterrupt in the main thread as soon as it runs Python; another thread may call."""
        self._insisted = True
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)  # which also ends what it waits for

    @contextlib.contextmanager
    def tearing(self) -> Iterator[None]:
        """Raise KeyboardInterrupt within the block as soon as a signal comes, or if one has come."""
        self._tearable += 1
        try:
            self.check()
            yield
        finally:
            self._tearable -= 1

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
        if (self._insisted or self._tearable) and not self._raised:
            self._raised = True  # once: what is being undone is not to be torn
            raise KeyboardInterrupt


class _Watch:
    """The thread that hears of signals whatever the main thread does, and sees to it that it ends."""

    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._presses: list[float] = []
        self._end_s: float | None = None  # when the process is to end, come what may
        self._allowed = 2  # signals before the one that does not wait for that
        self._sent = False  # whether the signal is still to come that the watch itself has sent
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
        """Return how long nothing can become due."""
        if not self._presses:
            return None
        due = self._presses[0] + LOOK_S if self._end_s is None else self._end_s
        return max(0.0, min(due - time.monotonic(), 0.5))


def end_at_once() -> NoReturn:
    """End the process with its children, and remove what is unfinished; never returns."""
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
    """Have `path` removed if the process ends at once within the block; a folder only if it is empty."""
    _unfinished.append(path)
    try:
        yield
    finally:
        _unfinished.remove(path)


@contextlib.contextmanager
def may_be_torn() -> Iterator[None]:
    """Raise KeyboardInterrupt within the block as soon as a signal comes that someone notes (`Interrupts`).

    For long calls that do not look, and of which nothing has to be kept whole.
    """
    with _current.tearing() if _current and _is_main_thread() else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def may_be_left() -> Iterator[None]:
    """End the process within the block as soon as a signal comes that someone notes (`Interrupts`).

    For long calls through other languages that no exception comes through, as a compiler's.
    """
    if _current and _is_main_thread():
        _current.check()
        with leaving_at_once():
            yield
    else:
        yield


@contextlib.contextmanager
def leaving_at_once() -> Iterator[None]:
    """End the process within the block as soon as a signal comes: nothing has begun that is to be undone.

    Not by KeyboardInterrupt: an import that is interrupted may print anything.
    """
    before = _set_handlers(lambda _number, _frame: end_at_once())
    try:
        yield
    finally:
        _restore_handlers(before)


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
            _deliver(number)


def ignore_interrupts() -> None:
    """Ignore SIGINT, and unblock what `signals_held` blocked: for a worker, whose parent decides.

    Not SIGTERM: with that a parent that ends without having closed its workers ends them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _deliver(number: int) -> None:
    """Handle a signal that was held; raised anew it would be counted twice."""
    handler = signal.getsignal(number)
    if callable(handler):
        handler(number, None)
    else:
        signal.raise_signal(number)


def _end_children() -> None:
    """Kill all processes below this one; who is about to replace one of them may start another meanwhile."""
    import psutil  # workers import this module too, and do without it

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
    """Set `handler` for both signals; returns those before. Only the main thread may, and needs to."""
    if not _is_main_thread():
        return {}
    return {number: signal.signal(number, handler) for number in _SIGNALS}


def _restore_handlers(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, signal.SIG_DFL if handler is None else handler)
