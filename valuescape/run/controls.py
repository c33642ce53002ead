"""What a person's events and changes do to a session."""

import math
import time
from typing import TYPE_CHECKING

from valuescape.render.displays.events import Event, Key
from valuescape.render.panel.changes import Change, Restart, Set, Slice
from valuescape.render.view.viewer import Asked, Request, Say, Select

if TYPE_CHECKING:
    from valuescape.run.session import Session


AGAIN_S = 2.0
"""Seconds in which a second Esc quits."""


class Controls:
    """Passes on what a viewer cannot do by itself, and what is changed in the panel."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._leave_asked = -math.inf

    def handle(self, event: Event) -> None:
        """Let the viewer take an event, and do what is left of it."""
        session = self._session
        asked = session.viewer.handle(event, session.scene.plot(), session.picture_size())
        if asked:
            self.do(asked)
        elif isinstance(event, Key):  # a card came or went
            session.captions.refresh()

    def do(self, asked: Asked) -> None:
        """Do what a viewer asks for, and say so in the picture."""
        session, notice = self._session, ""
        match asked:
            case Select(x, y):
                session.inspection.select(session.viewer, x, y, session.picture_size())
            case Say(notice):
                pass
            case Request.LEAVE:
                notice = self._leave()
            case Request.QUIT:
                session.stop()
            case Request.BOX:
                session.inspection.enclose(session.viewer, session.picture_size())
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
                session.display.toggle_full_screen()
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
                session.scene.trails.set_budget(budget)
            case Slice(values):
                session.stage.move_slice(values)
            case Restart(changes):
                session.restart(changes)
