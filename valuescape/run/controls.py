"""Carries out changes: those that keys and pointer ask for, and those that are made in the panel."""

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from valuescape.gpu.layers.registry import MAPS
from valuescape.render.displays.events import Event, Key
from valuescape.render.view.changes import (
    Change,
    GoTo,
    Probe,
    Request,
    Restart,
    SavePreset,
    Select,
    Set,
    Slice,
    needed,
    new_gesture,
)
from valuescape.render.view.viewer import Say, Viewer
from valuescape.run.inspection import Inspection
from valuescape.run.history import History, Step
from valuescape.run.live_settings import RUN_SETTINGS, values_now
from valuescape.run.outputs import Outputs
from valuescape.run.pace import Pace
from valuescape.run.saved_preset import save_preset
from valuescape.run.screen import Screen
from valuescape.run.stage import Stage
from valuescape.run.validate import require_color
from valuescape.sim.config.files import Config, changed
from valuescape.sim.config.model import LIVE, settings_of
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.place import require_place

_BESIDE_SETTINGS = frozenset({"render.select", "render.place", "render.follow", "heatmap.slice"})
"""Settings that keys and clicks change while a person looks around; undoing does not concern that."""

AGAIN_S = 2.0
"""Seconds in which a second Esc quits."""


class Notices(Protocol):
    """The text in the picture, with a place for notices."""

    def refresh(self, notice: str = "") -> None:
        """Write it anew, with a notice about what was just done."""


class Controlled(Protocol):
    """The parts and actions of a session that changes are made of."""

    config: Config
    viewer: Viewer
    stage: Stage
    pace: Pace
    inspection: Inspection
    screen: Screen
    outputs: Outputs

    @property
    def captions(self) -> Notices:
        """The text in the picture."""

    def stop(self) -> None:
        """End the run after this frame."""

    def restart(self, changes: dict[str, Any]) -> None:
        """Begin a new run with some settings (`section.key`) changed."""

    def screenshot(self, path: Path) -> Path:
        """Write the picture that is shown as a PNG; return its path."""


class Controls:
    """Carries out changes of a session: `apply` is the one way in, whoever asks.

    history: the settings that were changed, for undo and redo. started: the configuration that the session
    started with.
    """

    def __init__(self, session: Controlled) -> None:
        self._session = session
        self.history = History()
        self.started = session.config
        self._leave_asked = -math.inf
        self._queued: list[Change] = []

    def handle(self, event: Event) -> None:
        """Let the viewer take an event, and carry out what it leaves to be done."""
        session = self._session
        plot = session.stage.scene.plot(split=session.viewer.split)
        before = self._values() if isinstance(event, Key) else {}
        asked = session.viewer.handle(event, plot, session.screen.picture_size)
        if before:
            self._note(before)
        if isinstance(asked, Say):
            session.captions.refresh(asked.notice)
        elif asked:
            self.apply(asked)
        elif isinstance(event, Key):  # a card came or went
            session.captions.refresh()

    def apply_all(self, changes: Iterable[Change]) -> None:
        """Carry out changes in their order, without those that a later one makes pointless."""
        queued, self._queued = self._queued, []
        for change in needed([*queued, *changes]):
            self.apply(change)

    def apply(self, change: Change) -> None:
        """Carry out a change, and note in the history which settings it changed.

        One that cannot be carried out is said in the picture, and the run goes on as it was.
        """
        match change:
            case Restart(changes, gesture):
                self._begin_anew(changes, gesture)
            case Set(name, value, gesture):
                before = self._values()
                if self._set(change):
                    self._note(before, {name: value}, gesture)
            case Slice(_, gesture):
                before = self._values()
                self._carry_out(change)
                self._note(before, {"heatmap.slice": self._values()["heatmap.slice"]}, gesture)
            case Request.UNDO | Request.REDO | Request.RESET:
                self._carry_out(change)
            case Request():
                before = self._values()
                self._carry_out(change)
                self._note(before)
            case _:
                self._carry_out(change)

    def _values(self) -> dict[str, Any]:
        session = self._session
        return values_now(session.stage, session.pace, session.viewer)

    def _note(self, before: Mapping[str, Any], wanted: Mapping[str, Any] | None = None, gesture: int = 0) -> None:
        """Note what differs from the values before. wanted: values that may take a moment to be in force."""
        now = {name: value for name, value in self._values().items() if name not in _BESIDE_SETTINGS}
        self.history.note(before, now | dict(wanted or {}), gesture)

    def _carry_out(self, change: Change) -> None:
        session = self._session
        match change:
            case Set():
                self._set(change)
            case Slice(values):
                session.stage.move_slice(values)
            case Restart(changes):
                session.restart(dict(changes))
            case Select(x, y):
                session.inspection.select(session.viewer, x, y, session.screen.picture_size)
                session.captions.refresh()
            case Probe(x, y):
                session.inspection.probe(session.viewer, x, y, session.screen.picture_size)
                session.captions.refresh()
            case GoTo(index):
                session.captions.refresh(session.inspection.findings.go_to(session.viewer, index))
            case SavePreset():
                session.captions.refresh(self._save(change))
            case Request():
                session.captions.refresh(self._do(change))

    def _set(self, change: Set) -> bool:
        """Give a live setting its value; return whether it could be done."""
        try:
            self._require_fits(change.name, change.value)
            if change.name in RUN_SETTINGS:
                stage, pace = self._session.stage, self._session.pace
                RUN_SETTINGS[change.name].apply(stage, pace, change.value)
            else:
                self._session.viewer.apply(change)
        except UsageError as error:
            self._session.captions.refresh(str(error))
            return False
        return True

    def _begin_anew(self, changes: Mapping[str, Any], gesture: int = 0, *, noted: bool = True) -> bool:
        """Begin a new run with some settings changed; return whether it came to that."""
        stage, config = self._session.stage, self._session.config
        self._session.restart(dict(changes))
        if self._session.stage is stage:
            return False
        if noted:
            declared = settings_of(type(config))
            before = {name: declared[name].value_in(config) for name in changes}
            after = {name: declared[name].value_in(self._session.config) for name in changes}
            self.history.note(before, after, gesture, restarted=changes)
        return True

    def _step(self, *, back: bool) -> str:
        """Undo the newest step, or do the one again that was undone last; return what is to be said of it."""
        history = self.history
        step = history.undo if back else history.redo
        if step is None:
            return "nothing to undo" if back else "nothing to do again"
        if not self._give(step, step.before if back else step.after):
            return ""  # what went wrong has been said
        if back:
            history.step_back()
            return f"undone: {step.back}"
        history.step_forth()
        return f"done again: {step.forth}"

    def _give(self, step: Step, values: Mapping[str, Any]) -> bool:
        """Give the settings of a step these values; return whether all of them fit."""
        anew = {name: value for name, value in values.items() if name in step.restarted}
        if anew and not self._begin_anew(anew, noted=False):
            return False
        return all([self._set(Set(name, value)) for name, value in values.items() if name not in anew])

    def _reset(self) -> str:
        """Give all live settings the values that the session started with."""
        gesture = new_gesture()
        started = {name: settings_of()[name].value_in(self.started) for name in LIVE - _BESIDE_SETTINGS}
        changes = [Set(name, started[name], gesture) for name in sorted(LIVE - _BESIDE_SETTINGS)]
        self.apply_all(change for change in changes if self._values()[change.name] != change.value)
        return "all live settings are as the run started"

    def _save(self, change: SavePreset) -> str:
        session = self._session
        folder = Path() if change.here else session.outputs.folder
        try:
            path = save_preset(session, self.started, folder, change.name)
        except UsageError as error:
            return str(error)
        return f"saved: valuescape run {path}"

    def _require_fits(self, name: str, value: Any) -> None:
        """Raise UsageError if the setting is not live here, or cannot have this value."""
        if name not in LIVE:
            raise UsageError(f"{name} cannot change during a run", "begin a new run with it")
        config = changed(self._session.stage.config, {name: value})
        if name == "heatmap.layer" or (name == "heatmap.beside" and value):
            MAPS.require(value, self._session.stage.subject, name)
        if name == "trails.color_by":
            require_color(value, self._session.stage.critic)
        if name == "render.place":
            require_place(value, self._session.stage.scene.plane)
        if name == "render.select" and value >= config.agents.count:
            raise UsageError(
                f"render.select = {value}, expected less than agents.count = {config.agents.count}"
            )

    def _do(self, request: Request) -> str:
        """Do what is asked for; return what is to be said of it."""
        session = self._session
        match request:
            case Request.LEAVE:
                return self._leave()
            case Request.QUIT:
                session.stop()
            case Request.BOX:
                session.inspection.enclose(session.viewer, session.screen.picture_size)
            case Request.NEXT_FINDING | Request.FINDING_BEFORE:
                steps = 1 if request is Request.NEXT_FINDING else -1
                return session.inspection.findings.step(session.viewer, steps)
            case Request.SCREENSHOT:
                path = session.outputs.folder / f"screenshot-{time.strftime('%H%M%S')}.png"
                return f"saved {session.screenshot(path)}"
            case Request.PAUSE:
                session.pace.pause()
            case Request.STEP:
                session.pace.step()
            case Request.EARLIER | Request.LATER:
                return self._walk(1 if request is Request.LATER else -1)
            case Request.FASTER | Request.SLOWER:
                session.pace.change(1 if request is Request.FASTER else -1)
            case Request.FIT:
                session.inspection.fit(session.viewer)
            case Request.FULL_SCREEN:
                session.screen.display.toggle_full_screen()
            case Request.UNDO | Request.REDO:
                return self._step(back=request is Request.UNDO)
            case Request.RESET:
                return self._reset()
            case Request.RELOAD:
                return session.stage.reload_shaders() or "shaders reloaded"
        return ""

    def _walk(self, by: int) -> str:
        """Go to another checkpoint of the training run after this frame; return what is to be said of it.

        Keys pressed in the same frame add up to one restart.
        """
        place = self._session.stage.place
        if place is None:
            return "one checkpoint: run the folder of a training run to go through several"
        waiting = [each.changes["policy.steps"] for each in self._queued if isinstance(each, Restart)]
        if waiting:
            place = replace(place, index=place.steps.index(waiting[-1]))
        wanted = place.moved(by)
        if wanted == place:
            return f"{place.said}, the {'last' if by > 0 else 'first'}"
        self._queued.append(Restart({"policy.steps": wanted.own_steps}))
        return wanted.said

    def _leave(self) -> str:
        """End the run if this is the second time within AGAIN_S, so that one key too many ends nothing."""
        now = time.monotonic()
        if now - self._leave_asked < AGAIN_S:
            self._session.stop()
        self._leave_asked = now
        return "Esc again to quit"
