"""What kind of file a checkpoint is, by its first bytes; what is none is called by its name."""

from enum import StrEnum
from pathlib import Path

from valuescape.sim.errors import UsageError

_HEAD_BYTES = 256
_CONVERT = "valuescape convert MODEL.zip OUT.safetensors --world WORLD"
_PICKLES = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
_AGAIN = "get the file itself, again"
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (
        b"version https://git-lfs",
        "a Git-LFS pointer, not the file",
        "run `git lfs pull`, or download the file",
    ),
    (b"<!doctype", "a web page", _AGAIN),
    (b"<html", "a web page", _AGAIN),
    (b"\x89hdf", "an HDF5 file", "of Keras or h5py; Stable-Baselines3 zips and safetensors are read"),
    (b"\x1f\x8b", "a gzip archive", "unpack it, and name the model in it"),
    (b"7z\xbc\xaf", "a 7-zip archive", "unpack it, and name the model in it"),
    (b"{", "JSON", "name the model's zip, or a safetensors file"),
)
_ONNX_PRODUCERS = (b"pytorch", b"onnx", b"skl2onnx", b"tf2onnx", b"keras")


class Kind(StrEnum):
    """The kinds that are read."""

    ZIP = "zip"
    SAFETENSORS = "safetensors"


def find_model(path: Path) -> Path:
    """Return `path`, or `path.zip` where there is that alone: Stable-Baselines3's load() adds it too."""
    zipped = path.with_name(f"{path.name}.zip")
    return zipped if path.name and not path.exists() and zipped.is_file() else path


def kind_of(path: Path) -> Kind:
    """Return the kind of the file at `path`.

    Raises UsageError if there is no such file, if it is no plain one, or if it is of another kind, which is
    named where it is known.
    """
    head = _head(path)
    if head.startswith(b"PK"):
        return Kind.ZIP
    if head.startswith(_PICKLES):
        raise UsageError(
            f"{path}: is a pickle, which could run any code; it was not opened",
            f"save the model with Stable-Baselines3's model.save() and run {_CONVERT}; "
            "VecNormalize's statistics go with it: --vecnormalize FILE.pkl",
        )
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") > 1:
        return Kind.SAFETENSORS
    if not head:
        raise UsageError(f"{path}: is empty", _AGAIN)
    raise _foreign(path, head)


def _foreign(path: Path, head: bytes) -> UsageError:
    text = head.lstrip().lower()
    for start, name, hint in _FOREIGN:
        if text.startswith(start):
            return UsageError(f"{path}: is {name}", hint)
    if path.suffix.lower() == ".onnx" or (
        head[:1] == b"\x08" and any(maker in text for maker in _ONNX_PRODUCERS)
    ):
        return UsageError(
            f"{path}: is an ONNX file, which is not read",
            "give the model's zip; a critic alone can be TorchScript (policy.torchscript_critic)",
        )
    return UsageError(
        f"{path}: is neither a zip nor a safetensors file, or it is cut short",
        "give a Stable-Baselines3 zip, or what `valuescape convert` or `valuescape train` wrote",
    )


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise UsageError(f"{path}: is a folder, expected a checkpoint file", "name a file in it")
    if not path.exists():
        raise UsageError(
            f"{path}: there is no such file", "check policy.checkpoint; see configs/checkpoints/"
        )
    if not path.is_file():
        raise UsageError(f"{path}: is no regular file", "name a checkpoint file")
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", "check its permissions") from error
