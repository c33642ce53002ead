"""Messages for files that no checkpoint format recognises: they name the kind of file where it is known."""

from collections.abc import Sequence

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.registry import Probe
from valuescape.sim.policy.formats.zip_members import unknown_zip

_PICKLES = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
"""First two bytes of pickles of protocols 2 to 5."""

_AGAIN = "download the file again; this is not the model"
_UNPACK = "unpack it, and name the model in it"
_STARTS: tuple[tuple[bytes, str, str], ...] = (
    (
        b"version https://git-lfs",
        "a Git-LFS pointer, not the file",
        "run `git lfs pull`, or download the file",
    ),
    (b"<!doctype", "a web page", _AGAIN),
    (b"<html", "a web page", _AGAIN),
    (
        b"\x89hdf",
        "an HDF5 file",
        "it comes from Keras or h5py: save its weights as .npz, whose names tell which are actor and critic",
    ),
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"7z\xbc\xaf", "a 7-zip archive", _UNPACK),
    (b"{", "JSON", "name the file of the networks beside it"),
)
"""For each kind of file: its first bytes (leading white space skipped, lower case), its name in the message,
and the hint."""


def refusal(probe: Probe, containers: Sequence[str]) -> UsageError:
    """Return the error for a file that no format recognises.

    containers: the kinds of files that are read, for a message about a file of no known kind.
    """
    path, head = probe.path, probe.head
    if head.startswith(b"PK"):
        return unknown_zip(path)
    if head.startswith(_PICKLES):
        return UsageError(
            f"{path}: is a pickle, which could run any code; it was not opened",
            "save the networks by themselves, as torch.save(network.state_dict(), FILE) does; VecNormalize's "
            "statistics are given beside a model: --obs-normalization FILE.pkl",
        )
    if not head:
        return UsageError(f"{path}: is empty", _AGAIN)
    text = head.lstrip().lower()
    for start, name, hint in _STARTS:
        if text.startswith(start):
            return UsageError(f"{path}: is {name}", hint)
    return UsageError(
        f"{path}: is not a {listed(containers)} file, or it is cut short",
        "docs/checkpoints.md lists the libraries whose files are read",
    )


def listed(names: Sequence[str]) -> str:
    """Return names as people list them: "zip, safetensors or torch"."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
