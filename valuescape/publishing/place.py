"""The folder of the training runs that publish, on a memory file system, and the rules of their names.

The place depends on the user alone and not on environment variables: a batch job, a login and a notebook have
different ones, and have to find each other.
"""

import os
import pwd
import re
import stat
from contextlib import suppress
from pathlib import Path

from valuescape.sim.errors import UsageError

MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it belongs to the user, which `own_folder` checks
_DISK = Path("/tmp")  # noqa: S108 - likewise
_PREFIX = "valuescape-"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=@-]{0,99}")


def checked_name(name: object) -> str:
    """Return the name of a training run. Raises UsageError unless it is a file's name of plain characters."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    raise UsageError(
        f"the name of a training run is {name!r:.60}",
        "expected 1 to 100 letters, digits and . _ + = @ -, the first a letter or a digit",
    )


def fitting_name(text: str) -> str:
    """Return `text` as `checked_name` takes it, with a hyphen in the place of every other character."""
    plain = re.sub(r"[^A-Za-z0-9._+=@-]+", "-", text).lstrip("._+=@-")
    return plain[:100] or "training"


def folder() -> Path:
    """Return the path of the user's folder, which need not be there."""
    return _root() / f"{_PREFIX}{os.geteuid()}"


def path_of(name: str) -> Path:
    """Return the path of the segment of a training run."""
    return folder() / checked_name(name)


def make_folder() -> Path:
    """Return the user's folder, made if it is not there; nobody else can look into it.

    Raises UsageError if another user made one in its place, or if it cannot be made.
    """
    path = folder()
    try:
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
        about = path.lstat()
        _require_own(path, about)
        if stat.S_IMODE(about.st_mode) != 0o700:
            path.chmod(0o700)
    except OSError as error:
        raise UsageError(f"{path}: cannot be made ({error.strerror}), so nothing is published") from error
    return path


def own_folder() -> Path | None:
    """Return the user's folder; None if it is not there. Raises UsageError if it is another user's."""
    path = folder()
    try:
        _require_own(path, path.lstat())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    return path


def remove_empty_folder() -> None:
    """Remove the user's folder if no training run is in it."""
    with suppress(OSError):
        folder().rmdir()


def other_users() -> list[str]:
    """Return the names of other users with a folder for training runs, which only they can look into."""
    names = []
    for path in _root().glob(f"{_PREFIX}*"):
        uid = path.name.removeprefix(_PREFIX)
        if uid.isdecimal() and int(uid) != os.geteuid():
            names.append(user_name(int(uid)))
    return sorted(names)


def user_name(uid: int) -> str:
    """Return the name of a user, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"number {uid}"


def _root() -> Path:
    return MEMORY if MEMORY.is_dir() and os.access(MEMORY, os.W_OK | os.X_OK) else _DISK


def _require_own(path: Path, about: os.stat_result) -> None:
    if not stat.S_ISDIR(about.st_mode):
        raise UsageError(f"{path}: is no folder, but the place of training runs", "remove it")
    if about.st_uid != os.geteuid():
        raise UsageError(
            f"{path}: belongs to user {user_name(about.st_uid)}, but is the place of your training runs",
            "nothing in it is read or written; ask that user, or the administrator, to remove it",
        )
