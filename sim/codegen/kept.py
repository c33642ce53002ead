"""A cache of machine code on disk: one file for each function and signature, checked before it is used."""

import hashlib
import logging
import pickle
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core.caching import FunctionCache, NullCache
from numba.core.runtime import rtsys
from numba.core.serialize import dumps

from valuescape.sim.codegen import notice

_log = logging.getLogger(__name__)

_DIGEST_BYTES = 32
"""The size of a SHA-256."""


def cache_of(function: Any) -> Any:
    """Return the cache of a function whose name contains its key; it keeps nothing without a folder."""
    try:
        return _KeyedCache(function)
    except RuntimeError:  # numba found no folder to write to, beside the source or in the user's cache
        _remark_no_folder()
        return _CompilesAnew()


@cache
def _remark_no_folder() -> None:
    """Log the warning once a process, not once a function."""
    _log.warning("machine code cannot be kept: no folder can be written to; set NUMBA_CACHE_DIR to one")


class _CompilesAnew(NullCache):  # type: ignore[misc]  # numba has no types
    """Keeps nothing, but tells listeners that something is compiled."""

    def load_overload(self, signature: Any, context: Any) -> None:
        notice.tell()


def no_cache() -> Any:
    """Return a cache that keeps nothing."""
    return _CompilesAnew()


class _KeyedCache(FunctionCache):  # type: ignore[misc]  # numba has no types
    """Finds machine code by the function's name, which contains a key of all that it was made of.

    numba's own cache notices only changes of the file that the function is in. It compares closure values
    by a pickle, which for functions differs from process to process. A file that is cut short, damaged or
    in another's place is named in a warning and made again.
    """

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self._cache_file: Any = _CheckedFiles(self._cache_file)

    def _index_key(self, signature: Any, codegen: Any) -> Any:
        return signature, codegen.magic_tuple()

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the machine code, or None, which makes numba compile it.

        numba's own way first completes its tables of all that it can compile. Machine code needs its memory
        functions alone; the tables are completed where something is compiled. Performance: a process that
        finds its ticks takes a core for 0.60 s in place of 0.74 (EPYC).
        """
        rtsys.initialize(context)
        found = self._load_overload(signature, context)
        if found is None:
            notice.tell()
        return found

    def save_overload(self, signature: Any, data: Any) -> None:
        """Keep machine code; log a warning if it cannot be written."""
        try:
            super().save_overload(signature, data)
        except OSError as error:
            path = error.filename2 or error.filename or self.cache_path
            _log.warning("%s: machine code cannot be kept: %s", path, error.strerror)


class _CheckedFiles:
    """Replaces numba's index and data files, which are not checked and which two processes can confuse.

    A file is named by a hash of the signature and of all versions. It starts with the SHA-256 of its name and
    of the rest, which is a pickle of the signature and of numba's data.
    """

    def __init__(self, files: Any) -> None:
        self._files = files

    def save(self, key: Any, data: Any) -> None:
        """Write `data` under `key`."""
        path, content = self._path(key), dumps((key, data))
        with self._files._open_for_write(str(path)) as file:  # renamed when it is whole
            file.write(_digest(path, content) + content)

    def load(self, key: Any) -> Any:
        """Return the data under `key`, or None."""
        path = self._path(key)
        try:
            content = path.read_bytes() if path.is_file() else None
        except OSError as error:
            _log.warning("%s: cannot be read: %s; its machine code is made anew", path, error.strerror)
            return None
        if content is None:
            return None
        if content[:_DIGEST_BYTES] != _digest(path, content[_DIGEST_BYTES:]):
            _drop(path)
            return None
        kept, data = pickle.loads(content[_DIGEST_BYTES:])  # noqa: S301 (our own, from the user's own cache)
        return data if kept == key else None

    def _path(self, key: Any) -> Path:
        versions = numba.__version__, np.__version__, self._files._source_stamp
        name = hashlib.sha256(repr((versions, key)).encode()).hexdigest()[:16]
        stem = str(self._files._index_name).removesuffix(".nbi")
        return Path(str(self._files._cache_path)) / f"{stem}.{name}.nbc"


def _digest(path: Path, content: bytes) -> bytes:
    return hashlib.sha256(path.name.encode() + b"\0" + content).digest()


def _drop(path: Path) -> None:
    """Remove a damaged file. Of several processes that find it, the one that removes it logs a warning."""
    try:
        path.unlink()
    except OSError:
        return
    _log.warning("%s: damaged or cut short; its machine code is made anew", path)
