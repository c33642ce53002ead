"""Reads a Stable-Baselines3 zip as data: JSON without its pickles, tensors without code."""

import base64
import binascii
import json
import math
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import frozen
from valuescape.sim.policy.formats.files import sound
from valuescape.sim.policy.formats.pickle_data import DEQUE, ForbiddenPickleError, Record, read_pickle
from valuescape.sim.policy.formats.pickled_numbers import is_numpy, number_of
from valuescape.sim.policy.formats.torch_data import MAX_VALUES, TorchTensor, torch_content
from valuescape.sim.policy.formats.zip_members import names_in, read_members

_MAX_RETURNS_TEXT = 2**18
_MAX_NUMBER_TEXT = 4096  # characters of base64
SUPPORTED = "Valuescape runs MlpPolicy models, and MultiInputPolicy without images"


@dataclass(frozen=True, slots=True)
class Space:
    """A space as the JSON describes it.

    kind: "Box", "Discrete", …. shape, low, high: of a Box. n, start: of a Discrete; start is not 0 either if
    any of a MultiDiscrete is. sizes: of a MultiDiscrete, or 2 for each bit of a MultiBinary.
    """

    kind: str
    shape: tuple[int, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    n: int = 0
    start: int = 0
    sizes: tuple[int, ...] = ()


class Sb3File:
    """The settings and tensors of one zip. Nothing is unpickled: `torch_data` reads the tensors.

    Raises UsageError, naming file and member, if the zip is damaged, hostile or not a model.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        members = read_members(path, ("data", "policy.pth"))
        self.data = _settings(path, members["data"])
        self.tensors = _tensors(path, members["policy.pth"], "policy.pth")

    def space(self, key: str) -> Space:
        """Return the space under `key`, from the text beside its pickle."""
        entry = self.data.get(key)
        if not isinstance(entry, dict):
            raise self.error(f"data: {key} is {str(entry)[:60]}, expected a space")
        kind = class_name(entry.get(":type:")) or "unknown"
        try:
            return _space(kind, entry)
        except (ValueError, TypeError, OverflowError) as error:
            raise self.error(f"data: {key} cannot be read: {error}") from error

    def option(self, key: str) -> Any:
        """Return policy_kwargs[key], as JSON or as the text beside a pickle; None if it is absent."""
        options = self.data.get("policy_kwargs")
        return options.get(key) if isinstance(options, dict) else None

    def number(self, key: str) -> float | None:
        """Return the setting `key` if it is a number, in the JSON or pickled by NumPy; else None."""
        value = self.data.get(key)
        if isinstance(value, dict):
            return _pickled_number(value.get(":serialized:"))
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    @property
    def version(self) -> str:
        """The release that saved the file, "" of releases that do not say."""
        if _VERSION not in names_in(self.path):
            return ""
        return read_members(self.path, (_VERSION,))[_VERSION].decode("utf-8", "replace").strip()[:40]

    def error(self, problem: str, hint: str = SUPPORTED) -> UsageError:
        """Return an error about this file."""
        return UsageError(f"{self.path}: {problem}", hint)


_VERSION = "_stable_baselines3_version"
_VARIABLES = ("pytorch_variables.pth", "tensors.pth")  # of releases from 1.0 on, and before


def entropy_coefficient(file: Sb3File) -> float | None:
    """Return alpha of SAC or TQC: the setting `ent_coef` where it is a number, else what training came to.

    None where the zip has neither, or where what it has cannot be read: it shows no network wrong.
    """
    stated = file.data.get("ent_coef")
    if isinstance(stated, (int, float)) and not isinstance(stated, bool):
        return float(stated)
    members = set(names_in(file.path)) & set(_VARIABLES)
    with suppress(UsageError, AttributeError, KeyError, ValueError):
        for name in members:
            tensors = _tensors(file.path, read_members(file.path, (name,))[name], name)
            if "log_ent_coef" in tensors:
                return math.exp(min(tensors["log_ent_coef"].item(), 80.0))
            return float(tensors["ent_coef_tensor"].item())
    return None


def training_returns(file: Sb3File) -> list[float]:
    """Return the returns of the last episodes of the training, at most 100; [] where the file has none.

    They are the environment's own, before VecNormalize, if it was wrapped in a Monitor.
    """
    entry = file.data.get("ep_info_buffer")
    text = str(entry.get(":serialized:", "")) if isinstance(entry, dict) else ""
    if not 0 < len(text) <= _MAX_RETURNS_TEXT:
        return []
    with suppress(binascii.Error, ForbiddenPickleError, TypeError, ValueError, LookupError, AttributeError):
        content = base64.b64decode(text, validate=True)
        episodes = read_pickle(content, lambda name: name == DEQUE or is_numpy(name))
        return [number_of(each["r"]) for each in episodes if isinstance(each, dict)]
    return []


def _pickled_number(text: Any) -> float | None:
    """Return the number in a NumPy pickle, read as data; None if it is anything else."""
    try:
        return number_of(read_pickle(base64.b64decode(str(text)[:_MAX_NUMBER_TEXT], validate=True), is_numpy))
    except (binascii.Error, ForbiddenPickleError, TypeError, ValueError, LookupError, AttributeError):
        return None


def class_name(text: Any) -> str | None:
    """Return "Box" for "<class 'gym.spaces.box.Box'>", None for anything else."""
    match = re.fullmatch(r"<class '(?:\w+\.)*(\w+)'>", text) if isinstance(text, str) else None
    return match[1] if match else None


def _settings(path: Path, content: bytes) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: data is no JSON: {error}", "the file is damaged; get it again") from error
    if not isinstance(data, dict):
        raise UsageError(f"{path}: data is no JSON object", "the file is damaged; get it again")
    return data


def _space(kind: str, entry: dict[str, Any]) -> Space:
    if kind == "Discrete":
        return Space(kind, n=_size(entry.get("n", 0)), start=_size(entry.get("start") or 0))
    if kind == "MultiDiscrete":
        starts = [_size(each) for each in _numbers(entry.get("start"))]
        return Space(kind, start=max(starts, default=0), sizes=tuple(map(_size, _numbers(entry.get("nvec")))))
    if kind == "MultiBinary":
        return Space(kind, sizes=(2,) * _size(entry.get("n", 0)))
    if kind != "Box":
        return Space(kind)
    shape = tuple(_size(size) for size in entry.get("shape", entry.get("_shape", ())))
    if math.prod(shape) > MAX_VALUES:
        raise ValueError(f"its shape has more than {MAX_VALUES:,} numbers")
    return Space(kind, shape, _numbers(entry.get("low")), _numbers(entry.get("high")))


def _size(value: Any) -> int:
    size = int(value)
    if not 0 <= size <= MAX_VALUES:
        raise ValueError(f"a size of it is not from 0 to {MAX_VALUES:,}")
    return size


def _numbers(text: Any) -> tuple[float, ...]:
    """Return the numbers of a printed array, `[-1.2  -0.07]`; () if it is abridged."""
    if not isinstance(text, str) or "..." in text:
        return ()
    return tuple(float(word) for word in text.replace("[", " ").replace("]", " ").split())


def _tensors(path: Path, content: bytes, member: str) -> dict[str, Float32Array]:
    state = torch_content(content, f"{path}: {member}")
    if not isinstance(state, dict) or not state:
        raise UsageError(f"{path}: {member} holds {type(state).__name__}, expected named tensors", SUPPORTED)
    with sound(path):
        return {str(name): _array(path, str(name), tensor, member) for name, tensor in state.items()}


def _array(path: Path, name: str, tensor: Any, member: str) -> Float32Array:
    if isinstance(tensor, Record) and tensor.name.module != "torch._utils":
        asked = f"{tensor.name.module}.{tensor.name.name}"
        raise UsageError(
            f"{path}: {member} asks for {asked}, which is not a tensor; nothing of it was run",
            "save the model again with Stable-Baselines3's model.save(), or leave a file you do not trust",
        )
    if not isinstance(tensor, TorchTensor) or tensor.dtype not in ("f4", "f8", "f2", "bf16"):
        raise UsageError(f"{path}: {name} in {member} is no plain tensor of real numbers", SUPPORTED)
    return frozen(path, name, tensor)
