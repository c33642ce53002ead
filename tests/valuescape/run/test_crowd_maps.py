"""What a run's own agents show: with the engine, its workers, its missing ticks, its report and its card."""

import json
import math
import os
import re
import signal
import threading
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from commands import SMALL
from crowds import check_until, crowd, shipped, small
from run_states import run_state

from valuescape.analysis.episodes import run_episodes
from valuescape.costs.card import critic_card
from valuescape.gpu.layers.realised_error import REALISED_ERROR
from valuescape.gpu.layers.registry import MAPS
from valuescape.gpu.layers.td_error import TD_ERROR
from valuescape.run.length import RunLength
from valuescape.run.map_sources.crowd import CrowdMaps
from valuescape.run.map_sources.source import Question
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.critics import critic_of
from valuescape.sim.insight.metrics import Estimate, return_metrics, start_metrics, value_metrics
from valuescape.sim.insight.plane import own_plane
from valuescape.sim.insight.signals import Critic
from valuescape.sim.insight.subject import MapRequest, Subject
from valuescape.sim.policy.inference import value
from valuescape.sim.worlds import make_world

MOUNTAIN = "world.name=mountain_car", "agents.count=96"


class Followed:
    """A crowd in lockstep, and the source that follows it."""

    def __init__(self, engine, config, checkpoint):
        self.engine, self.tick = engine, -1
        self.source = CrowdMaps(engine, critic_of(checkpoint), checkpoint)
        self.request = MapRequest(
            Subject(config, engine.world, checkpoint), config.insight, own_plane(engine.world), 8
        )

    def go_on(self, ticks, *, layers=(REALISED_ERROR,), last=False, frame=1):
        """Make ticks, `frame` at a time, and return the answers of the last frame."""
        answers = []
        for until in range(self.tick + frame, self.tick + ticks + 1, frame):
            self.engine.advance_to(until)
            told, self.tick = range(self.tick + 1, until + 1), until
            answers = self.ask(told, layers, last=last and until >= self.tick)
        return answers

    def ask(self, ticks=range(0), layers=(REALISED_ERROR,), *, last=False):
        return list(
            self.source.answers(Question(frozenset(layers), self.request, ticks, waits=True, last=last))
        )

    def numbers(self):
        self.ask(last=True)
        self.source.count()
        return self.source.numbers


def followed(ticks, *changes, disturb=lambda engine: None, frame=1):
    """Return the numbers of a mountain car's crowd after so many ticks."""
    config = small(*MOUNTAIN, *changes)
    checkpoint = shipped(config)
    with crowd(config, checkpoint) as engine:
        run = Followed(engine, config, checkpoint)
        run.go_on(ticks // 2, frame=frame)
        disturb(engine)
        run.go_on(ticks - ticks // 2, frame=frame)
        found = run.numbers()
        run.source.release()
    return found


@pytest.fixture(scope="module")
def plain():
    return followed(430)


def test_numbers_are_those_of_episodes_run_one_by_one(plain):
    """Of other starts, so within the intervals of both."""
    config = small(*MOUNTAIN)
    episodes = run_episodes(shipped(config), make_world("mountain_car"), 96, seed=9)
    steps = episodes.predicted, episodes.realised
    expected = value_metrics(*steps, episodes.episode, td_errors=episodes.td_error, resamples=300)
    expected |= start_metrics(*(column[episodes.first] for column in steps), resamples=300)
    expected |= return_metrics(episodes.returns, episodes.lengths, episodes.terminated, resamples=300)
    assert plain.estimates.keys() == expected.keys()
    assert plain.episodes > 96
    assert plain.bootstrapped == 0
    for name in ("q_bias", "start_value_predicted", "start_value_realised", "mean_return", "mean_length"):
        here, there = plain.estimates[name], expected[name]
        reach = (here.high - here.low) / 2 + (there.high - there.low) / 2
        assert abs(here.value - there.value) < reach, name
    assert plain.estimates["explained_variance"].value == pytest.approx(
        expected["explained_variance"].value, abs=0.05
    )
    assert plain.estimates["share_terminated"].value == 1


def test_a_killed_worker_changes_no_number(plain):
    """Its successor makes the tick again; what was read before is the same."""

    def kill(engine):
        victim, before = engine.worker_pids[1], engine.restarts
        os.kill(victim, signal.SIGKILL)
        check_until(engine, lambda: engine.restarts > before)

    found = followed(430, "workers.count=2", disturb=kill)
    assert (found.seen, found.missed) == (plain.seen, 0)
    assert found.estimates == plain.estimates


def test_with_too_many_ticks_a_frame_no_episode_counts():
    """Of 43 ticks at once the ring of states still has the last nine."""
    found = followed(430, frame=43)
    assert found.missed == 430 // 43 * (43 - 9)
    assert found.episodes == 0
    assert np.isnan(found.estimates["q_bias"].value)


def test_ticks_that_the_thread_has_no_time_for_are_missed():
    config = small(*MOUNTAIN, "agents.count=32")
    checkpoint = shipped(config)
    go_on = threading.Event()
    with crowd(config, checkpoint) as engine:
        run = Followed(engine, config, checkpoint)
        run.source._pool.submit(go_on.wait, 20)
        for tick in range(6 * 32):
            engine.advance_to(tick)
            asked = Question(frozenset(), run.request, range(tick, tick + 1))
            assert list(run.source.answers(asked)) == []
        go_on.set()
        run.tick = 6 * 32 - 1
        run.go_on(32)
        assert run.numbers().missed == 2 * 32
        run.source.release()


def test_a_gap_leaves_what_came_long_before_it():
    config = small(*MOUNTAIN)
    checkpoint = shipped(config)
    with crowd(config, checkpoint) as engine:
        run = Followed(engine, config, checkpoint)
        run.go_on(230)
        before = run.numbers()
        run.go_on(60, frame=60)
        assert run.numbers().seen == before.seen >= 96
        run.go_on(150)
        after = run.numbers()
        run.source.release()
    assert after.missed > 40
    assert after.seen == before.seen  # no time limit was over since
    assert after.estimates == before.estimates


def test_a_map_is_blank_until_a_time_limit_is_over_and_then_renewed_now_and_then():
    config = small(*MOUNTAIN, "agents.count=32")
    checkpoint = shipped(config)
    with crowd(config, checkpoint) as engine:
        run = Followed(engine, config, checkpoint)
        (blank,) = run.go_on(1)
        assert np.isnan(blank.values).all()
        assert "no agent's time limit is over yet" in blank.legend.meaning
        assert run.go_on(1) == []
        run.go_on(260, layers=())
        (shown,) = run.ask()
        assert run.ask() == []
        run.request = replace(run.request)  # as another scene does
        (again,) = run.ask()
        np.testing.assert_array_equal(again.values, shown.values)
        (other,) = run.ask(layers=(REALISED_ERROR, TD_ERROR))
        run.source.release()
    assert (shown.name, other.name) == ("realised_error", "td_error")
    assert shown.values.shape == shown.certainty.shape == (64, 64)
    assert np.isfinite(shown.values).any()
    assert set(np.unique(shown.certainty)) == {0, 1}
    assert not shown.certainty[np.isnan(shown.values)].any()
    assert REALISED_ERROR.meaning in shown.legend.meaning
    assert "32 episodes" in shown.legend.meaning


def test_without_a_known_discount_nobody_is_followed():
    config = small(*MOUNTAIN)
    checkpoint = shipped(config)
    with crowd(config, checkpoint) as engine:
        assert CrowdMaps.of(engine, None, None) is None
        assert CrowdMaps.of(engine, Critic(partial(value, checkpoint), None), None) is None


@pytest.mark.parametrize("layer", [REALISED_ERROR, TD_ERROR], ids=lambda layer: layer.name)
def test_a_map_that_lacks_the_discount_is_refused_with_a_reason(layer):
    config = small(*MOUNTAIN, "policy.checkpoint=random", "policy.torchscript_critic=critic.pt")
    world = make_world("mountain_car")
    with pytest.raises(UsageError, match=rf"heatmap\.layer = '{layer.name}', but .* discount .* is unknown"):
        MAPS.require(layer.name, Subject(config, world))
    with pytest.raises(UsageError, match="there is no checkpoint with a critic"):
        MAPS.require(layer.name, Subject(small(*MOUNTAIN), world))
    MAPS.require(layer.name, Subject(config, world, shipped(small(*MOUNTAIN))))


def test_the_card_has_the_numbers_and_what_to_mind(plain):
    state = run_state(figures={"crowd": plain}, checkpoint=None)
    card = critic_card(state)
    rows = dict(card.rows)
    assert rows["newest episodes"] == f"{plain.episodes:,}"
    bias = plain.estimates["q_bias"]
    told = [float(each) for each in re.findall(r"[-\d.]+", rows["V − G, mean"].replace("−", "-"))]
    assert told == pytest.approx([bias.value, bias.low, bias.high], abs=0.01)
    assert rows["start: got"].count("−") == 3
    assert card.note == ""


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ((-43.4483, -43.4841, -43.4129), "−43.448 (−43.484 to −43.413)"),
        ((0.9917, 0.99158, 0.99195), "0.9917 (0.9916 to 0.9919)"),
        ((1234.5, 1034.5, 1434.5), "1234 (1034 to 1434)"),
        ((5.0, 5.0, 5.0), "5.00 (5.00 to 5.00)"),
        ((5.0, math.nan, math.nan), "5.00"),
        ((math.nan, math.nan, math.nan), "–"),
    ],
)
def test_a_number_has_as_many_digits_as_its_interval_allows(plain, ends, told):
    numbers = replace(plain, estimates=plain.estimates | {"q_bias": Estimate(*ends)})
    assert dict(critic_card(run_state(figures={"crowd": numbers})).rows)["V − G, mean"] == told


def test_the_card_says_what_is_not_the_return_of_training(plain):
    state = run_state(
        figures={"crowd": replace(plain, bootstrapped=0.4, missed=12)},
        checkpoint=replace(shipped(small(*MOUNTAIN)), algorithm="sac"),
    )
    note = critic_card(state).note
    for said in ("40% of the returns end with the critic's own value", "entropy", "12 ticks missed"):
        assert said in note


def test_without_episodes_there_is_no_card():
    assert critic_card(run_state()) is None


@pytest.mark.gpu
def test_a_run_s_report_has_the_numbers(tmp_path):
    settings = "agents.count=40", "workers.count=0", "features.async_physics=false", "render.max_fps=60"
    config = load_config(
        None, [*SMALL, *MOUNTAIN, *settings, "sim.ticks_per_s=480", "heatmap.layer=realised_error"]
    )
    with Session(config, RunLength(ticks=260), Outputs(tmp_path), headless=True) as session:
        session.viewer.profile_shown = True
        session.run()
        titles = [card.title for card in session.annotations().cards]
    report = json.loads((tmp_path / "run.json").read_text())["critic"]
    assert report["episodes"] == report["agents"] == 40
    assert report["steps"] == 40 * report["mean_length"]["value"]
    assert report["start_value_realised"]["low"] < report["start_value_realised"]["value"]
    assert (report["gamma"], report["exploration"], report["missed_ticks"]) == (0.98, 0, 0)
    assert "critic, of agents as they act" in titles
