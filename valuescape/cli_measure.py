"""Commands that measure: `scale` and `compare`."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from sim.errors import UsageError
from valuescape.cli_parts import (
    Debug,
    HtmlFile,
    JsonFile,
    Overrides,
    Preset,
    out,
    progress_bar,
    require_files,
    say_lines,
    say_table,
    say_written,
    write_json,
)
from valuescape.figures import finite, shown


def scale(
    preset: Preset = "demo",
    workers: Annotated[str, typer.Option(help="Numbers of worker processes; 0 steps in this one.")] = "0,1,2",
    agents: Annotated[str, typer.Option(help="Numbers of agents.")] = "100,1000,10000,100000",
    world: Annotated[str | None, typer.Option(help="Another world than the preset's.")] = None,
    seconds: Annotated[float, typer.Option(min=0.05, help="Of each measurement.")] = 1.0,
    frames: Annotated[int, typer.Option(min=0, help="Frames of each; 0 measures no pictures.")] = 60,
    repeats: Annotated[int, typer.Option(min=1, help="Times that each is measured, in mixed order.")] = 3,
    overrides: Overrides = None,
    as_json: JsonFile = None,
    report: HtmlFile = Path("runs/scale.html"),
    write: Annotated[
        Path | None, typer.Option(help="Write a configuration with the best number of workers.")
    ] = None,
    debug: Debug = False,
) -> int:
    """Measure how a run scales with workers and agents, and say how many workers this machine should use.

    Ticks and agent-steps a second, frames, handing a tick over, memory. Ctrl-C keeps what was measured.

    [bold]Examples[/]

      valuescape scale

      valuescape scale --workers 0,1,2,4 --agents 1000,100000 --world pendulum --frames 0

      valuescape scale --write mine.toml && valuescape run mine.toml
    """
    from sim.config import load_config
    from sim.interrupts import Interrupts
    from valuescape.presets import config_path
    from valuescape.scale import ScalePlan, measure
    from valuescape.stage import runnable

    plan = ScalePlan(
        _numbers("--workers", workers, 0), _numbers("--agents", agents, 1), seconds, frames, repeats
    )
    changes = [*(overrides or []), *([f"world.name={world}", "policy.checkpoint=auto"] if world else [])]
    config = load_config(config_path(preset), changes)
    runnable(config)
    require_files(report=report, json=as_json, write=write)
    cells: Sequence[Any] = ()
    with Interrupts() as interrupts, progress_bar() as bar:
        task = bar.add_task("scale", total=len(plan.cells) * repeats, state="")
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report too.")] = None,
    debug: Debug = False,
) -> int:
    """Compare two runs, or two reports of scale, stress (soaks and chaos too), impact or bench.

    Says first in which settings they differ, and whether they come from another machine or other versions.

    Ends with status 1 if a frame, or a section of it, takes over 10 ms more, a limit broke, less is carried,
    something grows or comes out another way, or a micro-benchmark takes twice as long.

    [bold]Examples[/]

      valuescape compare runs/before/run.json runs/after/run.json

      valuescape compare docs/bench/scale.json mine.json
    """
    from valuescape.compare import compare as compare_reports
    from valuescape.compare import read_report

    found = compare_reports(read_report(before), read_report(after))
    rows = [
        ["", "before", "after", "change"],
        *([name, shown(a, 2), shown(b, 2), _change(a, b)] for name, a, b in found.rows),
    ]
    warnings, reasons = found.warnings(), [f"worse: {each}" for each in found.reasons]
    lines = reasons or ["no section grew by more than 10 ms, no limit broke"]
    if as_json:
        figures = [{"name": name, "before": finite(a), "after": finite(b)} for name, a, b in found.rows]
        different = [asdict(each) for each in found.differences]
        out.print_json(json.dumps({"differences": different, "rows": figures, "reasons": found.reasons}))
    else:
        say_lines(warnings, "bold yellow")
        say_table(rows)
        say_lines(lines, "bold red" if reasons else "green")
    if report:
        from valuescape.html_report import Chapter, write_html

        write_html(report, f"{before} and {after}", [*warnings, *lines], [Chapter("Figures", table=rows)])
        if not as_json:
            say_written(report)
    return 1 if reasons else 0


def _numbers(option: str, text: str, least: int) -> tuple[int, ...]:
    """Read `1,2,4`. Raises UsageError for anything else."""
    try:
        numbers = tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < least:
        raise UsageError(f"{option} {text}: expected whole numbers from {least} with commas between them")
    return numbers


def _tell_scale(
    config: Any, cells: Sequence[Any], plan: Any, where: tuple[Path | None, Path, Path | None], preset: str
) -> None:
    from valuescape.scale import as_json as scale_json
    from valuescape.scale import judge
    from valuescape.scale_report import scale_table, verdict_lines, write_scale_html

    verdict = judge(cells)
    json_path, html_path, toml_path = where
    say_table(scale_table(cells, verdict, spread=False))
    say_lines(verdict_lines(verdict))
    write_scale_html(html_path, config, cells, verdict)
    say_written(html_path)
    write_json(json_path, scale_json(cells, verdict, plan))
    if toml_path:
        _write_config(toml_path, config, preset, verdict)
        say_written(toml_path)


def _write_config(path: Path, config: Any, preset: str, verdict: Any) -> None:
    """Write the configuration that was measured, with the workers that served its crowd's size best."""
    from sim.config import changed
    from valuescape.config_files import config_toml

    nearest = min(verdict.best, key=lambda crowd: abs(math.log(crowd / config.agents.count)))
    best = changed(config, {"workers.count": verdict.best[nearest]})
    found = f"with the workers that `valuescape scale` found best here for {nearest:,} agents"
    path.write_text(f"# {Path(preset).stem}, {found}\n{config_toml(best)}", encoding="utf-8")


def _change(earlier: float, later: float) -> str:
    return "–" if math.isnan(later - earlier) else f"{later - earlier:+,.2f}"
