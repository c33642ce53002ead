"""Frames on their way from the thread that draws to the pages of an audience, in a thread of their own."""

import threading
import time
from collections.abc import Callable, Mapping

import numpy as np

from valuescape.render.displays.streaming.encoders import Encoders, Frame
from valuescape.render.displays.streaming.pictures import Pixels
from valuescape.render.displays.streaming.seat import Kind, Newest, Seat

_LOOK_S = 1.0
"""Seconds after which the thread looks again in any case."""


class Frames:
    """Encodes the newest picture for the pages that lack it and can take it, and sends it to them.

    Of pictures that come faster than they can be encoded, the newest counts. lock: guards the seats, and all
    that is here. seats: of the pages; read only. taken: called, with the lock held, when another picture can
    be taken. `end` stops the thread.

    Performance: what the thread that draws pays for a frame is in docs/browser.md (tests/bench/browser.py).
    """

    def __init__(
        self,
        lock: threading.RLock,
        seats: Mapping[int, Seat],
        taken: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock, self._seats, self._taken, self._clock = lock, seats, taken, clock
        self._work = threading.Condition(lock)
        self.encoders = Encoders()
        self.newest = Newest((0, 0), 0, 0.0)
        self._pixels: Pixels | None = None
        self._coming: tuple[Pixels, int] | None = None
        self._ended = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="valuescape-frames", daemon=True)
        self._thread.start()

    def show(self, pixels: Pixels, heard: int) -> None:
        """Have a picture sent. heard: number of the events in it. Raises what ended the thread."""
        with self._lock:
            if self._error:
                raise self._error
            self._coming = pixels, heard
            self._work.notify()

    @property
    def has_room(self) -> bool:
        """Whether the thread took the last picture; to be asked with the lock held."""
        return self._coming is None

    @property
    def still(self) -> bool:
        """Whether all pages that are seen have the newest picture without loss; with the lock held."""
        return self._coming is None and all(
            seat.has(self.newest) for seat in self._seats.values() if seat.visible
        )

    def wake(self) -> None:
        """Have the thread look who can take a frame; with the lock held."""
        self._work.notify()

    def end(self) -> None:
        """Stop the thread, and let go of pictures."""
        with self._lock:
            self._ended = True
            self._coming = None
            self._work.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join()
        self._pixels, self.encoders = None, Encoders()

    # --- In its own thread ---

    def _run(self) -> None:
        try:
            while self._wait():
                self._take()
                self._send()
        except BaseException as error:  # whatever it is, the thread that draws is told
            with self._lock:
                self._error = error
                self._taken()

    def _wait(self) -> bool:
        """Wait until there is something to do; False if it is to end."""
        with self._lock:
            while not self._ended:
                now = self._clock()
                if self._coming is not None or self._wanted(now):
                    return True
                self._work.wait(self._pause_s(now))
        return False

    def _pause_s(self, now: float) -> float:
        """Return the seconds until a page is to get the picture without loss, if it stays as it is."""
        due = [
            seat.due_s(self.newest) - now
            for seat in self._seats.values()
            if seat.may_take(now) and not seat.has(self.newest)
        ]
        return min([_LOOK_S, *(each for each in due if each > 0)])

    def _take(self) -> None:
        """Go over to the picture that came, if it is another one."""
        with self._lock:
            coming, self._coming = self._coming, None
            self._taken()
        if coming is None:
            return
        pixels, heard = coming
        if self._pixels is not None and np.array_equal(self._pixels, pixels):
            return
        self._pixels = pixels
        self.encoders.begin(pixels, heard)
        with self._lock:
            size = pixels.shape[1], pixels.shape[0]
            self.newest = Newest(size, self.newest.version + 1, self._clock())

    def _wanted(self, now: float) -> dict[Kind, list[Seat]]:
        """Return the pages that are to get the picture now, by the kind of their frames."""
        wanted: dict[Kind, list[Seat]] = {}
        if self._pixels is not None:
            for seat in self._seats.values():
                if kind := seat.wants(self.newest, now):
                    wanted.setdefault(kind, []).append(seat)
        return wanted

    def _send(self) -> None:
        with self._lock:
            wanted = self._wanted(self._clock())
        for kind, seats in wanted.items():
            frame = self.encoders.frame(kind, seats, self._clock())
            lost = [seat for seat in seats if not frame.fits(seat)]
            self._deliver(frame, [seat for seat in seats if seat not in lost])
            if lost:  # they get pictures until the video has a frame that they can begin with
                picture = kind._replace(form="jpeg")
                self._deliver(self.encoders.frame(picture, lost, self._clock()), lost)
        self.encoders.let_go(self._clock())

    def _deliver(self, frame: Frame, seats: list[Seat]) -> None:
        with self._lock:
            there = list(self._seats.values())
            for seat in seats:
                if seat in there and not self._ended:
                    lossless = frame.about["lossless"]
                    seat.sent(frame.number, self.newest, lossless=lossless, now=self._clock())
                    seat.video = frame.video.this if frame.video else None
                    seat.send(frame.about, frame.content)
