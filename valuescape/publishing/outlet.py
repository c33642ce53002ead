"""An outlet of updates: the segment, the history, the time that updates may take, and the end."""

import contextlib
import math
import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from valuescape.publishing.history import History
from valuescape.publishing.layout import SAID_BYTES, Said, Statement, to_json, views
from valuescape.publishing.plan import Arrays, Fill, Moved, Plan
from valuescape.publishing.segment import Segment
from valuescape.publishing.voice import Voice
from valuescape.sim.errors import UsageError

SHARE = 1 / 400
"""The most of the trainer's time that updates take: one that took t is followed by none for 400 t."""

SHORTEST_S = 0.01
"""The least time between two updates; no viewer shows more of them."""


class Outlet:
    """Updates of one training run, to viewers and to disk. Not for use by two threads at once.

    It ends with `close`, or with Python. A forked child neither sends nor closes anything.
    """

    def __init__(self, statement: Statement, voice: Voice) -> None:
        """Take the run's name. Raises UsageError as `Segment` does."""
        self._voice = voice
        self._segment = Segment(statement)
        folder = statement.history
        self._history = History(Path(folder), lambda text: voice.say("history", text)) if folder else None
        self.plan: Plan | None = None
        self._arrays: tuple[Arrays, ...] = ()
        self._due = 0.0
        self._later: list[Callable[[], None]] = []
        self.sent = 0
        """How many updates were published."""
        self._end = weakref.finalize(self, _end, os.getpid(), self._segment, self._history, self._later)

    @property
    def is_open(self) -> bool:
        """Whether this process may send updates: it made the outlet, which is not closed."""
        return self._segment.mine

    def postpone(self, send: Callable[[], None]) -> bool:
        """Return whether an update comes too early; `send` is then called at the end, unless another follows.

        Performance: 0.5 us.
        """
        if time.monotonic() >= self._due:
            self._later.clear()
            return False
        self._later[:] = [send]
        return True

    def begin(self, plan: Plan) -> None:
        """Take the plan of all updates. What goes wrong with the memory is said, and nothing is sent then."""
        self.plan = plan
        shapes = plan.networks.shapes
        try:
            slots = self._segment.grow(plan.networks)
        except UsageError as error:
            self._voice.say("memory", f"viewers see nothing: {error}")
            return
        self._arrays = tuple(views(slot.weights, shapes) for slot in slots)
        for arrays in self._arrays:
            plan.write_first(arrays)

    def send(self, fill: Fill, step: int, moved: Moved) -> None:
        """Publish an update whose numbers `fill` writes, and offer it to the history.

        An update with NaN or infinite weights is not published; that is said once.
        """
        if not self._arrays or self.plan is None:
            return
        begun = time.monotonic()
        weights = self._segment.begin()
        fill(self._arrays[self._segment.index])
        if not math.isfinite(float(weights.sum())):
            self._voice.say("finite", f"the networks are not finite at step {step}: not published")
            return
        metadata = self.plan.metadata(step, moved)
        self._segment.commit(step, self._text(moved, metadata))
        self.sent += 1
        if self._history is not None:
            self._history.offer(self.plan.networks, weights, step, metadata)
        ended = time.monotonic()
        self._due = ended + max(SHORTEST_S, (ended - begun) / SHARE)

    def _text(self, moved: Moved, metadata: dict[str, str]) -> bytes:
        text = to_json(Said(moved.numbers, metadata))
        if len(text) <= SAID_BYTES:
            return text
        self._voice.say("numbers", f"{len(moved.numbers)} numbers are too many for an update: left out")
        return to_json(Said({}, metadata))

    def close(self) -> None:
        """Send what was postponed, wait for the history's last file, and remove the segment."""
        self._end()


def _end(owner: int, segment: Segment, history: History | None, later: list[Callable[[], None]]) -> None:
    """End an outlet, in the process that made it alone: a forked child has no part in it."""
    if os.getpid() != owner:
        return
    for send in later[:1]:
        with contextlib.suppress(Exception):
            send()
    if history is not None:
        history.close()
    segment.close()
