"""What is in checkpoint files, what they lack, and the command that would show them; nothing is run."""

import json
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from valuescape.model_files import worlds_for
from valuescape.sim.errors import UsageError, lines_of
from valuescape.sim.policy.formats import torchscript
from valuescape.sim.policy.formats.contents import Contents
from valuescape.sim.policy.formats.detect import find_model, folder_format, format_of, is_model
from valuescape.sim.policy.formats.found import HEADS, OUTPUTS
from valuescape.sim.policy.formats.given import OPTIONS, Given, setting_of
from valuescape.sim.policy.formats.normalization import read_normalization
from valuescape.sim.policy.network import Activation, ActorHead, CriticKind
from valuescape.sim.policy.statistics import statistics_beside

MAX_FILES = 200
"""Files of a folder that are looked at."""

_ALGORITHM = {
    OUTPUTS[CriticKind.STATE_VALUE]: "ppo",
    OUTPUTS[CriticKind.ACTION_VALUE]: "sac",
    OUTPUTS[CriticKind.DISCRETE_ACTION_VALUE]: "dqn",
}
"""An algorithm for each kind of critic: for examples, and to compare spaces with those of worlds."""


_SCORES = HEADS[None], HEADS[ActorHead.ARGMAX]
"""The outputs of actors whose scores may be of several choices, if that is stated."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """One file: what is in it, or why it cannot be read.

    worlds: those whose observations and actions it has, the likeliest first. command: the command line that
    would show it; "" if nothing would.
    """

    path: Path
    contents: Contents | None
    problem: tuple[str, ...] = ()
    worlds: tuple[str, ...] = ()
    statistics: Path | None = None
    """VecNormalize's file beside it."""
    command: str = ""

    @property
    def as_json(self) -> dict[str, Any]:
        """The same as values for JSON."""
        beside = {"path": str(self.path), "statistics": self.statistics and str(self.statistics)}
        values = asdict(self) | beside
        return {key: value for key, value in values.items() if value not in (None, "", ())}


def inspected(path: Path, given: Given, stated: Sequence[str] = ()) -> Inspected:
    """Return what is in one file, or in a folder that is one checkpoint.

    given: what the user states about it. stated: the options that state it, for the command. Raises nothing
    for a file that cannot be read: the result says why.
    """
    path = find_model(path)
    try:
        contents = format_of(path).contents(path, given)
    except UsageError as error:
        with suppress(UsageError):
            return Inspected(path, _statistics(path))
        return Inspected(path, None, problem=tuple(lines_of(str(error))))
    worlds = _worlds(path, contents, given)
    beside = statistics_beside(path) if given.obs_normalization is None else None
    if format_of(path) is torchscript.FORMAT:
        command = f"valuescape run demo --set policy.torchscript_critic={shlex.quote(str(path))}"
    else:
        command = _command(path, contents, worlds, stated)
    return Inspected(path, contents, worlds=worlds, statistics=beside, command=command)


def unsaid(path: Path, given: Given) -> frozenset[str]:
    """Return the settings of the section `policy` that state what a checkpoint does not say itself.

    given: what is stated. Statistics beside a file are its own. Raises UsageError if it cannot be read.
    """
    told, fields = Given(), set[str]()
    while True:  # since some of what a file lacks shows once other things are stated
        contents = format_of(path).contents(path, told)
        more = {each.field for each in contents.lacking if getattr(given, each.field) is not None} - fields
        if not more:
            break
        fields |= more
        told = replace(told, **{each: getattr(given, each) for each in more})
    if statistics_beside(path):
        fields -= {"obs_normalization", "reward_scale"}
    if given.choices and any(each.role == "actor" and each.output in _SCORES for each in contents.networks):
        fields.add("choices")
    return frozenset(setting_of(each) for each in fields)


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Return the files to look at: those that are named, and the checkpoints in folders that are named.

    Raises UsageError for a folder without any.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir() and folder_format(path) is None:
            found += _inside(path)
        else:
            found.append(path)
    return found


def _inside(folder: Path) -> list[Path]:
    try:
        below = sorted(path for path in folder.rglob("*") if path.is_file() or folder_format(path))
    except OSError as error:
        raise UsageError(f"{folder}: cannot be read ({error.strerror})") from None
    models = [path for path in below if is_model(path)]
    if not models:
        raise UsageError(f"{folder}: has no checkpoints", "name a file, or the folder they are in")
    if len(models) > MAX_FILES:
        raise UsageError(f"{folder}: has {len(models)} checkpoints, at most {MAX_FILES} are looked at")
    return models


def _statistics(path: Path) -> Contents:
    """Return the contents of a file of statistics of observations. Raises UsageError if it is none."""
    found = read_normalization(path)
    said = []
    if found.obs is not None:
        said.append(f"{found.obs.mean.size} observations are normalised, clipped at {found.obs.clip:g}")
    if found.reward is not None:
        said.append(f"rewards divided by {found.reward.scale:.4g}" + ("" if found.norm_reward else " (off)"))
    return Contents(
        format="statistics",
        library="VecNormalize of Stable-Baselines3" if found.of_rewards else "statistics by name",
        normalization="; ".join(said),
        remarks=("it is no checkpoint: give it with --obs-normalization",),
    )


def _worlds(path: Path, contents: Contents, given: Given) -> tuple[str, ...]:
    """Return the worlds that a file fits, as far as its spaces tell."""
    if contents.world:
        return (contents.world,)
    if contents.refusal:
        return ()
    found: dict[str, None] = {}
    for complete in _completed(contents, given):
        with suppress(UsageError):
            checkpoint = format_of(path).load(path, complete)
            found |= dict.fromkeys(worlds_for(checkpoint, path))
    return tuple(found)


def _completed(contents: Contents, given: Given) -> list[Given]:
    """Return what is stated, with values that change no spaces for what is missing; one for each head."""
    needed = {each.field for each in contents.lacking if each.needed}
    full = replace(
        given,
        activation=given.activation or (Activation.TANH if "activation" in needed else None),
        gamma=0.99 if "gamma" in needed else given.gamma,
        algorithm=_likely(contents) if "algorithm" in needed else given.algorithm,
        squash=False if "squash" in needed else given.squash,
        max_action=1.0 if "max_action" in needed else given.max_action,
    )
    heads = (ActorHead.ARGMAX, ActorHead.CLIPPED) if "head" in needed else (given.head,)
    return [replace(full, head=head) for head in heads]


def _likely(contents: Contents) -> str:
    """Return an algorithm whose critics have the inputs and outputs of those in a file."""
    kind = next((each.output for each in contents.networks if each.role == "critic"), "")
    return _ALGORITHM.get(kind, "ppo")


def _command(path: Path, contents: Contents, worlds: tuple[str, ...], stated: Sequence[str]) -> str:
    if not contents.networks or contents.refusal:
        return ""
    examples = OPTIONS | {"algorithm": f"--algorithm {_likely(contents)}"}
    needed = [examples[each.field] for each in contents.lacking if each.needed]
    somewhere = ["--world", worlds[0]] if worlds else ["--env-file", "MY_ENV.py"]
    world = [] if contents.world else somewhere
    parts = ["valuescape", "run", str(path), *world, *stated]
    return " ".join([*(shlex.quote(part) for part in parts), *dict.fromkeys(needed)])


def as_json(found: Sequence[Inspected]) -> str:
    """Return what was found as JSON: a list of objects, one for each file."""
    return json.dumps([each.as_json for each in found], indent=2, ensure_ascii=False)
