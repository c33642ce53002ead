"""Says when machine code is being made, which the first start on a machine waits for."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import multiprocess

_log = logging.getLogger(__name__)
_listeners: list[Callable[[], None]] = []
_told = False
_kept_only = threading.local()


class CompilationNeededError(Exception):
    """Machine code is not on disk yet, and the caller did not want to wait until it is made."""


def listen(listener: Callable[[], None]) -> None:
    """Call `listener` when this process or one of its workers begins to compile; once, however often."""
    if listener not in _listeners:
        _listeners.append(listener)


def tell() -> None:
    """Tell all listeners, unless they have been told. Raises CompilationNeededError within `kept_only`."""
    global _told
    if getattr(_kept_only, "on", False):
        raise CompilationNeededError
    if not _told:
        _told = True
        for listener in _listeners:
            listener()


@cache
def remark(text: str) -> None:
    """Log a warning about compiled code, once, and in the main process alone."""
    if multiprocess.parent_process() is None:
        _log.warning("%s", text)


@contextmanager
def kept_only() -> Iterator[None]:
    """Have the thread that is within take machine code from disk alone; none is made."""
    _kept_only.on = True
    try:
        yield
    finally:
        _kept_only.on = False
