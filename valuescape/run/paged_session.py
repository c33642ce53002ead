"""A session whose picture is in a page: it draws only what is seen, and leaves what it can to the page."""

import time
from typing import Any

from valuescape.render.displays.streamed import StreamedDisplay
from valuescape.render.displays.streaming.audience import Audience
from valuescape.run.outputs import RunResult
from valuescape.run.session import Session
from valuescape.sim.config.files import Config

_REST_S = 10.0
"""Seconds without anybody watching after which the simulation rests, too."""

_IDLE_S, _FULL_S = 0.2, 0.02
"""Seconds to wait for news while nobody watches, or no page can take a frame."""

_TELL_S = 0.2


class PagedSession(Session):
    """A run that pages show.

    Frames are drawn only if they can be sent, so that a slow link costs pictures but makes no delay. While
    nobody watches, nothing is drawn, and after 10 s the simulation rests until somebody does, if it may
    (`_may_rest`). A video that is recorded has all of its frames in any case.

    rest: what `Session` takes after the configuration. audience: lent. how: as for `Session`.
    """

    def __init__(self, config: Config, *rest: Any, audience: Audience, **how: Any) -> None:
        self._audience = audience
        self._drew = False
        self._seen_s = time.monotonic()
        self._resting = False
        self._told: dict[str, Any] = {}
        self._told_s, self._told_pages = -_TELL_S, 0
        display = StreamedDisplay(audience, config.render.device)
        self._scale = display.pixel_scale
        super().__init__(config, *rest, headless=False, display=display, **how)

    # --- For those that it is the base of ---

    def _serve(self) -> None:
        """Do what pages and others asked of the thread that draws; nothing else takes their wishes."""

    def _may_rest(self) -> bool:
        """Whether the simulation may rest while nobody watches."""
        return True

    # --- Frames ---

    def _frame(self, elapsed_s: float) -> None:
        """Make a frame if it would be seen; else keep the simulation going, and wait a moment for news."""
        self._serve()
        self._tell_pages()
        self._drew = self.recorder is not None or self._is_due()
        if self._drew:
            self._follow_scale()
            super()._frame(elapsed_s)

    def _is_due(self) -> bool:
        """Whether to draw now; if not, wait until there may be news."""
        audience = self._audience
        if not audience.watched:
            self._look_away()
            audience.wait(_IDLE_S if self._resting else _FULL_S)
            return False
        self._look_again()
        if not audience.ready:
            self._turn_engines()
            audience.wait(_FULL_S)
        return audience.ready

    def _picture_key(self) -> object:
        """Return None, too, while a page lacks the newest picture, or has it with losses."""
        return super()._picture_key() if self._audience.still else None

    def _wait_for_frame(self, fps: float) -> None:
        """Wait until the next frame is due, or an input is to be shown, half a frame's time at least."""
        if fps:
            earliest_s = self._clock.frame_began + 0.5 / fps

            def sleep(seconds: float) -> None:
                end_s = time.monotonic() + seconds
                time.sleep(max(0.0, min(earliest_s, end_s) - time.monotonic()))
                self._audience.wait_for_input(end_s - time.monotonic())

            self._clock.wait(fps, sleep)

    def _look_away(self) -> None:
        """Nobody watches: let the simulation go on for a while, then rest."""
        away_s = time.monotonic() - self._seen_s
        if not self._resting and not self.pace.paused and away_s > _REST_S and self._may_rest():
            self.pace.pause()
            self._resting = True
        self._turn_engines()
        if self.length.ticks is not None:  # the newest one that was taken over counts
            self._take_over(self.pace.newest_tick(), waits=False)

    def _look_again(self) -> None:
        self._seen_s = time.monotonic()
        self._stop_resting()

    def _stop_resting(self) -> None:
        """Let a simulation that rests go on."""
        if self._resting:
            self._resting = False
            if self.pace.paused:
                self.pace.pause()

    def _settle(self, tick: int) -> RunResult:
        """Make the one frame of a run that nobody watched, so that its files are as those of others."""
        if not self.log.frame_ends:
            began = time.monotonic()
            super()._frame(0.0)
            self._note(began)
        return super()._settle(tick)

    def _judge(self, began: float) -> None:
        """Log a frame, without alerts: how many there are is up to the pages."""
        if self._drew:
            self._note(began)

    def _follow_scale(self) -> None:
        """Draw texts and lines as large as the page's pixels ask for; it tells that when it is opened."""
        scale = self._audience.pixel_scale
        if scale != self._scale and not self.recorder:
            self._scale = scale
            self.stage.draw_anew()

    # --- Controls on pages ---

    def _tell_pages(self) -> None:
        """Tell pages what has changed, five times a second at most; a page that is new is told everything."""
        now, pages = time.monotonic(), self._audience.pages
        if now - self._told_s < _TELL_S or not self._audience.watched:
            return
        for message in self._news(whole=pages != self._told_pages):
            self._audience.tell(message)
        self._told_s, self._told_pages = now, pages

    def _tell_soon(self) -> None:
        """Tell pages what has changed with the next frame."""
        self._told_s = -_TELL_S

    def _news(self, *, whole: bool) -> list[dict[str, Any]]:
        """Return messages with what has changed on pages since the last call, or with all that they show."""
        said, before = self.shown(), self._told
        self._told = said
        return [said] if whole or said != before else []

    def shown(self) -> dict[str, Any]:
        """Return what controls on a page show of the run, as a message."""
        place = self.stage.place.at(self.setting("policy.steps")) if self.stage.place else None
        return {
            "type": "state",
            "paused": self.pace.paused and not self._resting,
            "ticks_per_s": self.pace.ticks_per_s,
            "layer": self.viewer.layer,
            "layers": list(self.viewer.layers),
            "steps": list(place.steps) if place else [],
            "at": place.index if place else -1,
        }
