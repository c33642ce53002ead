"""Tells listeners that machine code is compiled, for which the first start on a machine has to wait."""

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
    """Machine code is not on disk yet, and the caller does not wait for the compiler."""


def listen(listener: Callable[[], None]) -> None:
    """Call `listener` once, when this process or one of its workers first begins to compile."""
    if listener not in _listeners:
        _listeners.append(listener)


def tell() -> None:
    """Call all listeners, the first time only. Raises CompilationNeededError within `kept_only`."""
    global _told
    if getattr(_kept_only, "on", False):
        raise CompilationNeededError
    if not _told:
        _told = True
        for listener in _listeners:
            listener()


@cache
def remark(text: str) -> None:
    """Log a warning about compiled code: each text once, and in the main process only."""
    if multiprocess.parent_process() is None:
        _log.warning("%s", text)


@contextmanager
def kept_only() -> Iterator[None]:
    """Let the current thread load machine code from disk only; compiling raises CompilationNeededError."""
    _kept_only.on = True
    try:
        yield
    finally:
        _kept_only.on = False
