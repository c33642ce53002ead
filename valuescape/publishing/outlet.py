"""An outlet of updates: the segment, the history, the time that updates may take, and the end."""

import json
import math
import os
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from valuescape.publishing.history import History
from valuescape.publishing.layout import SAID_BYTES, Said, Statement, to_json, views
from valuescape.publishing.plan import Arrays, Moved, Plan, Reading
from valuescape.publishing.segment import Segment
from valuescape.publishing.voice import Voice
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.native import settings_metadata

SHARE = 1 / 400
"""The most of the trainer's time that updates take: one that took t is followed by none for 400 t."""

SHORTEST_S = 0.01
"""The least time between two updates; no viewer shows more of them."""


class Outlet:
    """Updates of one training run, to viewers and to disk. Not for use by two threads at once.

    It ends with `close`, with the loss of its last reference, or with Python. A forked child neither sends
    nor ends anything.
    """

    def __init__(
        self, statement: Statement, voice: Voice, settings: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        """Take the run's name. Raises UsageError as `Segment` does.

        settings: of the section `world` of configurations, that viewers need beside the world's name.
        """
        self._voice, self._settings = voice, settings
        self._segment = Segment(statement)
        folder = statement.history
        self._history = History(Path(folder), lambda text: voice.say("history", text)) if folder else None
        self._plan: Plan | None = None
        self._arrays: tuple[Arrays, ...] = ()
        self._due = 0.0
        self._later: tuple[Reading, int] | None = None
        self.sent = 0
        """How many updates were published."""
        self._end = weakref.finalize(self, _end, os.getpid(), self._segment, self._history, weakref.ref(self))

    def update(self, reading: Reading, step: int) -> None:
        """Publish an update now; at the end, if it comes too soon after another and none follows.

        Raises UsageError as `Reading.plan` does, in the first update. Later, what goes wrong is said once.
        """
        if time.monotonic() < self._due:
            self._later = reading, step
            return
        if not self._segment.mine:
            return
        self._later = None
        begun = time.thread_time()
        if self._plan is None:
            self._begin(reading.plan())
            begun = time.thread_time()
        self._try(reading, step)
        took = time.thread_time() - begun
        self._due = time.monotonic() + max(SHORTEST_S, took / SHARE)

    def flush(self) -> None:
        """Publish the update that came too soon, if there is one."""
        if self._later is not None and self._segment.mine:
            self._try(*self._later)

    def close(self) -> None:
        """Publish what came too soon, wait for the history's last file, and remove the segment."""
        self._end()

    def _begin(self, plan: Plan) -> None:
        """Take the plan of all updates. If there is no memory, that is said, and nothing is published."""
        self._plan = plan
        plan.add(settings_metadata(self._settings))
        try:
            slots = self._segment.grow(plan.networks)
        except UsageError as error:
            self._voice.say("memory", f"viewers see nothing of it: {error}")
            return
        self._arrays = tuple(views(slot.weights, plan.networks.shapes) for slot in slots)
        for arrays in self._arrays:
            plan.write_first(arrays)

    def _try(self, reading: Reading, step: int) -> None:
        try:
            self._send(reading, int(step))
        except Exception as error:
            kind = "" if isinstance(error, UsageError) else f"{type(error).__name__}: "
            self._voice.say("skipped", f"step {step} and others like it are not published: {kind}{error}")

    def _send(self, reading: Reading, step: int) -> None:
        if not self._arrays or self._plan is None:
            return
        moved = reading.moved()
        metadata = self._plan.metadata(step, moved)
        text = self._text(moved, metadata)
        weights = self._segment.begin()
        reading.fill(self._arrays[self._segment.index])
        if not math.isfinite(float(weights.sum())):
            self._voice.say("finite", f"the networks are NaN or infinite at step {step}: not published")
            return
        self._segment.commit(step, text)
        self.sent += 1
        if self._history is not None:
            numbers = {"numbers": json.dumps(moved.numbers)}
            self._history.offer(self._plan.networks, weights, step, metadata | numbers)

    def _text(self, moved: Moved, metadata: dict[str, str]) -> bytes:
        text = to_json(Said(moved.numbers, metadata))
        if len(text) <= SAID_BYTES:
            return text
        self._voice.say("numbers", f"{len(moved.numbers)} numbers are too many for an update: left out")
        return to_json(Said({}, metadata))


def _end(owner: int, segment: Segment, history: History | None, outlet: "weakref.ref[Outlet]") -> None:
    """End an outlet, in the process that made it alone: a forked child has no part in it."""
    if os.getpid() != owner:
        return
    still = outlet()
    if still is not None:
        still.flush()
    if history is not None:
        history.close()
    segment.close()
