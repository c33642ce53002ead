"""Reads what torch.save() writes as data: no code of the file is run, and torch is not imported.

Such a file is a zip with `data.pkl`, which refers to storages in `data/`, or, before torch 1.6, a row of
pickles with the storages behind them. `pickle_data` reads the pickles. Of the records in them, those of
torch's tensors and NumPy's arrays and numbers become values, and those of modules can be taken apart by
`named_tensors`; all others stay inert `Record`s.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.files import read_bounded, values_of
from valuescape.sim.policy.formats.pickle_data import (
    ForbiddenPickleError,
    Name,
    Record,
    read_pickle,
    read_pickle_from,
)
from valuescape.sim.policy.formats.pickled_numbers import plain_of
from valuescape.sim.policy.formats.zip_members import Members

MAX_VALUES = 2**24
"""Numbers of one tensor."""
MAX_TOTAL_BYTES = 2**30
"""Of all tensors that are made of one file; a tensor may be made several times."""
MAX_ENTRIES = 200_000
MAX_DEPTH = 60

_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
"""The pickle of _MAGIC, with which files of torch before 1.6 begin."""

_DTYPES = {
    "Float": "f4",
    "Double": "f8",
    "Half": "f2",
    "BFloat16": "bf16",
    "Byte": "u1",
    "Char": "i1",
    "Short": "i2",
    "Int": "i4",
    "Long": "i8",
    "Bool": "?",
}
_TORCH_DTYPES = {
    **{"float32": "f4", "float": "f4", "float64": "f8", "double": "f8", "float16": "f2", "half": "f2"},
    **{"bfloat16": "bf16", "uint8": "u1", "int8": "i1", "int16": "i2", "int32": "i4", "int64": "i8"},
    **{"long": "i8", "bool": "?"},
}


@dataclass(frozen=True, slots=True)
class _Storage:
    """A storage that a pickle refers to."""

    key: str
    dtype: str


def _reference(named: Any) -> Any:
    """Return what a persistent id stands for: ("storage", FloatStorage, key, …), or ("module", class, …)."""
    kind, of, *rest = named
    if kind == "module" and isinstance(of, Name):
        return of
    if kind != "storage":
        raise ValueError("it refers to something that is no storage")
    name = of.name if isinstance(of, Name) else of.args[0]
    return _Storage(str(rest[0]), _DTYPES.get(str(name).removesuffix("Storage"), "u1"))


@dataclass(slots=True)
class Storages:
    """The storages of one file, read when a tensor asks for one."""

    label: str
    members: Members | None = None
    prefix: str = ""
    """Of the members of a zip that are storages."""
    parts: dict[str, bytes] = field(default_factory=dict)
    """The storages of a file without a zip."""
    order: str = "<"
    left: int = MAX_TOTAL_BYTES

    def read(self, key: str, dtype: str) -> np.ndarray[Any, Any]:
        """Return a storage as a flat array. Raises UsageError, or LookupError if there is none."""
        content = self.parts[key] if self.members is None else self.members.read(f"{self.prefix}{key}")
        self.left -= len(content)
        if self.left < 0:
            raise UsageError(f"{self.label}: its tensors take more than {MAX_TOTAL_BYTES // 2**20} MiB")
        kind = np.dtype("u2" if dtype == "bf16" else dtype).newbyteorder(self.order)  # type: ignore[arg-type]
        return np.frombuffer(content, kind, len(content) // kind.itemsize)


@dataclass(frozen=True, slots=True, eq=False)
class TorchTensor:
    """A tensor in a file; `np.asarray(tensor)` reads it as a new array, bfloat16 as float32."""

    shape: tuple[int, ...]
    dtype: str
    """NumPy's short name, "f4", or "bf16"."""
    _storages: Storages
    _key: str
    _offset: int
    _stride: tuple[int, ...]

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if not math.prod(self.shape):
            return np.zeros(self.shape, "f4" if dtype is None else dtype)
        flat = self._storages.read(self._key, self.dtype)
        span = 1 + sum((size - 1) * step for size, step in zip(self.shape, self._stride, strict=True))
        if self._offset + span > flat.size:
            raise ValueError(f"a tensor of shape {list(self.shape)} lies outside of its storage")
        steps = tuple(step * flat.itemsize for step in self._stride)
        view = np.lib.stride_tricks.as_strided(flat[self._offset :], self.shape, steps, writeable=False)
        array = view.copy()
        if self.dtype == "bf16":
            array = (array.astype("u4") << 16).view("f4")
        return array.astype(array.dtype.newbyteorder("=") if dtype is None else dtype, copy=False)


Tensor = TorchTensor | np.ndarray[Any, Any]


def is_torch(head: bytes, members: tuple[str, ...]) -> bool:
    """Return whether a file is what torch.save() writes, by its first bytes, and by its members if a zip."""
    if head.startswith(b"PK"):
        return any(name.endswith("/data.pkl") for name in members) and not is_program(members)
    return head.startswith(_LEGACY)


def is_program(members: tuple[str, ...]) -> bool:
    """Return whether a zip is what torch.jit.save() writes: it alone keeps constants apart."""
    return any(name.endswith("/constants.pkl") for name in members)


def read_torch(path: Path) -> Any:
    """Return what was saved in a torch file: nested dicts, lists and tuples of tensors and plain values.

    Tensors are `TorchTensor`, which are read when they are made arrays; arrays and numbers of NumPy are
    arrays and numbers. Objects of other classes stay `Record`s, which run nothing. Raises UsageError, naming
    the file, if it is damaged or beyond the bounds of this module.
    """
    return torch_content(read_bounded(path), str(path))


def torch_content(content: bytes, label: str) -> Any:
    """Return what was saved in the bytes of a torch file, as `read_torch` does. label: its name in errors."""
    try:
        if content.startswith(b"PK"):
            tree, storages = _zipped(content, label)
        else:
            tree, storages = _legacy(content, label)
        return _Values(storages).of(tree)
    except ForbiddenPickleError as error:
        raise UsageError(f"{label}: {error}; nothing of it was run", "get the file again") from error
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        said = f"{label}: is no torch file, or it is damaged: {error}; nothing of it was run"
        raise UsageError(said, "get it again") from error


def _zipped(content: bytes, label: str) -> tuple[Any, Storages]:
    members = Members(content, label)
    name = next((each for each in members.names if each.endswith("/data.pkl") or each == "data.pkl"), None)
    if name is None:
        raise UsageError(f"{label}: is a zip without data.pkl, no torch file", "name another file")
    folder = name.removesuffix("data.pkl")
    order = f"{folder}byteorder"
    big = order in members.names and members.read(order).strip() == b"big"
    storages = Storages(label, members, f"{folder}data/", order=">" if big else "<")
    return read_pickle(members.read(name), _any, _reference), storages


def _legacy(content: bytes, label: str) -> tuple[Any, Storages]:
    file, storages = BytesIO(content), Storages(label)
    if read_pickle_from(file, _any) != _MAGIC:
        raise ValueError("it does not begin as one")
    for _ in ("version of the format", "the machine that wrote it"):
        read_pickle_from(file, _any)
    tree = read_pickle_from(file, _any, _reference)
    sizes = {key: np.dtype("u2" if dtype == "bf16" else dtype).itemsize for key, dtype in _storages_in(tree)}
    for key in read_pickle_from(file, _any):
        count = int.from_bytes(file.read(8), "little")
        storages.parts[str(key)] = file.read(min(count * sizes.get(str(key), 1), len(content)))
    return tree, storages


def read_pickled(path: Path) -> Any:
    """Return what a pickle contains, of any classes, as `read_torch` does; tensors are left inert."""
    try:
        return _Values(Storages(str(path))).of(read_pickle(read_bounded(path), _any))
    except ForbiddenPickleError as error:
        raise UsageError(f"{path}: {error}; nothing of it was run", "get the file again") from error
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        raise UsageError(
            f"{path}: is no pickle of arrays, or it is damaged: {error}", "get it again"
        ) from error


def _any(_: Name) -> bool:
    return True


def _storages_in(tree: Any) -> list[tuple[str, str]]:
    """Return (key, dtype) of the storages that a tree refers to."""
    found, waiting, seen = [], [tree], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, _Storage):
            found.append((node.key, node.dtype))
        elif isinstance(node, dict):
            waiting += node.values()
        elif isinstance(node, list | tuple):
            waiting += node
        elif isinstance(node, Record):
            waiting += [node.args, node.state]
    return found


class _Values:
    """Makes values of the records of one file; each object once, wherever it occurs."""

    def __init__(self, storages: Storages) -> None:
        self._storages = storages
        self._made: dict[int, Any] = {}
        self._entries = 0

    def of(self, node: Any, depth: int = 0) -> Any:
        """Return the value of one node. Raises ValueError beyond the bounds."""
        if isinstance(node, Name | _Storage) or not isinstance(node, dict | list | tuple | Record):
            return node
        if id(node) in self._made:
            return self._made[id(node)]
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
        self._made[id(node)] = None  # of an object inside itself
        found = self._made[id(node)] = self._inside(node, depth + 1)
        return found

    def _inside(self, node: Any, depth: int) -> Any:
        self._entries += 1 if isinstance(node, Record) else len(node)
        if self._entries > MAX_ENTRIES:
            raise ValueError(f"it has more than {MAX_ENTRIES:,} entries")
        if isinstance(node, dict):
            return {key: self.of(value, depth) for key, value in node.items()}
        if isinstance(node, list):
            return [self.of(value, depth) for value in node]
        if isinstance(node, tuple):
            return tuple(self.of(value, depth) for value in node)
        return self._record(node, depth)

    def _record(self, node: Record, depth: int) -> Any:
        module, name = node.name.module, node.name.name
        if module == "torch._utils" and name.startswith("_rebuild_"):
            return self._rebuilt(name, node.args, depth)
        if module == "torch._tensor" and name == "_rebuild_from_type_v2":
            function, _, args, _ = node.args
            return self._rebuilt(function.name, args, depth)
        plain = plain_of(node)
        if plain is not None:
            return plain
        if (module, name) == ("torch", "Size"):
            return self.of(node.args[0], depth)
        return Record(node.name, self.of(node.args, depth), self.of(node.state, depth))

    def _rebuilt(self, name: str, args: tuple[Any, ...], depth: int) -> Any:
        if name.startswith("_rebuild_parameter"):
            return self.of(args[0], depth)
        if name not in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3"):
            return Record(Name("torch._utils", name), ())  # sparse, quantised …: no layer of a perceptron
        storage, offset, shape, stride = args[:4]
        dtype = _TORCH_DTYPES[args[6].name] if name == "_rebuild_tensor_v3" else storage.dtype
        if isinstance(shape, Record):  # torch.Size
            shape = shape.args[0]
        sizes, steps = tuple(map(int, shape)), tuple(map(int, stride))
        if len(sizes) != len(steps) or min((*sizes, *steps, offset)) < 0:
            raise ValueError(f"a tensor has shape {list(sizes)} and strides {list(steps)}")
        values_of(sizes, MAX_VALUES)  # strides of 0 claim any shape over a small storage
        return TorchTensor(sizes, dtype, self._storages, storage.key, int(offset), steps)


def named_tensors(tree: Any) -> dict[str, Tensor]:
    """Return all tensors and arrays in what a file contains, by their paths joined with dots.

    `{"model": {"actor.0.weight": …}}` gives "model.actor.0.weight", a list or tuple its indices. A module
    that was saved whole gives its parameters and buffers, named as in its state_dict. In the file's order.
    Raises ValueError if there are too many.
    """
    found: dict[str, Tensor] = {}
    visits = 0
    waiting: list[tuple[str, Any, tuple[int, ...]]] = [("", tree, ())]
    while waiting:
        path, node, above = waiting.pop()
        visits += 1
        if visits > MAX_ENTRIES:  # an object in many places has as many names
            raise ValueError(f"it has more than {MAX_ENTRIES:,} entries")
        if isinstance(node, TorchTensor | np.ndarray):
            found[path] = node
        elif id(node) not in above and len(above) < MAX_DEPTH:
            inside = [
                (f"{path}.{key}" if path else str(key), value, (*above, id(node)))
                for key, value in _inside(node).items()
            ]
            waiting += reversed(inside)
    return found


def _inside(node: Any) -> Mapping[Any, Any]:
    """Return the named parts of a node: items, elements, or the parameters and modules of a module."""
    if isinstance(node, dict):
        return node
    if isinstance(node, list | tuple):
        return dict(enumerate(node))
    if isinstance(node, Record) and isinstance(node.state, dict) and "_modules" in node.state:
        parts = [node.state.get(key) for key in ("_parameters", "_buffers", "_modules")]
        return {key: value for part in parts if isinstance(part, dict) for key, value in part.items()}
    return {}
