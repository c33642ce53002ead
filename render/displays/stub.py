"""The smallest display: the specification of `Display`, with nothing to see.

`tests/contracts/test_displays.py` holds it to the same contract as the others. To add a display, copy this
file and replace the bodies; `valuescape.run.open_display` chooses among displays.
"""

from typing import Any

from valuescape.render.displays.display import Display
from valuescape.render.displays.events import Event


class StubDisplay(Display):
    """Shows nothing and reports no events. gl: a context, which the display owns from here on."""

    def __init__(self, gl: Any, size_px: tuple[int, int]) -> None:
        self.gl = gl  # the scene draws with it
        self._size_px = size_px

    def _do_size_px(self) -> tuple[int, int]:
        return self._size_px  # asked before each frame, as a person may change it

    def _do_poll(self) -> list[Event]:
        return []  # raw events: `render.displays.gestures` makes drags and double clicks of them

    def _do_present(self, picture: Any, panel: Any) -> None:
        pass  # here the pixels of both go to a screen, a file or a network

    def _do_release(self) -> None:
        self.gl.release()
