"""Limits on what a browser may send."""

import time
from collections.abc import Callable

LONGEST_MESSAGE = 2**16
"""Bytes of a message; a thousand events take fewer."""

MOST_VIEWERS = 32
MOST_CONNECTIONS = 128
"""TCP connections at once, also those that have not said anything yet."""

_MESSAGES_PER_S, _MESSAGES_AT_ONCE = 300.0, 600.0


class Rate:
    """Counts messages of a page: 300 a second on average, and 600 at once. clock: seconds, for tests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left, self._seen_s = _MESSAGES_AT_ONCE, clock()

    def allows(self) -> bool:
        """Count a message; whether it is within the limit."""
        now = self._clock()
        self._left = min(self._left + (now - self._seen_s) * _MESSAGES_PER_S, _MESSAGES_AT_ONCE)
        self._seen_s = now
        self._left -= 1
        return self._left >= 0
