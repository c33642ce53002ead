"""The truth while a run goes on: what its maps show, when they are made anew, and how they end."""

import os
import signal
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from small_worlds import Chain, always_on

from valuescape.gpu.layers.truth import ERROR, OF_ROLLOUTS, OUTCOME, STEPS, TOTAL, TRUTH
from valuescape.gpu.layers.value import VALUE
from valuescape.run.length import RunLength
from valuescape.run.map_sources import truth as source
from valuescape.run.map_sources.source import Question
from valuescape.run.map_sources.truth import TruthMaps
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config
from valuescape.sim.insight.plane import grid_states, own_plane
from valuescape.sim.insight.subject import MapRequest, Subject
from valuescape.sim.policy.network import CriticKind
from valuescape.sim.rollouts.field import TruthField
from valuescape.sim.rollouts.plain import PlainRollouts
from valuescape.sim.rollouts.rules import RolloutEnd, RolloutRules

EDGE, GAMMA = 20, 0.9
WORLD = Chain()
FIELD = "truth"
DRAWS = replace(always_on(), gamma=GAMMA)
GREEDY = replace(DRAWS, critic_kind=CriticKind.DISCRETE_ACTION_VALUE)


def subject(policy=GREEDY, *settings):
    config = load_config(None, ["features.simd=false", "insight.rollouts=8", *settings])
    return Subject(config, WORLD, policy)


def request_of(subject, edge=EDGE, plane=None, **insight):
    settings = subject.config.insight.model_copy(update=insight)
    return MapRequest(subject, settings, plane or own_plane(WORLD), edge)


def steps_to_the_end():
    """Steps from each cell's place: the chain ends beyond place 9."""
    places, _ = grid_states(own_plane(WORLD), EDGE)
    return np.maximum(np.floor(9 - places) + 1, 1).reshape(EDGE, EDGE)


def closed_form():
    """-1 a step, 1 for the last one, discounted."""
    before_last = steps_to_the_end() - 1
    return -(1 - GAMMA**before_last) / (1 - GAMMA) + GAMMA**before_last


@pytest.fixture
def maps():
    """Make a source; it is released at the end, whatever happens."""
    made = []

    def make(critic=lambda obs: np.zeros(obs.shape[1], np.float32)):
        made.append(TruthMaps(critic, threads=2))
        return made[-1]

    yield make
    for each in made:
        each.release()


def ask(maps, request, *layers):
    return {
        each.name: each
        for each in maps.answers(Question(frozenset(layers or OF_ROLLOUTS), request, range(0)))
    }


def finished(maps, request, *layers):
    """Ask until everything is made; return the newest maps."""
    answers = ask(maps, request, *layers)
    until = time.monotonic() + 20
    while (maps.doing or not answers) and time.monotonic() < until:
        answers |= ask(maps, request, *layers)
        time.sleep(0.002)
    assert not maps.doing
    return answers | ask(maps, request, *layers)


class Gate:
    """Rollouts that wait for a permit for each piece; a return is the state's first number."""

    random, most = False, 4096

    def __init__(self):
        self.permits, self.pieces = threading.Semaphore(0), 0

    def run(self, states, out, part, number=0):
        assert self.permits.acquire(timeout=20)
        self.pieces += 1
        out.value[part] = out.total[part] = states[0, part]
        out.steps[part], out.end[part], out.weight[part] = 1, RolloutEnd.CUT, 0.5

    def close(self):
        pass


@pytest.fixture
def gate(monkeypatch):
    """Rollouts of every source wait at it; it is opened at the end."""
    gate = Gate()
    monkeypatch.setattr(source, "state_rollouts", lambda *_, **__: gate)
    monkeypatch.setattr(source, "try_rollout", lambda *_, **__: None)
    yield gate
    gate.permits.release(100_000)


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_the_maps_are_those_of_the_closed_form(maps):
    answers = finished(maps(), request_of(subject()))
    np.testing.assert_allclose(answers["truth"].values, closed_form(), atol=1e-6)
    np.testing.assert_allclose(answers["error"].values, -closed_form(), atol=1e-6)
    np.testing.assert_array_equal(answers["steps"].values, steps_to_the_end())
    np.testing.assert_array_equal(answers["total"].values, 2 - steps_to_the_end())
    assert (answers["outcome"].values == 1).all()
    assert {each.values.dtype for each in answers.values()} == {np.dtype("f4")}


def test_a_planted_bias_is_the_error_and_the_rest_is_pale(maps):
    """The bias is on the right half; on the left is an error below 2 % of the truth's range."""
    truth = closed_form()
    small = 0.01 * np.ptp(truth)

    def critic(obs):
        right = obs[0] > 5
        return (truth.ravel() + np.where(right, 3, small)).astype(np.float32)

    answer = finished(maps(critic), request_of(subject()), ERROR)["error"]
    right = grid_states(own_plane(WORLD), EDGE)[0].reshape(EDGE, EDGE) > 5
    np.testing.assert_allclose(answer.values, np.where(right, 3, small), atol=1e-5)
    np.testing.assert_array_equal(answer.certainty, right)
    assert "pale: less than 2 % of G's range" in answer.legend.meaning


def test_where_actions_are_drawn_it_is_the_field_of_the_same_seed(maps):
    """And the line that explains it says how many rollouts there are."""
    layer = DRAWS.actor.layers[0]
    even = replace(DRAWS, actor=replace(DRAWS.actor, layers=(replace(layer, bias=np.float32([0, 1])),)))
    answers = finished(maps(), request_of(subject(even, "run.seed=7")))
    rules = RolloutRules.of(GAMMA, WORLD.max_episode_steps, seed=7, sampled=True)
    states = grid_states(own_plane(WORLD), EDGE)
    with TruthField(PlainRollouts(WORLD, even, rules), states, 8, random=True, threads=1) as field:
        assert field.wait(20)
        expected = field.look()
    np.testing.assert_allclose(answers["truth"].values, expected.value, rtol=1e-6)
    np.testing.assert_allclose(answers["outcome"].values, expected.terminated, rtol=1e-6)
    assert answers["truth"].legend.meaning == "return that follows, 8 rollouts, no time limit"
    assert np.ptp(answers["steps"].values) > 0
    assert "pale: may be chance" in answers["error"].legend.meaning


def test_only_what_is_shown_is_given_and_only_when_it_is_new(maps):
    maps, request = maps(), request_of(subject())
    assert finished(maps, request, TRUTH).keys() == {"truth"}
    assert ask(maps, request, TRUTH) == {}
    assert ask(maps, request, STEPS, VALUE).keys() == {"steps"}
    assert ask(maps, request, VALUE) == {}


def test_nothing_is_made_before_a_map_is_shown(maps, gate):
    maps = maps()
    assert ask(maps, request_of(subject()), VALUE) == {}
    assert not maps.doing
    assert not any(thread.name == FIELD for thread in threading.enumerate())


def test_the_caption_says_how_far_it_is(maps, gate):
    maps, request = maps(), request_of(subject())
    assert ask(maps, request) == {}
    assert maps.doing == "truth"
    gate.permits.release(1)  # the coarsest cells: 4 of 400
    until(lambda: ask(maps, request, TRUTH))
    assert maps.doing == "truth 1 %"
    gate.permits.release(1000)
    finished(maps, request, TRUTH)
    assert maps.doing == ""


def test_the_old_map_stays_until_the_new_one_covers_the_plane(maps, gate):
    """And the new field is finished coarsely before a third one begins, however often the plane moves."""
    about, maps = subject(), maps()
    gate.permits.release(1000)
    first = request_of(about)
    finished(maps, first, TRUTH)
    while gate.permits.acquire(blocking=False):
        pass
    moved = [request_of(about, plane=replace(own_plane(WORLD), values=(0.0, each))) for each in (0.25, 0.5)]
    for request in moved:
        assert ask(maps, request, TRUTH) == {}
    assert maps.newest.request is first
    gate.permits.release(1)
    until(lambda: ask(maps, moved[1], TRUTH))
    assert maps.newest.request is moved[0]
    gate.permits.release(1000)
    until(lambda: ask(maps, moved[1], TRUTH) and maps.newest.request is moved[1])


@pytest.mark.parametrize("insight", [{"time_limit": True}, {"rollouts": 9}])
def test_settings_that_it_depends_on_make_it_anew(maps, insight):
    about, maps = subject(replace(DRAWS, gamma=0.999)), maps()
    drawn = "rollouts" in insight
    before = finished(maps, request_of(about), TRUTH)["truth"]
    after = finished(maps, request_of(about, **insight), TRUTH)["truth"]
    words = "9 rollouts" if drawn else "to the time limit"
    assert words in after.legend.meaning
    assert words not in before.legend.meaning


def test_settings_that_it_does_not_depend_on_leave_it(maps):
    about, maps = subject(), maps()
    finished(maps, request_of(about), TRUTH)
    look = maps.newest
    finished(maps, request_of(about, over="back", marginal=True), TRUTH)
    assert maps.newest is look


def test_another_scene_is_given_the_map_again(maps):
    """It asks with another request for the same thing."""
    about, maps = subject(), maps()
    finished(maps, request_of(about), TRUTH)
    assert ask(maps, request_of(about), TRUTH).keys() == {"truth"}


def test_a_hidden_field_is_given_up_when_something_else_is_asked_for(maps, gate):
    about, maps = subject(replace(GREEDY, gamma=0.999)), maps()
    ask(maps, request_of(about))
    ask(maps, request_of(about), VALUE)
    assert maps.doing
    ask(maps, request_of(about, time_limit=True), VALUE)
    assert not maps.doing


def test_a_release_stops_all_threads(maps, gate):
    before, maps, about = threading.active_count(), maps(), subject(replace(GREEDY, gamma=0.999))
    for limit in (False, True):
        ask(maps, request_of(about, time_limit=limit))
    until(lambda: threading.active_count() >= before + 3)
    threading.Timer(0.05, gate.permits.release, [4]).start()  # the pieces that are being made
    maps.release()
    until(lambda: threading.active_count() == before)
    assert gate.pieces <= 4


def test_what_a_thread_fails_with_is_raised(maps, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("in the dynamics")

    monkeypatch.setattr(source, "try_rollout", fail)
    maps, request = maps(), request_of(subject())
    ask(maps, request)
    with pytest.raises(ZeroDivisionError, match="in the dynamics"):
        until(lambda: ask(maps, request) and False)


def test_missing_machine_code_is_compiled_in_another_process(maps, monkeypatch):
    """Also a field that is given up meanwhile ends: the compiler is asked to."""
    asked = []

    def compile_apart(config, checkpoint, check, make):
        asked.append(make)
        while True:
            check()
            time.sleep(0.002)

    def needs_code(*_, **__):
        raise source.CompilationNeededError

    monkeypatch.setattr(source, "try_rollout", needs_code)
    monkeypatch.setattr(source, "compile_apart", compile_apart)
    maps, request = maps(), request_of(subject())
    ask(maps, request)
    until(lambda: asked)
    maps.release()
    assert asked == [source.try_rollout_of]


def test_frames_that_wait_have_the_whole_map_of_one_rollout_a_cell(maps):
    maps = maps()
    question = Question(frozenset({TRUTH, OUTCOME, TOTAL}), request_of(subject()), range(0), waits=True)
    answers = {each.name: each for each in maps.answers(question)}
    np.testing.assert_allclose(answers["truth"].values, closed_form(), atol=1e-6)
    assert not maps.doing


def test_worlds_and_runs_without_a_truth_say_why():
    from valuescape.sim.worlds import make_world

    config = load_config(None)
    policy = always_on()
    assert "neither policy nor discount" in ERROR.lacks(Subject(config, WORLD))
    assert "depends on the others" in ERROR.lacks(Subject(config, make_world("flock"), policy))
    assert (
        OUTCOME.lacks(Subject(config, make_world("pendulum"), policy))
        == "episodes of pendulum never terminate"
    )
    assert ERROR.lacks(Subject(config, make_world("pendulum"), policy)) == ""


RUN = [
    *(
        "world.name=pendulum",
        "heatmap.layer=truth",
        "render.view=2d",
        "render.width=320",
        "render.height=200",
    ),
    *("agents.count=8", "workers.count=1", "heatmap.resolution=32", "heatmap.density_resolution=16"),
    *("trails.length=8", "run.record=false", "features.simd=false", "insight.rollouts=2"),
]


class Lazy(Gate):
    """Rollouts of which 32 take a fiftieth of a second, in which nothing else waits for them."""

    most = 32

    def run(self, states, out, part, number=0):
        time.sleep(0.02)
        self.permits.release()
        super().run(states, out, part, number)


@pytest.mark.gpu
def test_frames_go_on_while_it_fills_although_a_worker_dies(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "state_rollouts", lambda *_, **__: Lazy())
    monkeypatch.setattr(source, "try_rollout", lambda *_, **__: None)
    seen, before = [], threading.active_count()
    with Session(load_config(None, RUN), RunLength(), Outputs(tmp_path), headless=True) as session:
        session.pace.start()
        session._frame(0.01)
        os.kill(session.engine._crew.pids[0], signal.SIGKILL)
        until_s = time.monotonic() + 20
        while session.stage.maps.doing and time.monotonic() < until_s:
            session._frame(0.01)
            seen.append(session.stage.maps.doing)
        shares = {each for each in seen if each.endswith("%")}
        assert len(seen) > 5
        assert len(shares) >= 2, "it is shown as it fills in"
        assert session.state().computing == ""
        states = grid_states(session.scene.plane, 32).reshape(2, 32, 32)
        truth = session.scene.fields._made["truth"].texture.texture
        np.testing.assert_array_equal(np.frombuffer(truth.read(), np.float32).reshape(32, 32), states[0])
        session.stage.maps.insight = session.stage.maps.insight.model_copy(update={"time_limit": True})
        session._frame(0.01)
        assert any(thread.name == "truth" for thread in threading.enumerate())
    until(lambda: threading.active_count() <= before)
    assert not any(thread.name == "truth" for thread in threading.enumerate())
