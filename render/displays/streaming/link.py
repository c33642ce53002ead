"""The base of links between a display and the pages that show it."""

import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from valuescape.render.displays.events import Event
from valuescape.render.displays.streaming.messages import Wished
from valuescape.render.displays.streaming.pictures import Pixels

_MOST_WAITING = 5000
"""Events that wait to be taken; older ones are dropped."""

Send = Callable[[Mapping[str, Any], bytes | None], None]
"""Sends a message, and bytes with it. Must neither wait for the other side nor call back."""


class Link(ABC):
    """Joins a display, in the thread that draws, to pages, whose messages arrive in other threads.

    size_px: of the picture until a page tells its own. clock: seconds, for tests.
    """

    def __init__(self, size_px: tuple[int, int], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.size_px, self.pixel_scale = size_px, 1.0
        self.pages = 0
        """How often a page began to watch: it knows nothing of what was sent before."""
        self._lock = threading.RLock()
        self._news = threading.Condition(self._lock)
        self._events: deque[Event] = deque(maxlen=_MOST_WAITING)
        self._wishes: deque[Wished] = deque(maxlen=_MOST_WAITING)
        self._ended = False

    # --- In any thread ---

    def wake(self) -> None:
        """End a `wait` at once."""
        with self._news:
            self._news.notify_all()

    @abstractmethod
    def tell(self, content: Mapping[str, Any]) -> None:
        """Send a message to every page."""

    @abstractmethod
    def tell_controller(self, content: Mapping[str, Any]) -> None:
        """Send a message to the page that controls."""

    @abstractmethod
    def end(self) -> None:
        """Let go of pictures and of all that waits; later messages of pages are passed over."""

    # --- In the thread that draws ---

    @property
    @abstractmethod
    def watched(self) -> bool:
        """Whether a page is seen, and still answers if it can."""

    @property
    @abstractmethod
    def ready(self) -> bool:
        """Whether a frame would be sent now, so that it is worth drawing."""

    @property
    @abstractmethod
    def still(self) -> bool:
        """Whether every page that is seen has the newest picture without loss, and none asks for anything."""

    @abstractmethod
    def show(self, pixels: Pixels) -> None:
        """Send a picture to the pages that can take it now, unless they have it."""

    @abstractmethod
    def take_events(self) -> list[Event]:
        """Return the events since the last call, places in pixels of the picture, the oldest first."""

    def wait(self, seconds: float) -> None:
        """Wait until a message comes, or `wake` is called, for a bounded time."""
        with self._news:
            if not self._events and not self._wishes:
                self._news.wait(seconds)

    def wait_for_input(self, seconds: float) -> None:
        """Wait until there are events or wishes, for a bounded time."""
        with self._news:
            self._news.wait_for(lambda: self._events or self._wishes, max(0.0, seconds))

    def take_wishes(self) -> list[Wished]:
        """Return what controls asked for since the last call, the oldest first."""
        with self._news:
            wishes = list(self._wishes)
            self._wishes.clear()
        return wishes
