"""One table about this machine's OpenGL (`make gpu`): tests, frames up to a million agents, the field.

Needs no network and ends within eight minutes. What fails, or finds no time, says so in its row of the table,
and the rest goes on.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from runner import ROOT, ROW_TIMEOUT_S, Row, machine, run_once

from valuescape.gpu.context import create_headless_context, driver_info
from valuescape.gpu.timers import can_be_trusted

LONGEST_S = 8 * 60
FOR_TESTS_S, FOR_THE_END_S = 100, 10
"""Time kept for the tests, which come last, and for writing the table."""
CROWDS = (1_000, 10_000, 100_000, 1_000_000)
SIZES = ((1920, 1080), (2560, 1440), (3840, 2160))
EDGES = (128, 256, 512, 1024)
WIDTHS = (64, 256)
RENDERERS = ("raster", "compute")
QUICK = {"trail": 8, "size": (480, 270), "for_s": 0.02}
"""What the rows of `--small` draw: trails of 8 ticks, in a small picture."""
FOLDER = ROOT / "runs"


@dataclass(frozen=True)
class Line:
    """A row of the table: a measurement, its result in words, and as a number if it is one.

    goal: the greatest number that is good enough.
    """

    name: str
    said: str
    figure: float | None = None
    goal: float | None = None

    @property
    def result(self) -> str:
        """The result, with the goal beside it."""
        if self.goal is None:
            return self.said
        met = "missed" if self.figure is None or self.figure > self.goal else "met"
        return f"{self.said}; goal {self.goal:g} ms: {met}"


Step = tuple[str, Callable[[float], Iterator[Line]]]
"""The name of a step, and what yields its lines within so many seconds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--json", type=Path, default=FOLDER / "gpu.json", help="write the results to this file"
    )
    parser.add_argument(
        "--markdown", type=Path, default=FOLDER / "gpu.md", help="write the table to this file"
    )
    parser.add_argument("--small", action="store_true", help="only a few quick rows")
    parser.add_argument("--no-tests", action="store_true", help="leave the tests out")
    args = parser.parse_args()
    os.environ.pop("DISPLAY", None)  # through EGL
    deadline, lines = time.monotonic() + LONGEST_S - FOR_THE_END_S, []
    about = {"date": time.strftime("%Y-%m-%d"), "machine": machine(), "driver": driver()}
    for line in measured(steps(small=args.small), tests=not args.no_tests, deadline=deadline):
        print(f"{line.name}: {line.result}", flush=True)
        lines.append(line)
        save(args.json, json.dumps({**about, "rows": [asdict(each) for each in lines]}, indent=1) + "\n")
        save(args.markdown, markdown(about, lines))


def save(path: Path, text: str) -> None:
    """Write a file after each row, so that a driver that takes the machine down leaves those before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def measured(steps: list[Step], *, tests: bool, deadline: float) -> Iterator[Line]:
    """Yield each line of the table once it is measured, those of tests last; all end by `deadline`."""
    end = deadline - (FOR_TESTS_S if tests else 0)
    for name, step in steps:
        yield from tried(name, step, end - time.monotonic())
    if tests:
        yield from tried("tests marked gpu", gpu_tests, deadline - time.monotonic())


def tried(name: str, step: Callable[[float], Iterator[Line]], left_s: float) -> Iterator[Line]:
    """Yield the lines of a step; of one that fails or finds no time, a line that says so."""
    if left_s < 5:
        yield Line(name, "left out: no time")
        return
    try:
        yield from step(min(left_s, ROW_TIMEOUT_S))
    except Exception as error:  # the other steps have to go on, whatever it is
        yield Line(name, f"failed: {type(error).__name__}: {error}")


def driver() -> str:
    """Return the renderer and its version, and whether its timers can be trusted."""
    gl = create_headless_context()
    info, trusted = driver_info(gl), can_be_trusted(gl)
    gl.release()
    return f"{info.renderer}, OpenGL {info.version}; timers {'trusted' if trusted else 'not trusted'}"


def steps(*, small: bool) -> list[Step]:
    """Return what is measured, the goals first."""
    crowds, quick = CROWDS[: 1 if small else None], QUICK if small else {}
    found: list[Step] = [("valuescape doctor", doctor)]
    found += fields(small) + drawn_trails(crowds, quick) + parts(quick)
    for agents in crowds:
        found.append(_measured(row(f"{agents:,} agents", agents, **quick), frame))
        found.append(_measured(row(f"{agents:,} agents, maps", agents, "frames/layers.py", **quick), layers))
    found += [
        _measured(row(f"10,000 agents, {x} × {y}", 10_000, size=(x, y)), frame) for x, y in _sizes(small)
    ]
    found.append(_measured(row("1,000 agents over the height field", 1_000, flat=False, **quick), frame))
    found += [
        (f"program: {agents:,} agents", partial(program, agents))
        for agents in (crowds if small else CROWDS[1:])
    ]
    return found


def _sizes(small: bool) -> tuple[tuple[int, int], ...]:
    return () if small else SIZES


def drawn_trails(crowds: tuple[int, ...], quick: dict[str, Any]) -> list[Step]:
    """Return the frames in which each agent has a trail of its own, by rasteriser and by compute shader."""
    found = []
    for agents in crowds:
        for renderer in RENDERERS:
            name = f"{agents:,} agents, each with a drawn trail, {renderer}"
            args = {"ribbons": True, "set": [f"trails.renderer={renderer}"], **quick}
            goal = 1000 / 60 if agents == 1_000_000 else None
            found.append(_measured(row(name, agents, **args), partial(frame, goal=goal)))
    return found


def fields(small: bool) -> list[Step]:
    """Return the critic's field, by shaders beside machine code."""
    found = []
    for width in WIDTHS[: 1 if small else None]:
        for edge in EDGES[: 1 if small else None]:
            goal = 5.0 if (width, edge) == (256, 512) else None
            args = {"part": "field", "width": width, "edge": edge, "patience_s": 60}
            name = f"field: {edge}², twin {width}-{width}"
            found.append(_measured(part(name, **args), partial(field, goal=goal)))
    return found


def parts(quick: dict[str, Any]) -> list[Step]:
    """Return heights, uploads and timers."""
    several, sizes, agents = ((1_000,), (1,), 1_000) if quick else ((10_000, 1_000_000), (1, 8, 64), 100_000)
    drawn = [
        part(f"heights: {each:,} agents", part="heights", agents=each, ribbons=True, **quick)
        for each in several
    ]
    found = [_measured(each, heights) for each in drawn]
    found += [_measured(part(f"upload: {size} MB", part="upload", megabytes=size), upload) for size in sizes]
    found.append(_measured(part(f"timers: {agents:,} agents", part="timers", agents=agents, **quick), timers))
    return found


def row(name: str, agents: int, script: str = "frames/ours.py", **args: Any) -> Row:
    return Row(f"frame: {name}", "gpu", "valuescape", script, {"agents": agents, **args}, agents=agents)


def part(name: str, **args: Any) -> Row:
    return Row(name, "gpu", "valuescape", "opengl_parts.py", args)


def _measured(row: Row, told: Callable[[str, dict[str, Any]], Iterator[Line]]) -> Step:
    """Return the step that measures a row in a process of its own. told: its lines, from name and result."""

    def step(limit_s: float) -> Iterator[Line]:
        seconds = row.args.get("for_s", 0.2 if row.script.endswith("layers.py") else 1.0)
        found = run_once(row, seconds, limit_s)
        if "error" in found:
            yield Line(row.name, f"failed: {found['error']}")
        else:
            yield from told(row.name, found)

    return row.name, step


def frame(name: str, found: dict[str, Any], goal: float | None = None) -> Iterator[Line]:
    """Yield one kind of frame: upload, compute passes, drawing, with glFinish."""
    took = f"{found['figure']:.2f} ms (P95 {found['p95_ms']:.2f}), {found['segments']:,} segments"
    yield Line(name, took, found["figure"], goal)


def layers(name: str, found: dict[str, Any]) -> Iterator[Line]:
    """Yield the frame with each map."""
    for layer, took in found["layers"].items():
        yield Line(f"{name.removesuffix(', maps')}, map {layer}", f"{took:.2f} ms", took)


def field(name: str, found: dict[str, Any], goal: float | None = None) -> Iterator[Line]:
    """Yield the field by shaders, and how machine code compares."""
    took = f"{found['figure']:.2f} ms; machine code {found['code_ms']:.1f} ms, apart by {found['apart']:.1e}"
    yield Line(name, took, found["figure"], goal)


def heights(name: str, found: dict[str, Any]) -> Iterator[Line]:
    """Yield the time in which trails are put on the surface."""
    yield Line(name, f"{found['figure']:.2f} ms for {found['samples']:,} samples", found["figure"])


def upload(name: str, found: dict[str, Any]) -> Iterator[Line]:
    """Yield the rate of uploads."""
    read = f"a picture of 1280 × 720 read back in {found['read_ms']:.2f} ms"
    yield Line(name, f"{found['figure']:.2f} GB/s; {read}", found["figure"])


def timers(name: str, found: dict[str, Any]) -> Iterator[Line]:
    """Yield the GPU's time in each section of a frame."""
    sections = ", ".join(f"{section} {took:.2f}" for section, took in found["sections"].items())
    yield Line(name, f"GPU, ms: {sections}" if found["figure"] else "not trusted")


def doctor(limit_s: float) -> Iterator[Line]:
    """Yield whether the program finds all that it needs."""
    done = _run(["valuescape", "doctor"], limit_s)
    said = (done.stdout.strip() or done.stderr.strip() or "no output").splitlines()[-1]
    yield Line("valuescape doctor", "all set" if done.returncode == 0 else said)


def _run(module: list[str], limit_s: float) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", *module]
    return subprocess.run(command, capture_output=True, text=True, timeout=limit_s, cwd=ROOT, check=False)


def program(agents: int, limit_s: float) -> Iterator[Line]:
    """Run the whole program for eight seconds: workers, policy, the field by shaders, frames."""
    settings = [f"agents.count={agents}", "run.record=false", "health.warmup_s=3", "heatmap.backend=gpu"]
    with tempfile.TemporaryDirectory() as folder:
        command = ["valuescape", "run", "crowd", "--headless", "--seconds", "8", "--out", folder]
        done = _run([*command, *(each for setting in settings for each in ("--set", setting))], limit_s)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["no output"])[-1]
            yield Line(f"program: {agents:,} agents", f"failed: status {done.returncode}: {said}")
            return
        report = json.loads((Path(folder) / "run.json").read_text(encoding="utf-8"))
    said = (
        f"{report['fps_mean']:.1f} FPS, P95 {report['frame_ms_p95']:.1f} ms, "
        f"busy {report['busy_ms_p50']:.1f} ms, "
        f"{report['ticks_per_s']:.0f} ticks/s, {report['individuals']:,} drawn one by one, "
        f"{report['workers']} workers"
    )
    yield Line(f"program: {agents:,} agents", said, report["fps_mean"])


def gpu_tests(limit_s: float) -> Iterator[Line]:
    """Run the tests that need OpenGL, without those of pictures, which hold on the software driver alone."""
    chosen = ["-q", "-m", "gpu and not chaos", "--deselect", "tests/visual"]
    try:
        done = _run(["pytest", *chosen], limit_s)
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"").decode(errors="replace").strip().splitlines()
        yield Line("tests marked gpu", f"not done in {limit_s:.0f} s: {said[-1] if said else 'no output'}")
        return
    for line in done.stdout.splitlines():
        if line.startswith(("FAILED", "ERROR")):
            yield Line(line.split(" - ")[0], line.partition(" - ")[2])
    yield Line("tests marked gpu", (done.stdout.strip().splitlines() or ["no output"])[-1])


def markdown(about: dict[str, Any], lines: list[Line]) -> str:
    """Return the table under a line about the machine."""
    place = about["machine"]
    head = f"{about['date']}, {about['driver']}; {place['cores']} cores of {place['cpu']}. `make gpu`:"
    rows = (
        "| {} | {} |".format(*(text.replace("|", " ") for text in (each.name, each.result))) for each in lines
    )
    return "\n".join([head, "", "| | |", "|---|---|", *rows, ""])


if __name__ == "__main__":
    main()
