"""The summary of a run: what was run, on what, how it went."""

import importlib.metadata
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valuescape.formatting import finite
from valuescape.invocation import command
from valuescape.sim.config.files import Config
from valuescape.sim.errors import UsageError
from valuescape.sim.measuring.health import limits, measures
from valuescape.sim.resources import usable_cores

if TYPE_CHECKING:
    from valuescape.run.session import Session

_PACKAGES = ("valuescape", "numpy", "numba", "torch", "moderngl", "glfw", "multiprocess", "av")


def write_report(session: "Session", path: Path) -> dict[str, Any]:
    """Return the report of a run and write it to `path` as JSON; null stands for what was too short to tell.

    Raises UsageError if the file cannot be written.
    """
    report: dict[str, Any] = finite(_report(session))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from None
    return report


def _report(session: "Session") -> dict[str, Any]:
    config, log, engine = session.config, session.log, session.engine
    figures = measures(log, config.health)
    stats = engine.episode_stats()
    return {
        "agents": config.agents.count,
        "workers": engine.workers,
        "frames": len(log.frame_ends),
        "ticks": max(session.newest_tick, 0),
        **{name: round(value, 4) for name, value in figures.items()},
        "frame_parts_ms": {part.name: round(part.ms, 3) for part in session.accounts.parts()},
        "processes": session.accounts.usage(session.stage),
        "stats_hit_rate": round(session.accounts.stats.hit_rate, 4),
        "individuals": session.scene.trails.individuals.count,
        "start_s": round(session.accounts.start_s, 3),
        "worker_restarts": engine.restarts,
        "episodes": stats.finished,
        "episodes_terminated": stats.terminated,
        "mean_return": round(stats.mean_return, 4),
        "mean_length": round(stats.mean_length, 4),
        "health": {limit.name: limit.kept for limit in limits(figures, config.health)},
        "alerts": [asdict(each) for each in session.alerts.heard],
        "warmup_s": config.health.warmup_s,
        "recorded": session.recorder is not None,
        "lockstep": session.lockstep,
        "gl_renderer": session.driver.renderer,
        "gl_version": session.driver.version,
        **about(config),
    }


def about(config: Config | Mapping[str, Any]) -> dict[str, Any]:
    """Return what every report says of itself: command, date (UTC), machine, versions, configuration.

    config: of what was run; where no world was run, the options that decided what was measured.
    """
    return {
        "command": command(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        "config": config.model_dump(mode="json") if isinstance(config, Config) else dict(config),
    }


def machine() -> dict[str, Any]:
    """Return what the run ran on."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": usable_cores(),
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that matter to a run's figures."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
