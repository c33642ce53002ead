"""Source of the maps, and of the numbers, that a run's own agents give: `sim.insight.crowd`, in a thread."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.layers.layer import Legend, MapLayer
from valuescape.gpu.layers.realised_error import REALISED_ERROR
from valuescape.gpu.layers.td_error import TD_ERROR
from valuescape.run.map_sources.source import Answer, Question
from valuescape.sim.engine import Engine
from valuescape.sim.insight.cells import CellMeans
from valuescape.sim.insight.crowd import EDGE, Crowd, CrowdLook, CrowdNumbers, sample_of
from valuescape.sim.insight.following import FollowRules
from valuescape.sim.insight.plane import map_plane
from valuescape.sim.insight.signals import Critic
from valuescape.sim.insight.subject import MapRequest
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.rollouts.rules import horizon

LAYERS = (REALISED_ERROR, TD_ERROR)

_CHUNK_S = 0.5
"""Simulated seconds whose ticks are taken over at once."""

_LEAST_CHUNK, _MOST_CHUNK = 32, 256
_NOBODY = "no agent's time limit is over yet"

_MOST_WAITING = 4
"""Chunks that may wait for the thread; further ones are left out, as ticks that were missed."""


class CrowdMaps:
    """Follows a sample of a run's agents, tick by tick, whether or not a map of it is shown.

    A tick that is overwritten before a frame comes to it is missing; `sim.insight.following` then drops the
    episodes that it would have been part of.

    Performance: a tick costs the frame 14 us for 2,000 agents of 10,000; a frame that hands ticks over and
    takes a new map, twice a second, up to 5 ms on busy cores (`tests/bench/crowd.py`).
    """

    def __init__(self, engine: Engine, critic: Critic, checkpoint: Checkpoint | None) -> None:
        self._engine = engine
        ticks_per_s = engine.config.sim.ticks_per_s
        self._chunk = min(max(round(ticks_per_s * _CHUNK_S), _LEAST_CHUNK), _MOST_CHUNK)
        self._pool = ThreadPoolExecutor(1, "crowd")
        self._waits = False
        self.begin_anew(critic, checkpoint, first=0)
        self._pool.submit(self._crowd.rehearse)

    def begin_anew(self, critic: Critic, checkpoint: Checkpoint | None, first: int) -> None:
        """Forget what agents got before tick `first`, when another policy acted or another critic judged."""
        engine, gamma = self._engine, critic.gamma
        assert gamma is not None
        self._checkpoint = checkpoint
        self._rules = FollowRules.of(gamma, engine.world.max_episode_steps, horizon(gamma))
        self._agents = self._sample()
        plane, followed = map_plane(engine.config, engine.world), len(self._agents)
        self._crowd = Crowd(plane, critic, self._rules, followed, self._chunk, first=first)
        self._rows: list[list[NDArray[Any]]] = []  # state, reward and ending of the newest ticks
        self._first = first  # the tick of the first of these rows
        self._coming: deque[Future[CrowdLook]] = deque()
        self._look: CrowdLook | None = None
        self._given: dict[str, CrowdLook | None] = {}  # the look that each map shows
        self._request: MapRequest | None = None
        self._counting: Future[CrowdNumbers] | None = None
        self._numbers: CrowdNumbers | None = None

    def _sample(self) -> range:
        """Return the agents that are followed, of those that there are now."""
        config = self._engine.config
        agents, ticks_per_s = config.agents.count, config.sim.ticks_per_s
        sample = sample_of(agents, self._rules, self._chunk, ticks_per_s, self._checkpoint)
        whole = self._engine.kept_step  # others have no rows here
        return range(0, agents, -(-sample.step // whole) * whole)

    def resize(self, before: int, since: int) -> None:
        """Follow a sample of the agents that there are now; those that stay in it are followed on.

        before: how many agents there were. since: the tick at which new ones came.
        """
        self._hand_over()
        old, self._agents = self._agents, self._sample()
        columns = np.array([old.index(agent) if agent in old else -1 for agent in self._agents], np.intp)
        came = np.array(self._agents) >= before
        columns[came] = -1
        self._pool.submit(self._crowd.resample, columns, came, since)

    @classmethod
    def of(cls, engine: Engine, critic: Critic | None, checkpoint: Checkpoint | None) -> Self | None:
        """Return the source of a run, or None without a critic whose discount is known."""
        return cls(engine, critic, checkpoint) if critic and critic.gamma is not None else None

    @property
    def doing(self) -> str:
        """Nothing that a person waits for."""
        return ""

    @property
    def numbers(self) -> CrowdNumbers | None:
        """The numbers that were counted last."""
        if self._counting and (self._waits or self._counting.done()):
            self._numbers, self._counting = self._counting.result(), None
        return self._numbers

    def count(self) -> None:
        """Have the numbers counted anew; `numbers` has them a moment later, or at once if pictures wait."""
        if self._counting is None:
            self._counting = self._pool.submit(self._crowd.numbers)

    def answers(self, question: Question) -> Iterator[Answer]:
        """Take over the ticks; return the maps with them, twice a simulated second."""
        self._waits = question.waits
        if question.request is not self._request:
            self._request = question.request
            self._given.clear()  # it may be another scene that asks
        for tick in question.ticks:
            self._read(tick)
        if question.last:
            self._hand_over()
        while self._coming and (self._waits or self._coming[0].done()):
            self._look = self._coming.popleft().result()
        for layer in LAYERS:
            if layer in question.layers and self._has_news(layer):
                self._given[layer.name] = self._look
                legend = layer.legend(question.request.subject, question.request.insight)
                yield _answer(layer, self._look, legend)

    def _has_news(self, layer: MapLayer) -> bool:
        return layer.name not in self._given or self._given[layer.name] is not self._look

    def _read(self, tick: int) -> None:
        """Copy the rows of a tick, if they are still there."""
        followed = slice(0, None, self._agents.step)
        rows = [self._engine.recent_row(name, tick, followed) for name in ("state", "reward", "ending")]
        there = [row for row in rows if row is not None]
        if len(there) < len(rows) or tick != self._first + len(self._rows):
            self._hand_over()
        if len(there) < len(rows):
            return
        if not self._rows:
            self._first = tick
        self._rows.append(there)
        if len(self._rows) == self._chunk:
            self._hand_over()

    def _hand_over(self) -> None:
        """Give the ticks to the thread; leave them out if it cannot keep up."""
        rows, self._rows = self._rows, []
        if rows and (self._waits or len(self._coming) < _MOST_WAITING):
            state, reward, ending = (np.stack(column) for column in zip(*rows, strict=True))
            self._coming.append(self._pool.submit(self._crowd.take, self._first, state, reward, ending))

    def release(self) -> None:
        """Leave out what has not begun yet, and wait for the rest."""
        self._pool.shutdown(cancel_futures=True)


def _answer(layer: MapLayer, look: CrowdLook | None, legend: Legend) -> Answer:
    """Return a map of the crowd, blank before the first look."""
    if look is None:
        blank = np.full((EDGE, EDGE), np.nan, np.float32)
        return Answer(layer.name, blank, legend=replace(legend, meaning=_NOBODY))
    means: CellMeans = getattr(look, layer.name)
    values, certain = (each.astype(np.float32) for each in (means.mean, means.certain))
    return Answer(layer.name, values, certain, replace(legend, meaning=_meaning(legend, look)))


def _meaning(legend: Legend, look: CrowdLook) -> str:
    """Return what a map shows and what it is made from."""
    missed = f"; {look.missed:,} ticks were missed (workers.max_lead)" if look.missed else ""
    if not look.episodes:
        return _NOBODY + missed
    kind = "episodes" if look.whole else "parts of episodes"
    return f"{legend.meaning} · {look.episodes:,} {kind}{missed}"
