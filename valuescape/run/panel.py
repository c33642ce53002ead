"""The panel of a run: when it is drawn, and the state of the run that it shows."""

import math
import time
from collections.abc import Callable
from typing import Any

from valuescape.presets import presets
from valuescape.render.displays.display import Display
from valuescape.render.displays.events import Event
from valuescape.render.panel.panel import Panel
from valuescape.render.panel.standing import Past, Standing
from valuescape.render.view.changes import Change
from valuescape.render.view.viewer import Viewer
from valuescape.run_state import RunState
from valuescape.sim.plugins.widgets import Section
from valuescape.sim.worlds.registry import world_names

_REFRESH_S = 0.05
"""Seconds between two pictures of a panel without events; `panel` in F3 says what one costs."""


class Tuning:
    """The panel of a run, drawn after events and otherwise every `_REFRESH_S`.

    text: size of its text, 1 as usual.
    """

    def __init__(self, display: Display, text: float = 1.0) -> None:
        self._panel = Panel(display, text)
        self._presets = presets()
        self._drawn_at = -math.inf
        self._touched = 0

    def width_px(self, window_px: tuple[int, int]) -> int:
        """Return how much of the window's width the panel takes, pixels."""
        return self._panel.width_px(window_px)

    @property
    def picture(self) -> Any:
        """The framebuffer that it is drawn into."""
        return self._panel.picture

    def take(self, events: list[Event]) -> list[Event]:
        """Take the events that are for the panel and return the others."""
        if events:
            self._touched = 3  # ImGui answers an event in the frames after it
        return self._panel.take(events)

    def let_go(self) -> None:
        """Forget which keys and buttons are held."""
        self._panel.let_go()

    def draw(
        self,
        window_px: tuple[int, int],
        viewer: Viewer,
        state: Callable[[], RunState],
        past: Callable[[], Past],
        sections: Callable[[], tuple[Section, ...]] = tuple,
    ) -> list[Change]:
        """Draw the panel if it is time; return the changes that a person made.

        state, past, sections: make what it shows of the run, its history, and plug-ins.
        """
        now = time.monotonic()
        if not self._touched and now - self._drawn_at < _REFRESH_S:
            return []
        self._touched = max(self._touched - 1, 0)
        elapsed = min(now - self._drawn_at, 0.1)
        self._drawn_at = now
        size = self.width_px(window_px), window_px[1]
        standing = standing_of(state(), past(), sections(), self._presets)
        return self._panel.draw(size, elapsed, viewer, standing)

    def release(self) -> None:
        """Free the panel."""
        self._panel.release()


def standing_of(
    state: RunState, past: Past, sections: tuple[Section, ...], known: dict[str, str]
) -> Standing:
    """Return what a panel shows of a run's state. known: presets, with what is said of each."""
    return Standing(
        config=state.config,
        past=past,
        worlds=world_names(),
        presets=known | dict.fromkeys(past.saved, "saved in this session"),
        plane=state.plane,
        paused=state.paused,
        live=state.live,
        workers=state.workers,
        limits=[(each.title, each.value, each.below, each.lamp) for each in state.figures.limits()],
        busy_ms=state.busy_ms,
        may_take_ms=state.may_take_ms,
        sliced=state.sliceable,
        findings=state.findings.said if state.findings.asked else None,
        finding=state.findings.at,
        place=state.place and state.place.at(state.live["policy.steps"]),
        sections=sections,
        watching=state.training.watching if state.training else None,
    )
