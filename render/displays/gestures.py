"""Recognises gestures of the pointer: hovering, drags, boxes and clicks."""

import time
from collections.abc import Callable, Iterable, Iterator

from valuescape.render.displays.events import (
    Button,
    Click,
    DoubleClick,
    Drag,
    DragEnd,
    Event,
    Hover,
    Move,
    Press,
    Release,
)

_DOUBLE_CLICK_S = 0.35
_STILL_PX = 4.0
"""A pointer that moved no further than this counts as still, since hands tremble."""


class Gestures:
    """Turns raw events into gestures; all other events pass unchanged. clock: seconds, for tests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pointer = (0.0, 0.0)
        self._held: Press | None = None
        self._dragging = False
        self._clicked: tuple[float, Press] | None = None

    def read(self, events: Iterable[Event]) -> Iterator[Event]:
        """Yield the gestures and other events, in order."""
        for event in events:
            match event:
                case Move(x, y):
                    yield from self._move(x, y)
                case Press():
                    self._held, self._dragging = event, False
                    self._pointer = event.x, event.y
                case Release(button, x, y):
                    yield from self._release(button, x, y)
                case _:
                    yield event

    def _move(self, x: float, y: float) -> Iterator[Event]:
        held = self._held
        if held and (self._dragging or _far(held, x, y)):
            self._dragging = True
            before_x, before_y = self._pointer
            yield Drag(held.button, x - before_x, y - before_y, x, y, box=held.shift)
        if held is None:
            yield Hover(x, y)
        if held is None or self._dragging:
            self._pointer = x, y

    def _release(self, button: Button, x: float, y: float) -> Iterator[Event]:
        held, self._held = self._held, None
        if held is None or held.button is not button:
            return
        if self._dragging:
            yield DragEnd(box=held.shift)
            return
        if button is not Button.LEFT:
            return
        now = self._clock()
        if self._clicked and now - self._clicked[0] < _DOUBLE_CLICK_S and not _far(self._clicked[1], x, y):
            self._clicked = None
            yield DoubleClick(x, y)
        else:
            self._clicked = now, held
            yield Click(x, y)


def _far(press: Press, x: float, y: float) -> bool:
    return abs(x - press.x) > _STILL_PX or abs(y - press.y) > _STILL_PX
