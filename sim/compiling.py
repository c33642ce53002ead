"""Says when machine code is being made, which the first start on a machine waits for."""

import logging
from collections.abc import Callable
from functools import cache

import multiprocess

_log = logging.getLogger(__name__)
_listeners: list[Callable[[], None]] = []
_told = False


def listen(listener: Callable[[], None]) -> None:
    """Call `listener` when this process or one of its workers begins to compile; once, however often."""
    _listeners.append(listener)


def tell() -> None:
    """Tell all listeners, unless they have been told."""
    global _told
    if not _told:
        _told = True
        for listener in _listeners:
            listener()


@cache
def remark(text: str) -> None:
    """Log a warning about compiled code, once, and in the main process alone."""
    if multiprocess.parent_process() is None:
        _log.warning("%s", text)
