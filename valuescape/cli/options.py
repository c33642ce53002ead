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
        help="Run this Python file, and use the worlds of valuescape.api that it defines; may be given "
        "often.",
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
EnvFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--env-file",
        metavar="FILE.py",
        help="Run this Python file, and take the Gymnasium environment that it registers or defines as the "
        "world; of several, --world says which.",
    ),
]
World = Annotated[
    str | None,
    typer.Option(
        "--world",
        metavar="WORLD",
        help="The world: a name of this program's, gymnasium:ID, or your own environment's "
        "module:ClassOrFunction, whose module is imported, from this folder too.",
    ),
]
EnvArguments = Annotated[
    list[str] | None,
    typer.Option(
        "--env-kwargs",
        metavar="NAME=VALUE",
        help="An argument of the environment, as world.env.NAME; may be given often.",
    ),
]
EpisodeLimit = Annotated[
    int | None,
    typer.Option(
        "--max-episode-steps", min=1, help="Steps of the environment's episodes, as world.max_episode_steps."
    ),
]
JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the figures to this file.")
]
HtmlFile = Annotated[Path, typer.Option(metavar="FILE", help="The HTML report.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
