"""What a person's events and changes do to a session."""

import math
import time
from pathlib import Path
from typing import Any, Protocol

from valuescape.render.displays.events import Event, Key
from valuescape.render.panel.changes import Change, Restart, Set, Slice
from valuescape.render.view.viewer import Asked, Request, Say, Select, Viewer
from valuescape.run.captions import Captions
from valuescape.run.inspection import Inspection
from valuescape.run.outputs import Outputs
from valuescape.run.pace import Pace
from valuescape.run.screen import Screen
from valuescape.run.stage import Stage

AGAIN_S = 2.0
"""Seconds in which a second Esc quits."""


class Controlled(Protocol):
    """A run, as far as a person's input acts on it; stage, pace and inspection change with a restart."""

    viewer: Viewer
    captions: Captions
    outputs: Outputs
    screen: Screen
    stage: Stage
    pace: Pace
    inspection: Inspection

    def screenshot(self, path: Path) -> Path:
        """Write the picture that is shown; return its path."""

    def restart(self, changes: dict[str, Any]) -> None:
        """Begin the run anew with some settings (`section.key`) changed."""

    def stop(self) -> None:
        """End the run after this frame."""


class Controls:
    """Passes on what a viewer cannot do by itself, and what is changed in the panel."""

    def __init__(self, session: Controlled) -> None:
        self._session = session
        self._leave_asked = -math.inf

    def handle(self, event: Event) -> None:
        """Let the viewer take an event, and do what is left of it."""
        session = self._session
        asked = session.viewer.handle(event, session.stage.scene.plot(), session.screen.picture_size)
        if asked:
            self.do(asked)
        elif isinstance(event, Key):  # a card came or went
            session.captions.refresh()

    def do(self, asked: Asked) -> None:
        """Do what a viewer asks for, and say so in the picture."""
        session, notice = self._session, ""
        match asked:
            case Select(x, y):
                session.inspection.select(session.viewer, x, y, session.screen.picture_size)
            case Say(notice):
                pass
            case Request.LEAVE:
                notice = self._leave()
            case Request.QUIT:
                session.stop()
            case Request.BOX:
                session.inspection.enclose(session.viewer, session.screen.picture_size)
            case Request.SCREENSHOT:
                path = session.outputs.folder / f"screenshot-{time.strftime('%H%M%S')}.png"
                notice = f"saved {session.screenshot(path)}"
            case Request.PAUSE:
                session.pace.pause()
            case Request.STEP:
                session.pace.step()
            case Request.FASTER | Request.SLOWER:
                session.pace.change(1 if asked is Request.FASTER else -1)
            case Request.FIT:
                session.inspection.fit(session.viewer)
            case Request.FULL_SCREEN:
                session.screen.display.toggle_full_screen()
            case Request.RELOAD:
                notice = session.stage.reload_shaders() or "shaders reloaded"
        session.captions.refresh(notice)

    def _leave(self) -> str:
        """End the run if that was asked for just before; nobody loses one to a key too many."""
        now = time.monotonic()
        if now - self._leave_asked < AGAIN_S:
            self._session.stop()
        self._leave_asked = now
        return "Esc again to quit"

    def apply(self, change: Change) -> None:
        """Do what was asked for in the panel."""
        session = self._session
        match change:
            case Request():
                self.do(change)
            case Set("sim.ticks_per_s", rate):
                session.pace.set_ticks_per_s(rate)
            case Set("lod.segment_budget", budget):
                session.stage.scene.trails.set_budget(budget)
            case Slice(values):
                session.stage.move_slice(values)
            case Restart(changes):
                session.restart(changes)
