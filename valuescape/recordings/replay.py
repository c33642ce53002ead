"""Runs a recorded run again and compares it with its recording, tick by tick."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.presets import acting_checkpoint
from valuescape.recordings.checksum import array_hash, checkpoint_hash, first_difference
from valuescape.recordings.contents import RecordedCheckpoint, RecordedTick
from valuescape.recordings.plugins import require_plugins
from valuescape.recordings.recording import Recording, exact_versions
from valuescape.recordings.simulate import simulate
from valuescape.sim.config.files import Config
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.worlds import make_world

_NAME_IT = "name the file that acted then: --checkpoint FILE"


class RunDiffersError(Exception):
    """A repeated run differs from its recording; the message names tick, array and first agent."""


def replay(
    recording: Recording,
    *,
    workers: int | None = None,
    checkpoint: Path | None = None,
    on_equal: Callable[[RecordedTick], None] = lambda _: None,
    check: Callable[[], None] = lambda: None,
    on_tick: Callable[[int], None] = lambda _: None,
) -> None:
    """Run `recording` again and compare each tick that it keeps.

    workers: their number, if not the recorded one. checkpoint: the file to use in place of the recorded name;
    its tensors must be the same. on_equal: called with each tick that is equal. check, on_tick: as in
    `simulate`. Raises RunDiffersError at the first tick that differs, and UsageError if a plug-in of the
    recording is missing, its world is unknown, or its checkpoint is missing or has changed.
    """
    about = recording.about
    require_plugins(recording.path, "recording", about.plugins, about.config)
    config = with_means(about.config, workers, checkpoint if about.checkpoint else None)
    acting = same_checkpoint(recording.path, "recording", about.checkpoint, config)
    samples = {sample.tick: sample for sample in recording.about.samples}

    def compare(engine: Engine) -> None:
        sample = samples[engine.newest_tick]
        if engine.state_hash() != sample.state_hash:
            raise RunDiffersError(_difference(recording, sample, engine.tick_arrays()))
        on_equal(sample)

    simulate(config, acting, sorted(samples), compare, check=check, on_tick=on_tick)


def other_versions(recording: Recording) -> list[str]:
    """Return the versions that differ from the recorded ones: "numpy 2.1 (recorded), 2.2 (now)"."""
    recorded, now = recording.about.versions, exact_versions()
    return [
        f"{name} {recorded.get(name, 'none')} (recorded), {now[name]} (now)"
        for name in now
        if recorded.get(name, "none") != now[name]
    ]


def with_means(config: Config, workers: int | None, checkpoint: Path | None) -> Config:
    """Return a configuration with another number of workers and another checkpoint's file, where given."""
    if workers is not None:
        changes = {"workers": config.workers.model_copy(update={"count": workers})}
        features = config.features.model_copy(update={"parallel_agents": True})
        config = config.model_copy(update={**changes, "features": features})
    if checkpoint is not None:
        policy = config.policy.model_copy(update={"checkpoint": str(checkpoint), "steps": "last"})
        config = config.model_copy(update={"policy": policy})
    return config


def same_checkpoint(
    path: Path, what: str, recorded: RecordedCheckpoint | None, config: Config
) -> Checkpoint | None:
    """Return the checkpoint of a configuration, which has to be the recorded one; None for random actions.

    path, what: the file that recorded it, and its kind, for complaints. Raises UsageError if the checkpoint
    is missing or has changed.
    """
    world = make_world(config.world.name, config)
    if recorded is None:
        return None
    try:
        found = acting_checkpoint(config, world)
    except UsageError as error:
        said = f"{path}: the checkpoint of this {what} cannot be used: {error.args[0]}"
        raise UsageError(said, _NAME_IT) from error
    now = checkpoint_hash(found) if found else "none"
    if now != recorded.sha256:
        raise UsageError(
            f"{path}: checkpoint {config.policy.checkpoint} has changed since: "
            f"its tensors' SHA-256 is {now[:12]}…, expected {recorded.sha256[:12]}…",
            _NAME_IT,
        )
    return found


def _difference(recording: Recording, sample: RecordedTick, arrays: dict[str, NDArray[Any]]) -> str:
    """Return a message that names the first difference of a tick from its recording."""
    differing = [name for name in arrays if array_hash(arrays[name]) != sample.arrays.get(name)]
    where = f"{recording.path}: differs at tick {sample.tick}: "
    if not differing:
        return where + "the trail (rows and episodes are equal)"
    if not sample.rows:
        return f"{where}{differing[0]} (its rows are not in the recording: the crowd is too large)"
    for name, recorded in recording.rows(sample.tick, arrays):
        agent = first_difference(recorded, arrays[name])
        if agent is not None:
            values = f"{_shown(recorded, agent)} recorded, {_shown(arrays[name], agent)} now"
            return f"{where}{name}, agent {agent}: {values}"
    raise UsageError(
        f"{recording.path}: this recording is damaged (rows and hashes of tick {sample.tick} disagree)",
        "record the run again",
    )


def _shown(array: NDArray[Any], agent: int) -> str:
    return " ".join(str(value) for value in np.atleast_1d(array[..., agent]))
