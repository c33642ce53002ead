"""Options that several commands have, each declared once."""

from pathlib import Path
from typing import Annotated

import typer

Preset = Annotated[str, typer.Argument(help="A preset, a FILE.toml or a trained MODEL.zip to start from.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change a setting; may be given often."),
]
WorldFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--world-file",
        metavar="FILE.py",
        help="Run this Python file, and use the worlds it defines; may be given often.",
    ),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        metavar="FILE.py",
        help="Run this Python file, and use the plug-ins and worlds it declares; may be given often.",
    ),
]
JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the figures to this file.")
]
HtmlFile = Annotated[Path, typer.Option(metavar="FILE", help="The HTML report.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
