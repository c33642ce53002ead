"""What is in checkpoint files, what they lack, and the command that would show them; nothing is run."""

import json
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from valuescape.model_files import NamedWorld, named_world, worlds_for
from valuescape.sim.errors import UsageError, lines_of
from valuescape.sim.policy.formats import torchscript
from valuescape.sim.policy.formats.contents import Contents, Lacking
from valuescape.sim.policy.formats.description import HEADS
from valuescape.sim.policy.formats.detect import find_model, folder_format, format_of, probe_of
from valuescape.sim.policy.formats.given import Given, head_option, setting_of
from valuescape.sim.policy.formats.known import FORMATS
from valuescape.sim.policy.formats.normalization import read_normalization
from valuescape.sim.policy.network import Activation, ActorHead
from valuescape.sim.policy.statistics import statistics_beside
from valuescape.sim.policy.world_fit import head_for
from valuescape.sim.worlds import make_world

MAX_FILES = 200
"""Files of a folder that are looked at."""

_SCORES = HEADS[None], HEADS[ActorHead.ARGMAX]
"""The outputs of actors whose scores may be of several choices, if that is stated."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """One file: what is in it, or why it cannot be read.

    worlds: those whose observations and actions it has, the likeliest first. named: what there is to say of
    an environment that its path names, and that is not among them.
    """

    path: Path
    contents: Contents | None
    problem: tuple[str, ...] = ()
    worlds: tuple[str, ...] = ()
    statistics: Path | None = None
    """VecNormalize's file beside it."""
    named: str = ""
    command: str = ""
    """The command line that would show it; "" if nothing would."""
    analyze: str = ""
    """The one that would judge its critic."""
    convert: str = ""
    """The one that would write a file that says everything."""
    guesses: tuple[str, ...] = ()
    """The options in these lines that are examples of what the file does not say."""

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
    beside = statistics_beside(path) if given.obs_normalization is None else None
    if format_of(path) is torchscript.FORMAT:
        command = f"valuescape run demo --set policy.torchscript_critic={shlex.quote(str(path))}"
        return Inspected(path, contents, statistics=beside, command=command)
    worlds, named = _worlds(path, contents, given)
    contents = replace(contents, lacking=_for_world(contents.lacking, worlds))
    said = named.said if named and not worlds else ""
    found = Inspected(path, contents, worlds=worlds, statistics=beside, named=said)
    if not contents.networks or contents.refusal:
        return found
    somewhere = worlds[0] if worlds else named.world if named else ""
    return _with_commands(found, contents, somewhere, stated)


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
    models = [path for path in below if _is_checkpoint(path)]
    if not models:
        raise UsageError(f"{folder}: has no checkpoints", "name a file, or the folder they are in")
    if len(models) > MAX_FILES:
        raise UsageError(f"{folder}: has {len(models)} checkpoints, at most {MAX_FILES} are looked at")
    return models


def _is_checkpoint(path: Path) -> bool:
    """Return whether a file of a folder is worth a look: by its suffix, or because a format recognises it.

    Videos, pictures and logs of TensorBoard are not.
    """
    if path.suffix.lower() in FORMATS.suffixes() or path.is_dir():
        return True
    with suppress(UsageError, OSError):
        return FORMATS.find(probe_of(path)) is not None
    return False


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


def _worlds(path: Path, contents: Contents, given: Given) -> tuple[tuple[str, ...], NamedWorld | None]:
    """Return the worlds that a file fits, as far as its spaces tell; without any, one that its path names."""
    if contents.world:
        return (contents.world,), None
    if contents.refusal:
        return (), None
    found: dict[str, None] = {}
    named = None
    for complete in _completed(contents, given):
        with suppress(UsageError):
            checkpoint = format_of(path).load(path, complete)
            found |= dict.fromkeys(worlds_for(checkpoint, path))
            named = named or named_world(checkpoint, path)
    return tuple(found), named


def _completed(contents: Contents, given: Given) -> list[Given]:
    """Return what is stated, with values that change no spaces for what is missing; one for each head."""
    needed = {each.field: each.option.split()[-1] for each in contents.lacking if each.needed}
    full = replace(
        given,
        activation=Activation(needed["activation"]) if "activation" in needed else given.activation,
        gamma=0.99 if "gamma" in needed else given.gamma,
        algorithm=needed.get("algorithm", given.algorithm),
        squash=False if "squash" in needed else given.squash,
        max_action=1.0 if "max_action" in needed else given.max_action,
    )
    heads = (ActorHead.ARGMAX, ActorHead.CLIPPED) if "head" in needed else (given.head,)
    return [replace(full, head=head) for head in heads]


def _for_world(lacking: tuple[Lacking, ...], worlds: tuple[str, ...]) -> tuple[Lacking, ...]:
    """Return what is lacking, with the meaning of the actor's outputs that the likeliest world asks for."""
    if not worlds or all(each.field != "head" for each in lacking):
        return lacking
    option = head_option(head_for(make_world(worlds[0]).action))
    return tuple(replace(each, option=option) if each.field == "head" else each for each in lacking)


def _with_commands(found: Inspected, contents: Contents, world: str, stated: Sequence[str]) -> Inspected:
    """Return a file's account with the command lines that show it. world: "" if none is known."""
    needed = [each for each in contents.lacking if each.needed]
    options = [*map(shlex.quote, stated), *dict.fromkeys(each.option for each in needed)]
    somewhere = f"--world {shlex.quote(world)}" if world else "--env-file MY_ENV.py"
    file, ours = shlex.quote(str(found.path)), contents.format == "native"
    where = [] if contents.world else [somewhere]
    target = shlex.quote(
        f"{found.path.stem}{'-complete' * (found.path.suffix == '.safetensors')}.safetensors"
    )
    return replace(
        found,
        command=" ".join(["valuescape run", file, *where, *options]),
        analyze=" ".join(["valuescape analyze", file, *where, *options]),
        convert="" if ours else " ".join(["valuescape convert", file, target, somewhere, *options]),
        guesses=tuple(each.option + " (the library's default)" * each.usual for each in needed),
    )


def as_json(found: Sequence[Inspected]) -> str:
    """Return what was found as JSON: a list of objects, one for each file."""
    return json.dumps([each.as_json for each in found], indent=2, ensure_ascii=False)
