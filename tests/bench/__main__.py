"""Benchmarks beside other projects (`make bench`, `make bench-render`), with tables for docs."""

import argparse
import json
import subprocess
import time
from collections import defaultdict
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import engine.rows
import engine.sections
import frames.rows
import frames.sections
import tables
from rich.console import Console
from runner import ROOT, Row, machine, measure, summary
from tables import Suite

SUITES = {
    suite.name: suite
    for suite in (
        Suite("engine", "make bench", engine.rows.all_rows, engine.sections.sections),
        Suite("frames", "make bench-render", frames.rows.all_rows, frames.sections.sections),
    )
}


def main() -> None:
    args = parser().parse_args()
    suite = SUITES[args.suite]
    rows = chosen(suite, args.only)
    if args.list:
        print("\n".join(row.name for row in rows))
        return
    result = measured(rows, args.repeats, args.seconds)
    Console().print(*tables.terminal(suite.sections(result)), sep="\n")
    if args.save:
        save(suite, merged(suite, result) if args.only else result)


def saved_at(suite: Suite) -> Path:
    """Return the file that keeps the suite's figures."""
    return ROOT / "docs" / "bench" / f"{suite.name}.json"


def save(suite: Suite, result: dict[str, Any]) -> None:
    """Write the figures, and the tables of docs."""
    saved_at(suite).parent.mkdir(exist_ok=True, parents=True)
    saved_at(suite).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    tables.rewrite_docs(suite, result)


def parser() -> argparse.ArgumentParser:
    known = argparse.ArgumentParser(prog="tests/bench", description=__doc__)
    known.add_argument("suite", choices=SUITES)
    known.add_argument("--only", default="", help="rows to measure: part of a name, or a pattern with *")
    known.add_argument("--seconds", type=float, default=0.5, help="seconds for one figure")
    known.add_argument("--repeats", type=int, default=3)
    known.add_argument("--save", action="store_true", help="to docs/bench, and into the tables of docs/")
    known.add_argument("--list", action="store_true", help="print the rows' names")
    return known


def chosen(suite: Suite, only: str) -> list[Row]:
    """Return the rows whose names contain, or match as a pattern, one of the comma-separated parts."""
    parts = [part.strip() for part in only.split(",") if part.strip()]
    rows = [row for row in suite.rows() if not parts or any(_fits(row.name, part) for part in parts)]
    if not rows:
        raise SystemExit(f"no row fits {only!r}; --list shows them")
    return rows


def _fits(name: str, part: str) -> bool:
    return part in name or fnmatch(name, part)


def measured(rows: list[Row], repeats: int, seconds: float) -> dict[str, Any]:
    """Measure rows, print each figure, and return the result to save."""
    console, began = Console(stderr=True), time.monotonic()
    result: dict[str, Any] = {"date": time.strftime("%Y-%m-%d %H:%M"), "commit": _commit()}
    result.update(machine=machine(), seconds=seconds, repeats=repeats)
    runs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row, run in measure(rows, repeats, seconds):
        runs[row.name].append(run)
        said = run.get("error") or f"{run['figure']:,.4g} {row.unit}"
        console.print(f"{time.monotonic() - began:5.0f} s  {row.name}: {said}", highlight=False)
    result["took_s"] = round(time.monotonic() - began)
    result["rows"] = [summary(row, runs[row.name]) for row in rows]
    return result


def merged(suite: Suite, result: dict[str, Any]) -> dict[str, Any]:
    """Return the saved result with its rows replaced by those of `result`."""
    if not saved_at(suite).exists():
        return result
    before = json.loads(saved_at(suite).read_text(encoding="utf-8"))
    rows = {row["name"]: row for row in [*before["rows"], *result["rows"]]}
    order = [row.name for row in suite.rows() if row.name in rows]
    versions = result["machine"]["versions"]
    for kind, found in before["machine"]["versions"].items():
        versions[kind] = versions.get(kind) or found  # versions behind rows that were not measured again
    return {**result, "rows": [rows[name] for name in order], "merged_into": before["date"]}


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False).stdout.strip()


if __name__ == "__main__":
    main()
