"""A run as pages show it beside the picture: its panel and its texts, told and taken as messages."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from valuescape.browser.page_texts import PageTexts
from valuescape.presets import presets
from valuescape.render.displays.streaming.messages import Touched
from valuescape.render.overlay.labels import Annotations
from valuescape.render.panel.page_panel import PagePanel
from valuescape.render.panel.standing import Past, Standing
from valuescape.render.view.changes import Change
from valuescape.render.view.panes import panes
from valuescape.render.view.viewer import Viewer
from valuescape.run.panel import standing_of
from valuescape.run.stage import Stage
from valuescape.run_state import RunState
from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.widgets import Section

_TELL_S = 0.2
"""Seconds between two messages of what has changed."""


class _Keeps(Protocol):
    def past(self) -> Past:
        """Return the past of the settings."""


class Paged(Protocol):
    """What of a session the pages show."""

    viewer: Viewer
    stage: Stage

    @property
    def controls(self) -> _Keeps:
        """What keeps the history of settings."""

    def ask(self, change: Change) -> str:
        """Carry out a change that a page asks for; return why it could not be, "" if it was."""

    def tuned_state(self) -> RunState:
        """Return the state of the run whose settings the panel shows."""

    def _plugin_sections(self) -> tuple[Section, ...]:
        """Return the sections of the panel that plug-ins describe."""


class Pages(Protocol):
    """The link to pages. pages: how often one began to watch, knowing nothing."""

    pages: int

    def tell(self, content: Mapping[str, Any]) -> None:
        """Send a message to every page."""

    def tell_controller(self, content: Mapping[str, Any]) -> None:
        """Send a message to the page that controls."""


class PageSide:
    """Tells pages of a run's panel and texts, and carries out what is done with the panel.

    session, link: lent. clock: seconds. For the thread that draws.
    """

    def __init__(self, session: Paged, link: Pages, clock: Callable[[], float] = time.monotonic) -> None:
        self._session, self._link, self._clock = session, link, clock
        self._panel, self._texts = PagePanel(), PageTexts()
        self._said = Annotations()
        self._presets = presets()
        session.viewer.help_seen = True  # pages have a button for it, and need no hint
        self._told_s, self._pages = -_TELL_S, 0

    def plain(self, said: Annotations) -> Annotations:
        """Take the texts of a picture for the pages; return what is left for the picture to show."""
        self._said = said
        return said.taken_out()

    def look(self) -> None:
        """Tell pages what has changed, five times a second at most; a page that is new is told everything."""
        now = self._clock()
        if now - self._told_s < _TELL_S:
            return
        self._told_s = now
        viewer, link = self._session.viewer, self._link
        news = [
            self._texts.tell(self._said, self._room(), help_shown=viewer.help_shown),
            self._panel.tell(viewer, self._standing()),
        ]
        if link.pages != self._pages:
            self._pages = link.pages
            news = [self._texts.whole(), self._panel.whole()]
        for message in filter(None, news):
            link.tell(message)

    def take(self, touched: Touched) -> None:
        """Carry out what a page does with a widget, and answer."""
        said = self._carry_out(touched)
        self._told_s = -_TELL_S  # what it changed is told with the next look
        answer = {"type": "answer", "number": touched.number, "name": touched.name, "said": said}
        self._link.tell_controller(answer)

    def _carry_out(self, touched: Touched) -> str:
        """Give a widget its value; return why not, "" if that is done."""
        session, name, value = self._session, touched.name, touched.value
        try:
            changes = self._panel.take(name, value, session.viewer, self._standing(), held=touched.held)
        except UsageError as error:
            return str(error)
        return next(filter(None, map(session.ask, changes)), "")

    def _room(self) -> tuple[float, float]:
        """Return the left and the right end of the last map in the picture, shares of its width."""
        viewer, scene = self._session.viewer, self._session.stage.scene
        pane, plot = panes(scene.picture.size, split=viewer.split)[-1], scene.plot(split=viewer.split)
        width = scene.picture.size[0]
        return round((pane.left + plot.left) / width, 3), round((pane.left + plot.right) / width, 3)

    def _standing(self) -> Standing:
        session = self._session
        past, sections = session.controls.past(), session._plugin_sections()
        return standing_of(session.tuned_state(), past, sections, self._presets)
