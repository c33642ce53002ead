"""The trainer's side of the shared file: made, grown once, written without waiting, removed.

Only the process that made it writes or removes it. A forked child that inherits it does neither.
"""

import contextlib
import errno
import mmap
import os
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.publishing import place
from valuescape.publishing.layout import (
    ENDED,
    HEAD,
    LAYOUT,
    MAGIC,
    NETWORKS_AT,
    SLOTS_AT,
    STATEMENT_AT,
    TRAINING,
    Networks,
    Slot,
    Statement,
    checksum,
    file_bytes,
    floats_of,
    to_json,
)
from valuescape.publishing.locks import LifeLock
from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError

_TRIES, _PAUSE_S = 20, 0.01
"""How often a name that seems taken is tried: a reader's look at a lock takes it for a microsecond."""


_ABANDONED_S = 86_400.0
"""The age from which on a dead trainer's file is removed by a start under any name."""


class TakenError(UsageError):
    """A training run of that name is being published."""


class Segment:
    """The file of one training run."""

    def __init__(self, statement: Statement) -> None:
        """Make the file under the run's name. A dead trainer's file of that name is removed, and old ones.

        Raises TakenError, which is a UsageError, if a training run of that name goes on; UsageError if the
        file cannot be made.
        """
        _remove_abandoned(place.make_folder())
        self._owner = os.getpid()
        self._path = place.path_of(statement.name)
        self._number = 0
        self._lock: LifeLock | None = None
        self._slots: tuple[Slot, ...] = ()
        unnamed = self._path.with_name(f".{self._path.name}.{os.getpid()}.{time.monotonic_ns()}")
        try:
            self._map(unnamed, SLOTS_AT, os.O_CREAT | os.O_EXCL)
            self._lock = LifeLock(unnamed)
            self._write_statement(statement)
            self._take_name(unnamed)
        except BaseException as error:
            if self._lock is not None:
                self._lock.release()
            if isinstance(error, OSError):
                raise _cannot(self._path, error) from error
            raise
        finally:
            with contextlib.suppress(OSError):
                unnamed.unlink()

    @property
    def mine(self) -> bool:
        """Whether this process made the segment, and has not closed it."""
        return self._owner == os.getpid()

    @property
    def index(self) -> int:
        """The index of the slot that the next update goes to."""
        return (self._number + 1) % 2

    def grow(self, networks: Networks) -> tuple[Slot, ...]:
        """Return the two slots for updates of these networks, made now. Raises UsageError without room."""
        text, floats = to_json(networks), floats_of(networks.shapes)
        if len(text) > SLOTS_AT - NETWORKS_AT:
            raise UsageError("the networks have too many layers to be published")
        try:
            self._map(self._path, file_bytes(floats), 0)
        except OSError as error:
            raise _cannot(self._path, error) from error
        self._text[NETWORKS_AT : NETWORKS_AT + len(text)] = np.frombuffer(text, np.uint8)
        self._head["networks_bytes"], self._head["networks_sum"] = len(text), zlib.crc32(text)
        self._head["floats"] = floats
        self._slots = (Slot(self._memory, 0, floats), Slot(self._memory, 1, floats))
        return self._slots

    def begin(self) -> Float32Array:
        """Return the weights [floats] of the next update, to be written before `commit`."""
        slot = self._slots[self.index]
        slot.head["number"] = 0
        return slot.weights

    def commit(self, step: int, said: bytes) -> None:
        """Publish the update whose weights were written. said: JSON of at most SAID_BYTES."""
        number = self._number + 1
        slot = self._slots[number % 2]
        slot.said[: len(said)] = np.frombuffer(said, np.uint8)
        slot.head["step"], slot.head["sent_ns"] = step, time.monotonic_ns()
        slot.head["said_bytes"] = len(said)
        slot.head["sum"] = checksum(slot.head, number, said, slot.weights)
        slot.head["number"] = number
        self._head["newest"] = number
        self._head["state"] = TRAINING
        self._number = number

    def close(self) -> None:
        """Tell readers that the run has ended, and remove the file; in a forked child, neither."""
        if self.mine and self._lock is not None:
            self._head["state"] = ENDED
            with contextlib.suppress(OSError):
                if self._lock.is_of(self._path):
                    self._path.unlink()
            place.remove_empty_folder()
            self._lock.release()
        self._owner = -1

    def _map(self, path: Path, size: int, flags: int) -> None:
        """Map the file, so large. posix_fallocate reserves the memory: a write cannot fail later."""
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600)
        try:
            os.posix_fallocate(fd, 0, size)
            self._memory: Any = mmap.mmap(fd, size)
        finally:
            os.close(fd)
        self._head: NDArray[Any] = np.frombuffer(self._memory, HEAD, 1)
        self._text: NDArray[np.uint8] = np.frombuffer(self._memory, np.uint8, SLOTS_AT)

    def _write_statement(self, statement: Statement) -> None:
        text = to_json(statement)
        if len(text) > NETWORKS_AT - STATEMENT_AT:
            raise UsageError(f"{statement.name}: the folder of its history has too long a name")
        self._text[STATEMENT_AT : STATEMENT_AT + len(text)] = np.frombuffer(text, np.uint8)
        self._head["magic"], self._head["layout"] = MAGIC, LAYOUT
        self._head["statement_bytes"], self._head["statement_sum"] = len(text), zlib.crc32(text)

    def _take_name(self, unnamed: Path) -> None:
        """Give the complete and locked file its name, unless that of a living trainer has it."""
        for _ in range(_TRIES):
            with contextlib.suppress(FileExistsError):
                os.link(unnamed, self._path)
                return
            if not remove_if_dead(self._path):
                time.sleep(_PAUSE_S)
        raise TakenError(
            f"{self._path.name}: a training run of that name is being published",
            "name this one otherwise, or end the other; valuescape attach --list shows all",
        )


def remove_if_dead(path: Path) -> bool:
    """Remove the segment at `path` if the trainer that made it has ended; returns whether it is gone.

    Safe against another process that does the same, or that takes the name meanwhile: what is removed is what
    was locked.
    """
    try:
        lock = LifeLock(path)
    except FileNotFoundError:
        return True
    except OSError:  # locked: its trainer lives; or not for us to open
        return False
    try:
        if lock.is_of(path):
            path.unlink()
        return True
    except OSError:
        return False
    finally:
        lock.release()


def _remove_abandoned(folder: Path) -> None:
    """Remove the segments of trainers that died long ago, whose names may never be used again."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if time.time() - path.lstat().st_mtime > _ABANDONED_S:
                remove_if_dead(path)


def _cannot(path: Path, error: OSError) -> UsageError:
    if error.errno in (errno.ENOSPC, errno.ENOMEM, errno.EDQUOT):
        return UsageError(f"{path}: there is no room for it: {path.parent.parent} is full", "make some room")
    return UsageError(f"{path}: cannot be made ({error.strerror})", "publish nothing, or see to that")
