"""Export of a run's last tick as arrays, for papers and for figures drawn from the same numbers."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.constants import ENDING_SHIFT
from valuescape.recordings.checksum import checkpoint_hash
from valuescape.run.map_sources.truth import TruthLook
from valuescape.run.report import about
from valuescape.run.stage import Stage
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds import Variable

FORMAT = "valuescape-export-1"

ARRAYS = {
    "value": "[rows, columns] float32: the critic's V over the map, as shown; missing without a critic",
    "value_x": "[columns] float64: centres of its columns, in the unit of the horizontal axis",
    "value_y": "[rows] float64: centres of its rows, lowest first, in the unit of the vertical axis",
    "density": "[rows, columns]: visits of each cell; float32 if they fade (heatmap.density_half_life)",
    "density_x": "[columns] float64: centres of its columns",
    "density_y": "[rows] float64: centres of its rows, lowest first",
    "trajectories": "[ticks, agents, 2] float32: where agents were on the map, in the units of its axes",
    "trajectory_ticks": "[ticks] int64: the ticks of these, oldest first; the last is the export's own",
    "trajectory_strands": "[ticks, agents] uint32: a line breaks where this changes (restart, periodic edge)",
    "trajectory_endings": "[ticks, agents] uint8: 0 the episode goes on, 1 it terminated, 2 was truncated",
    "states": "[agents, state variables] float32: at the last tick, in the units of metadata.state",
    "episode_number": "[agents] uint32: the episode that each agent is in, from 0",
    "episode_step": "[agents] uint32: steps since its start",
    "episodes_finished": "[agents] uint32: episodes that ended",
    "episodes_terminated": "[agents] uint32: those of them that ended by termination",
    "finished_return": "[agents] float64: sum of the returns of finished episodes",
    "finished_length": "[agents] uint64: sum of their lengths, in steps",
    "metadata": "str: JSON; world, axes with names, units and windows, checkpoint, seed, tick, versions",
}
"""The members of an export, each with its shape, dtype and unit."""

TRUTH_ARRAYS = {
    "truth": "[rows, columns] float64: the mean return of rollouts from each cell of `value`",
    "truth_half_width": "[rows, columns] float64: half of its 95 % interval; inf where it is unknown",
    "truth_total": "[rows, columns] float64: the mean undiscounted return",
    "truth_steps": "[rows, columns] float64: the mean length of a rollout, in steps",
    "truth_terminated": "[rows, columns] float64: the share of rollouts that terminated",
    "truth_rollouts": "[rows, columns] int32: rollouts from the cell; without one it has a neighbour's",
    "error": "[rows, columns] float32: value - truth",
    "error_significant": "[rows, columns] bool: where the error is beyond chance",
}
"""Further members of an export after a map of rollouts was shown, such as `heatmap.layer` = "error"."""

_REST_S = 5.0
"""Seconds that workers may take to come to one tick."""


@dataclass(frozen=True, slots=True)
class RunData:
    """The arrays of an export by their names (ARRAYS), and the JSON of `metadata`."""

    arrays: dict[str, NDArray[Any]]
    about: dict[str, Any]


def gather(stage: Stage, color_by: str) -> RunData:
    """Return the arrays of a stage at its newest tick, at which its engine rests from now on; GPU queries.

    color_by: what trails are coloured by; the signal is brought up to date with the trails.
    """
    _rest(stage, color_by)
    tick = stage.scene.trails.ring.newest
    arrays = _fields(stage) | _truth(stage) | _trajectories(stage)
    arrays["states"] = np.ascontiguousarray(stage.engine.whole_row("state", tick).T)
    return RunData(arrays | _episodes(stage, tick), _about(stage, tick))


def write_npz(data: RunData, path: Path) -> None:
    """Write an export. Raises UsageError if it cannot be written; nothing is left then."""
    partial = path.with_name(f".{path.name}.partial")
    members: dict[str, Any] = {**data.arrays, "metadata": np.array(json.dumps(data.about))}
    try:
        with partial.open("wb") as file:
            np.savez_compressed(file, **members)
        partial.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from None
    finally:
        partial.unlink(missing_ok=True)


def _rest(stage: Stage, color_by: str) -> None:
    """Let every worker come to the same tick, and the scene take over what happened until then."""
    engine = stage.engine
    engine.pause()
    end = time.monotonic() + _REST_S
    while engine.furthest_tick > engine.newest_tick and time.monotonic() < end:
        engine.check()
        time.sleep(0.001)
    stage.scene.take_ticks(engine, engine.newest_tick, stage.signals(color_by))


def _fields(stage: Stage) -> dict[str, NDArray[Any]]:
    landscape, fields = stage.landscape, {}
    if landscape:
        texture = landscape.texture
        value = np.frombuffer(texture.read(), np.float32).reshape(texture.height, texture.width)
        fields["value"] = value
    fields["density"] = stage.scene.fields.density.read_visits()
    x, y = stage.scene.plane.variables
    centres = {
        f"{name}_{axis}": _centres(variable, edge)
        for name, field in fields.items()
        for axis, variable, edge in (("x", x, field.shape[1]), ("y", y, field.shape[0]))
    }
    return fields | centres


def _truth(stage: Stage) -> dict[str, NDArray[Any]]:
    """Return the arrays of rollouts on the plane that is shown; none if no map of them was shown there."""
    look = truth_of(stage)
    if look is None:
        return {}
    truth = look.truth
    return {
        "truth": truth.value,
        "truth_half_width": truth.half_width,
        "truth_total": truth.total,
        "truth_steps": truth.steps,
        "truth_terminated": truth.terminated,
        "truth_rollouts": truth.rollouts,
        "error": look.values["error"],
        "error_significant": look.certainty > 0,
    }


def truth_of(stage: Stage) -> TruthLook | None:
    """Return the newest look at the rollouts on the plane that is shown; None if there is none."""
    look = stage.maps.truth.newest
    return look if look and look.request.plane == stage.scene.plane else None


def _centres(variable: Variable, edge: int) -> NDArray[np.float64]:
    """Return the middle of each of `edge` cells over a variable's window."""
    return variable.low + (np.arange(edge) + 0.5) / edge * (variable.high - variable.low)


def _trajectories(stage: Stage) -> dict[str, NDArray[Any]]:
    ring = stage.scene.trails.ring
    positions, strands = ring.read()
    return {
        "trajectories": positions,
        "trajectory_ticks": np.array(ring.ticks, np.int64),
        "trajectory_strands": strands & np.uint32((1 << ENDING_SHIFT) - 1),
        "trajectory_endings": (strands >> ENDING_SHIFT).astype(np.uint8),
    }


def _episodes(stage: Stage, tick: int) -> dict[str, NDArray[Any]]:
    state = stage.engine.episodes(tick)
    return {
        "episode_number": state.number,
        "episode_step": state.step,
        "episodes_finished": state.finished_count,
        "episodes_terminated": state.terminated_count,
        "finished_return": state.finished_return,
        "finished_length": state.finished_length,
    }


def _about(stage: Stage, tick: int) -> dict[str, Any]:
    plane, checkpoint, config = stage.scene.plane, stage.checkpoint, stage.config
    look = truth_of(stage)
    world = plane.world
    return {
        "format": FORMAT,
        "world": world.name,
        "tick": tick,
        "step_s": world.step_s,
        "seed": config.run.seed,
        "axes": [_variable(each) for each in plane.variables],
        "slice": plane.label,
        "state": [_variable(each) for each in world.state],
        "checkpoint": checkpoint
        and {
            "name": config.policy.checkpoint,
            "algorithm": checkpoint.algorithm,
            "gamma": checkpoint.gamma,
            "sha256": checkpoint_hash(checkpoint),
        },
        "truth": look and {"what": look.what, "pale": look.pale, "progress": look.truth.progress},
        "arrays": ARRAYS | TRUTH_ARRAYS if look else ARRAYS,
        **about(config),
    }


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "unit": variable.unit,
        "low": variable.low,
        "high": variable.high,
        "periodic": variable.periodic,
    }
