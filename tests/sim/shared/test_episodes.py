"""Records of episodes: their state at any recent tick, and that writing them again changes nothing."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valuescape.sim.shared.episodes import Endings, episodes_at, finished_by, first_episodes, next_episodes
from valuescape.sim.shared.layout import EPISODE, Ending

AGENTS = 6
WRAP = 2**32
origins = st.sampled_from([0, 1, 1000, WRAP - 3, 2**40 + WRAP - 1])
"""Ticks that runs begin at: some are near the largest of 32 bits."""

endings = st.lists(st.lists(st.sampled_from(list(Ending)), min_size=AGENTS, max_size=AGENTS), max_size=25)
"""Endings of all agents, for some ticks in turn."""


def standing(told, tick):
    """Return the rows of one tick: the endings, and returns that differ between ticks and agents."""
    return Endings(
        np.array(told, np.uint8), (tick % 1000) + np.arange(len(told), dtype=np.float32) / np.float32(8)
    )


class Diary:
    """The same book-keeping for one agent, in the simplest way: an entry per episode."""

    def __init__(self, origin):
        self.began = [origin]
        self.ended = []

    def tells(self, tick):
        """Return the expected `EpisodeState` at `tick`, field by field."""
        begun = [began for began in self.began if began <= tick]
        ended = [each for each in self.ended if each[0] <= tick]
        return (
            len(begun) - 1,
            tick - begun[-1],
            len(ended),
            sum(kind is Ending.TERMINATED for _, kind, _ in ended),
            sum(end - began for (end, _, _), began in zip(ended, self.began, strict=False)),
            sum(total for _, _, total in ended),
        )


def lived(origin, story, twice=False):
    """Write the episodes of `story`; yields (tick, records, endings by tick, diaries) at every tick."""
    records = np.full((AGENTS, 2), 77, EPISODE)
    first_episodes(records, origin)
    diaries = [Diary(origin) for _ in range(AGENTS)]
    rows = {origin: standing([Ending.RUNNING] * AGENTS, 0)}
    yield origin, records, rows, diaries
    for tick, told in enumerate(story, origin + 1):
        chosen = np.flatnonzero(rows[tick - 1].ending)
        for _ in range(1 + twice):
            number = next_episodes(records, chosen, rows[tick - 1], tick - 1, tick)
            assert number.tolist() == [len(diaries[agent].began) for agent in chosen]
        # An episode that has just begun cannot have ended.
        told = [Ending.RUNNING if agent in chosen else kind for agent, kind in enumerate(told)]
        rows[tick] = standing(told, tick)
        for agent, (diary, kind) in enumerate(zip(diaries, told, strict=True)):
            if agent in chosen:
                diary.began.append(tick)
            if kind:
                diary.ended.append((tick, kind, float(rows[tick].episode_return[agent])))
        yield tick, records, rows, diaries


def told_by(records, rows, tick):
    """Return `episodes_at`, agent by agent."""
    state = episodes_at(records, rows[tick], tick)
    return list(zip(*(getattr(state, field.name).tolist() for field in fields(state)), strict=True))


@settings(deadline=None)
@given(origins, endings)
def test_the_record_tells_what_happened(origin, story):
    for tick, records, rows, diaries in lived(origin, story):
        assert told_by(records, rows, tick) == [diary.tells(tick) for diary in diaries]


@settings(deadline=None)
@given(origins, endings)
def test_sums_are_those_of_every_agent(origin, story):
    for tick, records, rows, _ in lived(origin, story):
        for at in {tick, max(tick - 1, origin)}:
            state, found = episodes_at(records, rows[at], at), finished_by(records, rows[at], at)
            assert found.count == state.finished_count.sum()
            assert found.terminated == state.terminated_count.sum()
            assert found.length == state.finished_length.sum()
            assert found.total_return == pytest.approx(state.finished_return.sum())


def test_sums_of_many_agents_are_those_of_each():
    """In blocks, the last one shorter."""
    rng, agents = np.random.default_rng(3), 10_001
    records = np.zeros((agents, 2), EPISODE)
    for name in records.dtype.names:
        records[name] = rng.integers(0, 90, (agents, 2))
    told = Endings(rng.integers(0, 3, agents).astype(np.uint8), rng.random(agents, np.float32))
    state, found = episodes_at(records, told, 77), finished_by(records, told, 77)
    assert (found.count, found.terminated) == (state.finished_count.sum(), state.terminated_count.sum())
    assert found.length == state.finished_length.sum()
    assert found.total_return == pytest.approx(state.finished_return.sum())


@settings(deadline=None)
@given(origins, endings)
def test_the_tick_before_the_newest_is_still_told(origin, story):
    """The reader is at tick k when workers have already begun episodes of tick k + 1."""
    for tick, records, rows, diaries in lived(origin, story):
        if tick > origin:
            assert told_by(records, rows, tick - 1) == [diary.tells(tick - 1) for diary in diaries]


@settings(deadline=None)
@given(origins, endings)
def test_writing_an_episode_twice_is_writing_it_once(origin, story):
    """As when a worker dies after it has written some, and its successor makes the tick again."""
    for once, twice in zip(lived(origin, story), lived(origin, story, twice=True), strict=True):
        assert once[1].tobytes() == twice[1].tobytes()


class Killed(BaseException):
    pass


class Mortal(np.ndarray):
    """An array that raises at the write after the last one allowed, as if its writer died."""

    writes_left = 0

    def __setitem__(self, key, value):
        if Mortal.writes_left == 0:
            raise Killed
        Mortal.writes_left -= 1
        super().__setitem__(key, value)


def test_an_episode_that_was_written_in_part_is_written_again():
    """Whichever write was the last of a worker that died, its successor comes to the same."""
    records = np.zeros((AGENTS, 2), EPISODE)
    first_episodes(records, 0)
    ended, everyone = standing([Ending.TERMINATED] * AGENTS, 5), np.arange(AGENTS)
    next_episodes(records, everyone, ended, 5, 6)
    whole = records.copy()
    next_episodes(whole, everyone, ended, 7, 8)
    deaths = 0
    for writes in range(20):
        torn, Mortal.writes_left = records.copy(), writes
        try:
            next_episodes(torn.view(Mortal), everyone, ended, 7, 8)
        except Killed:
            deaths += 1
        next_episodes(torn, everyone, ended, 7, 8)
        assert torn.tobytes() == whole.tobytes(), f"after {writes} writes"
    assert 1 <= deaths < 20


@pytest.mark.parametrize("agents", [1, 3])
def test_first_episodes_forget_what_was_there(agents):
    records = np.full((agents, 2), 99, EPISODE)
    first_episodes(records, 7)
    state = episodes_at(records, Endings(np.zeros(agents, np.uint8), np.zeros(agents, np.float32)), 9)
    assert state.number.tolist() == [0] * agents
    assert state.step.tolist() == [2] * agents
    assert not state.finished_count.any()
    assert not state.finished_length.any()
    assert not state.finished_return.any()
