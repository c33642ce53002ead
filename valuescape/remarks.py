"""Remarks on files, passed from where a file is read to where a person is told."""

from collections.abc import Callable, Iterable

_listeners: list[Callable[[str], None]] = []
_told: set[str] = set()


def listen(listener: Callable[[str], None]) -> None:
    """Call `listener` with every remark from now on, with each once."""
    _listeners.append(listener)


def tell(remarks: Iterable[str]) -> None:
    """Pass remarks to all listeners, except those that were told before."""
    for remark in remarks:
        if remark not in _told:
            _told.add(remark)
            for listener in _listeners:
                listener(remark)


def announce(text: str) -> None:
    """Pass a text to all listeners, also one that was told before."""
    for listener in _listeners:
        listener(text)
