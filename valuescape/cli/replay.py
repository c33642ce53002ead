"""The command `replay`: runs recordings again, and makes pictures, figures, videos and maps again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from valuescape.cli.code import NO_CODE, Code, takes_code
from valuescape.cli.console import require_files, say_written
from valuescape.cli.options import Debug
from valuescape.cli.progress import progress_bar
from valuescape.cli.terminal import err, out
from valuescape.sim.errors import UsageError, escaped
from valuescape.sim.interrupts import Interrupts, leaving_at_once

if TYPE_CHECKING:
    from valuescape.provenance.containers import Kind
    from valuescape.remake.means import Means
    from valuescape.remake.remake import Remade


_Workers = Annotated[int | None, typer.Option(min=0, max=256, help="Another number of worker processes.")]
_Checkpoint = Annotated[Path | None, typer.Option(help="The checkpoint, if it is no longer where it was.")]


@takes_code
def replay(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A recording (.vsz), or a .png, .pdf, .svg or .mp4 of `run` or `analyze`."
        ),
    ],
    workers: _Workers = None,
    checkpoint: _Checkpoint = None,
    again: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The picture made again; PICTURE-again.png if not given."),
    ] = None,
    run_code: Annotated[
        bool,
        typer.Option(
            "--run-code",
            help="Allow the code that a picture names: a module of environments or plug-ins, TorchScript.",
        ),
    ] = False,
    code: Code = NO_CODE,
    debug: Debug = False,
) -> int:
    """Make a run, a picture, a figure, a video or a map again, and compare it with the first.

    A recording (--record-run, --record-session) is compared bit by bit at every recorded tick; status 1 at
    the first difference, naming tick, array and agent.

    Pictures, figures and videos of `run`, and maps of `analyze`, say in their metadata how they were made:
    configuration, seed, checkpoint, tick, view and colour scales; plots, maps and the film of a training run
    do not. Replay simulates to that tick, draws the picture again beside the first, and compares the pixels.
    Status 0 if they are equal, or differ by no more than rounding (2 of 255); 1 if they differ, and why that
    may be; 2 if the checkpoint is missing or has changed, or a plug-in is missing. Videos and maps of
    `analyze` are made again, too.

    [bold]Examples[/]

      valuescape replay run.vsz --workers 3

      valuescape replay last-frame.png

      valuescape replay figure.pdf --checkpoint models/sac.zip --out again.pdf
    """
    with Interrupts() as interrupts:
        with leaving_at_once():
            from valuescape.cli.simulate import run_replay
            from valuescape.provenance.containers import kind_of
            from valuescape.remake.means import Means

            code.load(["world.name=as recorded"])
        kind = kind_of(file)
        if kind is not None:
            return _remake(file, kind, Means(workers, checkpoint, run_code, interrupts), again)
        if again:
            raise UsageError("--out is for pictures; of a recording nothing is made")
        return run_replay(file, workers, checkpoint, interrupts)


def _remake(path: Path, kind: "Kind", means: "Means", again: Path | None) -> int:
    """Make a picture again, print how it compares, and return the exit status."""
    with leaving_at_once():
        from dataclasses import replace

        from valuescape.provenance.containers import read_provenance
        from valuescape.remake.means import named_files
        from valuescape.remake.remake import remade_path, remake, summary_of

    origin, again = read_provenance(path, kind), again or remade_path(path, kind)
    if again.suffix.lower() != path.suffix.lower() or again.resolve() == path.resolve():
        raise UsageError(f"--out {again}: expected the name of another {path.suffix or kind.suffix} file")
    require_files(out=again)
    out.say((path.name, "bold"), f": {summary_of(origin)}")
    for line in named_files(origin, means.checkpoint):
        out.say(f"reading the {line}")
    try:
        with progress_bar("making it again", 1.0) as update:

            def tell(share: float, what: str) -> None:
                update(completed=share, state=escaped(what))  # may hold a label from the file

            remade = remake(path, kind, origin, replace(means, on_progress=tell), again)
    except KeyboardInterrupt:
        err.say("interrupted")
        return 130
    return _say(remade)


def _say(remade: "Remade") -> int:
    comparison = remade.comparison
    say_written(remade.path)
    out.say(comparison.said)
    if comparison.close:
        return 0
    for reason in remade.reasons:
        out.say("  ", reason)
    if not remade.reasons:
        out.say("  driver and versions are the same: one of the two was changed after it was saved")
    return 1
