"""Reads the folders of tensordict's `memmap()`: `meta.json` and NAME.memmap, one folder for each dict.

Links are not followed, so that nothing outside of the folder is read.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.files import BROKEN, MAX_BYTES, read_bounded, sound, values_of
from valuescape.sim.policy.formats.torch_data import MAX_TOTAL_BYTES, MAX_VALUES

META = "meta.json"
_MAX_META = 2**22
_MAX_DEPTH = 30
_MAX_TENSORS = 2000
_DTYPES = {
    **{f"torch.{name}": name for name in ("float16", "float32", "float64", "int32", "int64")},
    **{"torch.uint8": "uint8", "torch.bool": "bool"},
}


def is_tensordict(folder: Path) -> bool:
    """Return whether a folder was written by tensordict."""
    try:
        return "tensordict" in str(_meta(folder).get("_type", ""))
    except (UsageError, OSError, *BROKEN):
        return False


def read_tensordict(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Return the tensors in a folder by their paths joined with dots. Raises UsageError beyond the bounds."""
    found: dict[str, np.ndarray[Any, Any]] = {}
    waiting = [(folder, "", 0)]
    total = 0
    while waiting:
        place, prefix, depth = waiting.pop(0)
        for name, entry in _meta(place).items():
            if not isinstance(entry, dict) or name != Path(name).name or name in ("", ".."):
                continue
            inside = place / name
            if "dtype" in entry and "shape" in entry:
                found[f"{prefix}{name}"] = _tensor(place, name, entry)
                total += found[f"{prefix}{name}"].nbytes
            elif (inside / META).is_file() and depth < _MAX_DEPTH and not inside.is_symlink():
                waiting.append((inside, f"{prefix}{name}.", depth + 1))
            if total > MAX_TOTAL_BYTES or max(len(found), len(waiting)) > _MAX_TENSORS:
                raise UsageError(f"{folder}: has more tensors than a checkpoint", "name another folder")
    return found


def _meta(folder: Path) -> dict[str, Any]:
    content = json.loads(_own(folder / META, _MAX_META))
    return content if isinstance(content, dict) else {}


def _own(path: Path, most: int = MAX_BYTES) -> bytes:
    if path.is_symlink():
        raise UsageError(f"{path}: is a link", "copy the file that it names into the folder")
    return read_bounded(path, most)


def _tensor(folder: Path, name: str, entry: dict[str, Any]) -> np.ndarray[Any, Any]:
    shape = tuple(int(size) for size in entry["shape"])
    dtype = np.dtype(_DTYPES[entry["dtype"]])
    path = folder / f"{name}.memmap"
    with sound(path):
        count = values_of(shape, MAX_VALUES)
    content = _own(path) if count else b""
    if len(content) < count * dtype.itemsize:
        raise UsageError(
            f"{path}: has {len(content)} bytes, too few for the shape {list(shape)}", "get it again"
        )
    return np.frombuffer(content, dtype, count).reshape(shape) if count else np.zeros(shape, dtype)
