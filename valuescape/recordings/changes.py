"""Changes of a run that people made while it went on: noted for its recording, and made again."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from valuescape.presets import acting_checkpoint
from valuescape.recordings.checksum import checkpoint_hash
from valuescape.recordings.contents import RecordedChange
from valuescape.recordings.means import with_means
from valuescape.sim.changes import Way, differing, way_of
from valuescape.sim.config.files import Config, changed
from valuescape.sim.config.model import LIVE, settings_of
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError

_STEPS = "policy.steps"


def settings_changed(before: Config, after: Config) -> dict[str, Any]:
    """Return the settings that an engine reads, or that choose its checkpoint, with their new values."""
    settings = settings_of(type(after))
    names = (name for name in differing(before, after) if name == _STEPS or way_of(name) > Way.ELSEWHERE)
    return {name: settings[name].value_in(after) for name in names}


class Changes:
    """The changes of a recording, to be made again in their order.

    path: of the recording, for complaints. workers, checkpoint: as for `replay`. check: called while a change
    is made ready. Raises UsageError if a change is of a setting that cannot change during a run.
    """

    def __init__(
        self,
        path: Path,
        changes: Sequence[RecordedChange],
        workers: int | None,
        checkpoint: Path | None,
        check: Callable[[], None],
    ) -> None:
        self._path, self._changes, self._check = path, changes, check
        self._workers, self._checkpoint = workers, checkpoint
        self._made = 0
        unknown = {name for each in changes for name in each.settings} - LIVE
        if unknown:
            said = f"{min(unknown)} is no setting that can change during a run"
            raise UsageError(f"{path}: this recording is damaged ({said})", "record the run again")

    @property
    def ticks(self) -> set[int]:
        """The ticks at which changes are to be made."""
        return {each.tick for each in self._changes}

    def make(self, engine: Engine, up_to: int | None = None) -> None:
        """Make those that are due at the tick at which the engine rests; in all no more than `up_to`.

        Raises UsageError if one cannot be made here.
        """
        for change in self._due(engine.newest_tick, up_to):
            self._make(engine, change)
            self._made += 1

    def _due(self, tick: int, up_to: int | None) -> Iterable[RecordedChange]:
        end = len(self._changes) if up_to is None else up_to
        return [each for each in self._changes[self._made : end] if each.tick <= tick]

    def _make(self, engine: Engine, change: RecordedChange) -> None:
        try:
            config = with_means(changed(engine.config, change.settings), self._workers, None)
            if change.checkpoint is None and _STEPS not in change.settings:
                engine.change(config)
            else:
                self._change_checkpoint(engine, config, change)
        except UsageError as error:
            raise self._impossible(change, str(error)) from None
        engine.finish_change(self._check)
        if failed := engine.change_failed:
            raise self._impossible(change, failed)

    def _change_checkpoint(self, engine: Engine, config: Config, change: RecordedChange) -> None:
        checkpoint = acting_checkpoint(config, engine.world)
        recorded = change.checkpoint
        if recorded and checkpoint and checkpoint_hash(checkpoint) != recorded.sha256:
            raise UsageError(f"checkpoint {recorded.name} has changed since")
        engine.change(config, checkpoint)

    def _impossible(self, change: RecordedChange, why: str) -> UsageError:
        return UsageError(f"{self._path}: the change after tick {change.tick} cannot be made again: {why}")
