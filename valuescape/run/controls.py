"""Carries out changes: those that keys and pointer ask for, and those that are made in the panel."""

import math
import shlex
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from valuescape import remarks
from valuescape.gpu.layers.registry import MAPS
from valuescape.plugins.host import PluginHost
from valuescape.render.displays.events import Event, Key
from valuescape.render.panel.standing import Past
from valuescape.render.view.changes import (
    Change,
    GoTo,
    Preset,
    Probe,
    Request,
    Restart,
    SavePreset,
    Select,
    Set,
    Slice,
    Touch,
    needed,
)
from valuescape.render.view.keys import ONE_MAP, ONE_SCALE, Say
from valuescape.render.view.viewer import Viewer
from valuescape.run.applying import Changing, restart_as_now
from valuescape.run.inspection import Inspection
from valuescape.run.live_settings import RUN_SETTINGS
from valuescape.run.outputs import Outputs
from valuescape.run.pace import Pace
from valuescape.run.saved_preset import save_preset
from valuescape.run.screen import Screen
from valuescape.run.stage import Stage
from valuescape.run.undoing import Undoing
from valuescape.run.validate import require_agent, require_color
from valuescape.sim.config.files import Config, changed, whole
from valuescape.sim.config.model import LIVE
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.place import require_place
from valuescape.sim.worlds import with_parameters

AGAIN_S = 2.0
"""Seconds in which a second Esc quits."""


class Notices(Protocol):
    """The text in the picture, with a place for notices."""

    def refresh(self, notice: str = "", *, stays: bool = False) -> None:
        """Write it anew, with a notice about what was just done. stays: until the next one."""


class Controlled(Protocol):
    """The parts and actions of a session that changes are made of."""

    config: Config
    viewer: Viewer
    stage: Stage
    pace: Pace
    inspection: Inspection
    screen: Screen
    outputs: Outputs
    plugins: PluginHost

    @property
    def captions(self) -> Notices:
        """The text in the picture."""

    @property
    def tuned(self) -> Changing:
        """The run itself; of an A/B run the side that is chosen."""

    def stages(self, setting: str) -> tuple[Stage, ...]:
        """Return the stages on which a new value of a live setting acts; it is checked by the first."""

    def stop(self) -> None:
        """End the run after this frame."""

    def restart(self, changes: dict[str, Any]) -> str:
        """Begin a new run with some settings (`section.key`) changed; return why not, "" if it began."""

    def go_live(self) -> str:
        """Show the newest checkpoint of a training run that is followed; return what is to be said of it."""

    def reload_shaders(self) -> str:
        """Read the shaders again; return why not, "" if that is done."""

    def take_preset(self, name: str) -> str:
        """Go over to a preset or a configuration file; return why not, "" if that is done."""

    def screenshot(self, path: Path) -> Path:
        """Write the picture that is shown as a PNG; return its path."""


class Controls:
    """Carries out changes of a session: `apply` is the one way in, whoever asks.

    started: the configurations that the session started with, one for each side. undoing: keeps the history
    of settings.
    """

    def __init__(self, session: Controlled, started: Iterable[Config]) -> None:
        self._session = session
        self._started = list(started)
        self.undoing = Undoing(session, self._carry_out)
        self._saved: list[str] = []
        self._leave_asked = -math.inf
        self._refused: set[tuple[str, str]] = set()  # plug-ins, and the settings that were refused them

    @property
    def started(self) -> Config:
        """The configuration that the chosen side started with, which a reset gives back."""
        return self._started[self._session.viewer.side]

    @started.setter
    def started(self, config: Config) -> None:
        self._started[self._session.viewer.side] = config

    def handle(self, event: Event) -> None:
        """Let the viewer take an event, and carry out what it leaves to be done."""
        session = self._session
        plot = session.stage.scene.plot(split=session.viewer.split)
        before, side = self.undoing.values() if isinstance(event, Key) else None, session.viewer.side
        asked = session.viewer.handle(event, plot, session.screen.picture_size)
        if before and session.viewer.side == side:
            self.undoing.note(before)
        if isinstance(asked, Say):
            session.captions.refresh(asked.notice)
        elif asked:
            self.apply(asked)
        elif isinstance(event, Key):  # a card came or went
            session.captions.refresh()

    def apply_all(self, changes: Iterable[Change]) -> None:
        """Carry out changes in their order, without those that a later one makes pointless."""
        for change in needed(changes):
            self.apply(change)

    def apply(self, change: Change) -> str:
        """Carry out a change; one that cannot be is said in the picture, and the run goes on as it was.

        The history notes which settings it changed. A restart keeps the settings that it does not name as
        they are now. Returns why it could not be carried out; "" if it was.
        """
        if isinstance(change, Preset):
            return self._session.take_preset(change.name)  # which comes back with `apply_together`
        before = self.undoing.values()
        whole = restart_as_now(self._session.tuned, change) if isinstance(change, Restart) else change
        why_not = self._carry_out(whole)
        if not why_not:
            self.undoing.note(before, change)
        return why_not

    def apply_together(self, changes: Iterable[Change]) -> str:
        """Carry out changes that are one step of the history, up to one that cannot be.

        Returns why it could not be carried out; "" if all were.
        """
        before = self.undoing.values()
        why_not = next(filter(None, map(self._carry_out, changes)), "")
        self.undoing.note(before)
        return why_not

    def past(self) -> Past:
        """Return the past of the settings, for the panel."""
        return self.undoing.past(self.started)._replace(saved=tuple(self._saved))

    def _carry_out(self, change: Change) -> str:
        """Do what `apply` does without noting it."""
        session = self._session
        match change:
            case Set():
                return self._set(change)
            case Restart(changes):
                return session.restart(dict(changes))
            case Slice(values):
                for stage in session.stages("heatmap.slice"):
                    stage.move_slice(values)
            case Select(x, y):
                session.inspection.select(session.viewer, x, y, session.screen.picture_size)
                session.captions.refresh()
            case Probe(x, y):
                session.inspection.probe(session.viewer, x, y, session.screen.picture_size)
                session.captions.refresh()
            case GoTo(index):
                session.captions.refresh(session.inspection.findings.go_to(session.viewer, index))
            case Touch():
                session.plugins.touch(change.plugin, change.label, change.value)
            case SavePreset():
                return self._save(change)
            case Request():
                session.captions.refresh(self._do(change))
        return ""

    def _whole(self, change: Set) -> Set:
        """Return the change of a setting that a change of an entry in a table is."""
        stage = self._session.stages(change.name)[0]
        name, value = whole(stage.wishes.config, change.name, change.value)
        return replace(change, name=name, value=value)

    def _set(self, change: Set) -> str:
        try:
            self._give(self._whole(change))
        except UsageError as error:
            self._session.captions.refresh(str(error))
            self._tell_refused(change, str(error))
            return str(error)
        return ""

    def _give(self, change: Set) -> None:
        self._require_fits(change.name, change.value)
        if change.name in RUN_SETTINGS:
            for stage in self._session.stages(change.name):
                RUN_SETTINGS[change.name].apply(stage, self._session.pace, change.value)
        else:
            self._session.viewer.apply(change)

    def _tell_refused(self, change: Set, why_not: str) -> None:
        """Print, once for each plug-in and setting, that a plug-in's change was refused."""
        if change.asker and (change.asker, change.name) not in self._refused:
            self._refused.add((change.asker, change.name))
            remarks.tell([f"{change.asker}: run.set({change.name!r}, …) is refused: {why_not}"])

    def _require_fits(self, name: str, value: Any) -> None:
        """Raise UsageError if the setting is not live here, or cannot have this value."""
        if name not in LIVE:
            raise UsageError(f"{name} cannot change during a run", "begin a new run with it")
        stages = self._session.stages(name)
        stage, config = stages[0], changed(stages[0].config, {name: value})
        if name == "heatmap.layer" or (name == "heatmap.beside" and value):
            MAPS.require(value, stage.subject, name)
        if self._session.viewer.versus:
            _require_pair_fits(name, value)
        if name == "world.parameters":
            with_parameters(stage.engine.world, config)
        if name == "trails.color_by":
            _require_color(value, stages)
        if name == "render.place":
            require_place(value, stage.scene.plane)
        if name == "render.select":
            require_agent(config)

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
            case Request.LIVE:
                return session.go_live()
            case Request.FASTER | Request.SLOWER:
                session.pace.change(1 if request is Request.FASTER else -1)
            case Request.FIT:
                session.inspection.fit(session.viewer)
            case Request.FULL_SCREEN:
                session.screen.display.toggle_full_screen()
            case Request.UNDO:
                return self.undoing.undo(self.started)
            case Request.REDO:
                return self.undoing.redo(self.started)
            case Request.RESET:
                return self.undoing.reset(self.started)
            case Request.RELOAD:
                session.reload_shaders()
        return ""

    def _save(self, change: SavePreset) -> str:
        """Write a preset, and say so in the picture; return why that could not be, "" if it was."""
        session = self._session
        folder = Path() if change.here else session.outputs.folder
        try:
            path = save_preset(session.tuned, self.started, folder, change.name)
        except UsageError as error:
            session.captions.refresh(str(error))
            return str(error)
        self._saved.append(str(path))
        session.captions.refresh(f"saved; start it with: valuescape run {shlex.quote(str(path))}")
        return ""

    def _walk(self, by: int) -> str:
        """Go on with another checkpoint of the training run; return what is to be said of it."""
        stage = self._session.stages("policy.steps")[0]
        if stage.place is None:
            return "one checkpoint: run the folder of a training run to go through several"
        place = stage.place.at(stage.wishes.config.policy.steps)
        wanted = place.moved(by)
        if wanted == place:
            return f"{place.said}, the {'last' if by > 0 else 'first'}"
        return "" if self._set(Set("policy.steps", wanted.own_steps)) else wanted.said

    def _leave(self) -> str:
        """End the run if this is the second time within AGAIN_S, so that one key too many ends nothing."""
        now = time.monotonic()
        if now - self._leave_asked < AGAIN_S:
            self._session.stop()
        self._leave_asked = now
        return "Esc again to quit"


def _require_color(color: str, stages: Sequence[Stage]) -> None:
    """Raise UsageError, naming the side, unless trails of all stages can have this colour."""
    for side, stage in zip("AB", stages, strict=False):
        try:
            require_color(color, stage.critic, stage.engine.world)
        except UsageError as error:
            where = f"{side}: " if len(stages) > 1 else ""
            raise UsageError(f"{where}{error.args[0]}", error.hint) from None


def _require_pair_fits(name: str, value: Any) -> None:
    """Raise UsageError if two runs side by side cannot have this value."""
    if name == "heatmap.beside" and value:
        raise UsageError(f"heatmap.beside = {value!r}: {ONE_MAP}")
    if name == "heatmap.linked" and not value:
        raise UsageError(f"heatmap.linked = false: {ONE_SCALE}")
