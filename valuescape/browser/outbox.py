"""Messages that wait to be sent to one page: few, however slowly it reads."""

import asyncio
import json
import struct
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

from valuescape.browser.merging import MERGED, merged

_MOST_WAITING = 64
"""Messages that wait; a page with more of them does not read, for frames wait for its answers."""

_REPLACED = frozenset({"state", "role", "heard"})
"""Types of messages of which only the newest counts."""


class Outbox:
    """Takes messages in any thread, and gives them in the loop that made it.

    A message with bytes is one binary message: the length of its JSON as four bytes, least first, the JSON in
    UTF-8, and the bytes. Any other is its JSON as text.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Mapping[str, Any], bytes | None]] = deque()
        self._taken = False
        self.overflowed = False

    @property
    def busy(self) -> bool:
        """Whether a message waits, or is being sent: the one that was taken last, until the next call."""
        return bool(self._waiting) or self._taken

    def put(self, content: Mapping[str, Any], more: bytes | None) -> None:
        """Have a message sent; never waits. It takes the place of one that it makes pointless."""
        with self._lock:
            if content["type"] in MERGED | _REPLACED:
                content = self._joined(content)
            if len(self._waiting) >= _MOST_WAITING:
                self._waiting.clear()
                self.overflowed = True
            self._waiting.append((content, more))
        try:
            self._loop.call_soon_threadsafe(self._news.set)
        except RuntimeError:  # the loop has ended, and the page with it
            self._waiting.clear()

    def _joined(self, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take out a waiting message of the same type; return one that says what both say."""
        for place, (waiting, _) in enumerate(self._waiting):
            if waiting["type"] == content["type"]:
                del self._waiting[place]
                return merged(waiting, content) if content["type"] in MERGED else content
        return content

    async def take(self) -> str | bytes:
        """Return the next message as it is sent; waits for one. Raises OverflowError if some were lost."""
        self._taken = False
        while True:
            with self._lock:
                if self.overflowed:
                    raise OverflowError
                if self._waiting:
                    self._taken = True
                    content, more = self._waiting.popleft()
                    return packed(content, more)
                self._news.clear()
            await self._news.wait()


def packed(content: Mapping[str, Any], more: bytes | None) -> str | bytes:
    """Return a message as it is sent."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    if more is None:
        return text
    head = text.encode()
    return b"".join((struct.pack("<I", len(head)), head, more))
