"""Reads files of named tensors: what torch.save() wrote, safetensors, .npz."""

import warnings
from io import BytesIO
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.chains import natural
from valuescape.sim.policy.formats.files import read_bounded, sound
from valuescape.sim.policy.formats.torch_data import MAX_VALUES, is_torch, named_tensors, torch_content
from valuescape.sim.policy.formats.zip_members import Members

_MAX_HEADER = 2**16


def is_npz(members: tuple[str, ...]) -> bool:
    """Return whether a zip is what numpy.savez() writes, by its members."""
    return bool(members) and all(name.endswith(".npy") for name in members)


def read_tensors(path: Path) -> dict[str, Any]:
    """Return the tensors of a file by name, whichever of the three kinds it is of, read as data.

    Raises UsageError, naming the file, if it is none of them, damaged, or beyond the bounds.
    """
    content = read_bounded(path)
    with sound(path):
        if content.startswith(b"PK"):
            members = Members(content, str(path))
            if is_npz(tuple(members.names)):
                return {name.removesuffix(".npy"): _array(members.read(name)) for name in members.order}
        if content[8:9] == b"{":
            try:
                tensors = load_safetensors(content)
                return {name: tensors[name] for name in sorted(tensors, key=natural)}  # whose order is lost
            except SafetensorError as error:
                raise ValueError(str(error)[:100]) from error
        if content.startswith(b"PK") or is_torch(content, ()):
            return named_tensors(torch_content(content, str(path)))
    raise UsageError(f"{path}: has no tensors by name", "give a torch, safetensors or npz file")


def _array(content: bytes) -> Any:
    """Return the array in the bytes of a .npy file; its header is bounded, and objects are refused."""
    file = BytesIO(content)
    version = np.lib.format.read_magic(file)
    form = np.lib.format
    read_header = form.read_array_header_1_0 if version == (1, 0) else form.read_array_header_2_0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            shape, fortran, dtype = read_header(file, _MAX_HEADER)
    except (SyntaxError, TokenError) as error:
        raise ValueError(f"an array's header is damaged: {error.args[0]}") from error
    if dtype.hasobject or dtype.kind not in "fiub":
        raise ValueError(f"an array of it has the type {dtype}")
    flat = np.frombuffer(content, dtype, offset=file.tell())
    if flat.size > MAX_VALUES or flat.size != np.prod(shape, dtype=np.float64):
        raise ValueError(f"an array of the shape {list(shape)} has {flat.size} numbers")
    return flat.reshape(shape, order="F" if fortran else "C")
