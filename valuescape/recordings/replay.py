"""Runs a recorded run again and compares it with its recording, tick by tick."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.recordings.changes import Changes
from valuescape.recordings.checksum import array_hash, first_difference
from valuescape.recordings.contents import RecordedTick
from valuescape.recordings.means import same_checkpoint, with_means
from valuescape.recordings.plugins import require_plugins
from valuescape.recordings.recording import Recording, exact_versions
from valuescape.recordings.simulate import simulate
from valuescape.sim.cluster.requirements import without_cluster
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError


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
    """Run `recording` again, on this machine, and compare each tick that it keeps.

    workers: their number, if not the recorded one. checkpoint: the file to use in place of the recorded name;
    its tensors must be the same. on_equal: called with each tick that is equal. check, on_tick: as in
    `simulate`. Raises RunDiffersError at the first tick that differs, and UsageError if a plug-in of the
    recording is missing, its world is unknown, or its checkpoint is missing or has changed.
    """
    about = recording.about
    require_plugins(recording.path, "recording", about.plugins, about.config)
    config = with_means(without_cluster(about.config), workers, checkpoint if about.checkpoint else None)
    acting = same_checkpoint(recording.path, "recording", about.checkpoint, config)
    samples = {sample.tick: sample for sample in about.samples}
    changes = Changes(recording.path, about.changes, workers, checkpoint, check)

    def compare(engine: Engine, sample: RecordedTick) -> None:
        if engine.state_hash() != sample.state_hash:
            raise RunDiffersError(_difference(recording, sample, engine.tick_arrays()))
        on_equal(sample)

    def at_stop(engine: Engine) -> None:
        if sample := samples.get(engine.newest_tick):
            changes.make(engine, up_to=sample.changes)
            compare(engine, sample)
        changes.make(engine)

    stops = sorted(samples.keys() | changes.ticks)
    simulate(config, acting, stops, at_stop, check=check, on_tick=on_tick)


def other_versions(recording: Recording) -> list[str]:
    """Return the versions that differ from the recorded ones: "numpy 2.1 (recorded), 2.2 (now)"."""
    recorded, now = recording.about.versions, exact_versions()
    return [
        f"{name} {recorded.get(name, 'none')} (recorded), {now[name]} (now)"
        for name in now
        if recorded.get(name, "none") != now[name]
    ]


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
