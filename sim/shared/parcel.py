"""A value for processes that are being started, in an anonymous file."""

import os
import pickle
from typing import Any

from valuescape.sim.shared.arena import SharedDescriptor


class Parcel:
    """Holds a value of any size for processes that are being started with it.

    The arguments of a new process go through a pipe, which holds 64 KiB. If the new process is stopped before
    it reads them, the starting process would wait for ever with larger ones.
    """

    def __init__(self, value: Any) -> None:
        self._descriptor = SharedDescriptor(os.memfd_create("valuescape-parcel", os.MFD_CLOEXEC))
        with os.fdopen(os.dup(self._descriptor.fd), "wb") as file:
            pickle.dump(value, file)

    def open(self) -> Any:
        """Return the value and close the file in this process; to be called once."""
        size = os.fstat(self._descriptor.fd).st_size
        content = os.pread(self._descriptor.fd, size, 0)
        self.close()
        return pickle.loads(content)  # noqa: S301 (this program wrote it)

    def close(self) -> None:
        """Close the file in this process."""
        self._descriptor.close()
