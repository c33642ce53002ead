"""Counts what happened within the last seconds: restarts of workers, losses of nodes."""

import time
from collections import deque


class Recent:
    """The times of what was noted within the last `window_s` seconds; `len` is their number now."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._times: deque[float] = deque()

    def note(self) -> None:
        """Note that it has happened now."""
        self._times.append(time.monotonic())

    def __len__(self) -> int:
        oldest = time.monotonic() - self._window_s
        while self._times and self._times[0] < oldest:
            self._times.popleft()
        return len(self._times)
