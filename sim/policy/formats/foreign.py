"""Messages for files that no checkpoint format recognises: they name the kind of file where it is known."""

from collections.abc import Sequence
from pathlib import Path

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.registry import Probe
from valuescape.sim.policy.formats.zip_members import unknown_zip

_CONVERT = "valuescape convert MODEL.zip OUT.safetensors --world WORLD"
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
        "it comes from Keras or h5py; Valuescape reads Stable-Baselines3 zips and safetensors",
    ),
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"7z\xbc\xaf", "a 7-zip archive", _UNPACK),
    (b"{", "JSON", "name the model's zip, or a safetensors file"),
)
"""For each kind of file: its first bytes (leading white space skipped, lower case), its name in the message,
and the hint."""

_ONNX_PRODUCERS = (b"pytorch", b"onnx", b"skl2onnx", b"tf2onnx", b"keras")


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
            f"save the model with Stable-Baselines3's model.save() and run {_CONVERT}; "
            "VecNormalize's statistics go with it: --vecnormalize FILE.pkl",
        )
    if not head:
        return UsageError(f"{path}: is empty", _AGAIN)
    text = head.lstrip().lower()
    for start, name, hint in _STARTS:
        if text.startswith(start):
            return UsageError(f"{path}: is {name}", hint)
    if _is_onnx(path, head):
        return UsageError(
            f"{path}: is an ONNX file, which is not read",
            "give the model's zip; a critic alone can be TorchScript (policy.torchscript_critic)",
        )
    return UsageError(
        f"{path}: is not a {listed(containers)} file, or it is cut short",
        "give a Stable-Baselines3 zip, or what `valuescape convert` or `valuescape train` wrote",
    )


def listed(names: Sequence[str]) -> str:
    """Return names as people list them: "zip, safetensors or torch"."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def _is_onnx(path: Path, head: bytes) -> bool:
    if path.suffix.lower() == ".onnx":
        return True
    return head[:1] == b"\x08" and any(maker in head.lower() for maker in _ONNX_PRODUCERS)
