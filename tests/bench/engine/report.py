"""Tables of what was measured: for the terminal, and as the marked block of docs/performance.md."""

import json
import re
from pathlib import Path
from typing import Any

from rich.table import Table
from rows import CROWDS, SWEEP_AGENTS, SWEEP_WORKERS, TARGETS

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- bench:engine, written by `make bench` -->", "<!-- /bench:engine -->"
Cells = tuple[str, list[str], list[list[str]]]
Rows = dict[str, dict[str, Any]]
BARE_GOALS = (None, None, 0.6)
"""For each of CROWDS."""


def sections(result: dict[str, Any]) -> list[Cells]:
    """Return (title, heading, rows of cells) of every table that has something in it."""
    rows = {row["name"]: row for row in result["rows"]}
    made = [_stepping(rows, world) for world in TARGETS]
    made += [_policy(rows), _flock(rows), _meeting(rows), _small(rows), _sweep(rows), _memory(rows)]
    return [cells for cells in made if cells[2]]


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the tables for a terminal."""
    made = []
    for title, heading, body in sections(result):
        table = Table(title=title, title_justify="left")
        for index, name in enumerate(heading):
            table.add_column(name, justify="left" if index == 0 else "right")
        for cells in body:
            table.add_row(*cells)
        made.append(table)
    return made


def markdown(result: dict[str, Any]) -> str:
    """Return the block for docs: where and how it was measured, then the tables."""
    place = result["machine"]
    versions = {**place["versions"]["peers"], **place["versions"]["ours"]}
    used = ", ".join(f"{name} {version}" for name, version in versions.items())
    lines = [
        f"{result['date']}, {place['cores']} cores of {place['cpu']}, {place['memory_gib']} GiB, Python "
        f"{place['python']}; {used}. `make bench`: medians of {result['repeats']} runs of "
        f"{result['seconds']:g} s each, in mixed order, with (least to most); raw figures in "
        "[bench/engine.json](bench/engine.json).",
    ]
    if "merged_into" in result:
        lines.append(f"Only some rows are of this run; the others are of {result['merged_into']} and before.")
    for title, heading, body in sections(result):
        lines += ["", f"**{title}**", "", _line(heading), _line(["---", *["--:"] * (len(heading) - 1)])]
        lines += [_line(cells) for cells in body]
    return "\n".join(lines)


def rewrite_docs(result: dict[str, Any]) -> None:
    """Put the tables between the two marks in docs/performance.md."""
    text = DOCS.read_text(encoding="utf-8")
    if BEGIN not in text:
        text = text.rstrip() + f"\n\n## The engine\n\n{BEGIN}\n{END}\n"
    block = f"{BEGIN}\n{markdown(result)}\n{END}"
    pattern = re.escape(BEGIN) + ".*?" + re.escape(END)
    DOCS.write_text(re.sub(pattern, lambda _: block, text, flags=re.DOTALL), encoding="utf-8")


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def number(value: float) -> str:
    """Return three digits and a unit: 1.23 G, 45.6 M."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{unit}" if value < 999.5 * size else f"{value / size:,.0f}{unit}"
    return f"{value:.3g}"


def shown(row: dict[str, Any] | None) -> str:
    """Return a median with its spread; a dash where nothing was measured."""
    if not row:
        return "–"
    if row["median"] is None:
        return "failed"
    spread = f" ({number(row['least'])} to {number(row['most'])})" if len(row["figures"]) > 1 else ""
    return number(row["median"]) + spread


def _median(rows: Rows, name: str) -> float:
    return (rows.get(name) or {}).get("median") or float("nan")


def _times(a: float, b: float) -> str:
    return "–" if a != a or b != b else f"{a / b:,.3g}×"


def _stepping(rows: Rows, world: str) -> Cells:
    mine = {row["subject"]: None for row in rows.values() if row["group"] == world}
    body = [
        [subject, *(shown(rows.get(f"{world}/{agents}/{subject}")) for agents in (100, *CROWDS))]
        for subject in mine
    ]
    ours = [_median(rows, f"{world}/{agents}/valuescape, given actions") for agents in CROWDS]
    for against, goals in (("envpool", TARGETS[world]), ("bare kernel, 2 threads", BARE_GOALS)):
        theirs = [_median(rows, f"{world}/{agents}/{against}") for agents in CROWDS]
        ratios = [_times(a, b) for a, b in zip(ours, theirs, strict=True)]
        ratios = [
            f"{ratio} (goal {goal}×)" if goal else ratio for ratio, goal in zip(ratios, goals, strict=True)
        ]
        if body and any(ratio[0] != "–" for ratio in ratios):
            body.append([f"given actions / {against}", "", *ratios])
    heading = ["agents", "100", *(f"{agents:,}" for agents in CROWDS)]
    return f"{world}, agent-steps a second, 2 workers", heading, body


def _pairs(rows: Rows, group: str, crowds: tuple[int, ...], peer: str, title: str, goal: str) -> Cells:
    body = [
        [
            f"{agents:,}",
            shown(rows.get(f"{group}/{agents}/valuescape")),
            shown(rows.get(f"{group}/{agents}/{peer}")),
            _times(_median(rows, f"{group}/{agents}/valuescape"), _median(rows, f"{group}/{agents}/{peer}")),
        ]
        for agents in crowds
        if f"{group}/{agents}/valuescape" in rows or f"{group}/{agents}/{peer}" in rows
    ]
    return title, ["agents", f"valuescape (goal {goal})", peer, "ratio"], body


def _policy(rows: Rows) -> Cells:
    title = "Mountain car with a 2-64-64-1 tanh policy, agent-steps a second, 2 workers (torch: no dynamics)"
    group, peer = "tanh 64-64 policy", "torch, 1 thread"
    title, heading, body = _pairs(rows, group, (10_000, 100_000), peer, title, "25 M")
    alone = shown(rows.get(f"{group}/0/multiply-adds alone"))
    for cells, agents in zip(body, (10_000, 100_000), strict=False):
        cells += [shown(rows.get(f"{group}/{agents}/without its tanh")), alone]
    return title, [*heading, "without its tanh", "the products alone, at the machine's peak"], body


def _flock(rows: Rows) -> Cells:
    title = "Flock, agent-steps a second, 2 workers (mesa: neighbours from a k-d tree)"
    return _pairs(rows, "flock", (1_000, 100_000), "mesa", title, "8 M")


def _meeting(rows: Rows) -> Cells:
    names = [name for name in ("hand-over/engine", "hand-over/barrier", "idle/engine") if name in rows]
    body = [[rows[name]["subject"], f"{shown(rows[name])} {rows[name]['unit']}"] for name in names]
    return "An empty tick, 2 workers; what waiting takes of the processor (goal < 2 %)", ["", ""], body


def _small(rows: Rows) -> Cells:
    found = [row for row in rows.values() if row["group"] == "200 agents"]
    body = [
        [
            row["subject"],
            str(row["notes"].get("workers", "")),
            shown(row),
            f"{row['notes'].get('ready_s', 0):.2f}",
        ]
        for row in found
    ]
    return "200 mountain cars, lockstep", ["asked for", "workers", "ticks/s", "ready after, s"], body


def _sweep(rows: Rows) -> Cells:
    body = [
        [f"{agents:,}", *(shown(rows.get(f"sweep/{agents}/{workers}")) for workers in SWEEP_WORKERS)]
        for agents in SWEEP_AGENTS
        if any(f"sweep/{agents}/{workers}" in rows for workers in SWEEP_WORKERS)
    ]
    title = "mountain_car_continuous, given actions, by workers, agent-steps a second"
    return title, ["agents", *(f"{workers}" for workers in SWEEP_WORKERS)], body


def _memory(rows: Rows) -> Cells:
    body = [
        [row["subject"], shown(row), f"{row['notes'].get('all_processes_mb', 0):,.0f}"]
        for row in rows.values()
        if row["group"] == "memory"
    ]
    heading = ["", "arena, bytes an agent", "all processes, MB"]
    return "Memory, 100,000 mountain cars, 2 workers", heading, body


if __name__ == "__main__":
    saved = ROOT / "docs" / "bench" / "engine.json"
    rewrite_docs(json.loads(saved.read_text(encoding="utf-8")))
