"""Joins a display to the pages that show it: one page controls, all see the same picture."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Self

from valuescape.render.displays.events import Event
from valuescape.render.displays.streaming.controlling import Controlling, Held
from valuescape.render.displays.streaming.frames import Frames
from valuescape.render.displays.streaming.messages import (
    Accepts,
    Control,
    Happened,
    Message,
    PictureWanted,
    Shown,
    Sized,
    Touched,
    Watching,
    Wished,
    placed,
    read_message,
)
from valuescape.render.displays.streaming.pacing import GONE_S
from valuescape.render.displays.streaming.pictures import Pixels
from valuescape.render.displays.streaming.seat import Seat, Send

_MOST_WAITING = 5000
"""Events that wait to be taken; older ones are dropped."""

_PICTURE_S = 1.0
"""Seconds between two pictures as files, whoever asks for them: each takes the thread that draws a while."""


class Audience:
    """Joins a display, in the thread that draws, to pages, whose messages arrive in other threads.

    The page that controls says how large the picture is, and its events and wishes count; those of others
    are passed over. A page that does not answer gets two frames and no more, and holds up no other one. Each
    frame is encoded once for all pages that want it in one format and size, in a thread of its own. `end`
    stops that thread; an audience is a context manager, too.

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
        self._wishes: deque[Touched | Wished] = deque(maxlen=_MOST_WAITING)
        self._pictures_wanted: set[int] = set()
        self._picture_s = -_PICTURE_S  # when the last picture was taken as a file
        self._ended = False
        self._most_ratio = 4.0
        self._numbers = count(1)
        self._seats: dict[int, Seat] = {}
        self._controlling, self._held = Controlling(), Held()
        self._controller: int | None = None  # that `_settle` has seen
        self._sending = Frames(self._lock, self._seats, self._news.notify_all, clock)

    # --- In the thread of the carrier ---

    def join(self, send: Send, answering: Callable[[], bool] | None = None) -> int:
        """Take in a page; return the number of its viewer. send, answering: as of `Seat`."""
        with self._news:
            viewer = next(self._numbers)
            self._seats[viewer] = Seat(send, answering)
            self._controlling.join(viewer)
            self._settle()
        return viewer

    def leave(self, viewer: int) -> None:
        """Let a page go; nothing if it has gone."""
        with self._news:
            self._seats.pop(viewer, None)
            self._pictures_wanted.discard(viewer)
            self._controlling.leave(viewer)
            self._settle()

    def receive(self, viewer: int, content: object) -> None:
        """Take in a message of a page; one that is none of the vocabulary is passed over."""
        message = read_message(content)
        with self._news:
            seat = self._seats.get(viewer)
            if message is None or seat is None or self._ended:
                return
            self._take(viewer, seat, message)
            self._settle()
            self._sending.wake()
            self._news.notify_all()

    def _take(self, viewer: int, seat: Seat, message: Message) -> None:
        match message:
            case Happened(number, events):
                seat.heard = number
                if viewer == self._controller:
                    self._held.note(events)
                    self._events.extend(events)
                else:
                    self._tell_heard(seat)
            case Touched() | Wished():
                if viewer == self._controller:
                    self._wishes.append(message)
            case Shown(frame):
                seat.pacing.answered(frame, self._clock())
            case Sized():
                seat.sized = message
                if viewer == self._controller:
                    self._take_size()
            case Watching(on):
                seat.visible = on
                if on:
                    self.pages += 1
                    seat.begin_again()
            case Accepts():
                seat.accepts = message
            case Control():
                self._controlling.say(viewer, message, self._clock(), seen=self._controller_seen())
            case PictureWanted():
                self._pictures_wanted.add(viewer)

    def silent(self) -> list[int]:
        """Return the viewers whose pages owe an answer for so long that nobody is taken to be there."""
        now = self._clock()
        with self._news:
            return [each for each, seat in self._seats.items() if seat.silent_s(now) > GONE_S]

    # --- With the lock held ---

    def _settle(self) -> None:
        """Tell viewers what changed about who controls, and go over to another one."""
        for viewer, said in self._controlling.take_news():
            if viewer in self._seats:
                self._seats[viewer].send(said, None)
        if self._controller != self._controlling.controller:
            self._controller = self._controlling.controller
            self._events.extend(self._held.let_go())
            self._take_size()

    def _controller_seen(self) -> bool:
        seat = self._seats.get(self._controller or 0)
        return seat is not None and seat.visible

    def _take_size(self) -> None:
        """Have the picture as large as the page that controls shows it."""
        seat = self._seats.get(self._controller or 0)
        if seat and seat.sized:
            ratio = min(seat.sized.ratio, self._most_ratio)
            self.size_px = round(seat.sized.width * ratio), round(seat.sized.height * ratio)
            self.pixel_scale = ratio

    def _tell_heard(self, seat: Seat) -> None:
        if seat.heard != seat.told:
            seat.told = seat.heard
            seat.send({"type": "heard", "number": seat.heard}, None)

    # --- In the thread that draws ---

    @property
    def viewers(self) -> int:
        """How many pages there are."""
        return len(self._seats)

    @property
    def encoded(self) -> int:
        """Frames that were encoded so far."""
        return self._sending.encoders.made

    def limit_ratio(self, most: float) -> None:
        """Have the picture drawn with so many device pixels for a CSS pixel at most."""
        with self._news:
            self._most_ratio = most
            self._take_size()

    @property
    def watched(self) -> bool:
        """Whether a page is seen, and still answers if it can."""
        now = self._clock()
        with self._news:
            return any(seat.visible and seat.silent_s(now) <= GONE_S for seat in self._seats.values())

    @property
    def ready(self) -> bool:
        """Whether a page can take a frame now, and the frame before is being encoded already."""
        now = self._clock()
        with self._news:
            return self._sending.has_room and any(seat.may_take(now) for seat in self._seats.values())

    @property
    def still(self) -> bool:
        """Whether every page that is seen has the newest picture without loss, and none asks for anything."""
        with self._news:
            return self._sending.still and not (self._events or self._wishes or self._pictures_wanted)

    def take_events(self) -> list[Event]:
        """Return the events since the last call, places in pixels of the picture, the oldest first."""
        with self._news:
            self._controlling.look(self._clock())
            self._settle()
            events = [placed(each, self.size_px) for each in self._events]
            self._events.clear()
            for seat in self._seats.values():
                self._tell_heard(seat)
        return events

    def take_wishes(self) -> list[Touched | Wished]:
        """Return what the page that controls wished since the last call, the oldest first."""
        with self._news:
            wishes = list(self._wishes)
            self._wishes.clear()
        return wishes

    def take_pictures_wanted(self) -> list[int]:
        """Return the viewers that wait for the picture as a file; all together, once a second at most."""
        with self._news:
            now = self._clock()
            if not self._pictures_wanted or now - self._picture_s < _PICTURE_S:
                return []
            self._picture_s = now
            wanted = sorted(self._pictures_wanted)
            self._pictures_wanted.clear()
        return wanted

    def show(self, pixels: Pixels) -> None:
        """Have a picture encoded and sent to the pages that can take it, unless they have it."""
        controller = self._seats.get(self._controller or 0)
        self._sending.show(pixels, controller.told if controller else 0)

    def wait(self, seconds: float) -> None:
        """Wait until a message comes, or `wake` is called, for a bounded time."""
        with self._news:
            if not self._events and not self._wishes:
                self._news.wait(seconds)

    def wait_for_input(self, seconds: float) -> None:
        """Wait until there are events or wishes, for a bounded time."""
        with self._news:
            self._news.wait_for(lambda: self._events or self._wishes, max(0.0, seconds))

    # --- In any thread ---

    def wake(self) -> None:
        """End a `wait` at once."""
        with self._news:
            self._news.notify_all()

    def tell(self, content: Mapping[str, Any]) -> None:
        """Send a message to every page."""
        with self._news:
            for seat in self._seats.values():
                seat.send(content, None)

    def tell_controller(self, content: Mapping[str, Any]) -> None:
        """Send a message to the page that controls."""
        self.tell_viewer(self._controller or 0, content)

    def tell_viewer(self, viewer: int, content: Mapping[str, Any], more: bytes | None = None) -> None:
        """Send a message, and bytes with it, to one page; nothing if it has gone."""
        with self._news:
            if viewer in self._seats:
                self._seats[viewer].send(content, more)

    def end(self) -> None:
        """Stop the thread, and let go of all that waits; later messages of pages are passed over."""
        with self._news:
            self._ended = True
            self._events.clear()
            self._wishes.clear()
        self._sending.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()
