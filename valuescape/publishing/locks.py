"""The lock by which others see that a trainer lives: the kernel releases it when the process ends, however.

It is held through a descriptor of its own. The descriptor that the file is mapped through would not do: a
forked child keeps the mapping, and with it the lock. So a child closes its copy of the lock's descriptor at
the fork, and the trainer's end is seen although children of it live on.
"""

import contextlib
import fcntl
import os
import weakref
from pathlib import Path


class LifeLock:
    """An exclusive lock of a file, held by the process that made it and by no child of it."""

    def __init__(self, path: Path) -> None:
        """Lock the file at `path`. Raises BlockingIOError if another process holds the lock."""
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.close(self._fd)
            raise
        _HELD.add(self)

    def is_of(self, path: Path) -> bool:
        """Return whether the locked file is the one that has the name `path` now."""
        try:
            return os.path.samestat(os.fstat(self._fd), path.lstat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Give the lock up; doing so twice is harmless. In a forked child, only the descriptor is closed."""
        _HELD.discard(self)
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = -1


_HELD: "weakref.WeakSet[LifeLock]" = weakref.WeakSet()


def _release_in_child() -> None:
    for each in list(_HELD):
        each.release()


os.register_at_fork(after_in_child=_release_in_child)


def is_locked(fd: int) -> bool:
    """Return whether the trainer that made the file lives. fd: a descriptor of the reader's own."""
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(fd, fcntl.LOCK_UN)
    return False
