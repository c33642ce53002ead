"""Reads the folders that tensordict's `memmap()` writes: `meta.json` and NAME.memmap, one folder for each dict."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.files import read_bounded
from valuescape.sim.policy.formats.torch_data import MAX_TOTAL_BYTES, MAX_VALUES

META = "meta.json"
_MAX_META = 2**22
_MAX_DEPTH = 30
_MAX_TENSORS = 2000
_DTYPES = {
    **{
        f"torch.{name}": name for name in ("float16", "float32", "float64", "int8", "int16", "int32", "int64")
    },
    **{"torch.uint8": "uint8", "torch.bool": "bool"},
}


def is_tensordict(folder: Path) -> bool:
    """Return whether a folder was written by tensordict."""
    try:
        return "tensordict" in str(_meta(folder).get("_type", ""))
    except (UsageError, OSError, ValueError, AttributeError):
        return False


def read_tensordict(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Return the tensors in a folder by their paths joined with dots. Raises UsageError beyond the bounds."""
    found: dict[str, np.ndarray[Any, Any]] = {}
    waiting = [(folder, "", 0)]
    total = 0
    while waiting:
        place, prefix, depth = waiting.pop(0)
        for name, entry in _meta(place).items():
            if not isinstance(entry, dict) or name != Path(name).name or name == "..":
                continue
            inside = place / name
            if "dtype" in entry and "shape" in entry:
                found[f"{prefix}{name}"] = _tensor(place, name, entry)
                total += found[f"{prefix}{name}"].nbytes
            elif (inside / META).is_file() and depth < _MAX_DEPTH and not inside.is_symlink():
                waiting.append((inside, f"{prefix}{name}.", depth + 1))
        if total > MAX_TOTAL_BYTES or len(found) > _MAX_TENSORS:
            raise UsageError(f"{folder}: has more tensors than a checkpoint", "name another folder")
    return found


def _meta(folder: Path) -> dict[str, Any]:
    content = json.loads(read_bounded(folder / META, _MAX_META))
    return content if isinstance(content, dict) else {}


def _tensor(folder: Path, name: str, entry: dict[str, Any]) -> np.ndarray[Any, Any]:
    shape = tuple(int(size) for size in entry["shape"])
    dtype = np.dtype(_DTYPES[entry["dtype"]])
    count = math.prod(shape)
    path = folder / f"{name}.memmap"
    if min(shape, default=0) < 0 or count > MAX_VALUES:
        raise UsageError(f"{path}: claims the shape {list(shape)}, at most {MAX_VALUES:,} values are read")
    content = read_bounded(path) if count else b""
    if len(content) < count * dtype.itemsize:
        raise UsageError(
            f"{path}: has {len(content)} bytes, too few for the shape {list(shape)}", "get it again"
        )
    return np.frombuffer(content, dtype, count).reshape(shape)
