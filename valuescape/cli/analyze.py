"""The command `analyze`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from valuescape.cli.console import read_config, say_lines, say_written
from valuescape.cli.options import Debug, Overrides, WorldFiles
from valuescape.cli.progress import progress_bar
from valuescape.cli.terminal import out
from valuescape.cli.text_table import say_rows

if TYPE_CHECKING:
    from valuescape.analyze.analysis import Analysis, Plan
    from valuescape.sim.insight.plane import MapPlane
    from valuescape.sim.policy.network import Checkpoint


def analyze(
    checkpoint: Annotated[str, typer.Argument(help="A trained model: .zip or .safetensors.")],
    world: Annotated[str, typer.Option(help="Its world; found by its spaces if not given.")] = "",
    episodes: Annotated[int, typer.Option(min=2, max=100_000, help="Episodes to run.")] = 512,
    cells: Annotated[int, typer.Option(min=8, max=2048, help="Cells of the maps, each way.")] = 256,
    rollouts: Annotated[
        int, typer.Option(min=2, max=10_000, help="Rollouts a cell, where a policy draws its actions.")
    ] = 64,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for what is found; runs/analyze-NAME if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of starts and draws.")] = 0,
    time_limit: Annotated[
        bool, typer.Option("--time-limit", help="Let rollouts end at the world's time limit.")
    ] = False,
    entropy_coefficient: Annotated[
        float | None, typer.Option(min=0, help="SAC's alpha, where the file does not say it.")
    ] = None,
    overrides: Overrides = None,
    world_files: WorldFiles = None,
    debug: Debug = False,
) -> int:
    """Say where a critic is wrong: its values beside the returns that really follow.

    Runs episodes of the policy, and rollouts from every cell of the map; writes a report that opens offline,
    the maps as PNG and PDF, the numbers as JSON and all fields as arrays. Ctrl-C keeps what is done.

    [bold]Examples[/]

      valuescape analyze dqn-MountainCar-v0.zip

      valuescape analyze sac.zip --world pendulum --rollouts 16 --set heatmap.slice=…
    """
    from valuescape.analyze.analysis import Plan
    from valuescape.analyze.output import write
    from valuescape.analyze.verdict import verdict
    from valuescape.sim.resources import usable_cores

    changes = [*([f"world.name={world}"] if world else []), *(overrides or [])]
    critic, plane = _read(checkpoint, changes, world_files)
    folder = folder or Path("runs") / f"analyze-{Path(checkpoint).stem}"
    plan = Plan(episodes, cells, rollouts, seed, time_limit, entropy_coefficient, usable_cores())
    began = time.perf_counter()
    found = _analyze(critic, plane, plan)
    files = write(found, folder, checkpoint, time.perf_counter() - began)
    _show(found)
    say_lines(verdict(found))
    say_written(files[0])
    return 0 if found.complete else 130


def _read(source: str, changes: list[str], world_files: list[Path] | None) -> "tuple[Checkpoint, MapPlane]":
    """Return the checkpoint and the plane of its world that the settings choose. Raises UsageError."""
    from valuescape.presets import find_checkpoint
    from valuescape.sim.errors import UsageError
    from valuescape.sim.insight.plane import map_plane
    from valuescape.sim.worlds import make_world

    config = read_config(source, changes, world_files)
    world = make_world(config.world.name)
    found = find_checkpoint(config.policy.checkpoint, world)
    if found is None:
        raise UsageError(f"{source}: random actions have no critic", "name a trained model's file")
    return found, map_plane(config, world)


def _analyze(critic: "Checkpoint", plane: "MapPlane", plan: "Plan") -> "Analysis":
    from valuescape.analyze.analysis import analyze as analysis_of
    from valuescape.sim.interrupts import Interrupts

    with Interrupts() as interrupts, progress_bar(total=1.0) as update:

        def tell(what: str, share: float) -> bool:
            update(completed=share, state=what)
            return not interrupts.asked

        return analysis_of(critic, plane, plan, tell)


def _show(found: "Analysis") -> None:
    rows = [("number", "value", "95 % interval")]
    rows += [
        (name, f"{each.value:.4g}", f"{each.low:.4g} to {each.high:.4g}")
        for name, each in found.numbers.items()
    ]
    say_rows(out, rows)
