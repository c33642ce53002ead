"""Reads members of untrusted zips: sizes are bounded before anything is unpacked."""

import zipfile
from io import BytesIO
from pathlib import Path

from valuescape.sim.errors import UsageError

MAX_ARCHIVE_BYTES = 256 * 2**20
MAX_MEMBER_BYTES = 64 * 2**20
MAX_MEMBERS = 1000
MAX_UNPACKED_BYTES = 2**30
"""Of all members that are read of one file."""
MAX_RATIO = 200  # text as Stable-Baselines3 writes it shrinks some 20-fold, a zip bomb 1,000-fold
_RATIO_MATTERS_BYTES = 2**20
_ENTRY = b"PK\x01\x02"
"""Begins each entry of a zip's directory. They are counted first, as zipfile parses all of them at once."""

_HINT = "this is not a model that Stable-Baselines3 saved; get it again from where it was made"
_AGAIN = "copy or download it again"


class Members:
    """The members of a zip in memory, each unpacked when it is read.

    Raises UsageError as `read_members` does.
    """

    def __init__(self, content: bytes, label: str) -> None:
        unpack(content, (), label)
        self._archive, self._label = zipfile.ZipFile(BytesIO(content)), label
        self._left = MAX_UNPACKED_BYTES
        self.order = self._archive.namelist()
        self.names = frozenset(self.order)

    def read(self, name: str) -> bytes:
        """Return the bytes of one member.

        Raises UsageError if there is none, if it is damaged, or if all that were read are too large together.
        """
        try:
            content = _read(self._archive, name, self._label)
        except UsageError:
            raise
        except Exception as error:  # zipfile, zlib and lzma raise a dozen kinds for damaged input
            raise UsageError(f"{self._label}: {name} is damaged: {error}", _AGAIN) from error
        self._left -= len(content)
        if self._left < 0:
            raise UsageError(f"{self._label}: unpacks to more than {MAX_UNPACKED_BYTES // 2**20} MiB", _HINT)
        return content


def read_members(path: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    """Return the named members of the zip at `path`.

    Raises UsageError if the file cannot be read, is no sound zip, lacks one of them, or would unpack to more
    than a model has. Sizes are checked before anything is unpacked.
    """
    try:
        if path.stat().st_size > MAX_ARCHIVE_BYTES:
            raise UsageError(f"{path}: more than {MAX_ARCHIVE_BYTES // 2**20} MiB", _HINT)
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", "check the path") from error
    return unpack(content, names, str(path))


def names_in(path: Path) -> tuple[str, ...]:
    """Return the names of a zip's members; () if it cannot be read or is no sound zip."""
    try:
        if path.stat().st_size > MAX_ARCHIVE_BYTES:
            return ()
        content = path.read_bytes()
        if content.count(_ENTRY) > 2 * MAX_MEMBERS:
            return ()
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return tuple(archive.namelist())
    except Exception:  # zipfile raises a dozen kinds for damaged input
        return ()


def unknown_zip(path: Path) -> UsageError:
    """Return the error for a zip that no format recognises: what is wrong with it, or what it is instead."""
    try:
        read_members(path, ("data",))
    except UsageError as error:
        return error
    return UsageError(f"{path}: is a zip of no kind that is read", _HINT)


def unpack(content: bytes, names: tuple[str, ...], label: str) -> dict[str, bytes]:
    """Return the named members of the zip in `content`. label: its name in errors.

    Raises UsageError as `read_members` does. Without names it only checks the zip.
    """
    if content.count(_ENTRY) > 2 * MAX_MEMBERS:
        raise UsageError(f"{label}: has more than {2 * MAX_MEMBERS} members", _HINT)
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            _check_sizes(archive, label)
            _check_whole(archive, content, label)
            return {name: _read(archive, name, label) for name in names}
    except UsageError:
        raise
    except zipfile.BadZipFile as error:
        cut_short = b"PK\x05\x06" not in content  # the mark of the directory's end
        problem = "is cut short" if cut_short else f"is a damaged zip: {error}"
        raise UsageError(f"{label}: {problem}", _AGAIN) from error
    except Exception as error:  # zipfile, zlib and lzma raise a dozen kinds for damaged input
        raise UsageError(f"{label}: is a damaged zip: {error}", _HINT) from error


def _check_sizes(archive: zipfile.ZipFile, label: str) -> None:
    """Raise UsageError if the members are too many, too large, or packed too tightly for a model."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise UsageError(f"{label}: has {len(members)} members, expected at most {MAX_MEMBERS}", _HINT)
    for member in members:
        ratio = member.file_size / max(member.compress_size, 1)
        bomb = ratio > MAX_RATIO and member.file_size > _RATIO_MATTERS_BYTES
        if bomb or member.file_size > MAX_MEMBER_BYTES:
            raise UsageError(
                f"{label}: is a zip bomb: {member.filename} unpacks to {member.file_size:,} bytes from "
                f"{member.compress_size:,}",
                _HINT,
            )


def _check_whole(archive: zipfile.ZipFile, content: bytes, label: str) -> None:
    """Raise UsageError if the directory belongs to a zip inside this one, whose own end is missing."""
    length = int.from_bytes(content[26:28], "little")
    first = content[30 : 30 + length].decode("utf-8", "replace")
    if content.startswith(b"PK\x03\x04") and first not in archive.namelist():
        raise UsageError(f"{label}: is cut short", _AGAIN)


def _read(archive: zipfile.ZipFile, name: str, label: str) -> bytes:
    try:
        member = archive.open(name)
    except KeyError as error:
        raise _missing(archive.namelist(), name, label) from error
    with member:
        content = member.read(MAX_MEMBER_BYTES + 1)
    if len(content) > MAX_MEMBER_BYTES:
        raise UsageError(f"{label}: is a zip bomb: {name} unpacks to more than its directory says", _HINT)
    return content


def _missing(members: list[str], name: str, label: str) -> UsageError:
    """Return the error for a zip without a member, naming what it is instead where that is known."""
    if "parameter_list" in members or "parameters" in members:
        return UsageError(
            f"{label}: is a model of Stable-Baselines 2 (TensorFlow), which is not read",
            "train it again with Stable-Baselines3",
        )
    if any(member.endswith("data.pkl") for member in members):
        return UsageError(
            f"{label}: is a zip without the member {name}: one of torch.save's",
            "torch files do not say how their tensors are connected: save the model with "
            "Stable-Baselines3's model.save()",
        )
    return UsageError(f"{label}: is a zip without the member {name}, no model", _HINT)
