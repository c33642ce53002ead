"""Makes the episodes and rollouts of an analysis in processes that share the parts among them."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Protocol, Self

import numpy as np

from valuescape.analysis.episodes import Episodes, Step, joined
from valuescape.analysis.making import LOOK_S, EpisodesAsked, OnLook, TruthAsked
from valuescape.analysis.spread.hands import Hands, Lost, Outcome, Raised
from valuescape.analysis.spread.parts import (
    CellsJob,
    CellsPart,
    EpisodesJob,
    EpisodesPart,
    Made,
    Part,
    Setting,
)
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import grid_states
from valuescape.sim.policy.inference import BLOCK
from valuescape.sim.rollouts.pieces import fitting, pieces
from valuescape.sim.rollouts.truth import Truth, TruthSums
from valuescape.sim.worlds.gymnasium_world import is_one_environment

OnRemark = Callable[[str], None]

MOST_LOST = 3
"""Times that one part is given again after its process was lost: it may be what ends processes."""

PIECE_S = 0.5
"""Seconds that a piece of a map should take. A lost process loses one piece."""

_FIRST_PIECE = 256
"""Rollouts of the first pieces."""

_LEAST_CELLS, _MOST_CELLS = 16, 1 << 16
_GROWTH = 4


class ProcessesLostError(UsageError):
    """A part ended its process again and again."""


_STEPS = 1000
"""What `on_step` is told as the most steps: of episodes in many processes only the share is known."""


class _Work(Protocol):
    """Parts to be made."""

    def next(self) -> Part | None:
        """Return a part that can be made now; None if there is none before others are done."""

    def take(self, part: Part, made: Made) -> None:
        """Take a part that was made."""

    @property
    def over(self) -> bool:
        """Whether all parts are taken."""

    def share(self, at_work: float) -> float:
        """Return the share of all that is made. at_work: how many parts' worth of those under way."""


class Shared:
    """The makers of an analysis whose parts are made by `hands`; leaving it ends them.

    on_remark: told a sentence when a process was lost.
    """

    def __init__(self, hands: Hands, setting: Setting, on_remark: OnRemark = lambda _: None) -> None:
        self._hands, self._setting, self._on_remark = hands, setting, on_remark

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hands.close()

    def episodes(self, asked: EpisodesAsked, on_step: Step) -> Episodes:
        """Return the episodes, each process running some of them side by side."""
        self._hands.begin(EpisodesJob(self._setting, asked.checkpoint, asked.seed, asked.alpha))
        work = _EpisodesWork(asked.episodes, 1 if is_one_environment(asked.world) else self._hands.count)
        self._make(work, lambda share: on_step(round(share * _STEPS), _STEPS), keeps=True)
        return joined(work.made())

    def truth(self, asked: TruthAsked, on_look: OnLook) -> Truth:
        """Return the estimates of all cells."""
        field = TruthSums(grid_states(asked.plane, asked.edge), asked.rollouts, random=asked.random)
        job = CellsJob(self._setting, asked.checkpoint, asked.rules, field.states, asked.simd)
        self._hands.begin(job)
        self._make(_CellsWork(field, self._hands.count), on_look, keeps=False)
        return field.truth()

    def _make(self, work: _Work, on_share: OnLook, *, keeps: bool) -> None:
        """Let hands make all parts, those of lost processes again, until that is done or `on_share` says no.

        keeps: whether parts that are stopped are worth having. Raises UsageError where a part raises one, or
        ends its process each time.
        """
        hands, again = self._hands, deque[Part]()
        at_work, losses = dict[int, Part](), dict[Part, int]()
        going = True
        while not work.over and (going or at_work):
            if going:
                _hand_out(hands, work, again, at_work)
            for hand, outcome in hands.wait(LOOK_S):
                part = at_work.pop(hand)
                if isinstance(outcome, Lost):
                    _count_loss(losses, part, outcome)
                    self._on_remark(f"a process was lost {outcome.why}; its part is made again")
                    again.append(part)
                else:
                    work.take(part, _made(outcome))
            if going and not on_share(work.share(sum(hands.shares()))):
                going = False
                if not keeps:
                    hands.end()
                    return
                hands.stop()


def _hand_out(hands: Hands, work: _Work, again: deque[Part], at_work: dict[int, Part]) -> None:
    for hand in hands.idle():
        part = again.popleft() if again else work.next()
        if part is None:
            return
        at_work[hand] = part
        hands.give(hand, part)


def _count_loss(losses: dict[Part, int], part: Part, lost: Lost) -> None:
    losses[part] = losses.get(part, 0) + 1
    if losses[part] > MOST_LOST:
        raise ProcessesLostError(
            f"a part of the work has ended its process {losses[part]} times, the last time {lost.why}",
            "its node's log (`ray logs`) may say why; without --cluster it is made on this machine",
        )


def _made(outcome: Outcome) -> Made:
    """Return what was made. Raises what a part raised."""
    if isinstance(outcome, Made):
        return outcome
    assert isinstance(outcome, Raised)
    failure, where = outcome.failure, outcome.where
    if failure.usage is not None:
        raise UsageError(f"{where}: {failure.usage.args[0]}", failure.usage.hint)
    raise RuntimeError(f"{where}: {failure.summary}\n{failure.trace}".rstrip())


class _EpisodesWork:
    """Episodes, about evenly divided at multiples of BLOCK. Each part begins at once, if hands are there."""

    def __init__(self, episodes: int, hands: int) -> None:
        blocks = -(-episodes // BLOCK)
        parts = max(min(blocks, hands), 1)
        ends = [min(blocks * index // parts * BLOCK, episodes) for index in range(parts + 1)]
        self._parts = [EpisodesPart(*each) for each in pairwise(ends)]
        self._left = deque(self._parts)
        self._made: dict[EpisodesPart, Episodes] = {}

    def next(self) -> EpisodesPart | None:
        """Return the next part."""
        return self._left.popleft() if self._left else None

    def take(self, part: Part, made: Made) -> None:
        """Keep a part's episodes."""
        assert isinstance(part, EpisodesPart)
        assert isinstance(made.result, Episodes)
        self._made[part] = made.result

    @property
    def over(self) -> bool:
        """Whether all parts are there."""
        return len(self._made) == len(self._parts)

    def share(self, at_work: float) -> float:
        """Return the share of parts that are made."""
        return (len(self._made) + at_work) / len(self._parts)

    def made(self) -> list[Episodes]:
        """Return the parts in the order of their episodes; raises KeyboardInterrupt if none is there."""
        found = [self._made[part] for part in self._parts if part in self._made]
        if not found:
            raise KeyboardInterrupt
        return found


class _CellsWork:
    """Rollouts from cells, coarse ones first, in pieces that take PIECE_S as far as those before it tell."""

    def __init__(self, field: TruthSums, hands: int) -> None:
        self._field, self._hands = field, hands
        self._rollouts = _FIRST_PIECE  # of a piece
        self._waiting: CellsPart | None = None
        self._pieces = pieces(field, runs_of(field.numbers), self._cells)

    def next(self) -> CellsPart | None:
        """Return the next piece, if the rollouts before it are there."""
        if self._waiting is None:
            self._waiting = self._next_part()
        part = self._waiting
        if part is None or not self._field.has(slice(part.begin, part.end), part.first):
            return None
        self._waiting = None
        return replace(part, sums=self._field.sums[:, part.begin : part.end].copy()) if part.first else part

    def take(self, part: Part, made: Made) -> None:
        """Keep a piece's sums, and let those to come be as large as one that takes PIECE_S."""
        assert isinstance(part, CellsPart)
        assert isinstance(made.result, np.ndarray)
        self._field.put(slice(part.begin, part.end), part.last, made.result)
        rollouts = (part.end - part.begin) * (part.last - part.first)
        self._rollouts = max(fitting(rollouts, made.seconds, PIECE_S, self._rollouts), 1)

    @property
    def over(self) -> bool:
        """Whether every rollout is made."""
        return self._field.done == self._field.whole

    def share(self, at_work: float) -> float:
        """Return the share of rollouts that are made."""
        return self._field.progress

    def _next_part(self) -> CellsPart | None:
        piece = next(self._pieces, None)
        if piece is None:
            return None
        return CellsPart(piece.cells.start, piece.cells.stop, piece.first, piece.last)

    def _cells(self, rollouts: int, left: int) -> int:
        """Return the cells of a piece of so many rollouts each; no more than gives every process some."""
        return max(min(self._rollouts // rollouts, -(-left // self._hands), _MOST_CELLS), _LEAST_CELLS)


def runs_of(rollouts: int) -> list[tuple[int, int]]:
    """Return the rollouts of a cell in runs, each three times as long as all before it: 0 to 1, 1 to 4, …"""
    runs, first = list[tuple[int, int]](), 0
    while first < rollouts:
        last = min(max(_GROWTH * first, 1), rollouts)
        runs.append((first, last))
        first = last
    return runs
