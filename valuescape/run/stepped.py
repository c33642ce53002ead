"""A run that its caller drives: tick by tick, and a picture when one is asked for."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.render.displays.display import picture_bytes
from valuescape.render.displays.recorder import pixels
from valuescape.render.view.changes import Set
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import Config, changed
from valuescape.sim.errors import UsageError

_SETTLED_S = 10.0
"""Seconds in which cameras come to where they were sent."""


class SteppedSession(Session):
    """A headless run without frames of its own; everything happens in the calls of its methods.

    It installs no signal handlers, prints nothing and writes no file by itself. `features.async_physics` is
    off: ticks are made when they are asked for. folder: where files without a folder of their own would go.
    """

    def __init__(self, config: Config, folder: Path) -> None:
        """Start everything. Raises UsageError if the configuration cannot be run here."""
        stepped = changed(config, {"features.async_physics": False})
        super().__init__(stepped, RunLength(), Outputs(folder), headless=True)
        self.pace.go_to(0)
        self._take_over(0, waits=True)

    @property
    def tick(self) -> int:
        """The newest tick."""
        return self.engine.newest_tick

    def advance(self, ticks: int) -> None:
        """Make so many ticks, and take them over into trails and maps."""
        end = self.tick + ticks
        most = self.config.workers.max_lead  # rows of ticks that the arena keeps for sure
        while self.tick < end:
            self._turn_engines()
            self.pace.go_to(min(self.tick + most, end))
            asked = self.plugins.step(self.tick)
            self._take_over(self.tick, waits=True)
            self._carry_out(asked, ())
        self._require_sound()

    def change(self, name: str, value: Any) -> None:
        """Give a live setting another value, at once. Raises UsageError if it cannot have it."""
        why_not = self.controls.apply(Set(name, value))
        if why_not:
            message, _, hint = why_not.partition("\n  ")
            raise UsageError(message, hint)
        self._turn_engines()
        self._take_over(self.tick, waits=True)

    def draw(
        self, size_px: tuple[int, int] | None = None, elapsed_s: float = _SETTLED_S
    ) -> NDArray[np.uint8]:
        """Draw the picture; return it as [height, width, 3] uint8, top row first: a new array.

        size_px: width and height; None for those of the picture before. elapsed_s: for which cameras move.
        """
        if size_px is not None:
            self.display.resize(size_px)
        turning, self.viewer.turn_deg_per_s = self.viewer.turn_deg_per_s, 0.0
        self.viewer.advance(elapsed_s)
        self.viewer.turn_deg_per_s = turning
        self._take_over(self.tick, waits=True)
        self._draw()
        self._look()
        picture = self.scene.picture
        return pixels(picture_bytes(picture), picture.size).copy()
