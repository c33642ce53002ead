"""A link to one page: frames and answers, events and wishes; whatever carries them."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from valuescape.render.displays.events import Event
from valuescape.render.displays.streaming.link import Link, Send
from valuescape.render.displays.streaming.messages import (
    Happened,
    Message,
    Shown,
    Sized,
    Watching,
    Wished,
    placed,
    read_message,
)
from valuescape.render.displays.streaming.pacing import GONE_S, Pacing
from valuescape.render.displays.streaming.pictures import Changing, Pixels


class Stream(Link):
    """A link to one page, whose frames are encoded in the thread that draws.

    send: to the page. size_px: of the picture until the page tells its own. answering: whether messages of
    the page can arrive now; those of a notebook do not while its kernel runs a cell. clock: seconds, for
    tests.
    """

    def __init__(
        self,
        send: Send,
        size_px: tuple[int, int],
        answering: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(size_px, clock)
        self._send, self._answering = send, answering
        self.pacing = Pacing()
        self._frames = 0
        self._changing = Changing()
        self._heard, self._told = 0, 0  # numbers of the newest message of events: taken in, and said so
        self._visible = False

    # --- In the thread of the carrier ---

    def receive(self, content: object) -> None:
        """Take in a message of the browser; one that is none of the vocabulary is passed over."""
        message = read_message(content)
        if message is None:
            return
        with self._news:
            if self._ended:
                return
            self._take(message)
            self._news.notify_all()

    def _take(self, message: Message) -> None:
        match message:
            case Happened(number, events):
                self._heard = number
                self._events.extend(events)
            case Shown(frame):
                self.pacing.answered(frame, self._clock())
            case Sized(width, height, ratio):
                self.size_px = round(width * ratio), round(height * ratio)
                self.pixel_scale = ratio
            case Watching(on):
                self._visible = on
                if on:  # a page that was opened anew has no picture yet
                    self.pages += 1
                    self.pacing.begin_again()
                    self._changing.begin_again()
            case Wished():
                self._wishes.append(message)

    # --- In the thread that draws ---

    @property
    def watched(self) -> bool:
        """Whether someone can see the picture: a browser said so, and still answers if it can."""
        with self._news:
            return self._visible and not (self._answering() and self.pacing.silent_s(self._clock()) > GONE_S)

    @property
    def ready(self) -> bool:
        """Whether a frame would be sent now, so that it is worth drawing."""
        with self._news:
            return self._visible and self.pacing.may_send(self._clock(), answering=self._answering())

    @property
    def still(self) -> bool:
        """Whether the other side has the newest picture without loss, and asks for nothing."""
        with self._news:
            return self._changing.still and not self._events and not self._wishes

    def take_events(self) -> list[Event]:
        """Return the events since the last call, places in pixels of the picture, the oldest first."""
        with self._news:
            events = [placed(each, self.size_px) for each in self._events]
            self._events.clear()
            heard, self._told, told = self._heard, self._heard, self._told
        if heard != told:
            self._send({"type": "heard", "number": heard}, None)
        return events

    def show(self, pixels: Pixels) -> None:
        """Send a picture, unless the other side has it or cannot take one more now."""
        if not self.ready:
            return
        encoded = self._changing.encode(pixels, self.pacing.level, self._clock())
        if encoded is None:
            return
        with self._news:
            self._frames += 1
            number = self._frames
            self.pacing.sent(number, self._clock())
        about = {
            "type": "frame",
            "number": number,
            "format": encoded.media_type,
            "lossless": encoded.lossless,
        }
        self._send(about, encoded.content)

    def end(self) -> None:
        """Do as `Link` says: what carries messages may keep this object for as long as the page is there."""
        with self._news:
            self._ended = True
            self._changing.begin_again()
            self._events.clear()
            self._wishes.clear()

    def tell(self, content: Mapping[str, Any]) -> None:
        """Send a message without a picture."""
        self._send(content, None)

    tell_controller = tell
