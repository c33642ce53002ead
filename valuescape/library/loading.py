"""`load`: a model from a file, a folder, a shipped name, a checkpoint, or another library's object."""

import difflib
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias, Unpack, runtime_checkable

from valuescape.held_checkpoints import Held
from valuescape.library.model import Model
from valuescape.library.stated import GivenOptions, given_of
from valuescape.library.worlds import WorldSource, world_name
from valuescape.model_files import world_for
from valuescape.presets import config_path, configs_dir, find_checkpoint, presets
from valuescape.sim.config.files import Config, changed, load_config
from valuescape.sim.errors import UsageError, shown
from valuescape.sim.paths import named_path, reading
from valuescape.sim.policy.formats.detect import find_model, folder_format
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.loading import load_with_statistics, read_checkpoint
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.world_fit import check_world
from valuescape.sim.worlds import make_world
from valuescape.training_run import files_in, saved_of, with_steps

_BASE = "demo"
_STATES_NOTHING = Given()


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


def load(checkpoint: ModelSource, world: WorldSource | None = None, **given: Unpack[GivenOptions]) -> Model:
    """Return a trained policy and its critic as functions of arrays.

    checkpoint: a file of any format that docs/checkpoints.md lists, with or without its suffix; the folder of
    a training run, whose last checkpoint counts; the name of a preset ("demo") or of a world that a
    checkpoint is shipped for ("pendulum"); a `Checkpoint`; a live model of Stable-Baselines3; or a `Model`,
    which is returned if nothing else is asked for. A file is read as data: nothing in it is run.

    world: its name ("pendulum"), Gymnasium's id ("LunarLander-v3"), a class derived from
    `valuescape.api.ElementwiseWorld` or `ArrayWorld`, a class derived from `gymnasium.Env`, or a function
    that makes an environment. None finds the world that has the file's spaces. given: what the file lacks,
    by name, as activation="tanh"; see `GivenOptions`.

    Raises UsageError if there is no such file, if it is damaged, if it fits no world or several, or if it
    lacks something; the message says what to do. What is odd about a file is in `Model.remarks`.

        model = valuescape.load("demo")
        model.policy([-0.5, 0.0])
    """
    if isinstance(checkpoint, Model) and world is None and not given:
        return checkpoint
    name, stated = None if world is None else world_name(world), given_of(given)
    if isinstance(checkpoint, str | os.PathLike):
        return _from_name(os.fspath(checkpoint), name, stated)
    if stated != _STATES_NOTHING:
        raise UsageError(f"load: {min(given)} is for files; what is in memory says it itself")
    if isinstance(checkpoint, Model):
        return _from_memory(checkpoint.checkpoint, name, checkpoint.source)
    if isinstance(checkpoint, Checkpoint):
        return _from_memory(checkpoint, name, "a checkpoint in memory")
    if isinstance(checkpoint, LiveModel):
        return _from_live(checkpoint, name)
    raise UsageError(
        f"load: {shown(checkpoint)} is no model",
        "expected a file, a shipped name, a Checkpoint, or a model of Stable-Baselines3",
    )


def _from_name(name: str, world: str | None, given: Given) -> Model:
    if name in presets():
        return _shipped(name, {} if world is None else {"world.name": world}, name)
    path = find_model(named_path(name))
    own = world_name(name) if not path.exists() and "/" not in name else ""
    if own and (configs_dir() / "checkpoints" / f"{own}.safetensors").exists():
        return _shipped(_BASE, {"policy.checkpoint": "auto", "world.name": world or own}, name)
    return _from_file(path, world, given)


def _shipped(preset: str, changes: dict[str, Any], name: str) -> Model:
    """Return the model of a preset, which may name any checkpoint."""
    config = with_steps(changed(load_config(config_path(preset)), changes))
    world, saved = make_world(config.world.name, config), saved_of(config)
    checkpoint = find_checkpoint(str(saved.path) if saved else config.policy.checkpoint, world)
    if checkpoint is None:
        raise UsageError(f"{name}: its agents act at random, so there is no model", "name a file")
    return Model(checkpoint, world, config, name, checkpoint.remarks)


def _from_file(path: Path, world: str | None, given: Given) -> Model:
    if not path.exists():
        raise _missing(path)
    is_run = path.is_dir() and folder_format(path) is None
    file = files_in(path, given).saved[-1].path if is_run else path
    remarks: tuple[str, ...] = ()
    if world is None:
        world = _world_of(read_checkpoint(file, given), str(path))
        remarks = (f"{path.name}: fits the world {world}",)
    config = changed(load_config(config_path(_BASE)), {"world.name": world})
    made = make_world(world, config)
    with reading(file, "a checkpoint"):
        checkpoint = load_with_statistics(file, made, given)
    remarks += checkpoint.remarks
    if given != _STATES_NOTHING:  # which the file's name does not say
        return _held(checkpoint, config, str(path), remarks)
    config = with_steps(changed(config, {"policy.checkpoint": str(path)}))
    return Model(checkpoint, made, config, str(path), remarks)


def _missing(path: Path) -> UsageError:
    """Return the error for a name that stands for nothing."""
    shipped = sorted({*presets(), *(each.stem for each in (configs_dir() / "checkpoints").iterdir())})
    near = difflib.get_close_matches(str(path), shipped, n=1)
    hint = f"did you mean {near[0]}?" if near else f"shipped are {', '.join(shipped)}"
    return UsageError(f"load: {path}: there is no such file", hint)


def _world_of(checkpoint: Checkpoint, source: str) -> str:
    """Return the world that has a checkpoint's spaces. Raises UsageError if several or none have."""
    try:
        return world_for(checkpoint, Path(source))
    except UsageError as error:
        raise UsageError(error.args[0], 'name its world: world="gymnasium:ID", or a class of yours') from None


def _from_memory(checkpoint: Checkpoint, world: str | None, source: str) -> Model:
    name = world or checkpoint.world or _world_of(checkpoint, source)
    config = changed(load_config(config_path(_BASE)), {"world.name": name})
    check_world(checkpoint, make_world(name, config), Path(source))
    return _held(checkpoint, config, source, checkpoint.remarks)


def _held(checkpoint: Checkpoint, config: Config, source: str, remarks: tuple[str, ...]) -> Model:
    """Return a model whose configuration names the checkpoint in memory, which the model keeps there."""
    held = Held(checkpoint)
    named = changed(config, {"policy.checkpoint": held.name, "policy.steps": "last"})
    model = Model(checkpoint, make_world(named.world.name, named), named, source, remarks)
    model.keep(held)
    return model


def _from_live(model: LiveModel, world: str | None) -> Model:
    """Return a live model of Stable-Baselines3 as it is now: what its file would say."""
    source = f"a live {type(model).__name__}"
    with tempfile.TemporaryDirectory(prefix="valuescape-") as folder:
        path, statistics = Path(folder) / "model.zip", Path(folder) / "vecnormalize.pkl"
        model.save(path)
        normalizing = model.get_vec_normalize_env()
        if normalizing is not None:
            normalizing.save(statistics)
        name = world or _world_of(read_checkpoint(path), source)
        given = Given(obs_normalization=statistics if normalizing is not None else None)
        checkpoint = load_with_statistics(path, make_world(name), given, doubts=False)
    return _from_memory(replace(checkpoint, remarks=()), name, source)
