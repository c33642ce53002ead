"""Checks of a run's output paths before it begins, so that no run is lost at its end."""

import contextlib
from pathlib import Path

from valuescape.sim.errors import UsageError


def require_writable(option: str, folder: Path) -> None:
    """Make `folder` if it is missing. Raises UsageError, naming the option, if it cannot be written to."""
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
    """Remove a folder that the program named itself, if the run wrote nothing into it."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def require_name(option: str, path: Path | None, *endings: str) -> None:
    """Raise UsageError if the file that `option` names cannot be written. endings: those allowed."""
    if path is None:
        return
    if path.suffix.lower() not in endings or path.is_dir():
        kinds = " or ".join(endings)
        raise UsageError(f"{option} {path}: expected the name of a {kinds} file")
    require_writable(option, path.parent)
