"""Times ways to reduce a tick of a crowd to cells (threads, sorted runs, NumPy, shaders), and whole frames.

Run it with `make bench-cells`. A tick is one stamp in each cell that a segment crosses, and one visit an
agent. Each round measures every way once, so that ratios hold on a machine that is busy with other things
too.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from frames.walk import Walk
from runner import machine

from valuescape.gpu.context import create_headless_context, driver_info
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.crowd import CrowdPass
from valuescape.gpu.passes.density import DensityPass
from valuescape.gpu.trail_ring import TrailRing
from valuescape.sim.cells import compiled, plain
from valuescape.sim.cells.grid import GOLDEN, STAMP_BITS, CrowdGrid, TrailStep, VisitGrid, places
from valuescape.sim.cells.threads import ThreadedCells
from valuescape.sim.resources import usable_cores

BOUNDS, CELLS, EDGE = ((-1.0, -1.0), (1.0, 1.0)), (640, 360), 256
TICKS = 6
FRAMES = Path(__file__).parent / "frames" / "ours.py"
Way = Callable[[int], tuple[np.ndarray, np.ndarray]]
"""Reduces a tick; returns the stamps of all ticks so far, and the visits of this one."""


class Crowd:
    """Rows of a random walk, as the engine has them."""

    def __init__(self, agents: int) -> None:
        self.walk, self.agents = Walk(agents, TICKS), agents
        self.strand = np.zeros(agents, np.uint8)

    def row(self, name: str, tick: int) -> np.ndarray:
        return self.strand if name == "trail_strand" else self.walk.at(tick)

    def trail_intact(self, tick: int) -> bool:
        return True

    def recent_row(self, name: str, tick: int) -> np.ndarray:
        return self.strand

    def step(self, tick: int) -> TrailStep:
        rows = [places(self.walk.at(each), self.strand) for each in (tick, tick - 1)]
        return TrailStep(tick, *rows)


def by_code(crowd: Crowd, code: Any) -> Way:
    """A module of `sim.cells`, or several threads of it."""
    grid, visits = CrowdGrid(CELLS, *BOUNDS), VisitGrid(EDGE, *BOUNDS)
    stamps = np.zeros(grid.shape, np.uint32)

    def reduce(tick: int) -> tuple[np.ndarray, np.ndarray]:
        counts = np.zeros(visits.shape, np.uint32)
        code.add_stamps(crowd.step(tick), grid, stamps)
        code.add_visits(crowd.walk.at(tick), visits, counts)
        return stamps, counts

    return reduce


def by_runs(crowd: Crowd) -> Way:
    """Every stamp and every visit is listed with its cell; lists are sorted, the last of each run counts."""
    grid, visits = CrowdGrid(CELLS, *BOUNDS), VisitGrid(EDGE, *BOUNDS)
    stamps = np.zeros(grid.shape, np.uint32)
    listed = np.empty(crowd.agents * 64, np.uint64)

    def reduce(tick: int) -> tuple[np.ndarray, np.ndarray]:
        now, before = crowd.walk.at(tick), crowd.walk.at(tick - 1)
        low, per = np.array(grid.low, np.float32), np.array(grid.per_unit)
        count = _list_stamps(now, before, low, per, np.uint32(grid.tick_bits(tick)), CELLS, listed)
        runs = np.sort(listed[:count])
        cells = runs >> np.uint64(32)
        last = np.flatnonzero(np.append(cells[1:] != cells[:-1], True))
        flat, at = stamps.ravel(), cells[last]
        flat[at] = np.maximum(flat[at], runs[last].astype(np.uint32))
        visited = np.sort(_list_visits(now, low, np.array(visits.per_unit), EDGE))
        ends = np.flatnonzero(np.append(visited[1:] != visited[:-1], True))
        counts = np.zeros(EDGE**2, np.uint32)
        counts[visited[ends]] = np.diff(ends, prepend=-1)
        return stamps, counts.reshape(visits.shape)

    return reduce


@numba.njit(error_model="numpy")
def _list_stamps(now, before, low, per, tick_bits, cells, listed):
    count = 0
    for i in range(len(now)):
        x, y = (before[i, 0] - low[0]) * per[0], (before[i, 1] - low[1]) * per[1]
        way_x, way_y = (now[i, 0] - low[0]) * per[0] - x, (now[i, 1] - low[1]) * per[1] - y
        steps = max(np.ceil(max(abs(way_x), abs(way_y))), np.float32(1))
        stamp = np.uint64(tick_bits | np.uint32(i * GOLDEN) >> np.uint32(32 - STAMP_BITS))
        for k in range(1, int(steps) + 1):
            share = np.float32(k) / steps
            at_x, at_y = x + way_x * share, y + way_y * share
            if at_x >= 0 and at_y >= 0 and at_x <= cells[0] and at_y <= cells[1]:
                column, row = min(int(at_x), cells[0] - 1), min(int(at_y), cells[1] - 1)
                listed[count] = np.uint64(row * cells[0] + column) << np.uint64(32) | stamp
                count += 1
    return count


@numba.njit(error_model="numpy")
def _list_visits(now, low, per, edge):
    found = np.empty(len(now), np.uint32)
    for i in range(len(now)):
        column = min(int((now[i, 0] - low[0]) * per[0]), edge - 1)
        row = min(int((now[i, 1] - low[1]) * per[1]), edge - 1)
        found[i] = row * edge + column
    return found


def by_shaders(gl: Any, crowd: Crowd) -> Way:
    """All rows are uploaded; atomics on the device."""
    meter = FrameMeter()
    ring = TrailRing(gl, crowd.agents, TICKS, meter)
    stamps, density = CrowdPass(gl, ring, BOUNDS, meter), DensityPass(gl, ring, EDGE, BOUNDS, 0.0, meter)
    stamps.resize(CELLS)
    ring.upload(crowd, 0)

    def reduce(tick: int) -> tuple[np.ndarray, np.ndarray]:
        density.update(ring.upload(crowd, tick))
        stamps.update()
        gl.finish()
        return stamps, density

    return reduce


def ways(gl: Any, crowd: Crowd) -> dict[str, Way]:
    """Return every way by name, the plain one of the program first."""
    threads = usable_cores()
    return {
        "shaders": by_shaders(gl, crowd),
        "one thread": by_code(crowd, compiled),
        f"{threads} threads, a tile each": by_code(crowd, ThreadedCells(compiled, threads)),
        "sorted runs": by_runs(crowd),
        "NumPy": by_code(crowd, plain),
    }


def measured(gl: Any, agents: int, rounds: int) -> list[str]:
    """Return a line for each way: milliseconds of work and of waiting, and the work against the shaders'."""
    crowd = Crowd(agents)
    known = ways(gl, crowd)
    worked: dict[str, list[float]] = {name: [] for name in known}
    waited: dict[str, list[float]] = {name: [] for name in known}
    for tick in range(1, rounds + 2):
        for name, reduce in known.items():
            began, work = time.perf_counter(), time.process_time()
            reduce(tick)
            if tick > 1:  # the first compiles
                worked[name].append((time.process_time() - work) * 1e3)
                waited[name].append((time.perf_counter() - began) * 1e3)
    plainly = statistics.median(worked["shaders"])
    require_equal(known, rounds + 2)
    lines = []
    for name in known:
        work, wait = statistics.median(worked[name]), statistics.median(waited[name])
        lines.append(f"{agents:>9,}  {name:<22} {work:9.2f} {wait:9.2f} {plainly / work:8.2f}")
    return lines


def require_equal(known: dict[str, Way], tick: int) -> None:
    """Raise AssertionError if a way comes to other cells than the shaders."""
    crowd, density = known["shaders"](tick)
    stamps = crowd.read_stamps()
    stamps = np.where(stamps >> STAMP_BITS > 1, stamps, 0)  # the others begin with tick 1
    before = density.read_visits()
    known["shaders"](tick + 1)
    counts = density.read_visits() - before
    for name, reduce in known.items():
        if name != "shaders":
            np.testing.assert_array_equal(reduce(tick)[0], stamps, name)
            np.testing.assert_array_equal(reduce(tick + 1)[1], counts, name)


def frames(agents: int, rounds: int) -> str:
    """Return a line: processor time of a whole frame with a new tick, by `features.binned_crowd`."""
    found: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(rounds):
        for on, worked in found.items():
            settings = {"agents": agents, "walk": 12, "seconds": 2}
            settings["set"] = [f"features.binned_crowd={str(on).lower()}"]
            said = subprocess.run(
                [sys.executable, str(FRAMES), json.dumps(settings)],
                capture_output=True,
                text=True,
                check=True,
            )
            worked.append(json.loads(said.stdout.splitlines()[-1])["cpu_ms"])
    on_ms, off_ms = (statistics.median(worked) for worked in found.values())
    return f"{agents:>9,}  a frame, 1280 x 720    {on_ms:9.1f} {off_ms:9.1f} {off_ms / on_ms:8.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--save", type=Path, help="write the table to this file")
    args = parser.parse_args()
    gl = create_headless_context()
    about = machine()
    place = f"{about['cores']} cores of {about['cpu']}; {driver_info(gl).renderer}"
    lines = [f"{place}; {CELLS[0]} x {CELLS[1]} cells, {EDGE}² of visits"]
    lines.append("   agents  way                    work, ms  wait, ms  shaders / way")
    for agents in args.agents:
        lines += measured(gl, agents, args.rounds)
    lines.append("   agents  features.binned_crowd:    on, ms   off, ms  off / on")
    lines += [frames(agents, 2) for agents in (1_000, *args.agents)]
    text = "\n".join(lines)
    print(text)
    if args.save:
        args.save.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
