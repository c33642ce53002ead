"""Our checkpoint format: safetensors, with everything that is not an array in its text metadata.

Version 1. Metadata: format, version, algorithm, world, obs_dim, gamma, actor_head, critic_kind as text;
actor and critics (layer lists), obs_normalization and training as JSON. Tensors, all float32:
`actor.L.weight` [out, in], `actor.L.bias` [out], `critics.K.L.weight`, `critics.K.L.bias`, `action.low`,
`action.high`, and where observations are normalised `obs.mean`, `obs.std`.
"""

import errno
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from sim.errors import UsageError
from sim.policy.checks import MAX_CRITICS, MAX_LAYERS, check_checkpoint, frozen
from sim.policy.network import (
    Activation,
    ActorHead,
    Checkpoint,
    CriticKind,
    Float32Array,
    Layer,
    Mlp,
    ObsNormalization,
    Training,
)

FORMAT = "valuescape-checkpoint"
VERSION = 1
MAX_BYTES = 64 * 2**20

_T = TypeVar("_T")


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write `checkpoint` to `path` in our format: whole or not at all, replacing what was there.

    Raises UsageError if the checkpoint is not sound or the file cannot be written.
    """
    check_checkpoint(checkpoint, path)
    _write(path, to_bytes(_tensors(checkpoint, path), _metadata(checkpoint)), keep=True)


def check_writable(path: Path) -> None:
    """Raise UsageError unless `save` could write to `path` now; makes its folder, and no file."""
    _write(path, b"", keep=False)


def _write(path: Path, content: bytes, *, keep: bool) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        if keep:
            unfinished.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}", "name another place") from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def load(path: Path) -> Checkpoint:
    """Return the checkpoint in a file of our format; torch is not imported and no code from it is run.

    Raises UsageError, naming file and key or tensor, for anything that is not a sound checkpoint.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UsageError(
                f"{path}: has {size / 2**20:.0f} MiB, expected at most {MAX_BYTES // 2**20}",
                "this is not a checkpoint that Valuescape can run",
            )
        with safe_open(path, framework="numpy") as file:
            return check_checkpoint(_Reader(path, file).checkpoint(), path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}", "check the path") from error
    except SafetensorError as error:
        raise UsageError(
            f"{path}: is no sound safetensors file: {error}",
            "it may be cut short; copy or convert it again",
        ) from error


def _tensors(checkpoint: Checkpoint, path: Path) -> dict[str, Float32Array]:
    tensors = {"action.low": checkpoint.action_low, "action.high": checkpoint.action_high}
    mlps = {"actor": checkpoint.actor}
    mlps |= {f"critics.{index}": critic for index, critic in enumerate(checkpoint.critics)}
    for prefix, mlp in mlps.items():
        for index, layer in enumerate(mlp.layers):
            tensors[f"{prefix}.{index}.weight"] = layer.weight
            tensors[f"{prefix}.{index}.bias"] = layer.bias
    if checkpoint.obs_normalization is not None:
        tensors["obs.mean"] = checkpoint.obs_normalization.mean
        tensors["obs.std"] = checkpoint.obs_normalization.std
    return {name: frozen(path, name, tensor) for name, tensor in tensors.items()}


def _metadata(checkpoint: Checkpoint) -> dict[str, str]:
    norm = checkpoint.obs_normalization
    return {
        "format": FORMAT,
        "version": str(VERSION),
        "algorithm": checkpoint.algorithm,
        "world": checkpoint.world,
        "obs_dim": str(checkpoint.obs_dim),
        "gamma": repr(checkpoint.gamma),
        "actor_head": checkpoint.actor_head.value,
        "critic_kind": checkpoint.critic_kind.value,
        "actor": json.dumps(_layer_list(checkpoint.actor)),
        "critics": json.dumps([_layer_list(critic) for critic in checkpoint.critics]),
        "obs_normalization": json.dumps(None if norm is None else {"clip": norm.clip}),
        "training": json.dumps(asdict(checkpoint.training)),
    }


def _layer_list(mlp: Mlp) -> list[dict[str, Any]]:
    layers = []
    for layer in mlp.layers:
        entry: dict[str, Any] = {"shape": list(layer.weight.shape), "activation": layer.activation.value}
        if np.isfinite(layer.clip):
            entry["clip"] = layer.clip
        layers.append(entry)
    return layers


class _Reader:
    """Reads one open file; every error names the file and the key or tensor."""

    def __init__(self, path: Path, file: Any) -> None:
        self.path = path
        self.file = file
        self.metadata: dict[str, str] = file.metadata() or {}
        self.names = set(file.keys())

    def checkpoint(self) -> Checkpoint:
        """Return what the file holds, each entry sound in itself; `check_checkpoint` sees to the rest."""
        self._check_format()
        critics = self._json("critics", list)
        if not 1 <= len(critics) <= MAX_CRITICS:
            raise self._error("critics", f"{len(critics)} critics", f"1 to {MAX_CRITICS}")
        return Checkpoint(
            algorithm=self._text("algorithm"),
            world=self._text("world"),
            obs_dim=self._parsed("obs_dim", int),
            actor=self._mlp("actor", "actor", self._json("actor", list)),
            actor_head=self._parsed("actor_head", ActorHead),
            critics=tuple(self._mlp("critics", f"critics.{k}", layers) for k, layers in enumerate(critics)),
            critic_kind=self._parsed("critic_kind", CriticKind),
            action_low=self._tensor("action.low"),
            action_high=self._tensor("action.high"),
            obs_normalization=self._obs_normalization(),
            gamma=self._parsed("gamma", float),
            training=self._training(),
        )

    def _check_format(self) -> None:
        if self.metadata.get("format") != FORMAT:
            raise UsageError(
                f"{self.path}: safetensors without the metadata of a Valuescape checkpoint (format: "
                f"{self.metadata.get('format', 'absent')}, expected {FORMAT})",
                "make one with `valuescape train` or `valuescape convert`",
            )
        if self.metadata.get("version") != str(VERSION):
            found = self.metadata.get("version", "absent")
            raise self._error("version", found, str(VERSION), "convert it again with this Valuescape")

    def _mlp(self, key: str, prefix: str, entries: Any) -> Mlp:
        if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_LAYERS:
            raise self._error(key, repr(entries)[:60], f"a list of 1 to {MAX_LAYERS} layers")
        return Mlp(tuple(self._layer(key, f"{prefix}.{i}", entry) for i, entry in enumerate(entries)))

    def _layer(self, key: str, name: str, entry: Any) -> Layer:
        try:
            activation, clip = Activation(entry["activation"]), float(entry.get("clip", np.inf))
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise self._error(key, repr(entry)[:60], "layers with an activation we know") from error
        return Layer(self._tensor(f"{name}.weight"), self._tensor(f"{name}.bias"), activation, clip)

    def _obs_normalization(self) -> ObsNormalization | None:
        entry = self._json("obs_normalization", (dict, type(None)))
        if entry is None:
            return None
        clip = entry.get("clip")
        if not isinstance(clip, (int, float)):
            raise self._error("obs_normalization", repr(entry)[:60], "a number `clip`")
        return ObsNormalization(self._tensor("obs.mean"), self._tensor("obs.std"), float(clip))

    def _training(self) -> Training:
        entry = self._json("training", dict)
        numbers = (int, float, type(None))
        known = {field.name for field in fields(Training)}
        for key, value in entry.items():
            if key not in known or not isinstance(value, str if key == "command" else numbers):
                raise self._error("training", repr({key: value})[:60], "the fields of Training")
        return Training(**entry)

    def _tensor(self, name: str) -> Float32Array:
        if name not in self.names:
            raise UsageError(
                f"{self.path}: tensor {name} is missing", "the file is damaged; convert it again"
            )
        dtype = self.file.get_slice(name).get_dtype()
        if dtype != "F32":
            raise self._error(f"tensor {name}", dtype, "F32")
        return frozen(self.path, name, self.file.get_tensor(name))

    def _text(self, key: str) -> str:
        if key not in self.metadata:
            raise self._error(key, "absent", "an entry of the metadata")
        return self.metadata[key]

    def _parsed(self, key: str, parse: Callable[[str], _T]) -> _T:
        text = self._text(key)
        try:
            return parse(text)
        except ValueError as error:
            raise self._error(key, text[:60], getattr(parse, "__name__", "another value")) from error

    def _json(self, key: str, kinds: type | tuple[type, ...]) -> Any:
        text = self._text(key)
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self._error(key, text[:60], "JSON") from error
        if not isinstance(value, kinds):
            raise self._error(key, text[:60], "another kind of value")
        return value

    def _error(self, key: str, found: str, expected: str, hint: str = "") -> UsageError:
        return UsageError(
            f"{self.path}: {key} is {found}, expected {expected}", hint or "convert the original again"
        )
