"""Tables of the engine suite."""

from typing import Any

from engine.rows import (
    CARTPOLE_GOAL,
    CARTPOLES,
    CROWDS,
    OPTIONS_GOAL,
    POLICY_GOAL,
    SWEEP_AGENTS,
    SWEEP_WORKERS,
    TABLE_CELLS,
    TARGETS,
)
from tables import Cells, Rows, median, shown, times

BARE_GOALS = (None, None, 0.6)
"""Goals of ratios, for each of CROWDS."""


def sections(result: dict[str, Any]) -> list[Cells]:
    """Return (title, heading, rows of cells) of every table with rows."""
    rows = {row["name"]: row for row in result["rows"]}
    made = [_stepping(rows, world) for world in TARGETS]
    made += [
        _cartpole(rows),
        _policy(rows),
        _flock(rows),
        _meeting(rows),
        _small(rows),
        _sweep(rows),
        _memory(rows),
    ]
    return [cells for cells in made if cells[2]]


def _stepping(rows: Rows, world: str) -> Cells:
    mine = {row["subject"]: None for row in rows.values() if row["group"] == world}
    body = [
        [subject, *(shown(rows.get(f"{world}/{agents}/{subject}")) for agents in (100, *CROWDS))]
        for subject in mine
    ]
    ours = [median(rows, f"{world}/{agents}/valuescape, given actions") for agents in CROWDS]
    for against, goals in (("envpool", TARGETS[world]), ("bare kernel, 2 threads", BARE_GOALS)):
        theirs = [median(rows, f"{world}/{agents}/{against}") for agents in CROWDS]
        ratios = [times(a, b) for a, b in zip(ours, theirs, strict=True)]
        ratios = [
            f"{ratio} (goal {goal}×)" if goal else ratio for ratio, goal in zip(ratios, goals, strict=True)
        ]
        if body and any(ratio[0] != "–" for ratio in ratios):
            body.append([f"given actions / {against}", "", *ratios])
    heading = ["agents", "100", *(f"{agents:,}" for agents in CROWDS)]
    return f"{world}, agent-steps a second, 2 workers", heading, body


def _cartpole(rows: Rows) -> Cells:
    subjects = {row["subject"]: None for row in rows.values() if row["group"] == "cartpole"}
    body = [
        [subject, *(shown(rows.get(f"cartpole/{agents}/{subject}")) for agents in CARTPOLES)]
        for subject in subjects
    ]
    for subject in subjects:
        if subject != "CartPoleVectorEnv" and "CartPoleVectorEnv" in subjects:
            ratios = [
                times(
                    median(rows, f"cartpole/{agents}/{subject}"),
                    median(rows, f"cartpole/{agents}/CartPoleVectorEnv"),
                )
                for agents in CARTPOLES
            ]
            if "0 workers" in subject:
                ratios = [f"{ratio} (goal {CARTPOLE_GOAL}×)" for ratio in ratios]
            body.append([f"{subject} / CartPoleVectorEnv", *ratios])
    title = "CartPole-v1 and Gymnasium's own NumPy environment, random actions, steps a second"
    return title, ["environments", *(f"{agents:,}" for agents in CARTPOLES)], body


def _pairs(rows: Rows, group: str, crowds: tuple[int, ...], peer: str, title: str, goal: str) -> Cells:
    body = [
        [
            f"{agents:,}",
            shown(rows.get(f"{group}/{agents}/valuescape")),
            shown(rows.get(f"{group}/{agents}/{peer}")),
            times(median(rows, f"{group}/{agents}/valuescape"), median(rows, f"{group}/{agents}/{peer}")),
        ]
        for agents in crowds
        if f"{group}/{agents}/valuescape" in rows or f"{group}/{agents}/{peer}" in rows
    ]
    return title, ["agents", f"valuescape (goal {goal})", peer, "ratio"], body


def _policy(rows: Rows) -> Cells:
    title = "Mountain car with a 2-64-64-1 tanh policy, agent-steps a second, 2 workers (torch: no dynamics)"
    group, peer = "tanh 64-64 policy", "torch, 1 thread"
    title, heading, body = _pairs(rows, group, (10_000, 100_000), peer, title, "25 M")
    alone = f"{group}/0/multiply-adds alone"
    others = "ReLU", "without its tanh", "bfloat16", "tabulated"
    for cells, agents in zip(body, (10_000, 100_000), strict=False):
        cells += [shown(rows.get(f"{group}/{agents}/{other}")) for other in others]
        share = times(median(rows, f"{group}/{agents}/valuescape"), median(rows, alone))
        cells += [shown(rows.get(alone)), f"{share} (goal {POLICY_GOAL}×)"]
    options = f"bfloat16 (goal {OPTIONS_GOAL} M)", f"{TABLE_CELLS}² cells (goal {OPTIONS_GOAL} M)"
    added = "ReLU", "without its tanh", *options, "products alone, at peak rate", "valuescape / products"
    return title, [*heading, *added], body


def _flock(rows: Rows) -> Cells:
    title = "Flock, agent-steps a second, 2 workers (mesa: neighbours from a k-d tree)"
    return _pairs(rows, "flock", (1_000, 100_000), "mesa", title, "8 M")


def _meeting(rows: Rows) -> Cells:
    names = [name for name in ("hand-over/engine", "hand-over/barrier", "idle/engine") if name in rows]
    body = [[rows[name]["subject"], f"{shown(rows[name])} {rows[name]['unit']}"] for name in names]
    return "An empty tick with 2 workers, and the processor time of waiting (goal < 2 %)", ["", ""], body


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
    return "200 mountain cars, lockstep", ["setting", "workers", "ticks/s", "ready after, s"], body


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
