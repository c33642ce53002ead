"""The reader's side: the newest networks of a training run, looked up without waiting."""

import contextlib
import mmap
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from valuescape.publishing import place
from valuescape.publishing.layout import (
    ENDED,
    HEAD,
    LAYOUT,
    MAGIC,
    MAX_FLOATS,
    NETWORKS_AT,
    SAID_BYTES,
    SLOTS_AT,
    STATEMENT_AT,
    Networks,
    Said,
    Slot,
    Statement,
    checksum,
    file_bytes,
    floats_of,
    from_json,
    views,
)
from valuescape.publishing.locks import is_locked
from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.native import from_parts
from valuescape.sim.policy.network import Checkpoint

_TRIES = 3
"""How often a slot is copied that was overwritten meanwhile, before it is left for the next look."""


class NotPublishedError(UsageError):
    """No training run of that name publishes; one may begin to, later."""

    left: Statement | None = None
    """What the run said of itself, if its trainer was killed."""


@dataclass(frozen=True, slots=True)
class Update:
    """The networks of a training run after so many steps."""

    step: int
    checkpoint: Checkpoint
    """Its arrays are read-only copies: nothing changes them later. `training.timesteps` is the step."""
    sent_ns: int
    """When it was published, on the clock of `time.monotonic_ns`, which all processes share."""
    numbers: dict[str, float]
    """What the trainer gave beside the networks, by its names: `mean_return`."""
    number: int
    """The count of updates: 1 for the first. Some are not seen, as the latest wins."""


class Subscription:
    """The updates of one training run of this user's. Any number of processes may read; none disturbs it.

    A context manager. `newest` never waits. Nothing here holds up, or harms, the trainer; it may end at any
    time, and `state` then says how.
    """

    def __init__(self, name: str) -> None:
        """Find the training run that is published as `name`.

        Raises NotPublishedError, which is a UsageError, if there is none, or if its trainer was killed; and
        UsageError if it publishes in another layout. The message names what is there.
        """
        self._path = place.path_of(name)
        self._fd = _opened(self._path, name)
        self._last = 0
        self.refused = ""
        """Why the newest update is no sound checkpoint; "" if it is one."""
        self._networks: Networks | None = None
        self._slots: tuple[Slot, ...] = ()
        try:
            self._map(SLOTS_AT)
            self._statement = self._read_statement(name)
            if not is_locked(self._fd) and self.state != "finished":
                raise _died(self._statement, self._path)
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """The name of the training run."""
        return self._statement.name

    @property
    def world(self) -> str:
        """The name of the world, as `world.name` takes it."""
        return self._statement.world

    @property
    def history(self) -> Path | None:
        """The folder with the checkpoints of the run so far, as `policy.checkpoint` takes it; None if none
        is kept. It is made with the first update."""
        return Path(self._statement.history) if self._statement.history else None

    @property
    def statement(self) -> Statement:
        """What the training run says of itself."""
        return self._statement

    @property
    def state(self) -> str:
        """One of "waiting" (for the first update), "training", "finished" (in order), "died" (was killed);
        "closed" after `close`."""
        if self._fd < 0:
            return "closed"
        if self._head["state"][0] == ENDED:
            return "finished"
        if not is_locked(self._fd):
            # it may have ended in order between the two looks
            return "finished" if self._head["state"][0] == ENDED else "died"
        return "training" if self._head["newest"][0] else "waiting"

    @property
    def alive(self) -> bool:
        """Whether updates may come. Performance: 2 us."""
        return self.state in ("waiting", "training")

    def newest(self) -> Update | None:
        """Return the newest update, if it is newer than the last that was returned; else None. Never waits.

        The last update can still be read after the trainer has ended. None, too, if the trainer wrote faster
        than this could copy three times, and if the update is no sound checkpoint (`refused` says why); the
        next call finds the next one.

        Performance: 0.2 us if there is none, 0.3 ms for networks of 64-64.
        """
        for _ in range(_TRIES):
            number = int(self._head["newest"][0])
            if number <= self._last or not self._ready():
                return None
            copied = self._copy(number)
            if copied is not None:
                self._last = number
                return self._sound(number, copied)
        return None

    def close(self) -> None:
        """Give the memory back; twice is harmless. Checkpoints that were returned stay as they are."""
        self._slots = ()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _map(self, size: int) -> None:
        if os.fstat(self._fd).st_size < size:  # reading beyond the end of a mapped file kills the reader
            raise _damaged(self._path)
        self._memory: Any = mmap.mmap(self._fd, size, prot=mmap.PROT_READ)
        self._head: NDArray[Any] = np.frombuffer(self._memory, HEAD, 1)

    def _read_statement(self, name: str) -> Statement:
        head = self._head[0]
        if bytes(head["magic"]) != MAGIC:
            raise _damaged(self._path)
        if head["layout"] != LAYOUT:
            raise UsageError(
                f"{name}: is published in layout {head['layout']}, and this Valuescape reads layout {LAYOUT}",
                "start the viewer from the training's Python environment, or install one version in both",
            )
        text = self._part(STATEMENT_AT, "statement", NETWORKS_AT - STATEMENT_AT)
        try:
            return from_json(Statement, text or b"")
        except (ValueError, TypeError) as error:
            raise _damaged(self._path) from error

    def _part(self, at: int, part: str, most: int) -> bytes | None:
        """Return one of the JSON parts; None if it is not completely written."""
        size, expected = int(self._head[f"{part}_bytes"][0]), int(self._head[f"{part}_sum"][0])
        text = bytes(self._memory[at : at + min(size, most)])
        return text if zlib.crc32(text) == expected else None

    def _ready(self) -> bool:
        """Return whether the networks are known; reads them when they are there for the first time."""
        if self._slots:
            return True
        text = self._part(NETWORKS_AT, "networks", SLOTS_AT - NETWORKS_AT)
        floats = int(self._head["floats"][0])
        if self._fd < 0 or not text or not 0 < floats <= MAX_FLOATS:
            return False
        networks = from_json(Networks, text)
        if floats_of(networks.shapes) != floats:
            return False
        self._map(file_bytes(floats))
        self._networks = networks
        self._slots = (Slot(self._memory, 0, floats), Slot(self._memory, 1, floats))
        return True

    def _copy(self, number: int) -> tuple[int, int, bytes, Float32Array] | None:
        """Return copies of an update's step, time, JSON and weights; None if it was overwritten meanwhile."""
        slot = self._slots[number % 2]
        if slot.head["number"][0] != number:
            return None
        head, weights = slot.head.copy(), slot.weights.copy()
        said = slot.said[: min(int(head["said_bytes"][0]), SAID_BYTES)].tobytes()
        if slot.head["number"][0] != number or checksum(head, number, said, weights) != head["sum"][0]:
            return None
        return int(head["step"][0]), int(head["sent_ns"][0]), said, weights

    def _sound(self, number: int, copied: tuple[int, int, bytes, Float32Array]) -> Update | None:
        """Return an update, or None if its checkpoint is not sound, and keep the reason."""
        try:
            update = self._update(number, *copied)
        except UsageError as error:
            self.refused = str(error)
            return None
        self.refused = ""
        return update

    def _update(self, number: int, step: int, sent_ns: int, text: bytes, weights: Float32Array) -> Update:
        assert self._networks is not None
        said = from_json(Said, text)
        weights.setflags(write=False)
        arrays = views(weights, self._networks.shapes)
        checkpoint = from_parts(arrays, self._networks.metadata | said.metadata, Path(self.name))
        return Update(step, checkpoint, sent_ns, said.numbers, number)


def published() -> list[Statement]:
    """Return what the training runs say of themselves that this user publishes now, the oldest first.

    Segments of trainers that were killed, or of other layouts, are left out. Raises UsageError if the folder
    of the user's runs is another user's.
    """
    found = []
    for name in _names():
        with contextlib.suppress(UsageError), Subscription(name) as subscription:
            found.append(subscription.statement)
    return sorted(found, key=lambda each: each.started_s)


def _names() -> list[str]:
    folder = place.own_folder()
    try:
        return sorted(each.name for each in folder.iterdir()) if folder else []
    except FileNotFoundError:
        return []


def _opened(path: Path, name: str) -> int:
    """Return a descriptor of the user's own segment at `path`. Raises UsageError."""
    place.own_folder()
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        raise _not_published(name) from None
    except OSError as error:
        raise UsageError(f"{name}: {path} cannot be read ({error.strerror})") from error
    owner = os.fstat(fd).st_uid
    if owner != os.geteuid():
        os.close(fd)
        raise UsageError(f"{name}: {path} belongs to user {place.user_name(owner)}", "name one of your runs")
    return fd


def _not_published(name: str) -> NotPublishedError:
    running, others = [each.name for each in published()], place.other_users()
    hint = f"these are: {', '.join(running)}" if running else "no training run of yours is"
    if others:
        hint += f"; user {' and '.join(others[:3])} may have some, which only that user can watch"
    return NotPublishedError(f"{name}: no training run of that name is published now", hint)


def _died(statement: Statement, path: Path) -> NotPublishedError:
    kept = statement.history and Path(statement.history).is_dir()
    error = NotPublishedError(
        f"{statement.name}: its trainer (process {statement.pid}) was killed, and publishes nothing any more",
        f"what it published is in {statement.history}: valuescape run {statement.history}"
        if kept
        else f"start it again; that removes {path}",
    )
    error.left = statement
    return error


def _damaged(path: Path) -> UsageError:
    return UsageError(f"{path}: is no training run's segment", "remove it")
