"""A run that is shown in browsers."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from valuescape.browser.page_side import PageSide
from valuescape.provenance.contents import Provenance
from valuescape.render.displays.streaming.audience import Audience
from valuescape.render.displays.streaming.messages import Touched
from valuescape.render.overlay.labels import Annotations
from valuescape.render.view.changes import Request
from valuescape.run.controls import Controls
from valuescape.run.length import RunLength
from valuescape.run.paged_session import PagedSession
from valuescape.run.versus.session import VersusSession
from valuescape.sim.config.files import Config

_SOFTWARE_RATIO = 1.0
"""Device pixels for a CSS pixel where the processor draws: twice as many would take four times as long."""


class BrowserControls(Controls):
    """Controls that do not end the run: that is for the terminal that it was started in."""

    def _do(self, request: Request) -> str:
        if request in (Request.LEAVE, Request.QUIT):
            return "Ctrl-C in the terminal ends this run"
        return super()._do(request)


class BrowserSession(PagedSession):
    """A run whose display is an audience. Panel and texts are on its pages; files and videos have the texts.

    audience: lent. rest, how: as for `PagedSession`. Raises UsageError, as Session does.
    """

    def __init__(self, config: Config, *rest: Any, audience: Audience, **how: Any) -> None:
        self._whole = False  # whether a picture with texts is being drawn
        super().__init__(config, *rest, audience=audience, panel=False, **how)
        self.controls = BrowserControls(self, self._begun_with())
        self._page = PageSide(self)
        if self.stage.driver.software:
            audience.limit_ratio(_SOFTWARE_RATIO)

    def annotations(self) -> Annotations:
        """Return the captions to show in the picture: those of files; pages have their own.

        A picture as a file has no notice: it would say what was done just before, as that a file was saved.
        """
        said = super().annotations()
        if self._whole:
            return replace(said, notice="")
        return said if self.recorder else self._page.plain(said)

    def _draw_afresh(self) -> Provenance | None:
        self._whole = True
        try:
            return super()._draw_afresh()
        finally:
            self._whole = False

    def _serve(self) -> None:
        """Do what is done with the panel on pages, and what takes the thread that draws."""
        for wish in self._audience.take_wishes():
            if isinstance(wish, Touched):
                self._audience.tell_controller(self._page.take(wish))
                self._tell_soon()
        if viewers := self._audience.take_pictures_wanted():
            self._send_picture(viewers)

    def _send_picture(self, viewers: Sequence[int]) -> None:
        """Send the picture as a file to the pages that asked for it."""
        name = f"valuescape-{time.strftime('%H%M%S')}.png"
        said = {"type": "picture", "name": name, "format": "image/png"}
        with TemporaryDirectory(prefix="valuescape-") as folder:
            content = self.screenshot(Path(folder) / name).read_bytes()
        for viewer in viewers:
            self._audience.tell_viewer(viewer, said, content)

    def _may_rest(self) -> bool:
        """Return whether nothing is left of the ticks that nobody sees."""
        return self.length == RunLength() and not self.session_recorder

    def _news(self, *, whole: bool) -> list[dict[str, Any]]:
        return [*super()._news(whole=whole), *self._page.news(whole=whole)]


class BrowserVersus(BrowserSession, VersusSession):
    """Two runs side by side that are shown in browsers. Takes what `VersusSession` takes, and an audience."""
