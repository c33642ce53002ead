"""Finds the format of a checkpoint file by its content."""

import difflib
import itertools
from pathlib import Path

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.foreign import refusal
from valuescape.sim.policy.formats.known import FORMATS
from valuescape.sim.policy.formats.registry import Format, Probe, Registry

_HEAD_BYTES = 256
_MOST_NAMES = 10_000
"""Names in a folder that are compared with one that is not there."""


def find_model(path: Path, formats: Registry = FORMATS) -> Path:
    """Return `path`, or the file with a suffix that a format's library appends, if only that one exists."""
    if not path.name or path.exists():
        return path
    longer = [path.with_name(path.name + each.appended) for each in formats if each.appended]
    return next((each for each in longer if each.is_file()), path)


def format_of(path: Path, formats: Registry = FORMATS) -> Format:
    """Return the format of the file at `path`.

    Raises UsageError if there is no such file, if it is not a regular one, or if no format recognises it; the
    message names what else it is, where that is known.
    """
    probe = probe_of(path, formats)
    found = formats.find(probe)
    if found is None:
        raise refusal(probe, formats.containers())
    return found


def is_model(path: Path, formats: Registry = FORMATS) -> bool:
    """Return whether a path names a checkpoint rather than a configuration: by its suffix or its content.

    So does a folder that is one checkpoint, and a file that is no text at all. Never raises.
    """
    try:
        if path.suffix.lower() in formats.suffixes() or folder_format(path, formats):
            return True
        if path.suffix.lower() == ".toml" or not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        return b"\0" in head or formats.find(Probe(path, head)) is not None
    except (OSError, ValueError):  # such as a name that is too long
        return False


def folder_format(path: Path, formats: Registry = FORMATS) -> Format | None:
    """Return the format of a folder that is one checkpoint; None if it is none, or no folder."""
    return formats.find(Probe(path, b"")) if path.is_dir() else None


def probe_of(path: Path, formats: Registry = FORMATS) -> Probe:
    """Return the parts of a file, or of a folder that is one checkpoint, that formats go by.

    Raises UsageError if there is none, or if it is another folder or no regular file.
    """
    if path.is_dir():
        if folder_format(path, formats):
            return Probe(path, b"")
        raise UsageError(f"{path}: is a folder, expected a checkpoint file", "name a file in it")
    return Probe(path, _head(path))


def _head(path: Path) -> bytes:
    if not path.exists():
        raise UsageError(f"{path}: there is no such file", instead_of(path))
    if not path.is_file():
        raise UsageError(f"{path}: is no regular file", "name a checkpoint file")
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", "check its permissions") from error


def instead_of(path: Path) -> str:
    """Return what to do about a file that is not there: the nearest names in its folder, if any are near."""
    folder = path.parent
    try:
        names = [each.name for each in itertools.islice(folder.iterdir(), _MOST_NAMES)]
    except OSError:
        return f"there is no folder {folder} either; check the path"
    near = difflib.get_close_matches(path.name, names, n=3)
    return f"did you mean {' or '.join(near)}?" if near else "check the path"
