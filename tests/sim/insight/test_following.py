"""Episodes followed tick by tick, against the same returns worked out from whole runs."""

import numpy as np
import pytest

from valuescape.sim.insight.following import Following, FollowRules, Passages, TickRows
from valuescape.sim.insight.kept import KeptPassages
from valuescape.sim.shared.layout import Ending

GAMMA, LIMIT, TICKS, AGENTS = 0.9, 30, 300, 9


class Made:
    """Made-up rows, [ticks, agents], and every episode in them: (agent, began, ended)."""

    def __init__(self, lengths, ticks=TICKS, agents=AGENTS, seed=1):
        random = np.random.default_rng(seed)
        self.value = random.normal(size=(ticks, agents)).astype(np.float32)
        self.reward = random.normal(size=(ticks, agents)).astype(np.float32)
        self.cell = random.integers(-1, 16, (ticks, agents)).astype(np.int32)
        self.ending = np.zeros((ticks, agents), np.uint8)
        self.episodes = []
        for agent in range(agents):
            began = 0
            while began + (length := int(random.choice(lengths))) < ticks:
                ended = began + length
                self.ending[ended, agent] = Ending.TRUNCATED if length == LIMIT else Ending.TERMINATED
                self.episodes.append((agent, began, ended))
                began = ended + 1

    def returns(self, agent, began, ended):
        """The discounted returns of an episode's steps, by their definition."""
        rewards = self.reward[began + 1 : ended + 1, agent].astype(float)
        last = self.value[ended, agent] if self.ending[ended, agent] == Ending.TRUNCATED else 0.0
        found = []
        for step in range(len(rewards)):
            weights = GAMMA ** np.arange(len(rewards) - step)
            found.append(weights @ rewards[step:] + GAMMA ** (len(rewards) - step) * last)
        return found

    def rows(self, ticks):
        return TickRows(self.value[ticks], self.reward[ticks], self.ending[ticks], self.cell[ticks])

    def follow(self, rules=None, chunk=16, without=()):
        """Follow all ticks, some at a time and none of those `without`; return what counted, and the rest."""
        following = Following(rules or FollowRules(GAMMA, LIMIT), self.value.shape[1], chunk)
        random, found, told = np.random.default_rng(0), [], []
        for tick in range(len(self.value)):
            if tick not in without:
                told.append(tick)
            if told and (tick in without or random.random() < 1.5 / chunk or len(told) == chunk):
                found += list(following.take(told[0], self.rows(told)))
                told = []
        if told:
            found += list(following.take(told[0], self.rows(told)))
        return joined([Passages.none(), *found]), following


def joined(several):
    """Return passages as one, through the memory that keeps them."""
    kept = KeptPassages(10**5)
    for each in several:
        kept.add(each)
    return kept.newest(10**5, 10**5)


LENGTHS = (1, 2, 7, 20, LIMIT, LIMIT)


@pytest.mark.parametrize("group", [10, 10**5])
def test_returns_are_those_of_their_definition(monkeypatch, group):
    """However many episodes are computed at a time."""
    monkeypatch.setattr("valuescape.sim.insight.following.GROUP", group)
    made = Made(LENGTHS)
    found, _ = made.follow()
    due = sorted((began, agent, ended) for agent, began, ended in made.episodes if began < TICKS - LIMIT)
    assert len(due) > 80
    expected = [made.returns(agent, began, ended) for began, agent, ended in due]
    assert found.lengths.tolist() == [ended - began for began, _, ended in due]
    for number, returns in enumerate(expected):
        steps = np.flatnonzero(found.episode == number)[::-1]  # the last step comes first
        assert found.realised[steps] == pytest.approx(returns, abs=1e-6)
    began, agent, ended = np.array(due).T
    truncated = made.ending[ended, agent] == Ending.TRUNCATED
    assert (found.terminated == ~truncated).all()
    assert truncated.any()
    assert not truncated.all()
    assert found.predicted[found.start] == pytest.approx(made.value[began, agent][found.episode[found.start]])


def test_only_the_returns_of_truncated_episodes_have_the_critic_s_value_in_them():
    found, _ = Made(LENGTHS).follow()
    assert (found.bootstrapped == ~found.terminated[found.episode]).all()
    far, _ = Made((LIMIT,)).follow(FollowRules(0.5, LIMIT))
    assert far.bootstrapped.mean() == pytest.approx(9 / LIMIT)  # 0.5 ** 9 counts, 0.5 ** 10 does not


@pytest.mark.parametrize(
    "rules", [FollowRules(GAMMA, LIMIT), FollowRules(GAMMA, 16, 8)], ids=["whole", "parts"]
)
def test_a_critic_that_is_right_is_found_right(rules):
    """In whole episodes and in parts: every step once, its return without error, its cell its own."""
    made = Made(LENGTHS)
    for tick in reversed(range(TICKS - 1)):
        goes_on = made.ending[tick + 1] != Ending.TERMINATED
        right = made.reward[tick + 1] + GAMMA * goes_on * made.value[tick + 1]
        made.value[tick] = np.where(made.ending[tick], made.value[tick], right)
    found, _ = made.follow(rules)
    assert found.realised == pytest.approx(found.predicted, abs=1e-5)
    assert found.td_error == pytest.approx(0, abs=1e-5)
    told = set(zip(found.predicted.tolist(), found.cell.tolist(), strict=True))
    assert len(told) == len(found.predicted)
    before_an_end = made.ending == Ending.RUNNING
    steps = set(zip(made.value[before_an_end].tolist(), made.cell[before_an_end].tolist(), strict=True))
    assert told <= steps
    assert len(told) > 0.75 * len(steps)
    assert found.start.sum() <= len(made.episodes)


def test_parts_are_as_long_as_told_and_go_on_from_each_other():
    made = Made((LIMIT,))
    found, _ = made.follow(FollowRules(GAMMA, 16, 8), chunk=1)
    assert set(found.lengths.tolist()) == {8, 14}  # 8 + 8 + 14 steps
    assert found.start.sum() == pytest.approx(len(found.lengths) / 3, abs=AGENTS)


def test_short_episodes_are_not_counted_too_often():
    """Half of the episodes are short; of those that end before any given tick, far more are."""
    made = Made((5, LIMIT), ticks=LIMIT + 12, agents=400)
    ended = [ended - began for _, began, ended in made.episodes]
    assert np.mean(np.array(ended) == 5) > 0.6
    found, _ = made.follow()
    assert len(found.lengths) > 400
    assert np.mean(found.lengths == 5) == pytest.approx(0.5, abs=0.05)


def test_missing_ticks_drop_the_episodes_of_a_time_limit_before_them():
    made = Made(LENGTHS)
    found, following = made.follow(without=(130, 131, 200))
    whole, _ = made.follow()
    assert following.missed == 3
    assert following.since == 201
    stretches = (range(130), range(132, 200), range(201, TICKS))
    due = [
        (agent, began, ended)
        for agent, began, ended in made.episodes
        for ticks in stretches
        if began in ticks and began + LIMIT in ticks
        if ticks.start == 0 or made.ending[ticks.start : began, agent].any()
    ]
    assert 0 < len(due) < len(whole.lengths) - 10
    expected = np.concatenate([made.returns(*episode) for episode in due])
    assert np.sort(found.realised) == pytest.approx(np.sort(expected), abs=1e-6)


def test_agents_that_are_met_in_mid_episode_are_followed_from_their_next_start():
    made = Made((LIMIT,))
    following = Following(FollowRules(GAMMA, LIMIT), AGENTS, TICKS)
    (found,) = following.take(10, made.rows(slice(10, TICKS)))
    assert len(found.lengths) == AGENTS * len(range(LIMIT + 1, TICKS - LIMIT, LIMIT + 1))


def test_agents_that_stay_are_followed_on_when_others_come_and_go():
    """Agents 0, 3 and 6 at first, then 0, 6, one that was there already, and one that comes."""
    made = Made(LENGTHS)
    there, comes = 7, 8
    cut = next(began for agent, began, _ in made.episodes if agent == comes and began > 100)
    following, found = Following(FollowRules(GAMMA, LIMIT), 3, 16), []

    def follow(ticks, agents):
        for first in range(ticks.start, ticks.stop, 10):
            rows = made.rows(slice(first, min(first + 10, ticks.stop)))
            found.extend(following.take(first, TickRows(*(each[:, agents] for each in rows))))

    follow(range(cut), [0, 3, 6])
    following.resample(np.array([0, 2, -1, -1]), np.array([False, False, False, True]), cut)
    follow(range(cut, TICKS), [0, 6, there, comes])
    begins = {0: 0, 6: 0, comes: cut, there: cut + 1 + int(np.argmax(made.ending[cut:, there] > 0))}
    due = [
        (agent, began, ended)
        for agent, began, ended in made.episodes
        if (began >= begins.get(agent, TICKS) and began + LIMIT < TICKS)
        or (agent == 3 and began + LIMIT < cut)
    ]
    expected = np.concatenate([made.returns(*episode) for episode in due])
    assert np.sort(joined(found).realised) == pytest.approx(np.sort(expected), abs=1e-6)
    assert {agent for agent, *_ in due} == {0, 3, 6, there, comes}
    assert following.missed == 0


def test_following_may_begin_with_a_later_tick():
    made = Made(LENGTHS)
    following = Following(FollowRules(GAMMA, LIMIT), AGENTS, TICKS, first=10)
    (found,) = following.take(10, made.rows(slice(10, TICKS)))
    assert len(found.lengths) > AGENTS
    assert (following.missed, following.since) == (0, 10)


@pytest.mark.parametrize(
    ("limit", "horizon", "longest", "part"),
    [
        (200, 688, 200, 0),
        (1000, 66, 1000, 0),
        (1001, 66, 132, 66),
        (1300, 688, 1300, 0),
        (10**6, 688, 1376, 688),
    ],
)
def test_long_episodes_are_counted_in_parts(limit, horizon, longest, part):
    assert FollowRules.of(0.99, limit, horizon) == FollowRules(0.99, longest, part)


def test_kept_passages_number_their_episodes_on():
    found, _ = Made(LENGTHS).follow()
    twice = joined([found, found])
    assert twice.lengths.tolist() == [*found.lengths, *found.lengths]
    again = twice.from_episode(len(found.lengths))
    assert (again.episode == found.episode).all()
    assert (again.realised == found.realised).all()
    assert len(joined([Passages.none(), found]).realised) == len(found.realised)
