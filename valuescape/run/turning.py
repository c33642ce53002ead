"""The turns of a run's engines: ticks go on, wished changes take effect, and the picture follows."""

import math
from collections.abc import Sequence

from valuescape import remarks
from valuescape.run.parts import RunParts
from valuescape.run.side import Side
from valuescape.run.stage import Stage
from valuescape.run.starting import CancelledError
from valuescape.run.wishes import in_words

_FIELD_S = 0.008
"""Seconds of a frame that the critic's field may take, where ticks do not wait for frames."""


class TurningEngines(RunParts):
    """The parts of a run whose engines go on once a frame (`_turn_engines`)."""

    _stopped = False  # whether the run ends after this frame

    def _sides(self) -> Sequence[Side]:
        """Return what is drawn beside each other."""
        return (Side(self.stage, self.viewer, self.inspection),)

    def _turn_engines(self) -> None:
        """Let the simulation go on, also with changes, which the picture takes over when they took effect."""
        before = self._changing()
        if self.follower:
            self.follower.look()
        for side in self._sides():
            engine, refused = side.stage.engine, side.ask()
            config, generation = side.stage.config, engine.generation
            engine.check()
            if engine.changing and self.lockstep and self.headless:
                self._wait_for_change(side.stage)
            for said in filter(None, (engine.change_failed or refused, engine.loss)):
                remarks.tell([f"tick {self.newest_tick:,}: {said}"])
                self.captions.refresh(said)
            side.stage.field_budget_s = math.inf if self.lockstep else _FIELD_S
            side.stage.go_on_with_field()
            if side.keep_up():
                self._side_changed()
                if self.headless and engine.generation != generation:  # it came later than it was asked for
                    said = in_words(config, engine.config)
                    remarks.announce(f"tick {engine.changes[-1].tick:,}: {said}")
        if self._changing() != before:
            self.captions.refresh()
        self._keep_changes()

    def _require_sound(self) -> None:
        """Raise the error of a worker that waits to be replaced, so that no run ends without a word."""
        for side in self._sides():
            side.stage.engine.require_sound()

    def _changing(self) -> bool:
        """Whether a change of an engine is under way, which captions say."""
        return any(side.stage.engine.changing for side in self._sides())

    def _keep_changes(self) -> None:
        """Keep changes of the engine in the recording of the session, and its state while it is paused."""
        recorder, engine = self.session_recorder, self.engine
        if recorder is None:
            return
        recorder.note(engine)
        at_rest = self.pace.paused and engine.newest_tick == engine.furthest_tick and not engine.changing
        if at_rest and recorder.newest != (engine.newest_tick, recorder.changes):
            recorder.add(engine)

    def _wait_for_change(self, stage: Stage) -> None:
        """Let a change take effect before the next tick, so that pictures do not depend on the machine."""
        with self.screen.start(self.config, self._interrupts, "", self.scene.picture) as start:
            try:
                start.doing(f"changing {stage.wishes.under_way}")
                stage.engine.finish_change(start.check)
            except CancelledError as error:  # Esc goes on without waiting, this once
                self._stopped = self._stopped or error.leave

    def _side_changed(self) -> None:
        """Take over what a change of an engine means for the run."""
        self.config = self.stage.config
        self.ledger.forget_memory()
        self.captions.refresh()
