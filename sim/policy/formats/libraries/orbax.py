"""Reads the arrays in a folder that Orbax wrote, with tensorstore, which is asked for when it is needed."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.files import read_bounded, values_of
from valuescape.sim.policy.formats.torch_data import MAX_TOTAL_BYTES, MAX_VALUES

_MAX_ARRAYS = 1000
_MAX_METADATA = 2**24


def read_orbax(folder: Path) -> dict[str, Any]:
    """Return the arrays in a folder by their paths joined with dots, as `named_tensors` names them.

    Raises UsageError if tensorstore is not installed, or if the folder is no sound one.
    """
    try:
        import tensorstore
    except ImportError:
        raise UsageError(
            f"{folder}: is written by Orbax, which is read with tensorstore", "pip install 'valuescape[brax]'"
        ) from None
    metadata = json.loads(read_bounded(folder / "_METADATA", _MAX_METADATA))
    entries = metadata["tree_metadata"].values()
    if len(entries) > _MAX_ARRAYS:
        raise UsageError(f"{folder}: has {len(entries)} arrays, at most {_MAX_ARRAYS} are read")
    driver = "zarr3" if metadata.get("use_zarr3") else "zarr"
    found: dict[str, Any] = {}
    for entry in entries:
        if entry["value_metadata"]["value_type"] not in ("jax.Array", "np.ndarray"):
            continue
        name = ".".join(str(key["key"]) for key in entry["key_metadata"])
        found[name] = _array(tensorstore, folder, driver, name)
        if sum(each.nbytes for each in found.values()) > MAX_TOTAL_BYTES:
            raise UsageError(f"{folder}: its arrays take more than {MAX_TOTAL_BYTES // 2**20} MiB")
    return found


def _array(tensorstore: Any, folder: Path, driver: str, name: str) -> np.ndarray[Any, Any]:
    if name != Path(name).name or name == "..":  # a path would lead out of the folder
        raise UsageError(f"{folder}: has an array with the name {name!r:.60}", "get it again")
    if (folder / "manifest.ocdbt").is_file():
        base = f"file://{folder.resolve()}/"
        place: dict[str, Any] = {"driver": "ocdbt", "base": base, "path": f"{name}/"}
    else:
        place = {"driver": "file", "path": f"{folder.resolve() / name}/"}
    stored = tensorstore.open({"driver": driver, "kvstore": place}, read=True, open=True).result()
    for shape in (stored.shape, stored.chunk_layout.read_chunk.shape or ()):  # a chunk is unpacked as a whole
        values_of(shape, MAX_VALUES)
    return np.asarray(stored.read().result())
