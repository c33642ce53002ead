"""The pace of frames on a link: when the next one may be sent, and how large it should be."""

from collections import OrderedDict

MOST_IN_FLIGHT = 2
"""Frames that are sent and not answered yet. One more would not be shown any sooner, but wait on the link."""

PROBE_S, BUSY_PROBE_S = 3.0, 0.5
"""Seconds without an answer after which one more frame is sent: an answer may have been lost; while the other
side cannot answer, as a kernel that runs a cell does not pass answers on."""

GONE_S = 15.0
"""Seconds without an answer, from a side that can answer, after which nobody is taken to watch."""

_MOST_UNANSWERED = 600
"""Frames that are sent in a row to a side that cannot answer; someone on the way may be keeping them."""

_SLOW_S, _FAST_S = 0.12, 0.05
_PATIENCE_S = 0.5
LEVELS = 3
"""Levels of quality: 0 is for the slowest links."""


class Pacing:
    """Counts frames in flight, and finds the level of quality that a link can take.

    A link is slow if answers take longer than 0.12 s, and fast if they take less than 0.05 s. Times are
    seconds of any clock. Not safe for several threads; an audience holds its lock.

    probing: whether answers may be lost on the way, so that one more frame is sent after a while.
    """

    def __init__(self, *, probing: bool = False) -> None:
        self._probing = probing
        self.level = LEVELS - 1
        self._in_flight: OrderedDict[int, float] = OrderedDict()  # number: when it was sent
        self._sent_s = -1e9
        self._alone = 0  # frames since the last answer
        self._level_s = -1e9
        self._took_s = 0.0

    @property
    def in_flight(self) -> int:
        """Frames that were sent and not answered."""
        return len(self._in_flight)

    @property
    def took_s(self) -> float:
        """Seconds from sending a frame to its answer, smoothed."""
        return self._took_s

    def silent_s(self, now: float) -> float:
        """Return for how many seconds an answer is overdue; 0 if none is expected."""
        return now - next(iter(self._in_flight.values())) if self._in_flight else 0.0

    def may_send(self, now: float, *, answering: bool) -> bool:
        """Whether a frame may be sent. answering: whether the other side can answer now."""
        if len(self._in_flight) < MOST_IN_FLIGHT:
            return True
        if not self._probing:
            return False
        probe = PROBE_S if answering else BUSY_PROBE_S
        return now - self._sent_s >= probe and self._alone < _MOST_UNANSWERED

    def sent(self, number: int, now: float) -> None:
        """Note that a frame was sent."""
        self._in_flight[number] = now
        self._sent_s = now
        self._alone += 1

    def answered(self, number: int, now: float) -> None:
        """Note that a frame was shown. Answers come in order, so that earlier ones were lost if they lack."""
        if number not in self._in_flight:
            return
        took = now - self._in_flight[number]
        while self._in_flight:
            first, _ = self._in_flight.popitem(last=False)
            if first == number:
                break
        alone, self._alone = self._alone, 0
        if (
            alone <= MOST_IN_FLIGHT + 1
        ):  # else the other side could not answer, which says nothing of the link
            self._took_s = took if not self._took_s else 0.7 * self._took_s + 0.3 * took
            self._choose(now)

    def begin_again(self) -> None:
        """Forget what is in flight: the other side began anew, and will not answer it."""
        self._in_flight.clear()
        self._alone = 0

    def _choose(self, now: float) -> None:
        """Take another level of quality, not more often than every 0.5 s."""
        if now - self._level_s < _PATIENCE_S:
            return
        step = -1 if self._took_s > _SLOW_S else 1 if self._took_s < _FAST_S else 0
        level = min(max(self.level + step, 0), LEVELS - 1)
        if level != self.level:
            self.level, self._level_s = level, now
