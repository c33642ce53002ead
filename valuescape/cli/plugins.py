"""The command `plugins`: the plug-ins that are found, their files, and the order in which they would run."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from valuescape.cli.options import Debug, Overrides
from valuescape.cli.terminal import err, out
from valuescape.cli.text_table import say_rows

if TYPE_CHECKING:
    from valuescape.sim.plugins.configured import Listed

_Configuration = Annotated[
    str | None, typer.Argument(help="A preset or a FILE.toml, whose plugins.modules are listed too.")
]
_Files = Annotated[
    list[Path] | None,
    typer.Option("--plugin", metavar="FILE.py", help="List this Python file, too; may be given often."),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON in place of a table.")]


def plugins(
    configuration: _Configuration = None,
    files: _Files = None,
    overrides: Overrides = None,
    as_json: _Json = False,
    debug: Debug = False,
) -> int:
    """List plug-ins: those of files, of a configuration's modules, and of installed packages.

    They are listed in the order in which they would run. None of them is run: names are read from the source.
    Status 1 if a module cannot be found, or a source cannot be read.

    [bold]Examples[/]

      valuescape plugins

      valuescape plugins --plugin wind.py --plugin log.py --json
    """
    from valuescape.presets import config_path
    from valuescape.sim.config.files import load_config
    from valuescape.sim.plugins.configured import listed

    path = config_path(configuration) if configuration else None
    config = load_config(path, overrides or [])
    found = listed(files or [], config.plugins)
    if as_json:
        import json

        rows = [asdict(each) | {"state": _state(each)} for each in found]
        out.print(json.dumps(rows, indent=2, ensure_ascii=False))
    elif found:
        _say(found)
    else:
        out.say("no plug-ins; docs/plugins.md shows how to write one")
    troubled = [each for each in found if each.trouble]
    for each in troubled:
        err.say(("no plug-in: ", "yellow"), f"{each.source}: {each.trouble}")
    return 1 if troubled else 0


def _say(found: "list[Listed]") -> None:
    rows = [("", "name", "kind", "needs", "state", "found by", "source")]
    for number, each in enumerate(found, 1):
        place = _short(each.source) + (f":{each.line}" if each.line else "")
        rows.append(
            (
                str(number),
                each.name or "–",
                each.kind or "–",
                ", ".join(each.needs) or "–",
                _state(each),
                each.found_by,
                place,
            )
        )
    say_rows(out, rows, keys=2)


def _state(each: "Listed") -> str:
    """Return whether a run would load it."""
    return "trouble" if each.trouble else "loads at the start"


def _short(source: str) -> str:
    """Return a file's path, from the current folder if it is in there."""
    path = Path(source)
    if not path.is_absolute():
        return source
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return source
