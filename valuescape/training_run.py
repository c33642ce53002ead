"""A folder of a training run's checkpoints in the place of one: which of them acts, and the scale of all."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from valuescape import remarks
from valuescape.sim.config.files import changed
from valuescape.sim.config.model import Config
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import MapPlane, grid_obs, map_plane
from valuescape.sim.paths import named_path, reading
from valuescape.sim.policy.formats.detect import folder_format
from valuescape.sim.policy.formats.given import Given, given_of
from valuescape.sim.policy.inference import value
from valuescape.sim.policy.loading import load_with_statistics
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.training_files import Place, Saved, TrainingFiles, training_files
from valuescape.sim.worlds import World

_EDGE = 32
"""Cells along each edge of the map at which the range of a critic's values is taken."""

_LISTED = 5
_NOTHING = Given()


class Followed(Protocol):
    """A training run that goes on while its checkpoints are shown."""

    def files(self) -> TrainingFiles:
        """Return its checkpoints so far. Raises UsageError if there is none."""

    def held(self, steps: int) -> Checkpoint | None:
        """Return the checkpoint after so many steps if it is in memory, else None: it is in its file."""


_followed: dict[Path, Followed] = {}
"""By the folder that `policy.checkpoint` names."""


@contextmanager
def follow(folder: Path, run: Followed) -> Iterator[None]:
    """Have `run` say, within, which checkpoints are in a folder, which need not be there."""
    _followed[folder.absolute()] = run
    try:
        yield
    finally:
        del _followed[folder.absolute()]


def held_of(config: Config) -> Checkpoint | None:
    """Return the checkpoint that a configuration chooses, if it is in memory."""
    saved, run = saved_of(config), _run_of(config)
    return run.held(saved.steps) if saved and run else None


def _run_of(config: Config) -> Followed | None:
    """Return the training run that is followed where `policy.checkpoint` points; None without one."""
    name = config.policy.checkpoint
    if not _followed or name in ("auto", "random"):
        return None
    return _followed.get(named_path(name, "policy.checkpoint").absolute())


_Stamp = tuple[tuple[str, int, int], ...]
_files: dict[tuple[Path, _Stamp, Given], TrainingFiles] = {}
_ranges: dict[Hashable, tuple[float, float] | None] = {}


def saved_of(config: Config) -> Saved | None:
    """Return the checkpoint that `policy.steps` chooses in the folder that `policy.checkpoint` names.

    None if `policy.checkpoint` names no folder. Files that are left out are told through
    `valuescape.remarks`. Raises UsageError if the folder has no checkpoint, or none after that many steps.
    """
    files, wanted = _files_of(config), config.policy.steps
    if files is None:
        if wanted != "last":
            raise UsageError(
                f"policy.steps = {wanted}, but policy.checkpoint = {config.policy.checkpoint!r} is no folder",
                "name the folder of a training run, or leave policy.steps out",
            )
        return None
    if wanted == "last":
        return files.saved[-1]
    found = next((each for each in files.saved if each.steps == wanted), None)
    if found is None:
        nearest = sorted(files.saved, key=lambda each: abs(each.steps - wanted))[:_LISTED]
        there = ", ".join(str(each.steps) for each in sorted(nearest, key=lambda each: each.steps))
        raise UsageError(
            f"policy.steps = {wanted}: no checkpoint in {files.folder} was saved after so many steps",
            f"the nearest are {there}",
        )
    return found


def with_steps(config: Config) -> Config:
    """Return a configuration that names its checkpoint's steps where it says `last`.

    A run that goes on saving then changes neither what a restart shows nor what a picture was made with.
    """
    saved = saved_of(config)
    return changed(config, {"policy.steps": saved.steps}) if saved else config


def place_of(config: Config) -> Place | None:
    """Return the place of the checkpoint among those of its folder; None without a folder."""
    files, saved = _files_of(config), saved_of(config)
    if files is None or saved is None:
        return None
    return Place(tuple(each.steps for each in files.saved), files.saved.index(saved))


def value_ends(config: Config, world: World) -> tuple[float, float] | None:
    """Return the least and the greatest V(s) of all checkpoints of the folder, on the map; None without one.

    At the centres of 32 x 32 cells of the plane that `heatmap.axes` and `heatmap.slice` name. None also if
    another critic is shown (`policy.torchscript_critic`), if all values are equal or not finite, or if the
    training run is followed while it goes on: the scale then follows what is shown. Raises UsageError if a
    file does not fit the world.

    Performance: a file takes about 20 ms the first time; its range is kept.
    """
    files = None if _run_of(config) else _files_of(config)
    if files is None or config.policy.torchscript_critic:
        return None
    plane = map_plane(config, world)
    given = given_of(config.policy)
    ranges = [each for saved in files.saved if (each := _range(saved.path, plane, given))]
    if not ranges:
        return None
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    return (low, high) if low < high else None


def _range(path: Path, plane: MapPlane, given: Given) -> tuple[float, float] | None:
    """Return the range of the values of one checkpoint on a plane; None if none is finite."""
    with reading(path, "a checkpoint"):
        about = path.stat()
    of_plane = plane.world.name, plane.axes, plane.values, plane.bounds
    key = path, about.st_mtime_ns, about.st_size, of_plane, given
    if key not in _ranges:
        with reading(path, "a checkpoint"):
            checkpoint = load_with_statistics(path, plane.world, given, doubts=False)
        values = value(checkpoint, grid_obs(plane, _EDGE))
        values = values[np.isfinite(values)]
        _ranges[key] = (float(values.min()), float(values.max())) if values.size else None
    return _ranges[key]


def _files_of(config: Config) -> TrainingFiles | None:
    """Return the checkpoints of the folder that `policy.checkpoint` names; None if it names none."""
    name = config.policy.checkpoint
    if name in ("auto", "random"):
        return None
    if run := _run_of(config):
        return run.files()
    folder = named_path(name, "policy.checkpoint")
    try:
        if not folder.is_dir() or folder_format(folder):
            return None
    except (OSError, ValueError):  # such as a name that is too long
        return None
    return files_in(folder, given_of(config.policy))


def files_in(folder: Path, given: Given = _NOTHING) -> TrainingFiles:
    """Return the checkpoints in a folder, as `training_files` does; read once, as long as no file changes.

    given: what is stated about all of them.
    Files that are left out are told through `valuescape.remarks`. Raises UsageError.
    """
    stamp = _stamp(folder)
    found = _files.get((folder, stamp, given)) if stamp else None
    if found is None:
        found = _files[folder, stamp, given] = training_files(folder, given)
    remarks.tell(f"{folder}: left out: {each}" for each in found.left_out)
    return found


def _stamp(folder: Path) -> _Stamp:
    """Return the names, times and sizes of the files in a folder; empty if they cannot be told."""
    try:
        inside = [(path.name, path.stat()) for path in folder.iterdir()]
    except OSError:  # a file that went away, or a folder that cannot be read, which is said elsewhere
        return ()
    return tuple(sorted((name, about.st_mtime_ns, about.st_size) for name, about in inside))
