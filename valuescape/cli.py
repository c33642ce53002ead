"""The command line: the only place that prints and decides an exit status."""

import contextlib
import errno
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from sim.errors import LINES, UsageError, escaped, lines_of
from sim.interrupts import Interrupts, leaving_at_once, unfinished
from valuescape.cli_bench import bench
from valuescape.cli_checkpoints import convert, train
from valuescape.cli_impact import impact
from valuescape.cli_measure import compare, scale
from valuescape.cli_stress import stress
from valuescape.outputs import remove_if_empty, require_picture, require_writable
from valuescape.presets import presets

app = typer.Typer(
    name="valuescape",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
WorldFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--world-file", metavar="FILE.py", help="Run this Python file, and take the worlds it defines."
    ),
]
_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)


def run_cli(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status: 0 done, 1 failed, 2 bad input, 130 interrupted."""
    debug = "--debug" in (sys.argv[1:] if arguments is None else arguments)
    try:
        status = app(arguments, standalone_mode=False)
    except UsageError as error:
        return _complain(error, 2, debug)
    except typer.Exit as leave:
        return int(leave.exit_code)
    except Exception as error:
        if hasattr(error, "format_message"):
            return _refuse(error, debug)
        named_badly = isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG
        return _complain(error, 2 if named_badly else 1, debug)
    return int(status or 0)


def _refuse(error: Any, debug: bool) -> int:
    """Show what the parser has to say, which by itself would be three lines with the usage."""
    message = error.format_message()
    if message:  # there is none if all help was shown already, for want of a command
        command = error.ctx.command_path if error.ctx else app.info.name
        said = " ".join(message.splitlines())
        _complain(UsageError(said, f"`{command} --help` tells what there is"), 2, debug)
    return 2


def _complain(error: Exception, status: int, debug: bool) -> int:
    """Print an error in a few lines that fit, whatever it has in it; here and nowhere else."""
    if debug:
        traceback.print_exception(error)
        return status
    message = _in_words(error)
    lines = lines_of(message)
    if status == 1 and "Traceback" not in message:
        lines = [*lines[: LINES - 1], "  run again with --debug for the traceback"]
    _err.print(f"[bold red]valuescape:[/] {escape(chr(10).join(lines))}", soft_wrap=True)
    return status


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{escaped(str(error.filename))}: {error.strerror}"
    if isinstance(error, MemoryError):
        return "there is not enough memory for this"
    return str(error) or type(error).__name__


@app.callback()
def _about() -> None:
    """See what a reinforcement-learning critic believes, and what a crowd of agents does about it.

    [bold]Start with[/]  valuescape run demo

    [bold]Your own[/]    valuescape run demo --set world.name=pendulum --set policy.checkpoint=model.zip

    [bold]In trouble[/]  valuescape doctor
    """
    # From here on there may be something to undo; until now `valuescape.__main__` ended at once.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@app.command()
def run(
    preset: Annotated[
        str, typer.Argument(help="A preset (see `valuescape presets`), a FILE.toml, or a trained MODEL.zip.")
    ] = "demo",
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change a setting; may be given often."),
    ] = None,
    headless: Annotated[bool, typer.Option("--headless", help="Open no window, write files.")] = False,
    frames: Annotated[int | None, typer.Option(min=1, help="End after so many frames.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.001, help="End after so many seconds.")] = None,
    ticks: Annotated[int | None, typer.Option(min=1, help="End at exactly this tick.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for what the run makes; runs/TIME if not given.")
    ] = None,
    record: Annotated[Path | None, typer.Option(help="Write a video; ticks then wait for frames.")] = None,
    screenshot: Annotated[Path | None, typer.Option(help="Write the last frame as a PNG.")] = None,
    profile: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write where time went, in all processes: .json or .csv (statistics), .trace (Perfetto).",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all randomness, as run.seed.")] = None,
    checksum: Annotated[
        bool,
        typer.Option(
            "--checksum",
            help="Simulate only, as fast as can be, and print the hash of tick --ticks. The same for any "
            "number of workers; with a network's actions not for other settings of features.simd.",
        ),
    ] = False,
    record_run: Annotated[
        Path | None,
        typer.Option(metavar="FILE.vsz", help="Simulate only, to --ticks, and write what `replay` compares."),
    ] = None,
    record_every: Annotated[
        int | None, typer.Option(min=1, help="Ticks between two states in --record-run; a 20th of the run.")
    ] = None,
    world_files: WorldFiles = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> int:
    """Show a trained critic's landscape with its agents: in a window, or headless into files.

    Without a screen it runs headless by itself. At the end it prints how the run stood to five health limits
    and writes the same to run.json.

    [bold]Examples[/]

      valuescape run demo

      valuescape run demo --headless --seconds 10 --out runs/try

      valuescape run demo --set world.name=point_mass --set agents.count=1000 --set workers.count=2

      valuescape run demo --set policy.checkpoint=sac.zip --record landscape.mp4

      valuescape run demo --ticks 10000 --checksum --record-run run.vsz
    """
    with Interrupts() as interrupts:
        with leaving_at_once():
            from render.display import display_available
            from sim import compiling
            from sim.config import load_config
            from sim.paths import require_replaceable
            from valuescape import remarks
            from valuescape.cli_simulation import (
                SimulationOrder,
                load_world_files,
                require_simulation,
                run_simulation,
            )
            from valuescape.model_files import preset_of
            from valuescape.presets import config_path
            from valuescape.profile_files import require_profile

            compiling.listen(_say_that_it_compiles)
            load_world_files(world_files)
            remarks.listen(lambda remark: _err.print(remark, markup=False, soft_wrap=True))
            changes = [*(overrides or []), *([f"run.seed={seed}"] if seed is not None else [])]
            preset, changes = preset_of(preset, changes)
            config = load_config(config_path(preset), changes)
        if checksum or record_run or record_every:
            refused = {
                "--frames": frames,
                "--seconds": seconds,
                "--record": record,
                "--screenshot": screenshot,
                "--profile": profile,
            }
            order = SimulationOrder(ticks, checksum, record_run, record_every)
            require_simulation(order, [name for name, value in refused.items() if value is not None])
            return run_simulation(config, order, interrupts, _out, _err)
        headless = headless or not display_available()
        folder = out or Path("runs") / time.strftime("%Y-%m-%d-%H%M%S")
        for option, path in {"--record": record, "--screenshot": screenshot, "--profile": profile}.items():
            if path:
                require_replaceable(path, option)
        if screenshot:
            require_picture(screenshot)
        if profile:
            require_profile(profile)
        if record:
            require_writable("--record", record.parent)
        require_writable("--out", folder)
        if record is None and headless and config.run.record:
            record = folder / "run.mp4"
        try:
            paths = folder, record, screenshot, profile
            with unfinished(folder) if out is None else contextlib.nullcontext():
                return _run(config, headless, (frames, seconds, ticks), paths, interrupts)
        finally:
            if out is None:
                remove_if_empty(folder)


def _say_that_it_compiles() -> None:
    said = "compiling the simulation for this machine: a quarter of a minute, the first time only"
    _err.print(said, soft_wrap=True)


def _run(
    config: Any,
    headless: bool,
    length: tuple[int | None, float | None, int | None],
    paths: tuple[Path, Path | None, Path | None, Path | None],
    interrupts: Interrupts,
) -> int:
    with leaving_at_once():
        from valuescape.length import RunLength
        from valuescape.results import Outputs
        from valuescape.session import Session
        from valuescape.tables import progress_bar, show_result

    if headless and length == (None, None, None):
        length = (None, config.run.seconds, None)
    interrupts.check()
    with (
        Session(
            config, RunLength(*length), Outputs(*paths), headless=headless, interrupts=interrupts
        ) as session,
        progress_bar(_err, session, headless=headless) as on_progress,
    ):
        interrupts.check()
        result = session.run(on_progress)
    show_result(_out, result, config)
    return 130 if result.interrupted else 0


@app.command()
def replay(
    recording: Annotated[Path, typer.Argument(metavar="RUN.vsz", help="What --record-run has written.")],
    workers: Annotated[
        int | None, typer.Option(min=0, max=256, help="Another number of worker processes.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="The checkpoint, if it is no longer where it was recorded.")
    ] = None,
    world_files: WorldFiles = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> int:
    """Make a recorded run again and compare it, bit by bit, at every tick the recording keeps.

    Ends with status 1 at the first difference, naming the tick, the array and the first agent.

    [bold]Example[/]  valuescape replay run.vsz --workers 3
    """
    with Interrupts() as interrupts:
        with leaving_at_once():
            from valuescape.cli_simulation import load_world_files, run_replay

            load_world_files(world_files)
        return run_replay(recording, workers, checkpoint, interrupts, _out, _err)


@app.command(name="presets")
def show_presets() -> None:
    """List the presets: configurations that come with the program."""
    for name, summary in presets().items():
        _out.print(f"[bold]{name:12}[/] {escape(summary)}", soft_wrap=True)


@app.command()
def settings(
    section: Annotated[str | None, typer.Argument(help="Only this section.")] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="All of them, as docs/configuration.md has them.")
    ] = False,
) -> None:
    """List every setting: its default and what it means. For --set and for configuration files."""
    from valuescape.settings import settings_markdown, show_settings

    if markdown:
        _out.print(settings_markdown(), markup=False, soft_wrap=True, end="")
    else:
        show_settings(_out, section)


@app.command()
def checkpoints(
    episodes: Annotated[
        int, typer.Option(min=0, help="Measure the mean return again, over so many episodes.")
    ] = 0,
) -> None:
    """List the trained checkpoints that come with the program, and how each was made.

    [bold]Example[/]  valuescape checkpoints --episodes 100
    """
    from valuescape.checkpoints import show_checkpoints

    show_checkpoints(_out, episodes)


@app.command()
def doctor() -> int:
    """Say what this machine has to offer, what is missing, and how to get it."""
    from valuescape.doctor import examine

    return examine(_out)


app.command()(scale)
app.command()(stress)
app.command()(impact)
app.command()(bench)
app.command()(compare)
app.command()(convert)
app.command()(train)
