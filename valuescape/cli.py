"""The command line: the only place that prints and decides an exit status."""

import contextlib
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from sim.errors import UsageError
from sim.interrupts import Interrupts
from valuescape.presets import presets

app = typer.Typer(
    name="valuescape",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
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
        return _complain(error, 1, debug)
    return int(status or 0)


def _refuse(error: Any, debug: bool) -> int:
    """Show what the parser has to say, which by itself would be three lines with the usage."""
    message = error.format_message()
    if message:  # there is none if all help was shown already, for want of a command
        command = error.ctx.command_path if error.ctx else app.info.name
        _complain(UsageError(message, f"`{command} --help` tells what there is"), 2, debug)
    return 2


def _complain(error: Exception, status: int, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    else:
        message = str(error) or type(error).__name__
        _err.print(f"[bold red]valuescape:[/] {escape(message)}", soft_wrap=True)
        if status == 1 and not isinstance(error, UsageError):
            _err.print("  run again with --debug for the traceback", soft_wrap=True)
    return status


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
        str, typer.Argument(help="A preset (see `valuescape presets`) or a FILE.toml.")
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
    seed: Annotated[int | None, typer.Option(help="Seed of all randomness, as run.seed.")] = None,
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
    """
    with Interrupts() as interrupts:
        from render.display import display_available
        from sim.config import load_config
        from valuescape.presets import config_path

        changes = [*(overrides or []), *([f"run.seed={seed}"] if seed is not None else [])]
        config = load_config(config_path(preset), changes)
        headless = headless or not display_available()
        folder = out or Path("runs") / time.strftime("%Y-%m-%d-%H%M%S")
        if screenshot:
            _require_picture(screenshot)
        if record:
            _require_writable("--record", record.parent)
        _require_writable("--out", folder)
        if record is None and headless and config.run.record:
            record = folder / "run.mp4"
        try:
            return _run(config, headless, (frames, seconds, ticks), (folder, record, screenshot), interrupts)
        finally:
            if out is None:
                _remove_if_empty(folder)


def _run(
    config: Any,
    headless: bool,
    length: tuple[int | None, float | None, int | None],
    paths: tuple[Path, Path | None, Path | None],
    interrupts: Interrupts,
) -> int:
    from valuescape.length import RunLength
    from valuescape.session import Outputs, Session
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


def _require_writable(option: str, folder: Path) -> None:
    """Make `folder` if need be. Raises UsageError if nothing can be written to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"{option} {folder}: cannot be made, for there is a file of that name") from None
    except OSError as error:
        raise UsageError(
            f"{option} {folder}: cannot be written ({error.strerror})", "name a folder you may write"
        ) from None


def _remove_if_empty(folder: Path) -> None:
    """Leave no folder of our own naming for a run that came to nothing."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def _require_picture(path: Path) -> None:
    """Raise UsageError now if the picture could not be written when the run is over."""
    if path.suffix.lower() != ".png" or path.is_dir():
        raise UsageError(f"--screenshot {path}: expected the name of a .png file")
    _require_writable("--screenshot", path.parent)


@app.command(name="presets")
def show_presets() -> None:
    """List the presets: configurations that come with the program."""
    for name, summary in presets().items():
        _out.print(f"[bold]{name:12}[/] {escape(summary)}", soft_wrap=True)


@app.command()
def settings(
    section: Annotated[str | None, typer.Argument(help="Only this section.")] = None,
) -> None:
    """List every setting: its default and what it means. For --set and for configuration files."""
    from valuescape.settings import show_settings

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


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="A Stable-Baselines3 .zip, or a Valuescape .safetensors.")],
    out: Annotated[Path, typer.Argument(help="The .safetensors file to write.")],
    world: Annotated[str, typer.Option(help="The world it was trained in.")],
    vecnormalize: Annotated[
        Path | None, typer.Option(help="VecNormalize's pickle; only arrays are read, no code runs.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Turn a Stable-Baselines3 checkpoint into Valuescape's own format.

    Needed when observations were normalised in training: the statistics are in a file of their own.

    [bold]Example[/]

      valuescape convert ppo.zip ppo.safetensors --world mountain_car --vecnormalize vecnormalize.pkl
    """
    from sim.policy.loading import convert as convert_checkpoint

    checkpoint = convert_checkpoint(source, out, world, vecnormalize)
    _out.print(f"wrote {out}: {checkpoint.algorithm.upper()} for {checkpoint.world}", soft_wrap=True)


@app.command()
def train(
    world: Annotated[str, typer.Argument(help="The world to train in.")],
    algo: Annotated[str, typer.Option(help="sac, td3, ddpg, dqn, ppo or a2c.")] = "sac",
    timesteps: Annotated[
        int | None, typer.Option(min=1, help="Environment steps; the algorithm's default if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the training.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="File to write; WORLD-ALGO.safetensors if not given.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Train a policy and its critic with Stable-Baselines3 (extra `train`) and write a checkpoint.

    [bold]Example[/]  valuescape train pendulum --algo sac --seed 1 --out pendulum.safetensors
    """
    from sim.worlds import make_world
    from valuescape.training import check_algorithm, default_timesteps
    from valuescape.training import train as train_checkpoint

    made_in = make_world(world)
    check_algorithm(made_in, algo)
    steps = timesteps or default_timesteps(made_in, algo)
    command = f"valuescape train {world} --algo {algo} --timesteps {steps} --seed {seed}"
    path = out or Path(f"{world}-{algo}.safetensors")
    checkpoint = train_checkpoint(
        made_in, algo, path, timesteps=steps, seed=seed, command=command, show_progress=True
    )
    training = checkpoint.training
    _out.print(
        f"wrote {path}: mean return {training.mean_return:.1f} ± {training.std_return:.1f} "
        f"over {training.episodes} episodes",
        soft_wrap=True,
    )
