"""What a run came to at its last tick, as arrays: for papers, and for figures drawn from the same numbers."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.constants import ENDING_SHIFT
from valuescape.recordings.checksum import checkpoint_hash
from valuescape.run.report import about
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import MapPlane
from valuescape.sim.worlds import Variable

if TYPE_CHECKING:
    from valuescape.run.session import Session

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
"""What is in an export, each with its shape, dtype and unit."""

_REST_S = 5.0
"""How long workers may take to come to one tick."""


@dataclass(frozen=True, slots=True)
class RunData:
    """Arrays by their names (ARRAYS), and what they are of: the JSON of `metadata`."""

    arrays: dict[str, NDArray[Any]]
    about: dict[str, Any]


def gather(session: "Session") -> RunData:
    """Return what a session came to at the newest tick, at which it rests from now on; GPU queries."""
    _rest(session)
    plane, tick = session.scene.plane, session.newest_tick
    arrays = _fields(session, plane) | _trajectories(session)
    arrays["states"] = np.ascontiguousarray(session.engine.row("state", tick).T)
    return RunData(arrays | _episodes(session, tick), _about(session, plane, tick))


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


def _rest(session: "Session") -> None:
    """Let every worker come to the same tick, and the scene take over what happened until then."""
    engine = session.engine
    engine.pause()
    end = time.monotonic() + _REST_S
    while engine.furthest_tick > engine.newest_tick and time.monotonic() < end:
        engine.check()
        time.sleep(0.001)
    session.scene.take_ticks(engine, engine.newest_tick, session.stage.signals(session.viewer.trail_color))


def _fields(session: "Session", plane: MapPlane) -> dict[str, NDArray[Any]]:
    landscape, fields = session.stage.landscape, {}
    if landscape:
        texture = landscape.texture
        value = np.frombuffer(texture.read(), np.float32).reshape(texture.height, texture.width)
        fields["value"] = value
    fields["density"] = session.scene.fields.density.read_visits()
    x, y = plane.variables
    centres = {
        f"{name}_{axis}": _centres(variable, edge)
        for name, field in fields.items()
        for axis, variable, edge in (("x", x, field.shape[1]), ("y", y, field.shape[0]))
    }
    return fields | centres


def _centres(variable: Variable, edge: int) -> NDArray[np.float64]:
    """Return the middle of each of `edge` cells over a variable's window."""
    return variable.low + (np.arange(edge) + 0.5) / edge * (variable.high - variable.low)


def _trajectories(session: "Session") -> dict[str, NDArray[Any]]:
    ring = session.scene.trails.ring
    positions, strands = ring.read()
    return {
        "trajectories": positions,
        "trajectory_ticks": np.array(ring.ticks, np.int64),
        "trajectory_strands": strands & np.uint32((1 << ENDING_SHIFT) - 1),
        "trajectory_endings": (strands >> ENDING_SHIFT).astype(np.uint8),
    }


def _episodes(session: "Session", tick: int) -> dict[str, NDArray[Any]]:
    state = session.engine.episodes(tick)
    return {
        "episode_number": state.number,
        "episode_step": state.step,
        "episodes_finished": state.finished_count,
        "episodes_terminated": state.terminated_count,
        "finished_return": state.finished_return,
        "finished_length": state.finished_length,
    }


def _about(session: "Session", plane: MapPlane, tick: int) -> dict[str, Any]:
    world, checkpoint = plane.world, session.stage.checkpoint
    return {
        "format": FORMAT,
        "world": world.name,
        "tick": tick,
        "step_s": world.step_s,
        "seed": session.config.run.seed,
        "axes": [_variable(each) for each in plane.variables],
        "slice": plane.label,
        "state": [_variable(each) for each in world.state],
        "checkpoint": checkpoint
        and {
            "name": session.config.policy.checkpoint,
            "algorithm": checkpoint.algorithm,
            "gamma": checkpoint.gamma,
            "sha256": checkpoint_hash(checkpoint),
        },
        "arrays": ARRAYS,
        **about(session.config),
    }


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "unit": variable.unit,
        "low": variable.low,
        "high": variable.high,
        "periodic": variable.periodic,
    }
