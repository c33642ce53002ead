"""`make bench`: measure the engine and its peers, print the table, save it, and bring docs up to date."""

import argparse
import json
import subprocess
import time
from collections import defaultdict
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import report
from rich.console import Console
from rows import Row, all_rows
from runner import ROOT, machine, measure, summary

SAVED = ROOT / "docs" / "bench" / "engine.json"


def main() -> None:
    args = parser().parse_args()
    rows = chosen(args.only)
    if args.list:
        print("\n".join(row.name for row in rows))
        return
    result = measured(rows, args.repeats, args.seconds)
    Console().print(*report.tables(result), sep="\n")
    if args.save:
        if args.only:
            result = merged(result)
        args.save.parent.mkdir(exist_ok=True, parents=True)
        args.save.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        if args.save == SAVED:
            report.rewrite_docs(result)


def parser() -> argparse.ArgumentParser:
    known = argparse.ArgumentParser(prog="tests/bench/engine", description=__doc__)
    known.add_argument("--only", default="", help="rows to measure: part of a name, or a pattern with *")
    known.add_argument("--seconds", type=float, default=0.5, help="how long one figure is taken")
    known.add_argument("--repeats", type=int, default=3)
    known.add_argument("--save", type=Path, nargs="?", const=SAVED, help="JSON file; docs follow it")
    known.add_argument("--list", action="store_true", help="print the rows' names")
    return known


def chosen(only: str) -> list[Row]:
    """Return the rows whose names have one of the comma-separated parts, or fit it as a pattern."""
    parts = [part.strip() for part in only.split(",") if part.strip()]
    rows = [row for row in all_rows() if not parts or any(_fits(row.name, part) for part in parts)]
    if not rows:
        raise SystemExit(f"no row fits {only!r}; --list shows them")
    return rows


def _fits(name: str, part: str) -> bool:
    return part in name or fnmatch(name, part)


def measured(rows: list[Row], repeats: int, seconds: float) -> dict[str, Any]:
    """Measure, telling on the way, and return what is saved."""
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


def merged(result: dict[str, Any]) -> dict[str, Any]:
    """Return the saved result with the rows of this one in place of its own."""
    if not SAVED.exists():
        return result
    before = json.loads(SAVED.read_text(encoding="utf-8"))
    rows = {row["name"]: row for row in [*before["rows"], *result["rows"]]}
    order = [row.name for row in all_rows() if row.name in rows]
    return {**result, "rows": [rows[name] for name in order], "merged_into": before["date"]}


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False).stdout.strip()


if __name__ == "__main__":
    main()
