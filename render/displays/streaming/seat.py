"""One page of an audience: what it is, what it can show, and what it has been sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from valuescape.render.displays.streaming.messages import Accepts, Prefer, Sized
from valuescape.render.displays.streaming.pacing import Pacing
from valuescape.render.displays.streaming.pictures import STILL_S
from valuescape.render.displays.streaming.video import CODECS

Send = Callable[[Mapping[str, Any], bytes | None], None]
"""Sends a message, and bytes with it. Must neither wait for the other side nor call back."""

_MOST_SCALE = 4

_VIDEO_S = 30.0
"""Seconds of video on a slow link before pictures are tried again; each time twice as many."""

_MOST_VIDEO_S = 600.0
_TRIED_S = 2.0


class Kind(NamedTuple):
    """How a frame is encoded: as "jpeg", "webp", or a codec of video; its level of `Pacing`; 1 / its size."""

    form: str
    level: int
    scale: int


@dataclass(slots=True)
class Newest:
    """The newest picture. version: counts pictures that differ. changed_s: when it came."""

    size_px: tuple[int, int]
    version: int
    changed_s: float


class Seat:
    """A page of an audience, seen from this side; for one thread at a time.

    send: to that page. answering: whether messages of the page can arrive now, where they may be held up or
    lost on the way; None where all of them arrive.
    """

    def __init__(self, send: Send, answering: Callable[[], bool] | None = None) -> None:
        self.send, self._answering = send, answering
        self.visible = False
        self.pacing = Pacing(probing=answering is not None)
        self.sized: Sized | None = None
        self.accepts = Accepts((), Prefer.AUTO)
        self.heard, self.told = 0, 0
        """Numbers of the newest message of events: taken in, and told so."""
        self.video: tuple[int, int] | None = None
        """The encoder of the last frame, and the frame's place in its sequence, if it was one of a video."""
        self._version, self._lossless = -1, False
        self._video_until_s, self._video_s = -1e9, _VIDEO_S

    def begin_again(self) -> None:
        """Forget what was sent: the page has no picture yet."""
        self.pacing.begin_again()
        self._version, self._lossless, self.video = -1, False, None

    def may_take(self, now: float) -> bool:
        """Whether a frame may be sent."""
        return self.visible and self.pacing.may_send(now, answering=self._can_answer())

    def silent_s(self, now: float) -> float:
        """Return for how many seconds an answer is overdue; 0 if none is expected, or none can arrive."""
        return self.pacing.silent_s(now) if self._can_answer() else 0.0

    def _can_answer(self) -> bool:
        return self._answering is None or self._answering()

    def has(self, newest: Newest) -> bool:
        """Whether it was sent the newest picture without loss."""
        return self._version == newest.version and self._lossless

    def due_s(self, newest: Newest) -> float:
        """Return the time from which on it is to be sent the newest picture, if it has not got it."""
        return newest.changed_s + STILL_S if self._version == newest.version else 0.0

    def wants(self, newest: Newest, now: float) -> Kind | None:
        """Return how the newest picture is to be sent to it now; None if it cannot take it, or has it."""
        if not self.may_take(now) or self.has(newest) or now < self.due_s(newest):
            return None
        scale = self._scale(newest.size_px)
        if self._version == newest.version:
            return Kind("webp", 0, scale)
        level = self.pacing.level
        codec = self._codec(now)
        return Kind(codec, min(level, 1), scale) if codec else Kind("jpeg", level, scale)

    def sent(self, number: int, newest: Newest, *, lossless: bool, now: float) -> None:
        """Note that the newest picture was sent, as the frame of this number."""
        self._version, self._lossless = newest.version, lossless
        self.pacing.sent(number, now)

    def _scale(self, size_px: tuple[int, int]) -> int:
        """Return by what the picture can be divided and still has the pixels of its place on the page."""
        if self.sized is None:
            return 1
        place = self.sized.width * self.sized.ratio, self.sized.height * self.sized.ratio
        shares = [pixels / shown for pixels, shown in zip(size_px, place, strict=True)]
        return max(1, min(_MOST_SCALE, int(min(shares) + 0.01)))

    def _codec(self, now: float) -> str:
        """Return the codec of video that it is to get; "" for pictures.

        On a link that is too slow for pictures of the lowest quality it is video for a while. Then pictures
        are tried again, for two seconds at least.
        """
        codec = next((each for each in CODECS if each in self.accepts.codecs), "")
        if not codec or self.accepts.prefer is Prefer.PICTURES:
            return ""
        if self.accepts.prefer is Prefer.VIDEO or now < self._video_until_s:
            return codec
        if self.pacing.level > 0 or now < self._video_until_s + _TRIED_S:
            return ""
        self._video_until_s = now + self._video_s
        self._video_s = min(2 * self._video_s, _MOST_VIDEO_S)
        return codec
