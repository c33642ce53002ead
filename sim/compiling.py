"""Says when machine code is being made, which the first start on a machine waits for."""

from collections.abc import Callable

_listeners: list[Callable[[], None]] = []
_told = False


def listen(listener: Callable[[], None]) -> None:
    """Call `listener` when this process or one of its workers begins to compile; once, however often."""
    if listener not in _listeners:
        _listeners.append(listener)


def tell() -> None:
    """Tell all listeners, unless they have been told."""
    global _told
    if not _told:
        _told = True
        for listener in _listeners:
            listener()
