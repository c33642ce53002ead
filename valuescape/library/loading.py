"""`load`: a model from a file, a folder, a shipped name, a checkpoint, or another library's object."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from valuescape.held_checkpoints import Held
from valuescape.library.model import Model
from valuescape.model_files import world_for
from valuescape.presets import acting_checkpoint, config_path, configs_dir, presets
from valuescape.sim.config.files import Config, changed, load_config
from valuescape.sim.errors import UsageError, shown
from valuescape.sim.paths import named_path, reading
from valuescape.sim.policy.formats.detect import find_model
from valuescape.sim.policy.loading import load_with_statistics, read_checkpoint
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.world_fit import check_world
from valuescape.sim.worlds import WORLDS, World, make_world
from valuescape.sim.worlds.files import declare_world
from valuescape.training_run import files_in, with_steps

_BASE = "demo"


@runtime_checkable
class LiveModel(Protocol):
    """A model of Stable-Baselines3 or sb3-contrib, as `PPO("MlpPolicy", env)` makes it."""

    policy: Any
    observation_space: Any
    action_space: Any

    def save(self, path: Any, *args: Any, **kwargs: Any) -> None:
        """Write the model to a file."""

    def get_vec_normalize_env(self) -> Any:
        """Return the environment that normalises, or None."""


ModelSource: TypeAlias = Model | Checkpoint | LiveModel | str | os.PathLike[str]
"""What `load`, and every function that takes a model, understands."""

WorldSource: TypeAlias = str | World | type[World]
"""A world: its name, Gymnasium's id of it, an object, or a class of one's own."""


def load(checkpoint: ModelSource, world: WorldSource | None = None, **given: Any) -> Model:
    """Return a trained policy and its critic as functions of arrays.

    checkpoint: a file of any format that docs/checkpoints.md lists, with or without its suffix; the folder of
    a training run, whose last checkpoint counts; the name of a preset ("demo") or of a world that a
    checkpoint is shipped for ("pendulum"); a `Checkpoint`; a live model of Stable-Baselines3; or a `Model`,
    which is returned if nothing else is asked for. A file is read as data: nothing in it is run.

    world: its name ("pendulum", "gymnasium:ID"), Gymnasium's id ("Pendulum-v1"), or a class derived from
    `valuescape.api.ElementwiseWorld` or `ArrayWorld`. None finds the world that has the file's spaces.
    given: what the file lacks, by name: obs_normalization="vecnormalize.pkl".

    Raises UsageError if there is no such file, if it is damaged, if it fits no world or several, or if it
    lacks something; the message says what to do.

        model = valuescape.load("demo")
        model.policy([-0.5, 0.0])
    """
    if isinstance(checkpoint, Model) and world is None and not given:
        return checkpoint
    name = None if world is None else world_name(world)
    if isinstance(checkpoint, Model):
        checkpoint = checkpoint.checkpoint
    if isinstance(checkpoint, Checkpoint):
        return _from_memory(checkpoint, name, "a checkpoint in memory")
    if isinstance(checkpoint, str | os.PathLike):
        return _from_name(os.fspath(checkpoint), name, given)
    if isinstance(checkpoint, LiveModel):
        return _from_live(checkpoint, name)
    raise UsageError(
        f"load: {shown(checkpoint)} is no model",
        "expected a file, a shipped name, a Checkpoint, or a model of Stable-Baselines3",
    )


def world_name(world: WorldSource) -> str:
    """Return the name of a world, which a class of the caller's own is made known by. Raises UsageError."""
    if isinstance(world, type) and issubclass(world, World):
        if WORLDS.get(getattr(world, "name", "")) is not world:
            declare_world(world)
        return world.name
    if isinstance(world, World):
        return world.name
    if isinstance(world, str):
        return _WORLD_OF_ID.get(world, world) if world in _WORLD_OF_ID else _gymnasium_name(world)
    raise UsageError(f"world = {shown(world)}: expected a name, or a class of valuescape.api's worlds")


_WORLD_OF_ID: Mapping[str, str] = {
    "MountainCar-v0": "mountain_car",
    "MountainCarContinuous-v0": "mountain_car_continuous",
    "Pendulum-v1": "pendulum",
    "CartPole-v1": "cartpole",
    "Acrobot-v1": "acrobot",
}


def _gymnasium_name(name: str) -> str:
    """Return "gymnasium:ID" for an id that ends in a version, as LunarLander-v3; others as they are."""
    ends_in_version = name.rpartition("-v")[2].isdigit() and "-v" in name
    return f"gymnasium:{name}" if ends_in_version and not name.startswith("gymnasium:") else name


@dataclass(frozen=True, slots=True)
class _Found:
    """The settings by which a name chooses a checkpoint and a world."""

    base: str
    changes: dict[str, Any]
    remarks: tuple[str, ...] = ()


def _from_name(name: str, world: str | None, given: dict[str, Any]) -> Model:
    found = _find(name, world)
    config = with_steps(changed(load_config(config_path(found.base)), found.changes))
    made = make_world(config.world.name, config)
    statistics = given.pop("obs_normalization", None)
    if given:
        raise UsageError(f"load: {min(given)} is unknown", "known: obs_normalization")
    if statistics is not None:
        path = named_path(config.policy.checkpoint)
        with reading(path, "a checkpoint"):
            checkpoint = load_with_statistics(path, made, Path(statistics))
        return _held(checkpoint, made, config, name)
    acting = acting_checkpoint(config, made)
    if acting is None:
        raise UsageError(f"{name}: its agents act at random, so there is no model", "name a file")
    return Model(acting, made, config, name, (*found.remarks, *acting.remarks))


def _find(name: str, world: str | None) -> _Found:
    """Return the settings that a name stands for. Raises UsageError if it stands for nothing."""
    chosen = {} if world is None else {"world.name": world}
    if name in presets():
        return _Found(name, chosen)
    path = find_model(named_path(name))
    if not path.exists():
        shipped = configs_dir() / "checkpoints" / f"{world_name(name)}.safetensors"
        if "/" not in name and shipped.exists():
            return _Found(_BASE, {"policy.checkpoint": "auto", "world.name": world_name(name)} | chosen)
    file = files_in(path).saved[-1].path if path.is_dir() else path
    settings = {"policy.checkpoint": str(path), **chosen}
    if world is not None:
        return _Found(_BASE, settings)
    fitting = world_for(read_checkpoint(file), file)
    return _Found(_BASE, {"world.name": fitting, **settings}, (f"{path.name}: fits the world {fitting}",))


def _from_memory(checkpoint: Checkpoint, world: str | None, source: str) -> Model:
    name = world or checkpoint.world or world_for(checkpoint, Path(source))
    config = changed(load_config(config_path(_BASE)), {"world.name": name})
    made = make_world(name, config)
    check_world(checkpoint, made, Path(source))
    return _held(checkpoint, made, config, source)


def _held(checkpoint: Checkpoint, world: World, config: Config, source: str) -> Model:
    """Return a model whose configuration names the checkpoint in memory."""
    held = Held(checkpoint)
    model = Model(
        checkpoint,
        world,
        changed(config, {"policy.checkpoint": held.name, "policy.steps": "last"}),
        source,
        checkpoint.remarks,
    )
    model.keep(held)
    return model


def _from_live(model: LiveModel, world: str | None) -> Model:
    """Return a live model of Stable-Baselines3 as it is now: what its file would say."""
    with tempfile.TemporaryDirectory(prefix="valuescape-") as folder:
        path, statistics = Path(folder) / "model.zip", Path(folder) / "vecnormalize.pkl"
        model.save(path)
        normalizing = model.get_vec_normalize_env()
        if normalizing is not None:
            normalizing.save(statistics)
        checkpoint = read_checkpoint(path)
        name = world or world_for(checkpoint, Path(type(model).__name__))
        made = make_world(name)
        checkpoint = load_with_statistics(
            path, made, statistics if normalizing is not None else None, doubts=False
        )
    source = f"a live {type(model).__name__}"
    return _from_memory(replace(checkpoint, remarks=()), name, source)
