"""Episodes of a crowd, followed tick by tick until the return after each of their steps is known."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array, Float64Array
from valuescape.sim.insight.cells import Cells
from valuescape.sim.shared.layout import Ending

LONG = 1000
"""Ticks of an episode that is kept whole, however short the horizon of gamma is."""

NEGLIGIBLE = 1e-3
"""The weight (gamma ** steps) below which the critic's value at the end of an episode counts as left out."""

GROUP = 1 << 12
"""Steps, about, whose returns are computed at a time: 0.6 MB."""

_NOT_FOLLOWED = -1


@dataclass(frozen=True, slots=True)
class FollowRules:
    """The rules by which episodes count.

    gamma: discount a step. longest: ticks from a beginning until it counts. part: 0 where episodes are kept
    whole; else steps of the parts that longer episodes are counted in.
    """

    gamma: float
    longest: int
    part: int = 0

    @classmethod
    def of(cls, gamma: float, max_episode_steps: int, horizon: int) -> Self:
        """Return the rules for a world with this time limit.

        horizon: steps after which a reward counts for nothing. Episodes of up to twice the horizon, or LONG,
        are kept whole.
        """
        if max_episode_steps <= max(2 * horizon, LONG):
            return cls(gamma, max_episode_steps)
        return cls(gamma, 2 * horizon, horizon)


class TickRows(NamedTuple):
    """Rows of some ticks, one after another: [ticks, agents] each.

    value: of the critic, at the state of the tick. reward: of the step that led to it. ending: `Ending`.
    cell: of the state on the map.
    """

    value: Float32Array
    reward: Float32Array
    ending: NDArray[np.uint8]
    cell: Cells


class _Pieces(NamedTuple):
    """Episodes, or parts of them, [n] each: `counted` steps from tick `began` on, rewards up to `ended`."""

    agent: NDArray[np.intp]
    began: NDArray[np.int64]
    ended: NDArray[np.int64]
    counted: NDArray[np.int64]
    ending: NDArray[np.uint8]  # RUNNING: a part whose episode goes on
    first: NDArray[np.bool_]  # whether it begins with its episode's first step

    @classmethod
    def joined(cls, several: Iterable[Self]) -> Self:
        """Return several as one."""
        return cls(*(np.concatenate(columns) for columns in zip(*several, strict=True)))

    def where(self, which: NDArray[Any]) -> Self:
        """Return those of a mask, or of indices."""
        return type(self)(*(column[which] for column in self))


_NO_PIECES = _Pieces(*(np.zeros(0, dtype) for dtype in (np.intp, "i8", "i8", "i8", "u1", np.bool_)))


@dataclass(frozen=True, slots=True)
class Passages:
    """Steps whose return is known, arrays [n], and the E episodes (or parts) that they belong to.

    Units are those of the world's rewards.
    """

    episode: NDArray[np.int64]
    """The index of each step's episode among these."""
    predicted: Float64Array
    realised: Float64Array
    """The discounted return that followed."""
    td_error: Float64Array
    """r + gamma V(s') - V(s), where V(s') = 0 if the episode terminated."""
    cell: Cells
    start: NDArray[np.bool_]
    """Whether it is the first step of an episode."""
    bootstrapped: NDArray[np.bool_]
    """Whether the critic's own value of a truncated episode's last state is part of the return."""
    returns: Float64Array
    """[E], undiscounted; of parts, of their own steps."""
    lengths: NDArray[np.int64]
    terminated: NDArray[np.bool_]

    def from_episode(self, first: int) -> "Passages":
        """Return the episodes from number `first` on."""
        steps, episodes = self.episode >= first, slice(first, None)
        of_episodes = {"returns", "lengths", "terminated"}
        taken: dict[str, Any] = {
            each.name: getattr(self, each.name)[episodes if each.name in of_episodes else steps]
            for each in fields(self)
        }
        return Passages(**taken | {"episode": taken["episode"] - first})

    @classmethod
    def none(cls) -> "Passages":
        """Return no steps of no episodes."""
        dtypes = ("i8", "f8", "f8", "f8", "i4", np.bool_, np.bool_, "f8", "i8", np.bool_)
        return cls(*(np.zeros(0, dtype) for dtype in dtypes))


class Following:
    """Follows `agents` agents from tick `first` on; told each tick once, up to `chunk` ticks at a time.

    An episode counts when its time limit is over, even if it ended sooner: else short episodes, whose end is
    seen first, would be too many, and the mean return of a crowd that began a moment ago would be theirs.
    Ends through termination are followed by nothing. Truncated ones, and parts, go on with the critic's value
    of the last state. If ticks are missing, all episodes that began within the time limit before are dropped,
    ended or not, for the same reason; agents are followed again from their next start.

    since: the tick that follows the newest missing one; `first` as long as none is. missed: ticks that were
    not told so far.

    Performance: for each tick 12 bytes an agent are kept, as long as an episode may take.
    """

    def __init__(self, rules: FollowRules, agents: int, chunk: int, first: int = 0) -> None:
        self.rules = rules
        self.since, self.missed = first, 0
        shape = self._rows, self._agents = rules.longest + chunk, agents
        # Filled, so that memory is taken at once and does not seem to leak while a run goes on.
        self._value, self._reward = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32)
        self._cell = np.full(shape, -1, np.int32)
        self._began = np.full(agents, _NOT_FOLLOWED, np.int64)
        self._first = np.ones(agents, np.bool_)
        self._waiting = _NO_PIECES
        self._newest = first - 1

    def resample(self, columns: NDArray[np.intp], came: NDArray[np.bool_], since: int) -> None:
        """Follow other agents from now on: those that stay with all that is known of them.

        columns: [n], the place of each among the agents so far; -1 of one that was not followed. came: [n],
        whether it begins its first episode at tick `since`. If that tick was told without them, these are
        followed from their next start, as are others that were not followed. Episodes of agents that left are
        dropped, ended or not.
        """
        stay, before = columns >= 0, self._agents
        self._agents = len(columns)

        def taken(values: NDArray[Any], empty: float) -> NDArray[Any]:
            made = np.full((*values.shape[:-1], self._agents), empty, values.dtype)
            made[..., stay] = values[..., columns[stay]]
            return made

        self._value, self._reward = taken(self._value, np.nan), taken(self._reward, np.nan)
        self._cell, self._first = taken(self._cell, -1), taken(self._first, True)
        self._began = taken(self._began, _NOT_FOLLOWED)
        if since > self._newest:
            self._began[came] = since
        place = np.full(before, -1, np.intp)
        place[columns[stay]] = np.flatnonzero(stay)
        waiting = self._waiting._replace(agent=place[self._waiting.agent])
        self._waiting = waiting.where(waiting.agent >= 0)

    def take(self, tick: int, rows: TickRows) -> Iterator[Passages]:
        """Take over the ticks from `tick` on; return the steps that count from now on, in groups.

        Each has about GROUP steps and is computed when it is asked for, before the next call: so many
        episodes that end at once take no more memory than few.
        """
        if tick == 0:
            self._began[:] = 0
        elif tick != self._newest + 1:
            self._drop(tick)
        ticks = np.arange(tick, tick + len(rows.value))
        self._newest = int(ticks[-1])
        at = ticks % self._rows
        self._value[at], self._reward[at], self._cell[at] = rows.value, rows.reward, rows.cell
        found = [self._waiting, *self._ended(tick, rows.ending), *self._parts()]
        self._waiting = _Pieces.joined(found)
        due = self._waiting.began <= self._newest - self.rules.longest
        now, self._waiting = self._waiting.where(due), self._waiting.where(~due)
        now = now.where(np.lexsort((now.agent, now.began)))
        group = np.cumsum(now.ended - now.began) // GROUP
        return (self._passages(now.where(group == each)) for each in np.unique(group))

    def _drop(self, tick: int) -> None:
        """Follow agents from their next starts on, after ticks before `tick` went missing."""
        self.since, self.missed = tick, self.missed + tick - self._newest - 1
        self._began[:] = _NOT_FOLLOWED
        self._waiting = _NO_PIECES

    def _ended(self, tick: int, ending: NDArray[np.uint8]) -> Iterable[_Pieces]:
        """Yield the episodes that end in the ticks from `tick` on, and begin to follow the next ones."""
        for row in np.flatnonzero(ending.any(axis=1)):
            at = tick + int(row)
            who = np.flatnonzero(ending[row])
            known = who[self._began[who] != _NOT_FOLLOWED]
            began, ended = self._began[known], np.full(len(known), at, np.int64)
            yield _Pieces(known, began, ended, ended - began, ending[row, known], self._first[known])
            self._began[who], self._first[who] = at + 1, True

    def _parts(self) -> Iterable[_Pieces]:
        """Yield the parts of episodes that are too long to be kept whole."""
        part = self.rules.part
        while part:
            due = (self._began != _NOT_FOLLOWED) & (self._began <= self._newest - 2 * part)
            who = np.flatnonzero(due)
            if not len(who):
                return
            began = self._began[who]
            counted, running = np.full(len(who), part, np.int64), np.full(len(who), Ending.RUNNING, np.uint8)
            yield _Pieces(who, began, began + 2 * part, counted, running, self._first[who])
            self._began[who], self._first[who] = began + part, False

    def _passages(self, pieces: _Pieces) -> Passages:
        """Return the steps of pieces; goes through all backwards at once.

        Step k of a piece, from the end, is there in those of at least k steps. With the longest first, these
        are the first ones, and so a slice.
        """
        lengths = pieces.ended - pieces.began
        longest_first = np.argsort(-lengths, kind="stable")
        there = np.searchsorted(-lengths[longest_first], -np.arange(1, lengths.max() + 1), side="right")
        starts = np.cumsum(there) - there
        which = longest_first[np.arange(there.sum()) - np.repeat(starts, there)]
        back = np.repeat(np.arange(1, len(there) + 1), there)
        tick, agent = pieces.ended[which] - back, pieces.agent[which]
        now, then = tick % self._rows, (tick + 1) % self._rows
        reward, predicted, after = (
            values[rows, agent].astype(np.float64)
            for values, rows in ((self._reward, then), (self._value, now), (self._value, then))
        )
        over = pieces.ending == Ending.TERMINATED
        after[: len(lengths)][over[which[: len(lengths)]]] = 0  # the last steps, which come first
        realised = self._returns(reward, after[: len(lengths)], starts, there)
        weight = self.rules.gamma ** back.astype(np.float64)
        counts = tick - pieces.began[which] < pieces.counted[which]
        return Passages(
            episode=which[counts],
            predicted=predicted[counts],
            realised=realised[counts],
            td_error=(reward + self.rules.gamma * after - predicted)[counts],
            cell=self._cell[now, agent][counts],
            start=((tick == pieces.began[which]) & pieces.first[which])[counts],
            bootstrapped=((weight > NEGLIGIBLE) & ~over[which])[counts],
            returns=np.bincount(which[counts], reward[counts], minlength=len(lengths)).astype(np.float64),
            lengths=pieces.counted,
            terminated=over,
        )

    def _returns(
        self, reward: Float64Array, last: Float64Array, starts: NDArray[np.intp], there: NDArray[np.intp]
    ) -> Float64Array:
        """Return discounted returns in the order of `reward`; last: what follows the last step of each."""
        realised, following = np.empty_like(reward), last
        for start, count in zip(starts.tolist(), there.tolist(), strict=True):
            following = reward[start : start + count] + self.rules.gamma * following[:count]
            realised[start : start + count] = following
        return realised
