"""Records a run that people watch and change, from its start to its end."""

from pathlib import Path
from typing import Any, Self

from valuescape import remarks
from valuescape.recordings.changes import settings_changed
from valuescape.recordings.contents import MAX_CHANGES, MAX_SAMPLES, RecordedChange
from valuescape.recordings.recording import ROWS_BYTES, RunRecorder, recorded_checkpoint
from valuescape.sim.config.model import LIVE
from valuescape.sim.engine import Engine


class SessionRecorder(RunRecorder):
    """Writes the recording of a run with its changes: `note` in every frame, `add` where it rests.

    engine: at rest at tick 0. A run that begins anew (`begin`) is recorded anew: the file has what came after
    that. Arrays are kept of the last tick only (`end`), hashes of all that were added.
    """

    def __init__(self, path: Path, engine: Engine) -> None:
        super().__init__(path, engine.config, engine.checkpoint, MAX_SAMPLES)
        self._begun_with = engine
        self._last = self._full = False

    def __enter__(self) -> Self:
        super().__enter__()
        self.begin(self._begun_with)
        return self

    def begin(self, engine: Engine) -> None:
        """Record this engine, which is at tick 0 still or again, and forget what was recorded before."""
        self.config, self.checkpoint = engine.config, engine.checkpoint
        self._now, self._acting = engine.config, engine.checkpoint
        self._samples.clear()
        self._changes.clear()
        self._seen, self._full = 0, False
        self.add(engine)

    def note(self, engine: Engine) -> None:
        """Keep the changes that took effect since the last call.

        Performance: 0.2 us without one.
        """
        new, self._seen = engine.changes_since(self._seen), engine.changes_made
        for change in new:
            settings = settings_changed(self._now, change.config)
            self._now = change.config
            is_newest = change is new[-1]
            other = is_newest and engine.checkpoint is not self._acting
            self._acting = engine.checkpoint if is_newest else self._acting
            if (settings or other) and not self._full:
                self._keep(change.tick, settings, engine if other else None)

    def add(self, engine: Engine) -> None:
        """Keep the newest tick, at which the engine rests; it replaces an earlier look at that tick."""
        if self._full or len(self._samples) > MAX_SAMPLES:
            return
        if self._samples and self._samples[-1].tick == engine.newest_tick:
            self._samples.pop()
        super().add(engine)

    @property
    def newest(self) -> tuple[int, int]:
        """The tick that was added last, and the number of changes before it."""
        return self._samples[-1].tick, self._samples[-1].changes

    @property
    def changes(self) -> int:
        """The number of changes that are kept."""
        return len(self._changes)

    def end(self, engine: Engine) -> None:
        """Keep the last tick, at which the engine rests, with its arrays."""
        self.note(engine)
        self._last = True
        self.add(engine)

    def _keep(self, tick: int, settings: dict[str, Any], acting: Engine | None) -> None:
        """Keep a change; end the recording if that cannot hold it. acting: has another checkpoint."""
        beyond = settings.keys() - LIVE
        if beyond or len(self._changes) >= MAX_CHANGES:
            why = f"{min(beyond)} changed" if beyond else f"there were {MAX_CHANGES:,} changes"
            remarks.tell([f"{self.path.name}: the recording ends at tick {self._samples[-1].tick:,}: {why}"])
            self._full = True
            return
        checkpoint = None
        if acting and acting.checkpoint:
            checkpoint = recorded_checkpoint(acting.config, acting.checkpoint)
        self._changes.append(RecordedChange(tick=tick, settings=settings, checkpoint=checkpoint))

    def _keeps_rows(self, nbytes: int) -> bool:
        return self._last and nbytes <= ROWS_BYTES
