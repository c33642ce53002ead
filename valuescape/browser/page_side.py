"""A run as pages show it beside the picture: its panel and its texts, told and taken as messages."""

from typing import Any

from valuescape.browser.admitted import refused
from valuescape.browser.page_texts import PageTexts
from valuescape.presets import presets
from valuescape.render.displays.streaming.messages import Touched
from valuescape.render.overlay.labels import Annotations
from valuescape.render.panel.page_panel import PagePanel
from valuescape.render.panel.standing import Standing
from valuescape.render.view.changes import Change
from valuescape.render.view.panes import panes
from valuescape.run.paged_session import PagedSession
from valuescape.run.panel import standing_of
from valuescape.sim.errors import UsageError


class PageSide:
    """Says what pages show of a run's panel and texts, and carries out what is done with the panel.

    session: lent. For the thread that draws.
    """

    def __init__(self, session: PagedSession) -> None:
        self._session = session
        self._panel, self._texts = PagePanel(), PageTexts()
        self._said = Annotations()
        self._presets = presets()
        session.viewer.help_seen = True  # pages have a button for it, and need no hint

    def plain(self, said: Annotations) -> Annotations:
        """Take the texts of a picture for the pages; return what is left for the picture to show."""
        self._said = said
        return said.taken_out()

    def news(self, *, whole: bool) -> list[dict[str, Any]]:
        """Return messages with what has changed since the last call, or with all of it."""
        viewer = self._session.viewer
        news = [
            self._texts.tell(self._said, self._room(), help_shown=viewer.help_shown),
            self._panel.tell(viewer, self._standing()),
        ]
        return [self._texts.whole(), self._panel.whole()] if whole else [each for each in news if each]

    def take(self, touched: Touched) -> dict[str, Any]:
        """Carry out what a page does with a widget; return the answer to it."""
        said = self._carry_out(touched)
        return {"type": "answer", "number": touched.number, "name": touched.name, "said": said}

    def _carry_out(self, touched: Touched) -> str:
        """Give a widget its value; return why not, "" if that is done."""
        session, name, value = self._session, touched.name, touched.value
        try:
            changes = self._panel.take(name, value, session.viewer, self._standing(), held=touched.held)
        except UsageError as error:
            return str(error)
        return next(filter(None, map(self._ask, changes)), "")

    def _ask(self, change: Change) -> str:
        """Carry out a change that a page asks for; return why it could not be, "" if it was."""
        session = self._session
        if why_not := refused(change, session.config):
            session.captions.refresh(why_not)
            return why_not
        return session.controls.apply(change)

    def _room(self) -> tuple[float, float]:
        """Return the left and the right end of the last map in the picture, shares of its width."""
        viewer, scene = self._session.viewer, self._session.stage.scene
        pane, plot = panes(scene.picture.size, split=viewer.split)[-1], scene.plot(split=viewer.split)
        width = scene.picture.size[0]
        return round((pane.left + plot.left) / width, 3), round((pane.left + plot.right) / width, 3)

    def _standing(self) -> Standing:
        session = self._session
        past, sections = session.controls.past(), session.plugin_sections()
        return standing_of(session.tuned_state(), past, sections, self._presets)
