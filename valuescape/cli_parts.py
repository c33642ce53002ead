"""What commands that measure have in common: options, and how their figures are written."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

Preset = Annotated[str, typer.Argument(help="A preset or a FILE.toml to start from.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change a setting.")
]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
HtmlFile = Annotated[Path, typer.Option(help="The HTML report.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]


def write_json(console: Console, path: Path | None, figures: Any) -> None:
    """Write figures to the file that was asked for, if any, and say so."""
    if path:
        path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        say_written(console, path)


def say_written(console: Console, path: Path) -> None:
    """Say that a file was written."""
    console.print(f"wrote [bold]{escape(str(path))}[/]", soft_wrap=True)
