"""The report of a run: configuration, machine and versions, and how the run went."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from valuescape.environment import machine, versions
from valuescape.formatting import finite
from valuescape.invocation import command
from valuescape.run_state import RunState
from valuescape.sim.config.files import Config
from valuescape.sim.errors import UsageError
from valuescape.sim.measuring.health import limits, measures
from valuescape.sim.plugins.used import used_sources
from valuescape.sim.stepping.choose import tabulation_of


def write_report(
    state: RunState, path: Path, more: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Return the report of a run and write it to `path` as JSON; null: the run was too short to tell.

    more: entries beside those of every run. Raises UsageError if the file cannot be written.
    """
    report: dict[str, Any] = finite({**_report(state), **more})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from None
    return report


def _report(state: RunState) -> dict[str, Any]:
    config, log = state.config, state.log
    measured = measures(log, config.health)
    return {
        "agents": config.agents.count,
        "workers": state.workers,
        "nodes": state.nodes,
        "frames": len(log.frame_ends),
        "ticks": max(state.tick, 0),
        **{name: round(value, 4) for name, value in measured.items()},
        **_costs(state),
        **results_of(state),
        "health": {limit.name: limit.lamp for limit in limits(measured, config.health)},
        "alerts": [asdict(each) for each in state.noticed.heard],
        "warmup_s": config.health.warmup_s,
        "recorded": state.recorded,
        "lockstep": state.lockstep,
        "gl_renderer": state.driver.renderer,
        "gl_version": state.driver.version,
        **about(config),
    }


def _costs(state: RunState) -> dict[str, Any]:
    return {
        "frame_parts_ms": {part.name: round(part.ms, 3) for part in state.figures.parts()},
        "processes": state.figures.processes(),
        "stats_hit_rate": round(state.figures.hit_rate, 4),
        "individuals": state.individuals,
        "start_s": round(state.start_s, 3),
        "worker_restarts": state.restarts,
    }


def results_of(state: RunState) -> dict[str, Any]:
    """Return what the agents got, and numbers about the critic."""
    stats = state.figures.episodes()
    return {
        "episodes": stats.finished,
        "episodes_terminated": stats.terminated,
        "mean_return": round(stats.mean_return, 4),
        "mean_length": round(stats.mean_length, 4),
        "critic": _critic(state),
        "tabulated": _tabulated(state),
    }


def _critic(state: RunState) -> dict[str, Any] | None:
    """Return numbers about the critic, keys as in an analysis's summary.json; None without any."""
    numbers, checkpoint = state.figures.critic(), state.checkpoint
    if numbers is None:
        return None
    return {
        **{name: asdict(estimate) for name, estimate in numbers.estimates.items()},
        "gamma": checkpoint.gamma if checkpoint else None,
        "exploration": state.config.policy.exploration,
        "agents": numbers.agents,
        "episodes": numbers.episodes,
        "whole_episodes": numbers.whole,
        "steps": numbers.steps,
        "bootstrapped_share": numbers.bootstrapped,
        "left_out": numbers.left_out,
        "missed_ticks": numbers.missed,
    }


def _tabulated(state: RunState) -> dict[str, Any] | None:
    """Return how far actions are from the network's; None unless the actor is tabulated."""
    error = tabulation_of(state.config, state.world, state.checkpoint)
    return asdict(error) if error else None


def about(config: Config | Mapping[str, Any]) -> dict[str, Any]:
    """Return the block that every report ends with: command, date, machine, versions, plug-ins, settings.

    The date is in UTC. config: of the run; of a command without a run, the options that decided what was
    measured.
    """
    return {
        "command": command(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        "plugins": [asdict(each) for each in used_sources()],
        "config": config.model_dump(mode="json") if isinstance(config, Config) else dict(config),
    }
