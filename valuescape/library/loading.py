"""`load`: a model from a file, a folder, a shipped name, a checkpoint, or another library's object."""

import difflib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias, Unpack

from valuescape.envs.ids import WORLD_OF_ID
from valuescape.held_checkpoints import Held
from valuescape.library.live import LiveModel, SavedModel, checkpoint_of_modules
from valuescape.library.model import Model
from valuescape.library.stated import LoadOptions, given_of
from valuescape.library.wording import in_keywords
from valuescape.library.worlds import WorldSource, world_name
from valuescape.model_files import world_for
from valuescape.presets import config_path, configs_dir, find_checkpoint, presets
from valuescape.sim.config.files import Config, changed, load_config
from valuescape.sim.errors import UsageError, shown
from valuescape.sim.paths import named_path, reading
from valuescape.sim.policy.formats.detect import find_model
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.loading import load_with_statistics, read_checkpoint
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.world_fit import check_world
from valuescape.sim.worlds import make_world
from valuescape.training_run import files_in, saved_of, with_steps

_BASE = "demo"
_STATES_NOTHING = Given()


ModelSource: TypeAlias = Model | Checkpoint | LiveModel | str | os.PathLike[str] | tuple[Any, Any]
"""What `load`, and every function that takes a model, understands."""


def load(checkpoint: ModelSource, world: WorldSource | None = None, **given: Unpack[LoadOptions]) -> Model:
    """Return a trained policy and its critic as functions of arrays.

    checkpoint: a file of any format that docs/checkpoints.md lists, with or without its suffix; the folder of
    a training run, whose last checkpoint counts; the name of a preset ("demo") or of a world that a
    checkpoint is shipped for ("pendulum"); a `Checkpoint`; a live model of Stable-Baselines3; a pair of an
    actor and a critic (torch modules, state_dicts, lists of (weight, bias); several critics as a list); or a
    `Model`, which is returned if no other world is asked for. Networks in memory are copied as they are.
    A file is read as data: nothing in it is run.

    world: its name ("pendulum"), Gymnasium's id ("LunarLander-v3"), a class derived from
    `valuescape.api.ElementwiseWorld` or `ArrayWorld`, a class derived from `gymnasium.Env`, or a function
    that makes an environment. None finds the world that has the file's spaces. given: what the file lacks,
    by name, as activation="tanh"; see `LoadOptions`.

    Raises UsageError if there is no such file, if it is damaged, if it fits no world or several, or if it
    lacks something; the message says what to do. What is odd about a file is in `Model.remarks`.

        model = valuescape.load("demo")
        model.policy([-0.5, 0.0])
    """
    with in_keywords():
        return _loaded(checkpoint, None if world is None else world_name(world), given)


def _loaded(checkpoint: ModelSource, name: str | None, given: LoadOptions) -> Model:
    if isinstance(checkpoint, Model) and name in (None, checkpoint.world.name) and not given:
        return checkpoint
    if given.get("critic_actions") and not isinstance(checkpoint, tuple):
        raise UsageError("load: critic_actions is for networks in memory; files say it themselves")
    if isinstance(checkpoint, str | os.PathLike):
        return _from_name(os.fspath(checkpoint), name, given_of(given))
    if isinstance(checkpoint, tuple):
        return _from_modules(checkpoint, name, given)
    if given:
        raise UsageError(f"load: {min(given)} is for files; what is in memory says it itself")
    if isinstance(checkpoint, Model):
        return _from_memory(checkpoint.checkpoint, name, checkpoint.source)
    if isinstance(checkpoint, Checkpoint):
        return _from_memory(checkpoint, name, "a checkpoint in memory")
    if isinstance(checkpoint, LiveModel):
        source = f"a live {type(checkpoint).__name__}"
        with SavedModel(checkpoint) as saved:
            own = name or saved.world or _world_of(saved.spaces(), source)
            found = saved.checkpoint(own)
        return _from_memory(replace(found, remarks=()), own, source)
    raise UsageError(
        f"load: {shown(checkpoint)} is no model",
        "expected a file, a shipped name, a Checkpoint, or a model of Stable-Baselines3",
    )


def _from_name(name: str, world: str | None, given: Given) -> Model:
    if name in presets():
        return _shipped(name, {} if world is None else {"world.name": world}, name)
    path = find_model(named_path(name))
    own = WORLD_OF_ID.get(name, name) if not path.exists() and "/" not in name else ""
    if own and (configs_dir() / "checkpoints" / f"{own}.safetensors").exists():
        if world not in (None, own):
            said = f"load: {name!r} is the checkpoint that is shipped for {own}, but world is {world}"
            raise UsageError(said, "leave world out, or name a file")
        return _shipped(_BASE, {"policy.checkpoint": "auto", "world.name": own}, name)
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
    file = files_in(path, given).saved[-1].path if path.is_dir() else path
    remarks: tuple[str, ...] = ()
    if world is None:
        world = _world_of(read_checkpoint(file, given), str(path))
        remarks = (f"{path.name}: fits the world {world}",)
    config = changed(load_config(config_path(_BASE)), {"world.name": world})
    made = make_world(world, config)
    with reading(file, "a checkpoint"):
        checkpoint = load_with_statistics(file, made, given)
    remarks += (*made.remarks, *checkpoint.remarks)
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


def _from_modules(pair: tuple[Any, ...], world: str | None, given: LoadOptions) -> Model:
    """Return a model of an actor and a critic."""
    if len(pair) != 2:
        raise UsageError(f"load: a tuple of {len(pair)}, expected an actor and a critic")
    if world is None:
        raise UsageError("load: networks in memory do not say their world", 'state it: world="Pendulum-v1"')
    checkpoint = checkpoint_of_modules(*pair, make_world(world), given)
    return _from_memory(checkpoint, world, f"a live {type(pair[1]).__name__}")
