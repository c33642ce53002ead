"""Where a run may write: looked at before it begins, so that nobody waits for nothing."""

import contextlib
from pathlib import Path

from valuescape.sim.errors import UsageError


def require_writable(option: str, folder: Path) -> None:
    """Make `folder` if need be. Raises UsageError, naming the option, if nothing can be written to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"{option} {folder}: cannot be made, for there is a file of that name") from None
    except OSError as error:
        raise UsageError(
            f"{option} {folder}: cannot be written ({error.strerror})", "name a folder you may write"
        ) from None


def remove_if_empty(folder: Path) -> None:
    """Leave no folder of our own naming for a run that came to nothing."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def require_name(option: str, path: Path | None, *endings: str) -> None:
    """Raise UsageError now if the file that `option` names could not be written when the run is over.

    endings: what the name may end in.
    """
    if path is None:
        return
    if path.suffix.lower() not in endings or path.is_dir():
        kinds = " or ".join(endings)
        raise UsageError(f"{option} {path}: expected the name of a {kinds} file")
    require_writable(option, path.parent)
