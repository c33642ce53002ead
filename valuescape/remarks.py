"""What a person should hear of a checkpoint's file, told to whoever shows it."""

from collections.abc import Callable, Iterable

_listeners: list[Callable[[str], None]] = []
_told: set[str] = set()


def listen(listener: Callable[[str], None]) -> None:
    """Call `listener` with every remark that is told from now on; with each once."""
    _listeners.append(listener)


def tell(remarks: Iterable[str]) -> None:
    """Tell all listeners what they have not been told."""
    for remark in remarks:
        if remark not in _told:
            _told.add(remark)
            for listener in _listeners:
                listener(remark)
