"""Writes the results of the measuring commands into docs. Run it by `make report`.

With --presets it runs each preset first and writes those results too.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import report_sections as sections

from valuescape.presets import presets

HERE = Path(__file__).parent
BEGIN, END = "<!-- measured, written by `make report` -->\n", "<!-- /measured -->\n"


def run_preset(name: str, seconds: int) -> dict[str, Any]:
    """Run a preset without a window and return its report."""
    print(f"preset {name}", flush=True)  # noqa: T201
    folder = HERE.parent / "runs" / "report" / name
    length = ["--headless", "--seconds", str(seconds), "--set", "run.record=false"]
    command = [sys.executable, "-m", "valuescape", "run", name, *length, "--out", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    report: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return report


def keep(name: str, figures: Any) -> None:
    """Store results."""
    path = sections.RESULTS / f"{name}.json"
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def run_presets() -> None:
    """Run each preset and store its results; the demo runs long enough to judge memory growth."""
    kept = ("agents", "fps_mean", "frame_ms_p95", "busy_ms_p50", "ticks_per_s", "memory_mb_per_min", "health")
    reports = {name: run_preset(name, sections.PRESET_SECONDS) for name in presets()}
    keep(
        "presets",
        {
            name: {key: each[key] for key in kept} | {"config": each["config"]}
            for name, each in reports.items()
        },
    )
    keep("limits", run_preset("demo", sections.LIMITS_SECONDS))


def origin(report: dict[str, Any]) -> str:
    """Return a line with the date, machine, driver and Python of a report."""
    here = report["machine"]
    return (
        f"{report['date'][:10]}, {here['cores']} cores of {here['processor']}, {report['gl_renderer']}, "
        f"Python {report['versions']['python']}.\n\n"
    )


def rewrite(name: str, head: str, parts: list[str]) -> None:
    """Replace the measured part of a page by a head and sections."""
    page = HERE / name
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(before + BEGIN + head + "\n".join(parts) + END + after, encoding="utf-8")


def main() -> int:
    """Rewrite the measured parts of the pages."""
    if "--presets" in sys.argv[1:]:
        run_presets()
    head = origin(sections.read("bench"))
    measuring = [
        sections.scale_section(),
        sections.stress_section(),
        sections.soak_section(),
        sections.impact_section(),
        sections.bench_section(),
        sections.presets_section(),
    ]
    lessons = [sections.limits_section(), sections.impact_section("###"), sections.anti_patterns_section()]
    rewrite("measuring.md", head, measuring)
    rewrite("lessons_learned.md", head, lessons)
    return 0


if __name__ == "__main__":
    sys.exit(main())
