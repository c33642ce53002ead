"""Shared memory in one anonymous file, which workers receive as an open descriptor.

A named file in /dev/shm outlives a killed run and is limited by the size of the mount (64 MiB in many
containers). The kernel frees an anonymous file (memfd_create) when the last process that uses it has ended,
however that happened. So nothing has to be removed, and no resource tracker can remove it too early.
"""

import errno
import mmap
import os
from typing import Any

import numpy as np
from multiprocess import reduction
from numpy.typing import NDArray

from valuescape.sim.errors import UsageError
from valuescape.sim.resources import available_memory
from valuescape.sim.shared.layout import NO_LIMIT, ArenaLayout

UNWRITTEN = ("state", "action", "trail_position")
"""The arrays that hold NaN where no tick was written; the others hold 0 there."""


class SharedDescriptor:
    """An open file descriptor that can be pickled to a process that is being started."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def __getstate__(self) -> object:
        return reduction.DupFd(self.fd)

    def __setstate__(self, duplicate: Any) -> None:
        self.fd = duplicate.detach()

    def close(self) -> None:
        """Close the descriptor in this process; closing twice is harmless."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Arena:
    """The arrays of one run, in memory that all its processes share.

    `arena["state"]` is a NumPy view of that memory, with shape and dtype as in `ArenaLayout.fields`: all
    processes see what one writes, and nothing is copied. Views keep the mapping alive: `close` raises
    BufferError while a caller holds one. An arena that is pickled to a worker being started maps the same
    memory there.
    """

    def __init__(self, layout: ArenaLayout) -> None:
        """Reserve and clear the memory. Raises UsageError if there is not enough of it."""
        _require_memory(layout.nbytes)
        self.layout = layout
        self._descriptor = SharedDescriptor(os.memfd_create("valuescape", os.MFD_CLOEXEC))
        try:
            os.posix_fallocate(self._descriptor.fd, 0, layout.nbytes)
        except OSError as error:
            self._descriptor.close()
            if error.errno in (errno.ENOSPC, errno.ENOMEM):
                raise _too_small(layout.nbytes, available_memory()) from None
            raise
        self._map()
        self._mark_unwritten()

    def _map(self) -> None:
        self._memory = mmap.mmap(self._descriptor.fd, self.layout.nbytes)
        self._views: dict[str, NDArray[Any]] = {}
        for name, field in self.layout.fields().items():
            count = int(np.prod(field.shape))
            # frombuffer pins the mapping: closing too early raises BufferError instead of crashing later.
            flat: NDArray[Any] = np.frombuffer(self._memory, field.dtype, count, field.offset)
            self._views[name] = flat.reshape(field.shape)

    def _mark_unwritten(self) -> None:
        """Fill what workers must write before others read it with values that stand out."""
        for name in UNWRITTEN:
            self[name].fill(np.nan)
        self["worker"]["tick"] = -1
        self["worker"]["waits_for"] = NO_LIMIT
        self["main"]["waits_for"] = NO_LIMIT

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._views[name]

    def __getstate__(self) -> tuple[ArenaLayout, SharedDescriptor]:
        return self.layout, self._descriptor

    def __setstate__(self, state: tuple[ArenaLayout, SharedDescriptor]) -> None:
        self.layout, self._descriptor = state
        self._map()

    def close(self) -> None:
        """Unmap the memory in this process; it is freed when the last process has done so."""
        self._views.clear()
        self._descriptor.close()
        self._memory.close()


def _require_memory(needed: int) -> None:
    available = available_memory()
    if needed > 0.9 * available:
        raise _too_small(needed, available)


def _too_small(needed: int, available: int) -> UsageError:
    return UsageError(
        f"agents.count and trails.length need {needed / 2**30:.2f} GiB of shared memory; "
        f"{available / 2**30:.2f} GiB are available",
        "lower agents.count or trails.length",
    )
