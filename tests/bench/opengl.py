"""One table about this machine's OpenGL (`make gpu`): tests, frames up to a million agents, the field.

Needs no network and ends within eight minutes; the table says where it was cut short.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from critic_field import median_ms, twin_critics
from runner import ROOT, Row, machine, run_once

from valuescape.gpu.context import create_headless_context, driver_info
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.critic import CriticPass
from valuescape.gpu.timers import can_be_trusted

LONGEST_S = 8 * 60
CROWDS = (1_000, 10_000, 100_000, 1_000_000)
SIZES = ((1920, 1080), (3840, 2160))
EDGES = (128, 256, 512, 1024)
WIDTHS = (64, 256)
Line = tuple[str, str]
"""A measurement and its result."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--markdown", type=Path, help="write the table to this file")
    parser.add_argument("--small", action="store_true", help="only a few quick rows")
    parser.add_argument("--no-tests", action="store_true", help="leave the tests out")
    args = parser.parse_args()
    deadline, lines = time.monotonic() + LONGEST_S, []
    for line in measured(small=args.small, tests=not args.no_tests, deadline=deadline):
        print(f"{line[0]}: {line[1]}", flush=True)
        lines.append(line)
    about = {"date": time.strftime("%Y-%m-%d"), "machine": machine(), "driver": driver()}
    if args.json:
        args.json.write_text(json.dumps({**about, "rows": dict(lines)}, indent=1) + "\n", encoding="utf-8")
    if args.markdown:
        args.markdown.write_text(markdown(about, lines), encoding="utf-8")


def measured(*, small: bool, tests: bool, deadline: float) -> Iterator[Line]:
    """Yield each line of the table once it is measured; no step begins after `deadline`."""
    steps = [lambda: doctor(), lambda: fields(small)]
    steps += [lambda row=row: frames(row) for row in frame_rows(small)]
    steps += [lambda agents=agents: program(agents) for agents in (CROWDS[:1] if small else CROWDS[1:])]
    steps += [lambda: gpu_tests(deadline)] if tests else []
    for step in steps:
        if time.monotonic() > deadline:
            yield "stopped", f"no time for more after {LONGEST_S // 60} minutes"
            return
        yield from step()


def driver() -> str:
    """Return the renderer and its version, and whether its timers can be trusted."""
    gl = create_headless_context()
    info, trusted = driver_info(gl), can_be_trusted(gl)
    gl.release()
    return f"{info.renderer}, OpenGL {info.version}; timers {'trusted' if trusted else 'not trusted'}"


def doctor() -> Iterator[Line]:
    """Yield whether the program finds all that it needs."""
    done = subprocess.run(
        [sys.executable, "-m", "valuescape", "doctor"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    yield "valuescape doctor", "all set" if done.returncode == 0 else done.stdout.strip().splitlines()[-1]


def frame_rows(small: bool) -> Iterator[Row]:
    """Yield the pictures to time: crowds, every trail a ribbon, sizes."""
    for agents in CROWDS[:1] if small else CROWDS:
        yield row(f"{agents:,} agents, 1280 × 720", agents)
        yield row(f"{agents:,} agents, each with a drawn trail", agents, ribbons=True)
    for size in () if small else SIZES:
        yield row(f"10,000 agents, {size[0]} × {size[1]}", 10_000, size=size)
    yield row("1,000 agents over the height field", 1_000, flat=False)


def row(name: str, agents: int, **args: Any) -> Row:
    return Row(name, "gpu", "valuescape", "frames/ours.py", {"agents": agents, **args}, agents=agents)


def frames(row: Row) -> Iterator[Line]:
    """Time one kind of frame: upload, compute passes, drawing, with glFinish."""
    found = run_once(row, seconds=2.0)
    if "error" in found:
        yield f"frame: {row.name}", found["error"]
        return
    took = f"{found['figure']:.2f} ms (P95 {found['p95_ms']:.2f}), {found['segments']:,} segments"
    yield f"frame: {row.name}", took


def fields(small: bool) -> Iterator[Line]:
    """Time the critic's field, and compare it with torch."""
    gl = create_headless_context()
    for width in WIDTHS[: 1 if small else None]:
        for edge in EDGES[: 1 if small else None]:
            checkpoint = twin_critics(width)
            obs = np.random.default_rng(0).standard_normal((3, edge * edge)).astype(np.float32)
            field = CriticPass(gl, checkpoint, edge, FrameMeter())

            def compute(field: CriticPass = field, obs: np.ndarray = obs) -> None:
                field.compute(obs)
                gl.finish()

            yield f"field: {edge}², twin {width}-{width}", f"{median_ms(compute):.2f} ms"
            field.release()
    gl.release()


def program(agents: int) -> Iterator[Line]:
    """Run the whole program for ten seconds: workers, policy, frames."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "valuescape", "run", "crowd", "--headless", "--seconds", "10"]
        command += ["--out", folder, "--set", f"agents.count={agents}", "--set", "run.record=false"]
        command += ["--set", "health.warmup_s=3"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["no output"])[-1]
            yield f"program: {agents:,} agents", f"status {done.returncode}: {said}"
            return
        report = json.loads((Path(folder) / "run.json").read_text(encoding="utf-8"))
    yield (
        f"program: {agents:,} agents",
        f"{report['fps_mean']:.1f} FPS, P95 {report['frame_ms_p95']:.1f} ms, "
        f"busy {report['busy_ms_p50']:.1f} ms, "
        f"{report['ticks_per_s']:.0f} ticks/s, {report['individuals']:,} drawn one by one, "
        f"{report['workers']} workers",
    )


def gpu_tests(deadline: float) -> Iterator[Line]:
    """Run the tests that need OpenGL, without those of pictures, which hold on the software driver alone."""
    left = max(deadline - time.monotonic(), 30)
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu and not chaos", "--deselect", "tests/visual"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=left, cwd=ROOT, check=False)
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"").decode(errors="replace").strip().splitlines()
        yield "tests marked gpu", f"not done in {left:.0f} s: {said[-1] if said else 'no output'}"
        return
    for line in done.stdout.splitlines():
        if line.startswith(("FAILED", "ERROR")):
            yield line.split(" - ")[0], line.partition(" - ")[2]
    yield "tests marked gpu", (done.stdout.strip().splitlines() or ["no output"])[-1]


def markdown(about: dict[str, Any], lines: list[Line]) -> str:
    """Return the table under a line about the machine."""
    place = about["machine"]
    head = f"{about['date']}, {about['driver']}; {place['cores']} cores of {place['cpu']}. `make gpu`:"
    return "\n".join([head, "", "| | |", "|---|---|", *(f"| {a} | {b} |" for a, b in lines), ""])


if __name__ == "__main__":
    main()
