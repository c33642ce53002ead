"""Commands that measure: `scale` and `compare`."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from valuescape.cli.console import (
    Debug,
    HtmlFile,
    JsonFile,
    Overrides,
    Preset,
    WorldFiles,
    progress_bar,
    read_config,
    require_files,
    say_lines,
    say_written,
    write_json,
)
from valuescape.cli.terminal import out
from valuescape.cli.text_table import say_rows
from valuescape.formatting import finite, shown
from valuescape.sim.errors import UsageError

_Workers = Annotated[
    str | None,
    typer.Option(show_default="0,1,2", help="Numbers of worker processes; 0 steps in this one."),
]
_Agents = Annotated[str | None, typer.Option(show_default="100,1000,10000,100000", help="Numbers of agents.")]
_Seconds = Annotated[float | None, typer.Option(min=0.05, show_default="1.0", help="Of each measurement.")]
_Frames = Annotated[
    int | None, typer.Option(min=0, show_default="60", help="Frames of each; 0 measures no pictures.")
]
_Repeats = Annotated[
    int | None, typer.Option(min=1, show_default="3", help="Times that each is measured, in mixed order.")
]
_Sweep = Annotated[
    Path | None,
    typer.Option(
        "--sweep",
        metavar="FILE.toml",
        help="What to measure: workers, agents, seconds, frames, repeats, and [settings] with lists of "
        "values. Options given beside it come first.",
    ),
]


def scale(
    preset: Preset = "demo",
    workers: _Workers = None,
    agents: _Agents = None,
    world: Annotated[str | None, typer.Option(help="Another world than the preset's.")] = None,
    seconds: _Seconds = None,
    frames: _Frames = None,
    repeats: _Repeats = None,
    sweep: _Sweep = None,
    overrides: Overrides = None,
    world_files: WorldFiles = None,
    as_json: JsonFile = None,
    report: HtmlFile = Path("runs/scale.html"),
    write: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="Write a configuration with the best number of workers."),
    ] = None,
    debug: Debug = False,
) -> int:
    """Measure how a run scales with workers and agents, and say how many workers this machine should use.

    Ticks and agent-steps a second, frames, handing a tick over, memory. More workers are advised only where
    they are faster beyond what repeats differ by. Ctrl-C keeps what was measured.

    [bold]Examples[/]

      valuescape scale

      valuescape scale --workers 0,1,2,4 --agents 1000,100000 --world pendulum --frames 0

      valuescape scale --sweep sweep.toml --json scale.json

      valuescape scale --write mine.toml && valuescape run mine.toml
    """
    from valuescape.sim.interrupts import Interrupts
    from valuescape.studies.scale import measure

    given = {
        "workers": _numbers("--workers", workers, 0),
        "agents": _numbers("--agents", agents, 1),
        "seconds": seconds,
        "frames": frames,
        "repeats": repeats,
    }
    changes = [*(overrides or []), *([f"world.name={world}", "policy.checkpoint=auto"] if world else [])]
    config = read_config(preset, changes, world_files)
    plan = _plan(config, given, sweep, write)
    require_files(report=report, json=as_json, write=write)
    cells: Sequence[Any] = ()
    with Interrupts() as interrupts, progress_bar() as bar:
        task = bar.add_task("scale", total=len(plan.cells()) * plan.repeats, state="")
        for cells in measure(config, plan, interrupts, lambda text: bar.update(task, state=text)):  # noqa: B007
            bar.advance(task)
        interrupted = interrupts.asked
    if not any(each.ticks_per_s for each in cells):
        return 130 if interrupted else 1
    _tell_scale(config, cells, plan, (as_json, report, write), preset)
    return 130 if interrupted else 0


def compare(
    before: Annotated[Path, typer.Argument(metavar="A.json", help="A report.")],
    after: Annotated[Path, typer.Argument(metavar="B.json", help="A later one of the same kind.")],
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            metavar="SHARE",
            help="Figures may be worse by this share (0.1: a tenth), instead of the bounds above.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write an HTML report too.")] = None,
    debug: Debug = False,
) -> int:
    """Compare two runs, or two reports of scale, stress (soaks and chaos too), impact or bench.

    Says first in which settings they differ, and whether they come from another machine or other versions.

    Ends with status 1 if a frame, or a section of it, takes over 10 ms more, a limit broke, less is carried,
    something grows or comes out another way, or a micro-benchmark takes twice as long. With --tolerance, if
    any time, rate or load is worse by more than that share; a time also has to be half a millisecond longer.

    [bold]Examples[/]

      valuescape compare runs/before/run.json runs/after/run.json

      valuescape compare docs/bench/scale.json mine.json --tolerance 0.2
    """
    from valuescape.studies.compare import compare as compare_reports
    from valuescape.studies.compare import read_report

    earlier, later = read_report(before), read_report(after)
    found = compare_reports(earlier, later, tolerance)
    rows = [
        ["", "before", "after", "change"],
        *([name, shown(a, 2), shown(b, 2), _change(a, b)] for name, a, b in found.rows),
    ]
    warnings, reasons = found.warnings(), [f"worse: {each}" for each in found.reasons]
    lines = reasons or [_as_good(tolerance)]
    if as_json:
        _print_json(found, {"before": _about(before, earlier), "after": _about(after, later)}, tolerance)
    else:
        say_lines(warnings, "bold yellow")
        say_rows(out, rows)
        say_lines(lines, "bold red" if reasons else "green")
    if report:
        from valuescape.studies.html_report import Chapter, write_html

        write_html(report, f"{before} and {after}", [*warnings, *lines], [Chapter("Figures", table=rows)])
        if not as_json:
            say_written(report)
    return 1 if reasons else 0


def _as_good(tolerance: float | None) -> str:
    if tolerance is None:
        return "no section grew by more than 10 ms, no limit broke"
    return f"nothing is worse by more than {tolerance:.0%}, no limit broke"


def _print_json(found: Any, compared: dict[str, Any], tolerance: float | None) -> None:
    from valuescape.run.report import about

    figures = [{"name": name, "before": finite(a), "after": finite(b)} for name, a, b in found.rows]
    different = [asdict(each) for each in found.differences]
    said = {
        "differences": different,
        "rows": figures,
        "reasons": found.reasons,
        **about({**compared, "tolerance": tolerance}),
    }
    out.print(json.dumps(said, indent=2, allow_nan=False))


def _about(path: Path, report: Any) -> dict[str, Any]:
    """Return what a report that was compared says of itself."""
    return {
        "file": str(path),
        **{name: getattr(report, name) for name in ("command", "date", "machine", "config")},
    }


def _numbers(option: str, text: str | None, least: int) -> tuple[int, ...] | None:
    """Read `1,2,4`; None if nothing was given. Raises UsageError for anything else."""
    if text is None:
        return None
    try:
        numbers = tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < least:
        raise UsageError(f"{option} {text}: expected whole numbers from {least} with commas between them")
    return numbers


def _plan(config: Any, given: dict[str, Any], sweep: Path | None, write: Path | None) -> Any:
    """Return what to measure: what was given, else what the sweep's file says, else the usual.

    Raises UsageError if that cannot be run.
    """
    from valuescape.run.validate import validate
    from valuescape.sim.config.files import changed
    from valuescape.studies.scale import ScalePlan
    from valuescape.studies.sweep import read_sweep, require_size

    from_file = read_sweep(sweep) if sweep else {}
    plan = ScalePlan(**from_file | {name: value for name, value in given.items() if value is not None})
    require_size(plan)
    if write and len(plan.settings) > 1:
        raise UsageError(f"--write {write}: the sweep has {len(plan.settings)} settings, expected one")
    for settings in plan.settings:
        validate(changed(config, dict(settings)))
    return plan


def _tell_scale(
    config: Any, cells: Sequence[Any], plan: Any, where: tuple[Path | None, Path, Path | None], preset: str
) -> None:
    from valuescape.studies.scale import as_json as scale_json
    from valuescape.studies.scale import judge_all
    from valuescape.studies.scale_report import scale_table, settings_title, verdict_lines, write_scale_html

    json_path, html_path, toml_path = where
    for settings, verdict in judge_all(cells):
        some = [each for each in cells if each.settings == settings]
        say_rows(out, scale_table(some, verdict, spread=False), keys=2, title=settings_title(settings))
        say_lines(verdict_lines(verdict, plan.repeats))
    write_scale_html(html_path, config, cells, plan.repeats)
    say_written(html_path)
    write_json(json_path, scale_json(cells, plan), config)
    if toml_path:
        _write_config(toml_path, config, preset, *judge_all(cells)[0])
        say_written(toml_path)


def _write_config(path: Path, config: Any, preset: str, settings: Any, verdict: Any) -> None:
    """Write the configuration that was measured, with the workers that served its crowd's size best."""
    from valuescape.sim.config.files import changed
    from valuescape.sim.config.toml_writer import config_toml

    nearest = min(verdict.best, key=lambda crowd: abs(math.log(crowd / config.agents.count)))
    best = changed(config, {**settings, "workers.count": verdict.best[nearest]})
    found = f"with the workers that `valuescape scale` found best here for {nearest:,} agents"
    path.write_text(f"# {Path(preset).stem}, {found}\n{config_toml(best)}", encoding="utf-8")


def _change(earlier: float, later: float) -> str:
    return "–" if math.isnan(later - earlier) else f"{later - earlier:+,.2f}"
