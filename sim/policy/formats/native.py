"""Valuescape's own checkpoint format: safetensors, with everything that is not an array in the metadata.

Version 2. Metadata: format, version, algorithm, world, obs_dim, gamma, actor_head, critic_kind as text;
actor and critics (layer lists), obs_normalization, reward_normalization and training as JSON. Tensors, all
float32: `actor.L.weight` [out, in], `actor.L.bias` [out], `critics.K.L.weight`, `critics.K.L.bias`,
`action.low`, `action.high`, and where observations are normalised `obs.mean`, `obs.std`. Gaussian policies
may have `log_std.weight` and `.bias` (gSDE: `gsde_log_std`), and SAC's and TQC's `entropy_coefficient` as
text. QR-DQN and TQC have `quantiles.K.weight` [quantiles * outputs, hidden] and `.bias`, of which the last
layer of critic K is the mean. An actor that makes several choices has `choices`, the number of outputs that
score each, as JSON. `world_settings` has, as JSON, an environment's own arguments and time limit.
Critics are stored as they were trained, in units of `reward_normalization`.
Version 1 is the same without that key, and is read.
"""

import errno
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import check_checkpoint, frozen
from valuescape.sim.policy.formats.assembly import restated
from valuescape.sim.policy.formats.contents import Contents
from valuescape.sim.policy.formats.description import described
from valuescape.sim.policy.formats.found import found_of
from valuescape.sim.policy.formats.given import Given, asked_for
from valuescape.sim.policy.formats.native_metadata import (
    CHOICES,
    CRITICS,
    LAYERS,
    OBS,
    REWARD,
    TRAINING,
    WORLD,
    LayerEntry,
)
from valuescape.sim.policy.formats.native_parts import Parts
from valuescape.sim.policy.formats.registry import Format, Probe
from valuescape.sim.policy.network import (
    ActionNoise,
    Activation,
    ActorHead,
    Checkpoint,
    CriticKind,
    Layer,
    Mlp,
    ObsNormalization,
    RewardNormalization,
    Training,
)

MARK = "valuescape-checkpoint"
VERSION = 2
MAX_BYTES = 64 * 2**20
MAX_TEXT = 2**16
"""Characters of one entry of the metadata; entries that `save` writes have a few thousand."""

MAX_NAME = 80

_NOTHING = Given()
_READ_VERSIONS = ("1", "2")
_T = TypeVar("_T")


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write `checkpoint` to `path`, replacing a file there; atomic: the file is whole or not there.

    Raises UsageError if the checkpoint is not sound or the file cannot be written.
    """
    check_checkpoint(checkpoint, path)
    if checkpoint.lacks_bounds:
        raise asked_for(path, ["action_low", "action_high"])
    save_parts(tensors_of(checkpoint, path), metadata_of(checkpoint), path)


def save_parts(tensors: Mapping[str, Float32Array], metadata: Mapping[str, str], path: Path) -> None:
    """Write to `path` what `tensors_of` and `metadata_of` returned of a checkpoint; otherwise as `save`."""
    _write(path, to_bytes(dict(tensors), dict(metadata)), keep=True)


def check_writable(path: Path) -> None:
    """Raise UsageError unless `save` could write to `path` now. Makes the folder, but no file."""
    _write(path, b"", keep=False)


def check_replaceable(path: Path, inputs: Sequence[Path] = (), *, force: bool = False) -> None:
    """Raise UsageError if writing to `path` would replace one of `inputs`, or a file of another format.

    force: whether files of other formats may be replaced; inputs never are.
    """
    if not path.exists():
        return
    for each in inputs:
        if each.exists() and path.samefile(each):
            raise UsageError(
                f"{path}: is also what is read ({each}), and would be lost", "name another output"
            )
    if not force and path.is_file() and not _is_ours(path):
        raise UsageError(
            f"{path}: is there already, and is no checkpoint of Valuescape's",
            "name another output, or replace it with --force",
        )


def _is_ours(path: Path) -> bool:
    """Return whether a file has the metadata of this format, sound or not."""
    try:
        with safe_open(path, framework="numpy") as file:
            return (file.metadata() or {}).get("format") == MARK
    except (OSError, SafetensorError):
        return False


def _write(path: Path, content: bytes, *, keep: bool) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():  # a rename would replace a device by a file
            raise FileExistsError(errno.EEXIST, "is no plain file")
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        if keep:
            unfinished.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}", "name another place") from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def load(path: Path, given: Given = _NOTHING) -> Checkpoint:
    """Return the checkpoint in a file of this format, read as data and without torch.

    Raises UsageError, naming file and key or tensor, for anything else than a sound checkpoint.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UsageError(
                f"{path}: has {size / 2**20:.0f} MiB, expected at most {MAX_BYTES // 2**20}",
                "this is not a checkpoint that Valuescape can run",
            )
        with safe_open(path, framework="numpy") as file:
            return restated(path, check_checkpoint(_Reader(path, file).checkpoint(), path), given)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}", "check the path") from error
    except SafetensorError as error:
        raise UsageError(
            f"{path}: is no sound safetensors file: {str(error)[:100]}",
            "it may be cut short; copy or convert it again",
        ) from error


def from_parts(tensors: Mapping[str, Float32Array], metadata: Mapping[str, str], path: Path) -> Checkpoint:
    """Return the checkpoint that `tensors_of` and `metadata_of` took apart, with the arrays of `tensors`.

    path: what errors name. Raises UsageError as `load` does.
    """
    return check_checkpoint(_Reader(path, Parts(tensors, metadata)).checkpoint(), path)


def tensors_of(checkpoint: Checkpoint, path: Path) -> dict[str, Float32Array]:
    """Return the arrays of a checkpoint by the names that they have in a file, which become read-only.

    path: what errors name. Raises UsageError if a value is not finite.
    """
    tensors = {"action.low": checkpoint.action_low, "action.high": checkpoint.action_high}
    mlps = {"actor": checkpoint.actor}
    mlps |= {f"critics.{index}": critic for index, critic in enumerate(checkpoint.critics)}
    for prefix, mlp in mlps.items():
        for index, layer in enumerate(mlp.layers):
            tensors[f"{prefix}.{index}.weight"] = layer.weight
            tensors[f"{prefix}.{index}.bias"] = layer.bias
    for index, layer in enumerate(checkpoint.quantile_layers):
        tensors |= {f"quantiles.{index}.weight": layer.weight, f"quantiles.{index}.bias": layer.bias}
    if checkpoint.noise is not None:
        layer, kind = checkpoint.noise.layer, _noise_name(checkpoint.noise.state_dependent)
        tensors |= {f"{kind}.weight": layer.weight, f"{kind}.bias": layer.bias}
    if checkpoint.obs_normalization is not None:
        tensors["obs.mean"] = checkpoint.obs_normalization.mean
        tensors["obs.std"] = checkpoint.obs_normalization.std
    return {name: frozen(path, name, tensor) for name, tensor in tensors.items()}


def metadata_of(checkpoint: Checkpoint) -> dict[str, str]:
    """Return everything of a checkpoint that is no array, as the metadata of a file."""
    norm, reward = checkpoint.obs_normalization, checkpoint.reward_normalization
    return {
        "format": MARK,
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
        "reward_normalization": json.dumps(None if reward is None else asdict(reward)),
        "training": json.dumps(asdict(checkpoint.training)),
    } | _optional(checkpoint)


def _optional(checkpoint: Checkpoint) -> dict[str, str]:
    """Return the metadata that only some checkpoints have."""
    alpha, choices = checkpoint.entropy_coefficient, list(checkpoint.choices)
    found = {} if alpha is None else {"entropy_coefficient": repr(alpha)}
    found |= {"choices": json.dumps(choices)} if choices else {}
    return found | settings_metadata(checkpoint.world_settings)


def settings_metadata(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the metadata that say how a checkpoint's environment was made; none if by its name alone."""
    return {"world_settings": json.dumps(dict(settings))} if settings else {}


def _noise_name(state_dependent: bool) -> str:
    return "gsde_log_std" if state_dependent else "log_std"


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
        """Return the file's content, each entry checked by itself; `check_checkpoint` checks the whole."""
        self._check_format()
        critics = self._json("critics", CRITICS)
        return Checkpoint(
            algorithm=self._text("algorithm", MAX_NAME),
            world=self._text("world", MAX_NAME),
            obs_dim=self._parsed("obs_dim", int),
            actor=self._mlp("actor", self._json("actor", LAYERS)),
            actor_head=self._parsed("actor_head", ActorHead),
            critics=tuple(self._mlp(f"critics.{index}", layers) for index, layers in enumerate(critics)),
            critic_kind=self._parsed("critic_kind", CriticKind),
            action_low=self._tensor("action.low"),
            action_high=self._tensor("action.high"),
            obs_normalization=self._obs_normalization(),
            gamma=self._parsed("gamma", float),
            training=Training(**self._json("training", TRAINING).model_dump()),
            reward_normalization=self._reward_normalization(),
            noise=self._noise(),
            entropy_coefficient=self._parsed("entropy_coefficient", float) if self._has_alpha else None,
            choices=self._choices(),
            world_settings=self._world_settings(),
            quantile_layers=self._quantile_layers(len(critics)),
        )

    def _choices(self) -> tuple[int, ...]:
        found: list[int] = self._json("choices", CHOICES) if "choices" in self.metadata else []
        return tuple(found)

    def _world_settings(self) -> dict[str, Any]:
        if "world_settings" not in self.metadata:
            return {}
        return self._json("world_settings", WORLD).model_dump(exclude_defaults=True)

    @property
    def _has_alpha(self) -> bool:
        return "entropy_coefficient" in self.metadata

    def _noise(self) -> ActionNoise | None:
        for state_dependent in (False, True):
            name = _noise_name(state_dependent)
            if f"{name}.weight" in self.names:
                weight, bias = self._tensor(f"{name}.weight"), self._tensor(f"{name}.bias")
                return ActionNoise(Layer(weight, bias, Activation.IDENTITY), state_dependent)
        return None

    def _quantile_layers(self, critics: int) -> tuple[Layer, ...]:
        if not any(name.startswith("quantiles.") for name in self.names):
            return ()
        prefixes = [f"quantiles.{index}" for index in range(critics)]
        return tuple(
            Layer(self._tensor(f"{each}.weight"), self._tensor(f"{each}.bias"), Activation.IDENTITY)
            for each in prefixes
        )

    def _check_format(self) -> None:
        if self.metadata.get("format") != MARK:
            raise UsageError(
                f"{self.path}: safetensors without the metadata of a Valuescape checkpoint (format: "
                f"{self.metadata.get('format', 'absent')[:60]}, expected {MARK})",
                "make one with `valuescape train` or `valuescape convert`",
            )
        version = self.metadata.get("version", "absent")
        if version not in _READ_VERSIONS:
            expected = f"{' or '.join(_READ_VERSIONS)}"
            raise self._error("version", version, expected, "convert the original with this Valuescape")

    def _mlp(self, prefix: str, entries: list[LayerEntry]) -> Mlp:
        return Mlp(tuple(self._layer(f"{prefix}.{index}", entry) for index, entry in enumerate(entries)))

    def _layer(self, name: str, entry: LayerEntry) -> Layer:
        clip = np.inf if entry.clip is None else entry.clip
        return Layer(self._tensor(f"{name}.weight"), self._tensor(f"{name}.bias"), entry.activation, clip)

    def _obs_normalization(self) -> ObsNormalization | None:
        entry = self._json("obs_normalization", OBS)
        if entry is None:
            return None
        return ObsNormalization(self._tensor("obs.mean"), self._tensor("obs.std"), entry.clip)

    def _reward_normalization(self) -> RewardNormalization | None:
        if self.metadata["version"] == "1":
            return None
        entry = self._json("reward_normalization", REWARD)
        return None if entry is None else RewardNormalization(**entry.model_dump())

    def _tensor(self, name: str) -> Float32Array:
        if name not in self.names:
            raise UsageError(
                f"{self.path}: tensor {name} is missing", "the file is damaged; convert it again"
            )
        entry = self.file.get_slice(name)
        dtype, dimensions = entry.get_dtype(), len(entry.get_shape())
        if dtype != "F32":
            raise self._error(f"tensor {name}", dtype, "F32")
        if dimensions > 2:
            raise self._error(f"tensor {name}", f"of {dimensions} dimensions", "1 or 2")
        return frozen(self.path, name, self.file.get_tensor(name))

    def _text(self, key: str, most: int = MAX_TEXT) -> str:
        text = self.metadata.get(key)
        if text is None:
            raise self._error(key, "absent", "an entry of the metadata")
        if len(text) > most:
            raise self._error(key, f"{len(text):,} characters long", f"at most {most:,}")
        return text

    def _parsed(self, key: str, parse: Callable[[str], _T]) -> _T:
        text = self._text(key)
        try:
            return parse(text)
        except ValueError as error:
            raise self._error(key, text, getattr(parse, "__name__", "another value")) from error

    def _json(self, key: str, kind: TypeAdapter[_T]) -> _T:
        text = self._text(key)
        try:
            return kind.validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])[:60]
            problem = f"{where}: {first['msg']}" if where else first["msg"]
            raise self._error(key, text, f"another value ({problem[:80]})") from error

    def _error(self, key: str, found: str, expected: str, hint: str = "") -> UsageError:
        return UsageError(
            f"{self.path}: {key} is {found[:60]}, expected {expected}",
            hint or "the file is damaged; convert the original again",
        )


def contents(path: Path, given: Given = _NOTHING) -> Contents:
    """Return what is in a file of this format; see `Format.contents`."""
    checkpoint = load(path, given)
    return described("native", "Valuescape", found_of(checkpoint, tensors_of(checkpoint, path)), given)


def recognises(probe: Probe) -> bool:
    """Return whether a file begins as safetensors do, and is ours or damaged; others are `perceptron`'s."""
    begins = probe.head[8:9] == b"{" and int.from_bytes(probe.head[:8], "little") > 1
    header = probe.safetensors
    return begins and (header is None or header.get("__metadata__", {}).get("format") == MARK)


FORMAT = Format(
    name="native",
    library="Valuescape",
    container="safetensors",
    recognises=recognises,
    load=load,
    contents=contents,
    suffixes=(".safetensors",),
)
