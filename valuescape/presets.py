"""Presets, configuration files and checkpoints, found by the names that users give them."""

import difflib
from collections.abc import Iterable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from valuescape import remarks
from valuescape.held_checkpoints import PREFIX, held_checkpoint
from valuescape.sim.config.files import Config, load_config
from valuescape.sim.errors import UsageError
from valuescape.sim.paths import NO_FILE, named_path, reading, why_not_plain
from valuescape.sim.policy.formats.detect import instead_of
from valuescape.sim.policy.formats.given import Given, given_of
from valuescape.sim.policy.formats.known import FORMATS
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.world_fit import check_world
from valuescape.sim.worlds import World, make_world
from valuescape.training_run import held_of, saved_of

_NOTHING = Given()

LADDER = ("high", "medium", "low")
"""Presets for machines, the most demanding first."""


def configs_dir() -> Path:
    """Return the folder of the presets that are installed with the program."""
    return Path(str(files("valuescape.configs").joinpath("demo.toml"))).parent


def presets() -> dict[str, str]:
    """Return the presets by name, each with the first line of its comment."""
    found = {}
    for path in sorted(configs_dir().glob("*.toml")):
        found[path.stem] = path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
    return found


def changes_for_cluster(name: str, changes: Iterable[str]) -> list[str]:
    """Return changes to a preset that come before a user's `changes`: its workers are those of one machine.

    On a cluster, `workers.count` is auto unless the user says else; a file of the user's is left as it is.
    """
    clusters = [
        value.strip()
        for key, _, value in (each.partition("=") for each in changes)
        if key.strip() == "workers.cluster"
    ]
    on_cluster = name in presets() and clusters and clusters[-1] not in ("", '""', "''")
    return ["workers.count=auto"] if on_cluster else []


def config_path(name: str) -> Path:
    """Return the file that `name` means: a preset, or a path. Raises UsageError if it is neither."""
    if name in presets():
        return configs_dir() / f"{name}.toml"
    path = named_path(name)
    problem = why_not_plain(path)
    if problem is None:
        return path
    if problem != NO_FILE:
        raise UsageError(f"{name}: {problem}", f"presets: {', '.join(presets())}")
    if path.suffix.lower() in FORMATS.suffixes():
        raise UsageError(f"{name}: there is no such file", instead_of(path))
    if path.suffix == ".toml" or len(path.parts) > 1:
        raise UsageError(f"{name}: no such configuration file", f"presets: {', '.join(presets())}")
    near = difflib.get_close_matches(name, presets(), n=1)
    hint = f"did you mean {near[0]}?" if near else f"presets: {', '.join(presets())}"
    raise UsageError(f"{name!r} is neither a preset nor a file", hint)


def lighter_preset(config: Config) -> str | None:
    """Return the most demanding preset of LADDER that asks for less than `config`; None without one."""
    asked = _loads(config)
    for name in LADDER:
        loads = _loads(load_config(configs_dir() / f"{name}.toml"))
        if loads != asked and all(less <= more for less, more in zip(loads, asked, strict=True)):
            return name
    return None


def _loads(config: Config) -> tuple[int, ...]:
    """Return the amounts that a frame's time depends on: trail samples, pixels, vertices, cells."""
    render, heatmap = config.render, config.heatmap
    return (
        config.agents.count * config.trails.length,
        render.width * render.height,
        render.mesh_resolution if render.view == "3d" else 0,
        heatmap.density_resolution,
    )


def checkpoint_of(config: Config) -> Checkpoint | None:
    """Return the checkpoint of a configuration, checked against its world; see `acting_checkpoint`."""
    world = make_world(config.world.name, config)
    remarks.tell(world.remarks)
    return acting_checkpoint(config, world)


def acting_checkpoint(config: Config, world: World) -> Checkpoint | None:
    """Return the checkpoint that acts in a world: `policy.checkpoint`, or the one `policy.steps` of a folder.

    Raises UsageError as `saved_of` and `find_checkpoint` do.
    """
    saved = saved_of(config)
    if held := held_of(config):
        check_world(held, world, Path(config.policy.checkpoint))
        return held
    name = str(saved.path) if saved else config.policy.checkpoint
    return find_checkpoint(name, world, given=given_of(config.policy))


def other_checkpoint(config: Config) -> Checkpoint | None:
    """Return the checkpoint that `insight.compare_with` names, checked against the world; None for "".

    What the configuration states about `policy.checkpoint` holds for this file too where it says nothing.
    Raises UsageError as `find_checkpoint` does.
    """
    name, key = config.insight.compare_with, "insight.compare_with"
    if not name:
        return None
    given = replace(given_of(config.policy), yields=True)
    return find_checkpoint(name, make_world(config.world.name, config), key, given)


def find_checkpoint(
    setting: str, world: World, key: str = "policy.checkpoint", given: Given = _NOTHING
) -> Checkpoint | None:
    """Return the checkpoint of a value of `policy.checkpoint`, or of another `key`; None for random actions.

    given: what is stated about a file, beside what it says.
    Remarks on a file are told through `valuescape.remarks`. Raises UsageError if no checkpoint is shipped for
    the world, or the file's cannot be used there.
    """
    from valuescape.sim.policy.loading import load_checkpoint, load_with_statistics
    from valuescape.sim.policy.world_fit import check_world

    if setting == "random":
        return None
    if setting.startswith(PREFIX):
        checkpoint = held_checkpoint(setting, key)
        check_world(checkpoint, world, Path(setting))
        return checkpoint
    if setting != "auto":
        path = named_path(setting, key)
        with reading(path, "a checkpoint"):
            checkpoint = load_with_statistics(path, world, given)
        remarks.tell(checkpoint.remarks)
        return checkpoint
    shipped = configs_dir() / "checkpoints" / f"{world.name}.safetensors"
    if not shipped.exists():
        raise UsageError(
            f"{key} = 'auto', but none is shipped for world {world.name}",
            f"{_trained(world)}name a file, or set policy.checkpoint=random",
        )
    return load_checkpoint(shipped, world)


def _trained(world: World) -> str:
    """Return the advice to train a checkpoint; empty where the world cannot be trained in."""
    from valuescape.training.train import can_train_in

    return f"train one (valuescape train {world.name}), " if can_train_in(world) else ""
