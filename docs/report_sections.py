"""The measured sections of docs/measuring.md and docs/lessons_learned.md, from the results in docs/bench."""

import json
from pathlib import Path
from statistics import median
from typing import Any

from valuescape.presets import config_path
from valuescape.sim.config.files import load_config

RESULTS = Path(__file__).parent / "bench"
PRESET_SECONDS, LIMITS_SECONDS = 15, 60
"""Lengths of the runs of presets, and of the demo for the five limits."""


def read(name: str) -> dict[str, Any]:
    """Return the stored results of a command."""
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def table(heading: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def middle(values: list[float]) -> str:
    """Return the median with three significant digits; a dash without values."""
    if not values:
        return "–"
    value = median(values)
    for divisor, unit in ((1e6, " M"), (1e3, " k")):
        if value >= divisor:
            return f"{value / divisor:.3g}{unit}"
    return f"{value:.3g}"


def scale_section() -> str:
    """Return the section of `valuescape scale`'s results."""
    found = read("scale")
    (verdict,) = found["verdicts"]  # of one configuration, no sweep
    efficiency = {(each["workers"], each["agents"]): each["efficiency"] for each in verdict["efficiency"]}
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
    heading = [
        "workers",
        "agents",
        "ticks/s",
        "agent-steps/s",
        "efficiency",
        "hand-over of one tick, µs",
        "FPS",
    ]
    best = ", ".join(f"{count} for {int(crowd):,}" for crowd, count in verdict["best_workers"].items())
    growth = ", ".join(f"{value:.2f} with {count}" for count, value in verdict["exponents"].items())
    return (
        "## Workers and agents\n\n`valuescape scale`: point masses with a 64-64 actor; medians of "
        f"{found['plan']['repeats']} runs in mixed order. "
        "FPS: the whole program without a limit on frames.\n\n"
        + table([*heading, "P95, ms", "bytes/agent"], rows)
        + f"\nBest number of workers: {best} agents. The time of a tick grows as agents^e; "
        f"e = {growth} workers.\n"
    )


def impact_table() -> str:
    """Return the impact matrix."""
    rows = []
    for each in read("impact")["switches"]:
        fps, p95, section, memory = (
            with_reach(each[name]) for name in ("fps", "frame_ms_p95", "section_ms", "memory_mb")
        )
        touched = f"{each['section']} {section}" if each["section"] else "–"
        lines = f"{each['lines']:,}" if each["lines"] else "a few"
        cells = f"`{each['switch']}`", fps, p95, touched, memory, lines, each["agrees"], each["recommended"]
        rows.append([*cells])
    heading = [
        *("switch on", "FPS", "P95, ms", "its section, ms", "memory, MB", "lines of code"),
        *("both paths agree", "recommended here"),
    ]
    return table(heading, rows)


def with_reach(change: dict[str, float | None]) -> str:
    """Return a mean change and its confidence interval."""
    reach = "" if change["reach"] is None else f" ± {change['reach']:.1f}"
    return f"{change['mean']:+.1f}{reach}"


def impact_section(heading: str = "##") -> str:
    """Return the section of `valuescape impact`'s results. heading: its Markdown level."""
    speeds = {each["name"]: middle(each["fps"]) for each in read("impact")["variants"]}
    return (
        f"{heading} Gain of each optimisation\n\n"
        "`valuescape impact --set agents.count=1000 --seconds 3 --repeats 5`: "
        "each switch of `[features]` switched off alone, compared with all on; ± is the 95 % confidence "
        "interval. With positive FPS and negative times the switch helps.\n\n"
        + impact_table()
        + f"\nAll on: {speeds['all on']} FPS, all off: {speeds['all off']} FPS.\n"
    )


def trials_table(found: dict[str, Any]) -> str:
    """Return the trials of a search."""
    rows = [
        [
            f"{each['load']:,}",
            *(f"{each[name] or float('nan'):.1f}" for name in ("fps", "frame_ms_p95", "ticks_per_s")),
            each["dominated"],
            "; ".join(each["broken"]) or "–",
        ]
        for each in found["trials"]
    ]
    return table([found["load"], "FPS", "P95, ms", "ticks/s", "longest section", "limits broken"], rows)


def stress_section() -> str:
    """Return the section of the results of `valuescape stress` and `stress --chaos`."""
    found, together, chaos = read("stress"), read("stress-together"), read("chaos")
    fps = load_config(config_path("crowd")).render.max_fps
    same = chaos["rounds"] - len(chaos["differing"])
    return (
        f"## Breaking load\n\n`valuescape stress crowd`: at most {fps:.0f} frames a second, "
        "60 ticks a second.\n\n"
        + trials_table(found)
        + "\n`valuescape stress medium --load agents,trails,ticks`: the three loads together, in percent of "
        "1,000 agents, trails of 64 ticks, and 60 ticks a second.\n\n"
        + trials_table(together)
        + f"\n`valuescape stress --chaos --minutes 5`: {chaos['rounds']} rounds of 600 ticks, "
        f"{chaos['killed']} workers killed, {chaos['stopped']} stopped, {chaos['restarts']} replaced; {same} "
        f"of {chaos['rounds']} rounds ended in the state of an undisturbed run, bit by bit.\n"
    )


def soak_section() -> str:
    """Return the section of the results of `valuescape stress --minutes`."""
    found = read("soak")
    samples = found["samples"]
    shown = [samples[round(at * (len(samples) - 1) / 5)] for at in range(6)]
    rows = [
        [
            f"{each['at_s'] / 60:.1f}",
            f"{each['memory'] / 1e6:.1f}",
            f"{each['fps'] or float('nan'):.1f}",
            *(str(each[name]) for name in ("gl_objects", "files", "shared_names", "threads", "processes")),
        ]
        for each in shown
    ]
    heading = [
        "minute",
        "memory, MB",
        "FPS",
        "GL objects",
        "files",
        "names in /dev/shm",
        "threads",
        "processes",
    ]
    grows = "; ".join(found["grows"]) or "no count of resources grows"
    return (
        "## Soak\n\n`valuescape stress medium --minutes 6`: "
        f"memory {found['memory_mb_per_min']:+.2f} MB/min, {grows}.\n\n" + table(heading, rows)
    )


def bench_section() -> str:
    """Return the section of `valuescape bench`'s results."""
    rows = [
        [
            each["group"],
            f"{each['count']:,}",
            each["way"],
            *(f"{each[name]:,.2f}" for name in ("median_us", "iqr_us")),
            f"{each['times']:.3g}",
        ]
        for each in read("bench")["benchmarks"]
    ]
    heading = ["group", "count", "method", "median, µs", "spread, µs", "times as fast"]
    return (
        "## Micro-benchmarks\n\n`valuescape bench --seconds 1`: each method beside the one it replaced; "
        "spread is the interquartile range; times as fast as the first method of the group with that "
        "count.\n\n" + table(heading, rows)
    )


def presets_section() -> str:
    """Return the section of the presets' results."""
    rows = []
    for name, each in read("presets").items():
        render, broken = (
            each["config"]["render"],
            [key for key, kept in each["health"].items() if kept is False],
        )
        if each["memory_mb_per_min"] is None and "memory" in broken:  # too short to measure it
            broken.remove("memory")
        rows.append(
            [
                f"`{name}`",
                f"{each['agents']:,}",
                f"{render['width']} × {render['height']}",
                f"{each['fps_mean']:.1f}",
                *(f"{each[key]:.1f}" for key in ("frame_ms_p95", "busy_ms_p50", "ticks_per_s")),
                ", ".join(broken) or "–",
            ]
        )
    heading = ["preset", "agents", "picture", "FPS", "P95, ms", "busy, ms", "ticks/s", "limits broken"]
    return (
        "## Presets\n\n"
        f"`valuescape run PRESET --headless --seconds {PRESET_SECONDS} --set run.record=false`: "
        "such a run is too short to judge memory growth.\n\n" + table(heading, rows)
    )


_LIMITS = {
    "fps_std": ("FPS standard deviation", "fps_std", "fps_std_below"),
    "frame_ms_p95": ("frame time P95, ms", "frame_ms_p95", "frame_ms_p95_below"),
    "gpu_queries": ("GPU queries a frame", "gpu_queries_per_frame", "gpu_queries_below"),
    "draw_calls": ("draw calls a frame", "draw_calls_per_frame", "draw_calls_below"),
    "memory": ("memory growth, MB/min", "memory_mb_per_min", "memory_mb_per_min_below"),
}


_VERDICTS = {True: "kept", False: "broken", None: "run too short"}


def limits_section() -> str:
    """Return the section of the five limits, from a minute of the demo."""
    run = read("limits")
    rows = [
        [
            title,
            f"{run[figure]:.2f}",
            f"{run['config']['health'][bound]:g}",
            _VERDICTS[run["health"][name]],
        ]
        for name, (title, figure, bound) in _LIMITS.items()
    ]
    cached = f"{run['stats_hit_rate']:.1%} of the requests for statistics were answered from the cache."
    return (
        "### The five limits\n\n"
        f"`valuescape run demo --headless --seconds {LIMITS_SECONDS} --set run.record=false`: "
        f"{run['fps_mean']:.1f} FPS.\n\n" + table(["limit", "measured", "below", ""], rows) + f"\n{cached}\n"
    )


def anti_patterns_section() -> str:
    """Return the cost of each anti-pattern: the first method of a group beside its last."""
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for each in read("bench")["benchmarks"]:
        found.setdefault((each["group"], each["count"]), []).append(each)
    rows = []
    for (group, count), ways in found.items():
        first, last = ways[0], ways[-1]
        if group not in ("field", "hand over"):  # alternatives, none of them an anti-pattern
            cells = first["way"], f"{first['median_us']:,.1f}", last["way"], f"{last['median_us']:,.1f}"
            rows.append([group, f"{count:,}", *cells, f"{last['times']:.3g}"])
    heading = ["group", "count", "instead of", "µs", "used here", "µs", "times as fast"]
    return (
        "### Anti-patterns\n\n`valuescape bench --seconds 1`; all methods are in "
        "[measuring.md](measuring.md).\n\n" + table(heading, rows)
    )
