"""Joins a training run with the run that shows it: updates act, and are judged, as they come."""

import math
import statistics
import time
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

import numpy as np

from valuescape import remarks
from valuescape.attached.history import History
from valuescape.attached.judging import NUMBERS, Judge
from valuescape.attached.numbers import TrainingNumbers
from valuescape.attached.source import News, Source
from valuescape.costs.card import told
from valuescape.render.overlay.curves import Curve
from valuescape.run.session import Session
from valuescape.run_state import Training
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.loading import load_with_statistics
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.training_files import Saved
from valuescape.training_run import place_of

_LATELY = 10_000
"""Updates of which reports give the times to the picture."""

_OF_TRAINER = "mean_return"

_RARE_S, _RARE_FRAMES = 0.7, 5
"""A frame that comes so late is rare; so many in a row are worth a word."""


class TrainingFollower:
    """Follows `source` for a session; owns it from now on. A context manager.

    history: where updates are kept. The newest update acts as soon as the engine can rest, unless a person
    went back to an earlier one; those that come meanwhile are kept, and counted.
    """

    def __init__(self, session: Session, source: Source, history: History) -> None:
        self._session, self._source, self._history = session, source, history
        self._numbers, self._judge = TrainingNumbers(), Judge(session.config)
        self._watching = True
        self._asked = session.config.policy.steps
        self._newest = history.files().saved[-1].steps if self._asked == "last" else int(self._asked)
        self._seen = self._complete = -1  # revisions of the history: looked at, and judged completely
        self._waits: News | None = None  # for its picture
        self._took_ms: deque[float] = deque(maxlen=_LATELY)
        self._shown_s, self._rare = math.inf, 0
        self._updates = 0
        self._kept: tuple[object, Training] | None = None
        self._curves: tuple[int, tuple[Curve, ...]] = -1, ()
        self._owned = ExitStack()
        self._owned.callback(self._judge.close)
        self._owned.callback(source.close)
        source.begin(session.engine.world)
        session.follower = self

    def __enter__(self) -> "TrainingFollower":
        return self

    def __exit__(self, *error: object) -> None:
        self._session.follower = None
        self._owned.close()

    def look(self) -> None:
        """Take over what the training run did since the last frame.

        Performance: 5 us without an update.
        """
        self._notice_choice()
        if news := self._source.newest():
            self._take(news)
        for said in self._source.said():
            remarks.announce(said)
            self._session.captions.refresh(said)
        for judged in self._judge.judged():
            self._numbers.note(judged)
            self._session.captions.refresh()
        if self._judge.idle and not self._judge.failed:
            self._judge_another()
        if self._history.revision != self._seen:
            self._seen = self._history.revision
            with suppress(UsageError):  # the checkpoint that acts went away
                self._session.stage.place = place_of(self._session.stage.config)

    def _notice_choice(self) -> None:
        """Note that a person chose a checkpoint: the newest, or an earlier one to look back at."""
        asked = self._session.stage.wishes.config.policy.steps
        if asked != self._asked:
            self._asked, self._watching = asked, asked == self._newest

    def _take(self, news: News) -> None:
        if news.steps < self._newest:
            self._numbers.begin_again()
            self._history.begin_again()
            self._judge.begin_again()
        self._updates += 1
        self._history.hold(news.steps, news.checkpoint)
        self._numbers.note_published(news.steps, news.numbers)
        self._newest = news.steps
        self._judge.ask(news.steps, lambda: news.checkpoint)
        if self._watching:
            self._act_with(news.steps, news.checkpoint)
            self._waits = news

    def _act_with(self, steps: int, checkpoint: Checkpoint) -> None:
        self._session.stage.wishes.act_with(steps, checkpoint)
        self._asked = steps

    def _judge_another(self) -> None:
        """Have another checkpoint of the past judged: the one furthest from those that were."""
        revision = self._history.revision
        if revision == self._complete:
            return
        try:
            saved = self._history.files().saved
        except UsageError:
            return
        index = furthest([self._numbers.has(each.steps) for each in saved])
        if index is None:
            self._complete = revision
        else:
            self._judge.ask(saved[index].steps, lambda: self._load(saved[index]))

    def _load(self, saved: Saved) -> Checkpoint:
        if held := self._history.held(saved.steps):
            return held
        world, given = self._session.engine.world, self._history.given
        return load_with_statistics(saved.path, world, given, doubts=False)

    def note_shown(self) -> None:
        """Note how long the newest update took to the picture, if that shows it."""
        self._note_pace()
        waits = self._waits
        if waits and self._session.stage.checkpoint is waits.checkpoint:
            self._took_ms.append((time.monotonic_ns() - waits.sent_ns) / 1e6)
            self._waits = None

    def _note_pace(self) -> None:
        """Say once that frames are rare if many in a row were, as where others use all cores."""
        now, before = time.monotonic(), self._shown_s
        self._shown_s = now
        self._rare = self._rare + 1 if now - before > _RARE_S else 0
        if self._rare == _RARE_FRAMES:
            said = f"others use the cores, a frame takes {now - before:.1f} s: --priority normal shares"
            remarks.tell([said])
            self._session.captions.refresh(said)

    def go_live(self) -> str:
        """Show the newest checkpoint, and those to come."""
        self._watching = True
        steps = self._newest
        if steps != self._asked:
            try:
                saved = next(each for each in self._history.files().saved if each.steps == steps)
                self._act_with(steps, self._load(saved))
            except UsageError as error:
                return str(error)
        return f"{self._source.name}: live, {steps:,} steps"

    def training(self) -> Training:
        """Return the training run as it is now, the same object as long as nothing has changed.

        Performance: 1 us if nothing has.
        """
        place = self._session.stage.place
        acting = place.own_steps if place else self._newest
        alive, failed = self._source.alive, self._judge.failed
        key = acting, alive, self._watching, self._newest, self._numbers.revision, failed
        if self._kept is None or self._kept[0] != key:
            rows = tuple(self._rows(acting))
            training = Training(
                *(self._source.name, alive, self._watching, self._newest, rows, self._drawn(acting), failed)
            )
            self._kept = key, training
        return self._kept[1]

    def _rows(self, steps: int) -> list[tuple[str, str]]:
        published = self._numbers.published_at(steps)
        if _OF_TRAINER not in published:
            return []
        return [("return, of the trainer", f"{published[_OF_TRAINER]:.4g}".replace("-", "−"))]

    def _drawn(self, steps: int) -> tuple[Curve, ...]:
        if self._curves[0] != self._numbers.revision:
            self._curves = self._numbers.revision, self._numbers.curves()
        numbers = self._numbers.lately(steps)
        said = {title: told(numbers[name]) for name, title in NUMBERS.items() if name in numbers}
        return tuple(replace(curve, said=said.get(curve.title, "–")) for curve in self._curves[1])

    def report(self) -> dict[str, Any]:
        """Return name, steps, the times from an update to its picture, and all numbers."""
        training, took = self.training(), sorted(self._took_ms)
        return {
            "name": training.name,
            "alive": training.alive,
            "watching": training.watching,
            "newest_steps": training.newest,
            "updates": self._updates,
            "updates_shown": len(took),
            "update_to_picture_ms_p50": statistics.median(took) if took else None,
            "update_to_picture_ms_p95": took[int(0.95 * (len(took) - 1))] if took else None,
            "numbers": self._numbers.report(),
        }


def furthest(judged: Sequence[bool]) -> int | None:
    """Return the index that is furthest from all that are judged, the last of several; None if all are."""
    known, left = np.flatnonzero(judged), np.flatnonzero(np.logical_not(judged))
    if not (len(known) and len(left)):
        return int(left[-1]) if len(left) else None
    after = np.searchsorted(known, left)
    below, above = known[np.maximum(after - 1, 0)], known[np.minimum(after, len(known) - 1)]
    distance = np.minimum(np.abs(left - below), np.abs(left - above))
    return int(left[np.flatnonzero(distance == distance.max())[-1]])
