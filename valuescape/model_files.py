"""Model files in the place of presets: the world that a model fits, and the settings that run it there."""

import json
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from valuescape import remarks
from valuescape.presets import presets
from valuescape.sim.config.files import load_config
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.detect import find_model, folder_format, is_model
from valuescape.sim.policy.formats.given import STATED, Given, given_of
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.world_fit import fitting_worlds, misfit
from valuescape.sim.worlds import make_world
from valuescape.sim.worlds.gym_making import GYMNASIUM
from valuescape.training_run import files_in

_BASE = "demo"
_LISTED = 5
_NAME_ONE = "name it: --world gymnasium:ID; or one of your own: --env-file FILE.py, --world-file FILE.py"

_EXTRAS = {"box2d": "box2d", "mujoco": "mujoco", "toy_text": "toy-text"}
"""The extra of Gymnasium that installs what a group of its environments needs."""

_ID = re.compile(r"(?<![A-Za-z0-9])([A-Z][A-Za-z0-9_]*-v\d+)(?![A-Za-z0-9])")


def preset_of(name: str, changes: Sequence[str]) -> tuple[str, list[str]]:
    """Return a preset's name and the changes to make to it; `name` may be a model's file or a folder of some.

    A model, or the folder of a training run, becomes the demo with it as `policy.checkpoint`, in the world
    whose spaces it has, which is told (`valuescape.remarks`), unless `changes` choose a world. Any other name
    is returned unchanged. Raises UsageError, listing worlds, if several or none have the model's spaces.
    """
    try:
        path = find_model(Path(name))
        is_folder = path.is_dir() and folder_format(path) is None
    except (OSError, ValueError):  # such as a name that is too long
        return name, list(changes)
    if name in presets() or not (is_folder or is_model(path)):
        return name, list(changes)
    model = [_setting("policy.checkpoint", str(path))]
    if not any(change.partition("=")[0].strip() == "world.name" for change in changes):
        from valuescape.sim.policy.loading import read_checkpoint

        given = stated_by(changes)
        file = files_in(path, given).saved[-1].path if is_folder else path
        world = world_for(read_checkpoint(file, given), file)
        remarks.tell([f"{path.name}: fits the world {world}; --set world.name=… chooses another"])
        model.append(_setting("world.name", world))
    return _BASE, [*model, *changes]


def stated_by(changes: Sequence[str]) -> Given:
    """Return what changes to a configuration state about its checkpoint. Raises UsageError."""
    names = {f"policy.{each}" for each in STATED}
    own = [each for each in changes if each.partition("=")[0].strip() in names]
    return given_of(load_config(None, own).policy)


def _setting(key: str, text: str) -> str:
    return f"{key}={json.dumps(text, ensure_ascii=False)}"


def world_for(checkpoint: Checkpoint, path: Path) -> str:
    """Return the name of the one world that has the checkpoint's spaces; the file's name breaks ties.

    Built-in and loaded worlds come first, then Gymnasium's environments. Raises UsageError if several fit,
    which it lists, or none.
    """
    if checkpoint.world:
        return checkpoint.world
    ours, theirs = _fitting(checkpoint)
    for fitting in (ours or theirs, [name for name in ours or theirs if _is_named(path, name)]):
        if len(fitting) == 1:
            return fitting[0]
    if not ours and not theirs:
        named = named_world(checkpoint, path)
        raise UsageError(
            f"{path}: no world that is known here has {_spaces(checkpoint)}",
            named.said if named else _NAME_ONE,
        )
    fitting = [*ours, *theirs]
    more = f" and {len(fitting) - _LISTED} more" if len(fitting) > _LISTED else ""
    raise UsageError(
        f"{path}: {', '.join(fitting[:_LISTED])}{more} have {_spaces(checkpoint)}",
        f"choose one: --set world.name={fitting[0]}",
    )


def worlds_for(checkpoint: Checkpoint, path: Path) -> list[str]:
    """Return the names of all worlds that have the checkpoint's spaces, those that the path names first."""
    found = [name for fitting in _fitting(checkpoint) for name in fitting]
    return sorted(found, key=lambda name: not _is_named(path, name))


@dataclass(frozen=True, slots=True)
class NamedWorld:
    """An environment that the path of a checkpoint names, and that cannot be its world as things are.

    said: why, and what to do. world: its name, to be tried again once that is done; "" if it is another one.
    """

    said: str
    world: str = ""


def named_world(checkpoint: Checkpoint, path: Path) -> NamedWorld | None:
    """Return the environment of Gymnasium's that a path names, if it does not fit or cannot be made here.

    None if the path names none.
    """
    for spec in _newest_specs():
        if not _is_named(path, spec.id):
            continue
        world = f"{GYMNASIUM}{spec.id}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                problem = misfit(checkpoint, make_world(world))
            except Exception:  # such as a package that is missing
                return NamedWorld(f"its path names {spec.id}: {_installed_by(spec)}", world)
        said = f"its path names {spec.id}, which does not fit: the file {problem}"
        return NamedWorld(said) if problem else None
    found = _ID.findall(str(path.absolute()))
    if not found:
        return None
    how = f"install the package that registers it, then --world gymnasium:PACKAGE:{found[-1]}"
    return NamedWorld(f"its path names {found[-1]}, which Gymnasium does not know here: {how}")


def _installed_by(spec: Any) -> str:
    """Return how to install what an environment of Gymnasium's needs, as far as that is known."""
    group = str(spec.entry_point).partition("gymnasium.envs.")[2].partition(".")[0]
    what = f"pip install 'gymnasium[{_EXTRAS[group]}]'" if group in _EXTRAS else "install what it needs"
    return f"{what}, then --world {GYMNASIUM}{spec.id}"


def _fitting(checkpoint: Checkpoint) -> tuple[list[str], list[str]]:
    """Return the worlds that fit: ours, and unless that is one, Gymnasium's."""
    ours = fitting_worlds(checkpoint)
    return ours, [] if len(ours) == 1 else list(_gymnasium_worlds(checkpoint))


def _is_named(path: Path, world: str) -> bool:
    """Return whether the path contains the world's or its environment's name: ppo-MountainCar-v0.zip."""
    bare = _bare(world.removeprefix(GYMNASIUM))
    return bool(re.search(rf"(?<![a-z0-9]){bare}(?![a-z])", _bare(str(path.absolute()))))


def _bare(text: str) -> str:
    """Return a name for comparisons: mountaincar for MountainCar-v0 and for mountain_car."""
    return re.sub(r"-v\d+", "", text.lower()).replace("_", "")


def _gymnasium_worlds(checkpoint: Checkpoint) -> Iterator[str]:
    """Yield world names of Gymnasium's environments that have the checkpoint's spaces, newest versions."""
    for spec in _newest_specs():
        name, fits = f"{GYMNASIUM}{spec.id}", False
        with (
            suppress(Exception),
            warnings.catch_warnings(),
        ):  # some environments lack a package, or fit no world
            warnings.simplefilter("ignore")
            fits = misfit(checkpoint, make_world(name)) is None
        if fits:
            yield name


def _newest_specs() -> list[Any]:
    """Return the newest version of each environment that is registered with Gymnasium by itself."""
    try:
        import gymnasium
    except ModuleNotFoundError:
        return []
    specs = sorted(gymnasium.registry.values(), key=lambda spec: spec.version or 0)
    return list({spec.name: spec for spec in specs if "/" not in spec.id}.values())


def _spaces(checkpoint: Checkpoint) -> str:
    """Return the checkpoint's spaces in words: `4 observations and 2 actions to choose from`."""
    seen = f"{checkpoint.obs_dim} observation" + "s" * (checkpoint.obs_dim > 1)
    count = checkpoint.actor.out_dim
    if checkpoint.choices:
        return f"{seen} and choices among {' and '.join(map(str, checkpoint.choices))} actions"
    if checkpoint.actor_head.chooses:
        return f"{seen} and {count} actions to choose from"
    if not checkpoint.action_low.size:
        return f"{seen} and {count} continuous action" + "s" * (count > 1)
    low, high = (
        ", ".join(f"{value:g}" for value in ends) for ends in (checkpoint.action_low, checkpoint.action_high)
    )
    return f"{seen} and actions within {low} to {high}"
