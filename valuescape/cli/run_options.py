"""Options of commands that show a run, each declared once."""

from pathlib import Path
from typing import Annotated

import typer

RunPreset = Annotated[
    str,
    typer.Argument(
        help="A preset (see `valuescape presets`), a FILE.toml, a trained MODEL.zip, "
        "or the FOLDER of a training run."
    ),
]
Headless = Annotated[bool, typer.Option("--headless", help="Open no window, write files.")]
Frames = Annotated[int | None, typer.Option(min=1, help="End after so many frames.")]
Seconds = Annotated[float | None, typer.Option(min=0.001, help="End after so many seconds.")]
Ticks = Annotated[int | None, typer.Option(min=1, help="End at exactly this tick.")]
Folder = Annotated[
    Path | None,
    typer.Option("--out", metavar="FOLDER", help="Folder for the run's files; runs/TIME if not given."),
]
Record = Annotated[
    Path | None, typer.Option(metavar="FILE.mp4", help="Write a video; ticks then wait for frames.")
]
Screenshot = Annotated[
    Path | None, typer.Option(metavar="FILE.png", help="Write the last frame as a picture.")
]
Profile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write where time went, in all processes: .json or .csv (statistics), .trace (Perfetto).",
    ),
]
Export = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.npz", help="Write the fields, trails, states and episodes of the last tick as arrays."
    ),
]
Figure = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.pdf", help="Draw the last tick's landscape and density for a paper: .pdf, .svg or .png."
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="End with status 1 if a health limit is broken; one that a short run cannot measure is not.",
    ),
]
Seed = Annotated[int | None, typer.Option(help="Seed of all randomness, as run.seed.")]
Checksum = Annotated[
    bool,
    typer.Option(
        "--checksum",
        help="Simulate only, at full speed, and print the hash of the state at tick --ticks. The same for "
        "any number of workers; with a network's actions not for other settings of features.simd.",
    ),
]
RecordRun = Annotated[
    Path | None,
    typer.Option(metavar="FILE.vsz", help="Simulate only, to --ticks, and write what `replay` compares."),
]
Watch = Annotated[
    bool,
    typer.Option(
        "--watch/--no-watch",
        help="Apply files when they are saved: the configuration, world files, plug-ins, shaders.",
    ),
]
RecordSession = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.vsz", help="Record the run with everything that is changed meanwhile, for `replay`."
    ),
]
Versus = Annotated[
    str | None,
    typer.Option(
        metavar="B",
        help="Show a second run beside this one, with the same seed, at the same tick: a preset, a "
        "FILE.toml, or a MODEL.zip or training FOLDER, which acts in the world of this one.",
    ),
]
VersusSet = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SECTION.KEY=VALUE",
        help="Change a setting of the second run, which is that of --versus, or else a copy of this one; "
        "may be given often.",
    ),
]
RecordEvery = Annotated[
    int | None, typer.Option(min=1, help="Ticks between two states in --record-run; a 20th of the run.")
]
