"""A session whose picture is in a page: it draws only what is seen, and takes orders of other threads."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from valuescape.notebook.following import Following
from valuescape.notebook.orders import Orders
from valuescape.render.displays.streamed import StreamedDisplay
from valuescape.render.displays.streaming.pictures import Pixels, read_pixels
from valuescape.render.displays.streaming.stream import Stream
from valuescape.render.view.change_messages import change_of
from valuescape.render.view.changes import Change, Request, Restart, Set
from valuescape.run.controls import Controls
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import Config, changed, whole
from valuescape.sim.config.model import LIVE, settings_of
from valuescape.sim.errors import UsageError
from valuescape.sim.interrupts import Interrupts

_SHOWN = frozenset({"heatmap.layer", "policy.steps", "sim.ticks_per_s"})
"""The settings that controls on the page may change."""

_ASKED = frozenset({Request.PAUSE, Request.STEP, Request.SCREENSHOT, Request.EARLIER, Request.LATER})

_REST_S = 10.0
"""Seconds without anybody watching after which the simulation rests, too."""

_IDLE_S, _STILL_S, _FULL_S = 0.2, 0.1, 0.02
"""Seconds to wait for news while nobody watches, nothing changes, or the link is full."""

_SETTLED_S = 10.0
"""Seconds in which cameras come to where they were sent."""

_TELL_S = 0.2
_WARM_UP_TICKS = 240
_WARM_UP_S = 5.0
_LONG_TURN_S = 0.2
"""A turn that takes longer compiles something, the first time on a machine, and counts as this long."""


class InlineControls(Controls):
    """Controls that do not end the run: that is for the code that made it."""

    def _do(self, request: Request) -> str:
        if request in (Request.LEAVE, Request.QUIT):
            return "view.close() ends this view"
        return super()._do(request)


class InlineSession(Session):
    """A run on a page: `turn_frames` goes on until `stop`.

    Frames are drawn only if they can be sent, so that a slow link costs pictures but makes no delay. While
    nobody watches, nothing is drawn, and after 10 s the simulation rests until somebody does.

    stream: the link, lent. orders: of other threads. folder: of screenshots; made with the first. interrupts:
    set its `asked` to end a start or the run. panel: whether the panel of settings is beside the picture.
    Made and used in one thread. Raises UsageError, as Session does.
    """

    def __init__(
        self,
        config: Config,
        stream: Stream,
        orders: "Orders[InlineSession]",
        folder: Path,
        interrupts: Interrupts,
        *,
        panel: bool,
    ) -> None:
        self._stream, self._orders = stream, orders
        display = StreamedDisplay(stream, config.render.device)
        super().__init__(
            *(config, RunLength(), Outputs(folder)),
            headless=False,
            interrupts=interrupts,
            display=display,
            panel=panel,
        )
        self.controls = InlineControls(self, self._begun_with())
        self.following = Following(self, self._owned)
        self._drew = False
        self._seen_s = time.monotonic()
        self._resting = False
        self._told: tuple[dict[str, Any], int] | None = None  # what, and to which page
        self._told_s = 0.0
        self._scale = display.pixel_scale

    def _keep_out_of_collections(self) -> None:
        """Leave garbage collection as it is: most of what is in a notebook's process is not ours."""

    # --- Frames ---

    def _frame(self, elapsed_s: float) -> None:
        """Make a frame if it would be seen; else keep the simulation going, and wait a moment for news."""
        self._orders.serve(self)
        self.controls.apply_all(self._wishes())
        self._tell_page()
        self._drew = self._is_due()
        if self._drew:
            self._follow_scale()
            super()._frame(elapsed_s)

    def _is_due(self) -> bool:
        """Whether to draw now; if not, wait until there may be news."""
        stream = self._stream
        if not stream.watched:
            self._look_away()
            stream.wait(_IDLE_S if self._resting else _FULL_S)
            return False
        self._look_again()
        if stream.still and self.pace.paused:
            stream.wait(_STILL_S)
        if not stream.ready:
            self._turn_engines()
            stream.wait(_FULL_S)
        return stream.ready

    def _look_away(self) -> None:
        """Nobody watches: let the simulation go on for a while, then rest."""
        if not self._resting and not self.pace.paused and time.monotonic() - self._seen_s > _REST_S:
            self.pace.pause()
            self._resting = True
        self._turn_engines()

    def _look_again(self) -> None:
        self._seen_s = time.monotonic()
        if self._resting:
            self._resting = False
            if self.pace.paused:
                self.pace.pause()

    def _judge(self, began: float) -> None:
        """Log a frame, without alerts: how many there are is up to the link and to the cells that run."""
        if self._drew:
            self._note(began)

    def _follow_scale(self) -> None:
        """Draw texts and lines as large as the page's pixels ask for; it tells that when it is opened."""
        scale = self._stream.pixel_scale
        if scale != self._scale:
            self._scale = scale
            self.stage.draw_anew()

    # --- Controls on the page ---

    def _wishes(self) -> Iterable[Change]:
        """Return what the controls on the page asked for, but what they do not have."""
        for wish in self._stream.take_wishes():
            match change_of(wish.content):
                case Set(name) as change if name in _SHOWN:
                    yield change
                case Request() as change if change in _ASKED:
                    yield change

    def _tell_page(self) -> None:
        """Tell the page what its controls show, when that has changed, five times a second at most."""
        now = time.monotonic()
        if now - self._told_s < _TELL_S or not self._stream.watched:
            return
        self._told_s = now
        said, page = self.shown(), self._stream.pages
        if (said, page) != self._told:
            self._told = said, page
            self._stream.tell(said)

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

    # --- Orders ---

    def warm_up(self) -> None:
        """Make ticks as fast as can be until trails have their length, so that a first picture shows some.

        240 at most, and for 5 s at most; none with ticks that wait for frames.
        """
        if self.lockstep:
            return
        wanted, spent_s = min(self.config.trails.length, _WARM_UP_TICKS), 0.0
        self.engine.set_pace(0)
        self.engine.run_until(wanted)
        while self.engine.newest_tick < wanted and spent_s < _WARM_UP_S and not self._interrupts.asked:
            began = time.monotonic()
            self._turn_engines()
            self._take_over(self.pace.newest_tick(), waits=False)
            time.sleep(0.001)
            spent_s += min(time.monotonic() - began, _LONG_TURN_S)
        self.engine.set_pace(self.pace.ticks_per_s)

    def change(self, name: str, value: Any) -> str:
        """Change a setting, live or by beginning anew; return why not, "" if that is done."""
        declared = settings_of(type(self.stage.config))
        found, whole_value = whole(self.stage.wishes.config, name, value)
        if found not in declared:
            changed(self.config, {name: value})  # says what is meant
        if found in LIVE:
            return self.controls.apply(Set(name, value))
        if declared[found].declared.once:
            raise UsageError(f"{name} can be chosen when a view is opened, not afterwards")
        return self.controls.apply(Restart({found: whole_value}))

    def pause(self, paused: bool) -> None:
        """Pause, or go on; nothing if that is so."""
        self._resting = False
        if self.pace.paused != paused:
            self.controls.apply(Request.PAUSE)

    def _settle_cameras(self) -> None:
        """Let cameras come to where they were sent, if no frames do that."""
        if not self._stream.watched:
            turning, self.viewer.turn_deg_per_s = self.viewer.turn_deg_per_s, 0.0
            self.viewer.advance(_SETTLED_S)
            self.viewer.turn_deg_per_s = turning

    def picture(self, within_s: float, go_on: Callable[[], bool] = lambda: True) -> Pixels:
        """Return the picture as it is now, complete maps in it: [height, width, 3] uint8, a new array.

        within_s: seconds to wait for maps at most; a map that needs longer says how far it is.
        """
        end = time.monotonic() + within_s
        self._turn_engines()
        self._settle_cameras()
        self._take_over(self.pace.newest_tick(), waits=False)
        shown = self.viewer.shown
        self.stage.maps.finish(self.scene, shown, lambda: go_on() and time.monotonic() < end)
        self.ledger.stats.forget("captions")
        if self.screen.picture_size != self.scene.picture.size:
            self.scene.resize(self.screen.picture_size)
        self._draw_afresh()
        return read_pixels(self.scene.picture)
