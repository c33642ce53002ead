"""Tables of results, for the terminal and as marked blocks of docs/performance.md."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from runner import Row

DOCS = Path(__file__).parents[2] / "docs" / "performance.md"
Cells = tuple[str, list[str], list[list[str]]]
"""Title, heading, rows of cells."""
Rows = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Suite:
    """Rows that are measured together, and the tables made of them."""

    name: str
    command: str
    rows: Callable[[], list[Row]]
    sections: Callable[[dict[str, Any]], list[Cells]]


def terminal(sections: list[Cells]) -> list[Table]:
    """Return the tables for a terminal."""
    made = []
    for title, heading, body in sections:
        table = Table(title=title, title_justify="left")
        for index, name in enumerate(heading):
            table.add_column(name, justify="left" if index == 0 else "right")
        for cells in body:
            table.add_row(*cells)
        made.append(table)
    return made


def markdown(suite: Suite, result: dict[str, Any]) -> str:
    """Return the block for docs: machine, versions and method in a line, then the tables."""
    place = result["machine"]
    versions = {**place["versions"].get("peers", {}), **place["versions"]["ours"]}
    used = ", ".join(f"{name} {version}" for name, version in versions.items())
    lines = [
        f"{result['date']}, {place['cores']} cores of {place['cpu']}, {place['memory_gib']} GiB, Python "
        f"{place['python']}; {used}. `{suite.command}`: medians of {result['repeats']} runs of "
        f"{result['seconds']:g} s each in mixed order, (least to most); raw figures: "
        f"[bench/{suite.name}.json](bench/{suite.name}.json).",
    ]
    if "merged_into" in result:
        lines.append(
            f"Only some rows are from this run; the others are from {result['merged_into']} or before."
        )
    for title, heading, body in suite.sections(result):
        lines += ["", f"**{title}**", "", _line(heading), _line(["---", *["--:"] * (len(heading) - 1)])]
        lines += [_line(cells) for cells in body]
    return "\n".join(lines)


def rewrite_docs(suite: Suite, result: dict[str, Any]) -> None:
    """Put the tables between the suite's two marks in docs/performance.md."""
    text = DOCS.read_text(encoding="utf-8")
    begin, end = f"<!-- bench:{suite.name}, written by `{suite.command}` -->", f"<!-- /bench:{suite.name} -->"
    if begin not in text:
        raise SystemExit(f"{DOCS}: has no line {begin}")
    block = f"{begin}\n{markdown(suite, result)}\n{end}"
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    DOCS.write_text(re.sub(pattern, lambda _: block, text, flags=re.DOTALL), encoding="utf-8")


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def number(value: float) -> str:
    """Return a number with three significant digits and a unit: 1.23 G, 45.6 M."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{unit}" if value < 999.5 * size else f"{value / size:,.0f}{unit}"
    return f"{value:.3g}"


def shown(row: dict[str, Any] | None) -> str:
    """Return a median with its spread; a dash without figures."""
    if not row:
        return "–"
    if row["median"] is None:
        return "failed"
    spread = f" ({number(row['least'])} to {number(row['most'])})" if len(row["figures"]) > 1 else ""
    return number(row["median"]) + spread


def median(rows: Rows, name: str) -> float:
    """Return the median of a row; NaN without one."""
    return (rows.get(name) or {}).get("median") or float("nan")


def times(a: float, b: float) -> str:
    """Return a / b as `3.2×`; a dash if one is NaN."""
    return "–" if a != a or b != b else f"{a / b:,.3g}×"
