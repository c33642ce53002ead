"""What commands that measure have in common: options, progress, how figures are said and written."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from sim.paths import require_replaceable
from valuescape.outputs import require_writable

Preset = Annotated[str, typer.Argument(help="A preset or a FILE.toml to start from.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change a setting.")
]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
HtmlFile = Annotated[Path, typer.Option(help="The HTML report.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def require_files(**paths: Path | None) -> None:
    """Raise UsageError if one of the files that were asked for, by its option's name, cannot be written."""
    for option, path in paths.items():
        if path:
            require_replaceable(path, f"--{option}")
            require_writable(f"--{option}", path.parent)


def progress_bar() -> Bar:
    """Return a bar of what is done, with time left; tasks have a field `state` for what is being done."""
    state = TextColumn("{task.percentage:>3.0f} %"), TextColumn("{task.fields[state]}")
    times = TimeElapsedColumn(), TimeRemainingColumn()
    return Bar(SpinnerColumn(), BarColumn(), *state, *times, console=err, transient=True)


def say_table(rows: Sequence[Sequence[str]]) -> None:
    """Print a table; the first row is its heading. A line is drawn where the first cell of rows changes."""
    table = Table()
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    grouped = len({row[0] for row in rows[1:]}) < len(rows) - 1
    for row, following in zip(rows[1:], [*rows[2:], rows[0]], strict=True):
        table.add_row(*map(escape, row), end_section=grouped and row[0] != following[0])
    out.print(table)


def say_lines(lines: Iterable[str], style: str = "") -> None:
    """Print sentences."""
    for line in lines:
        out.print(escape(line), soft_wrap=True, style=style or None)


def write_json(path: Path | None, figures: Any) -> None:
    """Write figures to the file that was asked for, if any, and say so; what is not known has to be None."""
    if path:
        path.write_text(json.dumps(figures, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        say_written(path)


def say_written(path: Path) -> None:
    """Say that a file was written."""
    out.print(f"wrote [bold]{escape(str(path))}[/]", soft_wrap=True)
