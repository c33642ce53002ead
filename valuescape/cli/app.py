"""The program's commands, and the way in: errors become messages and exit statuses here alone."""

import errno
import signal
import sys
import traceback
from importlib.metadata import version as version_of
from typing import Annotated, Any

import typer

from valuescape.cli.analyze import analyze
from valuescape.cli.attach import attach
from valuescape.cli.bench import bench
from valuescape.cli.compare import compare
from valuescape.cli.convert import convert, train
from valuescape.cli.help_text import Commands
from valuescape.cli.impact import impact
from valuescape.cli.inspect import inspect
from valuescape.cli.plugins import plugins
from valuescape.cli.replay import replay
from valuescape.cli.run import run
from valuescape.cli.scale import scale
from valuescape.cli.stress import stress
from valuescape.cli.terminal import err, out
from valuescape.presets import presets
from valuescape.sim.errors import LINES, UsageError, escaped, lines_of

app = typer.Typer(
    name="valuescape",
    cls=Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    """Show the parser's message in one line instead of three; returns the exit status."""
    message = error.format_message()
    if message:  # empty if no command was given, after which all help has been shown
        command = error.ctx.command_path if error.ctx else app.info.name
        said = " ".join(message.splitlines())
        _complain(UsageError(said, f"`{command} --help` tells what there is"), 2, debug)
    return 2


def _complain(error: Exception, status: int, debug: bool) -> int:
    """Print an error in a few lines of limited length, or its traceback; returns `status`."""
    if debug:
        traceback.print_exception(error)
        return status
    message = _in_words(error)
    lines = lines_of(message)
    if status == 1 and "Traceback" not in message:
        lines = [*lines[: LINES - 1], "  run again with --debug for the traceback"]
    err.say(("valuescape:", "bold red"), f" {chr(10).join(lines)}")
    return status


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{escaped(str(error.filename))}: {error.strerror}"
    if isinstance(error, MemoryError):
        return "there is not enough memory for this"
    return str(error) or type(error).__name__


@app.callback(invoke_without_command=True)
def _about(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and end.")] = False,
) -> None:
    """See what a reinforcement-learning critic believes, and what a crowd of agents does about it.

    [bold]Start with[/]  valuescape run demo

    [bold]Your own[/]    valuescape inspect model.pt, then the command that it prints

    [bold]In trouble[/]  valuescape doctor
    """
    # A command may have work to undo, so Ctrl-C raises from here on; `valuescape.__main__` ended at once.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if version:
        out.say(f"valuescape {version_of('valuescape')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        context.get_help()  # which prints it


app.command()(run)
app.command()(attach)


app.command()(replay)


@app.command(name="presets")
def show_presets() -> None:
    """List the presets: configurations that come with the program."""
    for name, summary in presets().items():
        out.say((f"{name:12}", "bold"), f" {summary}")


@app.command()
def settings(
    section: Annotated[str | None, typer.Argument(help="Only this section.")] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="All of them, as docs/configuration.md has them.")
    ] = False,
) -> None:
    """List every setting: its default and what it means. For --set and for configuration files."""
    from valuescape.cli.settings import settings_markdown, show_settings

    if markdown:
        out.print(settings_markdown(), end="")
    else:
        show_settings(out, section)


app.command()(plugins)


@app.command()
def checkpoints(
    episodes: Annotated[
        int, typer.Option(min=0, help="Measure the mean return again, over so many episodes.")
    ] = 0,
) -> None:
    """List the trained checkpoints that come with the program, and how each was made.

    [bold]Example[/]  valuescape checkpoints --episodes 100
    """
    from valuescape.cli.shipped import show_checkpoints

    show_checkpoints(out, episodes)


@app.command()
def doctor() -> int:
    """Check this machine: OpenGL, torch, cores, memory; say what is missing and how to install it."""
    from valuescape.cli.doctor import examine

    return examine(out)


app.command()(inspect)
app.command()(analyze)
app.command()(scale)
app.command()(stress)
app.command()(impact)
app.command()(bench)
app.command()(compare)
app.command()(convert)
app.command()(train)
