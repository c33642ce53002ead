"""Tables of the frames suite."""

import math
from typing import Any

from frames.rows import CROWDS, EFFECTS, GOALS
from tables import Cells, Rows, median, shown, times

HEALTH = {
    "fps_std": ("standard deviation of FPS", 5),
    "frame_ms_p95": ("frame time P95, ms", 50),
    "gpu_queries_per_frame": ("GPU queries a frame", 10),
    "draw_calls_per_frame": ("draw calls a frame", 5),
    "memory_mb_per_min": ("memory growth, MB/min", 1),
}


def sections(result: dict[str, Any]) -> list[Cells]:
    """Return (title, heading, rows of cells) of every table with rows."""
    rows = {row["name"]: row for row in result["rows"]}
    return [cells for cells in (_frames(rows), _program(rows)) if cells[2]]


def _frames(rows: Rows) -> Cells:
    subjects = {row["subject"]: None for row in rows.values() if row["group"] == "frame"}
    body = [
        [subject, *(shown(rows.get(f"frame/{agents}/{subject}")) for agents in CROWDS)]
        for subject in subjects
    ]
    own = [rows.get(f"frame/{agents}/valuescape", {}).get("notes", {}) for agents in CROWDS]
    body.append(
        ["agents drawn one by one (the others: crowd)", *(str(each.get("individuals", "–")) for each in own)]
    )
    for peer, goals in (("vispy", GOALS), ("pygfx", (None,) * len(CROWDS))):
        cells = []
        for agents, goal in zip(CROWDS, goals, strict=True):
            theirs, ours = (median(rows, f"frame/{agents}/{subject}") for subject in (peer, "valuescape"))
            cells.append(times(theirs, ours) + (f" (goal {goal}×)" if goal else ""))
        body.append([f"{peer} / valuescape", *cells])
    body.append(["vispy / valuescape, processor's time", *(_worked(rows, agents) for agents in CROWDS)])
    least, most = (median(rows, f"frame/{agents}/valuescape") for agents in (CROWDS[0], CROWDS[-1]))
    body.append(["100,000 agents / 1,000 agents", "", "", times(most, least) + " (goal ≤ 10×)"])
    effects, none = (median(rows, f"frame/1000/valuescape{what}") for what in (f", {EFFECTS}", ""))
    if effects and none:
        body.append([f"{EFFECTS} add, ms (goal < 3)", f"{effects - none:.2f}", "", ""])
    plain = median(rows, "frame/1000/valuescape, the map by shaders")
    body.append(["the map by shaders / valuescape", times(plain, least), "", ""])
    title = "A frame of 64-point trails over a changing 256² field, 1280×720, ms"
    return title, ["agents", *(f"{agents:,}" for agents in CROWDS)], body


def _worked(rows: Rows, agents: int) -> str:
    """Return how many times as much of the processors' time vispy takes, in the last run of each."""
    theirs, ours = (
        rows.get(f"frame/{agents}/{subject}", {}).get("notes", {}).get("cpu_ms", math.nan)
        for subject in ("vispy", "valuescape")
    )
    return times(theirs, ours)


def _program(rows: Rows) -> Cells:
    row = rows.get("program/10000")
    if not row:
        return "", [], []
    notes = row["notes"]
    body = [["FPS (goal ≥ 25)", shown(row)], ["agents drawn one by one", f"{notes.get('individuals', 0):,}"]]
    body += [
        [f"{title} (limit {limit})", _number(notes.get(name))] for name, (title, limit) in HEALTH.items()
    ]
    return "The whole program: 10,000 point masses with their policy, 2 workers, 3-D", ["", ""], body


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
