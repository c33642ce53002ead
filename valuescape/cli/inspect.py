"""The command `inspect`: what is in checkpoint files, without running any of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from valuescape.cli.code import code_of
from valuescape.cli.options import (
    Activation,
    Algorithm,
    Debug,
    EnvFiles,
    Gamma,
    NamesMap,
    ObsNormalization,
    Overrides,
    Plugins,
    RewardScale,
    WorldFiles,
    stated_changes,
    stated_options,
)
from valuescape.cli.terminal import out
from valuescape.cli.text_table import Row, say_rows

if TYPE_CHECKING:
    from valuescape.inspection import Inspected
    from valuescape.sim.policy.formats.contents import Contents, TensorEntry

_WORLDS = 6
_NO_WORLD = (
    "none that is known here; give its own Gymnasium environment with --env-file or --world MODULE:CLASS"
)
_SOME = 12
"""Tensors that are listed without --tensors."""

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE…", help="Checkpoints of any library, or folders with some."),
]


def inspect(
    files: Files,
    tensors: Annotated[bool, typer.Option("--tensors", help="List all tensors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    activation: Activation = None,
    gamma: Gamma = None,
    algorithm: Algorithm = None,
    obs_normalization: ObsNormalization = None,
    names: NamesMap = None,
    reward_scale: RewardScale = None,
    overrides: Overrides = None,
    env_files: EnvFiles = None,
    world_files: WorldFiles = None,
    plugins: Plugins = None,
    debug: Debug = False,
) -> int:
    """Say what is in checkpoint files, without running any of it.

    Prints the library that wrote a file, its networks and tensors, what it lacks, and the command that shows
    it.

    Status 1 if some of the files cannot be read, 2 if none can.

    [bold]Examples[/]

      valuescape inspect model.zip

      valuescape inspect policy.pt --map names.toml

      valuescape inspect runs/ --json
    """
    from valuescape.inspection import as_json as json_of
    from valuescape.inspection import files_of, inspected
    from valuescape.model_files import stated_by

    # With a world chosen, so that a file may define several: they are compared with each checkpoint
    code_of(env_files=env_files, world_files=world_files, plugins=plugins).load(["world.name=any"])
    changes = stated_changes(activation, gamma, algorithm, obs_normalization, names, reward_scale)
    given = stated_by([*changes, *(overrides or [])])
    stated = [part for change in overrides or [] for part in ("--set", change)]
    stated += stated_options(changes)
    found = [inspected(path, given, stated) for path in files_of(files)]
    if as_json:
        out.print(json_of(found))
    else:
        for index, each in enumerate(found):
            _say(each, all_tensors=tensors, first=index == 0)
    failed = sum(each.contents is None for each in found)
    return 2 if failed == len(found) else int(failed > 0)


def _say(found: "Inspected", *, all_tensors: bool, first: bool) -> None:
    if not first:
        out.say("")
    if found.contents is None:
        what, *hint = found.problem
        out.say((what, "bold"))
        for line in hint:
            out.say(line)
        return
    contents = found.contents
    library = f"{contents.library} {contents.version}".strip()
    algorithm = f", {contents.algorithm.upper()}" if contents.algorithm else ""
    out.say((f"{found.path}", "bold"), f": {library}{algorithm}")
    _say_networks(contents)
    _say_lacking(found, contents)
    for line in _sentences(found, contents):
        out.say(f"  {line}")
    _say_tensors(contents, len(contents.tensors) if all_tensors else _SOME)
    lines = {"shown by": found.command, "judged by": found.analyze, "completed by": found.convert}
    for what, line in lines.items():
        if line:
            out.say(f"  {what:12}  ", (line, "bold"))
    if found.guesses:
        out.say(f"  guessed here  {', '.join(found.guesses)}")


def _say_networks(contents: "Contents") -> None:
    if not contents.networks:
        return
    rows = [("network", "widths", "between layers", "outputs")]
    rows += [
        (each.role, " - ".join(map(str, each.widths)), each.activation or "not said", each.output)
        for each in contents.networks
    ]
    say_rows(out, rows)


def _say_lacking(found: "Inspected", contents: "Contents") -> None:
    """Print what the file does not say, and how to state it."""
    from valuescape.sim.policy.formats.given import in_words

    rows: list[Row] = [("not in the file", "", "stated by, for example")]
    for each in contents.lacking:
        if each.field == "action_high" or (each.field == "obs_normalization" and found.statistics):
            continue  # stated together with the lower bounds; beside the file
        why = Text("needed", "bold") if each.needed else each.why
        rows.append((in_words(each.field), why, each.option))
    if len(rows) > 1:
        say_rows(out, rows)


def _sentences(found: "Inspected", contents: "Contents") -> list[str]:
    """Return what there is to say below the tables of networks and of what is missing."""
    said = [f"normalisation: {contents.normalization}"] if contents.normalization else []
    if found.statistics:
        said.append(f"normalisation: in {found.statistics}, which is beside it")
    said += contents.remarks
    if contents.refusal:
        said.append(f"cannot be shown: {contents.refusal}")
    elif contents.networks and not contents.world:
        none = f"none here; {found.named}" if found.named else _NO_WORLD
        said.append(f"worlds that fit: {', '.join(found.worlds[:_WORLDS]) or none}")
    return said


def _say_tensors(contents: "Contents", most: int) -> None:
    if not contents.tensors:
        return
    rows = [("tensor", "shape", "type")]
    rows += [_tensor_row(each) for each in contents.tensors[:most]]
    say_rows(out, rows)
    left = len(contents.tensors) - most
    if left > 0:
        out.say(f"  and {left} more tensors (--tensors)")


def _tensor_row(tensor: "TensorEntry") -> tuple[str, str, str]:
    return tensor.name, " x ".join(map(str, tensor.shape)) or "one number", tensor.dtype
