"""The checkpoints in the folder of a training run: which files they are, and after how many steps."""

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from valuescape.sim.errors import UsageError
from valuescape.sim.paths import reading
from valuescape.sim.policy.formats.detect import format_of
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.known import FORMATS
from valuescape.sim.policy.formats.registry import Lack
from valuescape.sim.policy.loading import read_checkpoint
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.statistics import statistics_beside

_NOTHING = Given()

_BEST = "best_model"
"""The name that Stable-Baselines3's EvalCallback gives to the best of the evaluated models."""

_RETURNS = "evaluations.npz"
"""The file in which EvalCallback keeps returns; other `.npz` files may be networks."""

_STEPS = re.compile(r"(\d+)_?steps?(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint's file, and the training steps that it was saved after."""

    path: Path
    steps: int


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a checkpoint in its training run. steps: of all checkpoints, ascending; index: its own."""

    steps: tuple[int, ...]
    index: int

    @property
    def own_steps(self) -> int:
        """The training steps that it was saved after."""
        return self.steps[self.index]

    def at(self, steps: object) -> Self:
        """Return the place of the checkpoint that was saved after so many steps; this one if none was."""
        return replace(self, index=self.steps.index(steps)) if steps in self.steps else self

    def moved(self, by: int) -> Self:
        """Return the place `by` checkpoints later, or earlier if negative; the last or the first at most."""
        return replace(self, index=min(max(self.index + by, 0), len(self.steps) - 1))

    @property
    def said(self) -> str:
        """The place in words: `checkpoint 3 of 12: 30,000 steps`."""
        return f"checkpoint {self.index + 1} of {len(self.steps)}: {self.own_steps:,} steps"


@dataclass(slots=True)
class TrainingFiles:
    """The checkpoints of one training run, by their steps, and why other files are left out."""

    folder: Path
    saved: list[Saved] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """A sentence for each, which names the file."""
    given: Given = _NOTHING
    """What is stated about all of them."""


@dataclass(frozen=True, slots=True)
class _About:
    """What decides on a checkpoint's place among others, without its weights."""

    kind: Hashable
    said: str
    """The checkpoint in words."""
    steps: int | None
    """As the file says; None if it does not."""


_abouts: dict[tuple[Path, int, int, Given], _About] = {}
"""By path, time of the last change, size, and what is stated: stale when one of them differs."""


def training_files(folder: Path, given: Given = _NOTHING) -> TrainingFiles:
    """Return the checkpoints in a folder, not in folders below it, in the order of their training steps.

    given: what is stated about all of them, beside what the files say.
    The number of steps is what the file says (`num_timesteps` of Stable-Baselines3), else the number in its
    name. Left out, with a reason, are files that cannot be read; models of another algorithm or other spaces
    than most; those without VecNormalize's file where others have one; EvalCallback's best_model, which was
    chosen by its returns; and all but one of those with the same number of steps. Files of other kinds, such
    as VecNormalize's and replay buffers, are passed over.
    Raises UsageError if no checkpoint remains.

    Performance: a file is read once as long as it does not change; another look takes some 20 us a file.
    """
    found = TrainingFiles(folder, given=given)
    read = _alike(_read(_candidates(folder), found), found)
    read = _with_statistics(read, found)
    by_steps = dict[int, Path]()
    for path, about in read.items():
        steps = _steps_in_name(path) if about.steps is None else about.steps
        if steps is None:
            found.left_out.append(f"{path.name}: neither the file nor its name says after how many steps")
        elif steps in by_steps and not _is_named_by(path, steps):
            found.left_out.append(_same(path, by_steps[steps], steps))
        else:
            if steps in by_steps:
                found.left_out.append(_same(by_steps[steps], path, steps))
            by_steps[steps] = path
    if not by_steps:
        raise _nothing(found)
    found.saved = [Saved(by_steps[steps], steps) for steps in sorted(by_steps)]
    return found


def natural(path: Path) -> tuple[tuple[int, int | str], ...]:
    """Return a key for sorting names as people do: numbers in them by size."""
    parts = re.split(r"(\d+)", path.name)
    return tuple((0, int(each)) if each.isdecimal() else (1, each.lower()) for each in parts)


def _candidates(folder: Path) -> list[Path]:
    suffixes = FORMATS.suffixes()
    try:
        inside = [path for path in folder.iterdir() if path.suffix.lower() in suffixes and path.is_file()]
    except OSError as error:
        raise UsageError(f"{folder}: cannot be read ({error.strerror})") from None
    return sorted((path for path in inside if path.name != _RETURNS), key=natural)


def _read(paths: Sequence[Path], found: TrainingFiles) -> dict[Path, _About]:
    read = {}
    for path in paths:
        if path.stem == _BEST:
            found.left_out.append(f"{path.name}: is the best by its returns, so no point of a curve")
            continue
        try:
            with reading(path, "a checkpoint"):
                read[path] = _about(path, found.given)
        except UsageError as error:
            found.left_out.append(first_line(error, path))
    return read


def _about(path: Path, given: Given) -> _About:
    """Return what matters of a file. Raises UsageError or OSError if it cannot be read."""
    told = path.stat()
    key = path, told.st_mtime_ns, told.st_size, given
    if key not in _abouts:
        checkpoint = read_checkpoint(path, given)
        _abouts[key] = _About(_kind(checkpoint), _in_words(checkpoint), checkpoint.training.timesteps)
    return _abouts[key]


def first_line(error: UsageError, path: Path) -> str:
    """Return the first line of an error about a file, with the file's name alone in the place of its path."""
    return str(error).splitlines()[0].replace(str(path), path.name)


def _alike(read: dict[Path, _About], found: TrainingFiles) -> dict[Path, _About]:
    """Return the checkpoints of the commonest algorithm and spaces."""
    kinds = Counter(about.kind for about in read.values())
    if len(kinds) < 2:
        return read
    commonest = kinds.most_common(1)[0][0]
    for path, about in read.items():
        if about.kind != commonest:
            found.left_out.append(f"{path.name}: is {about.said}, unlike most of the others in the folder")
    return {path: about for path, about in read.items() if about.kind == commonest}


def _with_statistics(read: dict[Path, _About], found: TrainingFiles) -> dict[Path, _About]:
    """Return the checkpoints that VecNormalize's file is beside, if it is beside any."""
    bare = {path for path in read if Lack.STATISTICS in format_of(path).lacks and not statistics_beside(path)}
    normalized = {path for path in read if statistics_beside(path)}
    if not normalized:
        return read
    for path in read:
        if path in bare:
            found.left_out.append(f"{path.name}: has no VecNormalize file beside it, as others have")
    return {path: about for path, about in read.items() if path not in bare}


def _kind(checkpoint: Checkpoint) -> Hashable:
    actor = checkpoint.actor
    return checkpoint.algorithm, checkpoint.world, checkpoint.obs_dim, actor.out_dim, checkpoint.actor_head


def _in_words(checkpoint: Checkpoint) -> str:
    actions = checkpoint.actor.out_dim
    return f"{checkpoint.algorithm.upper()} of {checkpoint.obs_dim} observations and {actions} outputs"


def _steps_in_name(path: Path) -> int | None:
    stated = _STEPS.search(path.stem)
    if stated:
        return int(stated[1])
    numbers = re.findall(r"\d+", path.stem)
    return int(numbers[-1]) if numbers else None


def _is_named_by(path: Path, steps: int) -> bool:
    return str(steps) in re.findall(r"\d+", path.stem)


def _same(path: Path, other: Path, steps: int) -> str:
    return f"{path.name}: was saved after {steps:,} steps, as {other.name} was"


def _nothing(found: TrainingFiles) -> UsageError:
    folder = found.folder
    if found.left_out:
        return UsageError(f"{folder}: no file in it can be used; {found.left_out[0]}")
    below = sorted({path.parent for path in folder.glob("*/*") if path.suffix.lower() in FORMATS.suffixes()})
    hint = f"name a folder with some in it, such as {below[0]}" if below else "name the folder they are in"
    return UsageError(f"{folder}: has no checkpoints (.zip or .safetensors)", hint)
