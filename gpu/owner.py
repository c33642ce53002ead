"""Ownership of OpenGL objects: the base class that releases them, once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar


class Releasable(Protocol):
    """An object whose memory somebody has to free: a buffer, a texture, a program, a pass."""

    def release(self) -> object:
        """Free it."""


_Made = TypeVar("_Made", bound=Releasable)


class Owner:
    """Base of classes that make OpenGL objects: `_own` notes one, `release` frees all of them.

    Objects that are lent to a class (the context, a ring, a field) are not its own.
    """

    def __init__(self) -> None:
        self._owned: list[Releasable] = []

    def _own(self, made: _Made) -> _Made:
        """Note an object to be released with this one; returns it."""
        self._owned.append(made)
        return made

    def _free(self, made: Releasable) -> None:
        """Release one of the objects before the others."""
        self._owned = [each for each in self._owned if each is not made]
        made.release()

    @contextmanager
    def _making(self) -> Iterator[None]:
        """While objects are made: a failure releases those that were made before it."""
        try:
            yield
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Free everything this object made, newest first. A second call does nothing."""
        while self._owned:
            self._owned.pop().release()
