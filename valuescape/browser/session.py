"""A run that is shown in browsers."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from valuescape.browser.admitted import refused
from valuescape.formatting import finite
from valuescape.render.displays.streaming.audience import Audience
from valuescape.render.view.changes import Change, Request
from valuescape.run.controls import Controls
from valuescape.run.length import RunLength
from valuescape.run.paged_session import PagedSession
from valuescape.run.versus.session import VersusSession
from valuescape.sim.config.files import Config

_SOFTWARE_RATIO = 1.0
"""Device pixels for a CSS pixel where the processor draws: twice as many would take four times as long."""

_SOFTWARE = "llvmpipe", "softpipe", "SwiftShader", "Software"


class BrowserControls(Controls):
    """Controls that do not end the run: that is for the terminal that it was started in."""

    def _do(self, request: Request) -> str:
        if request in (Request.LEAVE, Request.QUIT):
            return "Ctrl-C in the terminal ends this run"
        return super()._do(request)


class BrowserSession(PagedSession):
    """A run whose display is an audience; without the panel in the picture, for the page has one.

    audience: lent. rest, how: as for `PagedSession`. Raises UsageError, as Session does.
    """

    def __init__(self, config: Config, *rest: Any, audience: Audience, **how: Any) -> None:
        self._audience = audience
        super().__init__(config, *rest, link=audience, panel=False, **how)
        self.controls = BrowserControls(self, self._begun_with())
        if any(name in self.stage.driver.renderer for name in _SOFTWARE):
            audience.limit_ratio(_SOFTWARE_RATIO)

    def _serve(self) -> None:
        for viewer in self._audience.take_pictures_wanted():
            self._send_picture(viewer)

    def _send_picture(self, viewer: int) -> None:
        """Send the picture as a file to the page that asked for it."""
        name = f"valuescape-{time.strftime('%H%M%S')}.png"
        said = {"type": "picture", "name": name, "format": "image/png"}
        with TemporaryDirectory(prefix="valuescape-") as folder:
            content = self.screenshot(Path(folder) / name).read_bytes()
        self._audience.tell_viewer(viewer, said, content)

    def _may_rest(self) -> bool:
        """Return whether nothing is left of the ticks that nobody sees."""
        return self.length == RunLength() and not self.session_recorder

    def _admits(self, change: Change) -> bool:
        why_not = refused(change, self.config)
        if why_not:
            self.captions.refresh(why_not)
        return not why_not

    def _messages(self) -> Iterable[Mapping[str, Any]]:
        for said in super()._messages():
            yield finite(said)


class BrowserVersus(BrowserSession, VersusSession):
    """Two runs side by side that are shown in browsers. Takes what `VersusSession` takes, and an audience."""
