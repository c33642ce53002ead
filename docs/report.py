"""Writes what `scale`, `impact` and `stress` have found into docs/measuring.md. Run it by `make report`."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from sim.config import load_config
from valuescape.presets import config_path
from valuescape.report import machine, versions

HERE = Path(__file__).parent
PAGE = HERE / "measuring.md"
BEGIN, END = "<!-- measured, written by `make report` -->\n", "<!-- /measured -->\n"


def read(name: str) -> dict[str, Any]:
    """Return the figures of a command."""
    found: dict[str, Any] = json.loads((HERE / "bench" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def table(heading: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def middle(values: list[float]) -> str:
    """Return the median, with three digits that count."""
    if not values:
        return "–"
    value = sorted(values)[len(values) // 2]
    for divisor, unit in ((1e6, " M"), (1e3, " k")):
        if value >= divisor:
            return f"{value / divisor:.3g}{unit}"
    return f"{value:.3g}"


def scale_section() -> str:
    """Return what `valuescape scale` found."""
    found = read("scale")
    efficiency = {(each["workers"], each["agents"]): each["efficiency"] for each in found["efficiency"]}
    rows = [
        [
            str(cell["workers"]),
            f"{cell['agents']:,}",
            middle(cell["ticks_per_s"]),
            middle([rate * cell["agents"] for rate in cell["ticks_per_s"]]),
            f"{efficiency.get((cell['workers'], cell['agents']), float('nan')):.0%}".replace("nan%", "–"),
            middle(cell["handed_over_us"]),
            middle(cell["fps"]),
            middle(cell["frame_ms_p95"]),
            f"{cell['bytes_per_agent']:,.0f}",
        ]
        for cell in found["cells"]
    ]
    heading = ["workers", "agents", "ticks/s", "agent-steps/s", "efficiency", "one tick asked for, µs", "FPS"]
    best = ", ".join(f"{count} with {int(crowd):,}" for crowd, count in found["best_workers"].items())
    growth = ", ".join(f"{value:.2f} with {count}" for count, value in found["exponents"].items())
    return (
        "## Workers and agents\n\n`valuescape scale`: point masses with a 64-64 actor; medians of "
        f"{found['plan']['repeats']} runs in mixed order. FPS are of the whole program without a limit.\n\n"
        + table([*heading, "P95, ms", "bytes/agent"], rows)
        + f"\nBest workers by agents: {best}. A tick takes agents^e, e = {growth} workers.\n"
    )


def impact_section() -> str:
    """Return what `valuescape impact` found."""
    found = read("impact")
    rows = []
    for each in found["switches"]:
        spread = "–" if each["low"] is None else f"{each['low']:+.1f} to {each['high']:+.1f}"
        section = f"{each['section']} {each['section_ms']:+.1f}" if each["section"] else "–"
        figures = f"{each['fps']:+.1f}", spread, f"{each['frame_ms_p95']:+.1f}", section
        lines = f"{each['lines']:,}" if each["lines"] else "a few"
        agrees, here = each["agrees"], each["recommended"]
        rows.append([f"`{each['switch']}`", *figures, f"{each['memory_mb']:+.0f}", lines, agrees, here])
    heading = [
        "switch on",
        "FPS",
        "95 %",
        "P95, ms",
        "section, ms",
        "memory, MB",
        "lines",
        "both paths",
        "here",
    ]
    speeds = {each["name"]: middle(each["fps"]) for each in found["variants"]}
    return (
        "## What each optimisation is worth\n\n"
        "`valuescape impact --set agents.count=1000 --seconds 3 --repeats 5`: "
        "each switch of `[features]` off alone, against all on.\n\n"
        + table(heading, rows)
        + f"\nAll on: {speeds['all on']} FPS, all off: {speeds['all off']} FPS.\n"
    )


def stress_section() -> str:
    """Return what `valuescape stress` and `stress --chaos` found."""
    found, chaos = read("stress"), read("chaos")
    rows = [
        [
            f"{each['load']:,}",
            *(f"{each[name] or float('nan'):.1f}" for name in ("fps", "frame_ms_p95", "ticks_per_s")),
            each["dominated"],
            "; ".join(each["broken"]) or "–",
        ]
        for each in found["trials"]
    ]
    fps = load_config(config_path("crowd")).render.max_fps
    same = chaos["rounds"] - len(chaos["differing"])
    return (
        f"## Until it breaks\n\n`valuescape stress crowd`: up to {fps:.0f} frames and 60 ticks a second.\n\n"
        + table([found["load"], "FPS", "P95, ms", "ticks/s", "longest section", "broken"], rows)
        + f"\n`valuescape stress --chaos --minutes 5`: {chaos['rounds']} rounds of 600 ticks, "
        f"{chaos['killed']} workers killed, {chaos['stopped']} stopped, {chaos['restarts']} replaced; {same} "
        f"of {chaos['rounds']} rounds ended in the state of an undisturbed run, bit by bit.\n"
    )


def main() -> int:
    """Rewrite the measured part of the page."""
    here, with_what = machine(), versions()
    head = (
        f"{date.today()}, {here['cores']} cores of {here['processor']}, no GPU (llvmpipe), "
        f"Python {with_what['python']}.\n\n"
    )
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    sections = "\n".join((scale_section(), stress_section(), impact_section()))
    PAGE.write_text(f"{before}{BEGIN}{head}{sections}{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
