"""Reads files that the user names: plain files only, with a UsageError for whatever goes wrong.

Opening a pipe waits until another process writes to it, and opening a device may do anything. So the path is
checked with `stat` first, and the opened file once more.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from valuescape.sim.errors import UsageError

NO_FILE = "there is no such file"

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def named_path(text: str, where: str = "") -> Path:
    """Return the path that `text` names, with `~` and `~user` expanded.

    where: what the error begins with; the text itself if not given. Raises UsageError if no file can have
    that name, or the home folder is not known.
    """
    if "\0" in text:
        raise UsageError(f"{where or text}: no file has a name with a zero byte in it")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        user = text.split("/")[0]
        raise UsageError(f"{where or text}: the home folder of {user} is not known") from None


def why_not_plain(path: Path) -> str | None:
    """Return why `path` is no plain file, as text to follow its name; None if it is one.

    For example `there is no such file`, `is a folder, expected a file`.
    """
    try:
        return _why_not(path.stat().st_mode)
    except OSError as error:
        return _said(error)
    except ValueError:  # raised for a zero byte
        return "no file has a name with a zero byte in it"


def require_plain(path: Path, hint: str = "", *, where: str = "") -> None:
    """Raise UsageError, beginning with `where` (the path if not given), unless `path` is a plain file."""
    problem = why_not_plain(path)
    if problem:
        raise UsageError(f"{where or path}: {problem}", hint)


def require_replaceable(path: Path, option: str) -> None:
    """Raise UsageError, beginning with `option`, if no plain file can be written at `path`.

    That is if a folder, a pipe or a device is there, or no file can have that name. Permissions are not
    checked.
    """
    try:
        problem = _why_not(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "a zero byte is in its name"
        raise UsageError(f"{option} {path}: cannot be written ({reason})", "name another file") from None
    if problem:
        raise UsageError(f"{option} {path}: {problem}", "name another file")


@contextlib.contextmanager
def open_plain(path: Path, hint: str = "") -> Iterator[BinaryIO]:
    """Open the file at `path` for reading bytes. Raises UsageError unless it is a plain file."""
    require_plain(path, hint)
    try:
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - Path.open has no opener
    except OSError as error:
        raise UsageError(f"{path}: {_said(error)}", hint) from None
    with file:
        problem = _why_not(os.fstat(file.fileno()).st_mode)
        if problem:  # it was replaced after the first check
            raise UsageError(f"{path}: {problem}", hint)
        yield file


def read_plain(path: Path, most: int, hint: str = "") -> bytes:
    """Return the content of the plain file at `path`. Raises UsageError, also above `most` bytes."""
    with open_plain(path, hint) as file:
        try:
            content = file.read(most + 1)
        except OSError as error:
            raise UsageError(f"{path}: {_said(error)}", hint) from None
    if len(content) > most:
        raise UsageError(f"{path}: is larger than {most / 2**20:,.3g} MiB, the most that is read", hint)
    return content


@contextlib.contextmanager
def reading(path: Path, what: str, hint: str = "") -> Iterator[None]:
    """Turn errors raised while the file at `path` is read into a UsageError that names the file.

    Readers raise a UsageError for what they check themselves. This catches the rest: on malformed files,
    libraries for zip, JSON and arrays raise errors of any kind. what: the kind of file expected, as
    `a recording`.
    """
    try:
        yield
    except UsageError:
        raise
    except OSError as error:
        raise UsageError(f"{path}: {_said(error)}", hint) from error
    except RecursionError as error:
        raise UsageError(f"{path}: cannot be read as {what}: it is nested too deeply", hint) from error
    except Exception as error:
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise UsageError(f"{path}: cannot be read as {what} ({said})", hint) from error


def _why_not(mode: int) -> str | None:
    kind = stat.S_IFMT(mode)
    return None if kind == stat.S_IFREG else f"is {_KINDS.get(kind, 'no plain file')}, expected a file"


def _said(error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return NO_FILE
    return f"cannot be read ({error.strerror or error})"


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
