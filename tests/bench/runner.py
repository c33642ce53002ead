"""Measures rows in mixed order, each in a process of its own, and keeps all figures."""

import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PYTHON = {"ours": Path(sys.executable), "peers": ROOT / ".venv-peers" / "bin" / "python"}
PACKAGES = {
    "ours": ("numpy", "numba", "llvmlite"),
    "peers": (
        *("envpool", "gymnasium", "stable-baselines3", "torch", "mesa", "scipy", "numpy"),
        *("vispy", "pygfx", "wgpu"),
    ),
}
ROW_TIMEOUT_S = 120


@dataclass(frozen=True)
class Row:
    """One figure: printed by `script` (in this folder), run by `python` ("ours" or "peers") with `args`.

    repeats: at most so many, for rows that take long.
    """

    name: str
    group: str
    subject: str
    script: str
    args: dict[str, Any] = field(default_factory=dict)
    python: str = "ours"
    unit: str = "agent-steps/s"
    agents: int = 0
    repeats: int = 99


def measure(rows: list[Row], repeats: int, seconds: float) -> Iterator[tuple[Row, dict[str, Any]]]:
    """Yield (row, result of `run_once`) for all rows of each repeat, in an order of its own."""
    shuffle = random.Random(0)
    for turn in range(repeats):
        this_round = [row for row in rows if turn < row.repeats]
        shuffle.shuffle(this_round)
        for row in this_round:
            yield row, run_once(row, seconds)


def run_once(row: Row, seconds: float, timeout_s: float = ROW_TIMEOUT_S) -> dict[str, Any]:
    """Return {"figure": ..., notes}, or {"error": ...}."""
    command = [str(PYTHON[row.python]), str(HERE / row.script), json.dumps({**row.args, "seconds": seconds})]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(_paths())},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"not done in {timeout_s:.0f} s"}
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"figure"')]
    if not lines:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return {"error": f"exit code {done.returncode}: {last}"}
    return json.loads(lines[-1])


def _paths() -> list[str]:
    """Return the folders of `measuring` and of this checkout, then PYTHONPATH as it was."""
    given = os.environ.get("PYTHONPATH")
    return [str(HERE), str(ROOT), *([given] if given else [])]


def summary(row: Row, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a row to save: all figures, their median and spread, and the last run's notes."""
    figures = [run["figure"] for run in runs if "figure" in run]
    notes = {key: value for key, value in (runs[-1] if runs else {}).items() if key != "figure"}
    return {
        "name": row.name,
        "group": row.group,
        "subject": row.subject,
        "agents": row.agents,
        "unit": row.unit,
        "figures": figures,
        "median": statistics.median(figures) if figures else None,
        "least": min(figures, default=None),
        "most": max(figures, default=None),
        "notes": notes,
        "date": time.strftime("%Y-%m-%d"),
    }


def machine() -> dict[str, Any]:
    """Return the processor, memory, system and versions that figures depend on."""
    return {
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_at_start": round(os.getloadavg()[0], 2),
        "versions": {kind: _versions(kind) for kind, python in PYTHON.items() if python.exists()},
    }


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _versions(kind: str) -> dict[str, str]:
    """Return the packages' versions; empty if that Python is not installed."""
    if not PYTHON[kind].exists():
        return {}
    code = (
        "import json, sys; from importlib.metadata import version;"
        "print(json.dumps({name: version(name) for name in sys.argv[1:]}))"
    )
    command = [str(PYTHON[kind]), "-c", code, *PACKAGES[kind]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else {}
