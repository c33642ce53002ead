"""A session whose picture is in a notebook, and which takes orders of other threads."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from valuescape.notebook.following import Following
from valuescape.notebook.orders import Orders
from valuescape.notebook.wishes import change_of
from valuescape.render.displays.streaming.audience import Audience
from valuescape.render.displays.streaming.pictures import Pixels, read_pixels
from valuescape.render.view.changes import Request, Restart, Set
from valuescape.run.controls import Controls
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.paged_session import PagedSession
from valuescape.sim.config.files import Config, changed, whole
from valuescape.sim.config.model import LIVE, settings_of
from valuescape.sim.errors import UsageError
from valuescape.sim.interrupts import Interrupts

_SETTLED_S = 10.0
"""Seconds in which cameras come to where they were sent."""

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


class InlineSession(PagedSession):
    """A run on a page of a notebook: `turn_frames` goes on until `stop`.

    audience: lent. orders: of other threads. folder: of screenshots; made with the first. interrupts:
    set its `asked` to end a start or the run. panel: whether the panel of settings is beside the picture.
    Made and used in one thread. Raises UsageError, as Session does.
    """

    def __init__(
        self,
        config: Config,
        audience: Audience,
        orders: "Orders[InlineSession]",
        folder: Path,
        interrupts: Interrupts,
        *,
        panel: bool,
    ) -> None:
        self._orders = orders
        length, outputs = RunLength(), Outputs(folder)
        super().__init__(config, length, outputs, audience=audience, interrupts=interrupts, panel=panel)
        self.controls = InlineControls(self, self._begun_with())
        self.following = Following(self, self._owned)

    def _keep_out_of_collections(self) -> None:
        """Leave garbage collection as it is: most of what is in a notebook's process is not ours."""

    def _serve(self) -> None:
        self._orders.serve(self)
        asked = map(change_of, self._audience.take_wishes())
        self.controls.apply_all([each for each in asked if each])

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
        if not self._audience.watched:
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
