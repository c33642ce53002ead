"""Every crew keeps the contract of `sim.crew.crew`: the same scripts run over each."""

import inspect
import re
import time
from functools import cache

import numpy as np
import pytest
from crowds import check_until, small
from known_plugins import forgotten
from processes import running
from stepping import step

from valuescape.sim.cluster.engine import ClusterEngine
from valuescape.sim.cluster.stub import StubNodes
from valuescape.sim.crew.alone import Alone
from valuescape.sim.crew.choose import make_crew
from valuescape.sim.crew.crew import Crew
from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.crew.local import Workers
from valuescape.sim.crew.stub import StubCrew
from valuescape.sim.engine import Engine
from valuescape.sim.shared.layout import Ending
from valuescape.sim.worlds import load_world_file

STUB = "stub"
KINDS = {
    STUB: ("workers.count=0", "features.simd=false"),
    "alone": ("workers.count=0",),
    "spawned": ("workers.count=2", "workers.start_method=spawn"),
    "forked": ("workers.count=2", "workers.start_method=forkserver"),
}
"""The settings that choose each crew; the stub is given to the engine, and steps in plain NumPy."""


NODES = "nodes"
"""The crew of a cluster, which makes ticks of agents that nobody gives actions to."""


def engine_of(kind, *changes, **options):
    """Return an engine whose ticks a crew of `kind` makes; agents act at random."""
    if kind == NODES:
        config = small("workers.count=0", "workers.cluster=local", *changes)
        return ClusterEngine(config, None, lambda: StubNodes(2))
    if kind == STUB:
        options["crew"] = lambda whole, _workers: StubCrew(whole)
    return Engine(small(*KINDS[kind], *changes), None, **options)


@pytest.fixture(params=KINDS, scope="module")
def kind(request):
    """Return each of KINDS in turn."""
    return request.param


@pytest.fixture(params=[*KINDS, NODES], scope="module")
def engine(request):
    """Return an engine for scripts that begin at any tick."""
    with engine_of(request.param) as engine:
        engine.wait_ready()
        assert engine.newest_tick >= 0
        yield engine


@pytest.fixture(scope="module")
def given(kind):
    """Return an engine whose agents do what they are given, and start again only when told to."""
    with engine_of(kind, given_actions=True, autoreset=False) as engine:
        engine.wait_ready()
        yield engine


@pytest.mark.parametrize("crew", [StubCrew, Alone, Workers])
def test_a_crew_has_every_method_of_the_contract_and_no_other_that_is_public(crew):
    """So a caller that knows one crew knows all; and what a crew inherits is documented there."""

    def public(kind):
        return {name for name, _ in inspect.getmembers(kind) if not name.startswith("_")}

    assert issubclass(crew, Crew)
    assert not inspect.isabstract(crew)
    assert public(crew) == public(Crew)
    for name in Crew.__abstractmethods__:
        ours, theirs = (inspect.signature(getattr(each, name)) for each in (crew, Crew))
        assert ours == theirs, name


def test_one_function_chooses_the_crew(monkeypatch):
    monkeypatch.setattr("valuescape.sim.crew.choose.Workers", lambda whole, workers: (whole, workers))
    monkeypatch.setattr("valuescape.sim.crew.choose.Alone", lambda whole: whole)
    assert make_crew("whole", 0) == "whole"
    assert make_crew("whole", 3) == ("whole", 3)


@cache
def expected(tick):
    """Return the state hash at `tick` of the stub, which is the specification."""
    with engine_of(STUB) as engine:
        engine.advance_to(tick)
        return engine.state_hash()


def test_ticks_made_in_step_come_to_the_same_state(engine):
    """As fast as can be, whatever pace is set."""
    engine.set_pace(1)
    for ticks in (0, 1, 1, 0, 40, 258):
        tick = engine.newest_tick + ticks
        engine.advance_to(tick)
        assert engine.newest_tick == engine.furthest_tick == tick
    assert engine.state_hash() == expected(tick)


def test_ticks_made_beside_the_caller_stop_where_they_are_told_and_come_to_the_same_state(engine):
    engine.set_pace(0)
    for ticks in (1, 1, 55):
        tick = engine.newest_tick + ticks
        engine.run_until(tick)
        check_until(engine, lambda tick=tick: engine.newest_tick == tick)
        time.sleep(0.02)
        engine.check()
        assert engine.newest_tick == engine.furthest_tick == tick
    engine.run_freely()
    check_until(engine, lambda: engine.newest_tick > tick + 3)
    paused = engine.rest()
    time.sleep(0.02)
    engine.check()
    assert engine.newest_tick == engine.furthest_tick == paused
    assert engine.state_hash() == expected(paused)


def test_ticks_keep_to_the_clock(engine):
    engine.rest()
    engine.set_pace(200)
    engine.run_freely()
    began, first = time.monotonic(), engine.newest_tick
    while time.monotonic() - began < 0.5:
        time.sleep(0.002)
        engine.check()
    made, seconds = engine.newest_tick - first, time.monotonic() - began
    # Never faster than the clock (but for the tick at either end); slower on a busy machine.
    assert 0.4 * 200 * seconds < made <= 200 * seconds + 2
    engine.set_pace(0)
    freed = engine.newest_tick
    check_until(engine, lambda: engine.newest_tick > freed + 100)
    engine.rest()


def test_agents_do_what_they_are_given(given):
    """Each tick is the one that the world itself makes of the tick before and the actions in the arena."""
    first = given.newest_tick
    for tick, action in enumerate(
        np.random.default_rng(3).uniform(-1, 1, (10, 1, 70)).astype(np.float32), start=first
    ):
        expected, _, _ = step(given.world, given.row("state", tick).copy(), action)
        goes_on = given.row("ending", tick) == Ending.RUNNING
        given.arena["given_action"][:] = action
        given.advance_to(tick + 1)
        assert (given.row("state", tick + 1) == expected)[:, goes_on].all()
        assert goes_on.any()


def test_the_stepper_of_all_agents_starts_episodes_again_while_no_tick_is_made(given):
    tick = given.newest_tick + 1
    given.advance_to(tick)
    before = given.episodes()
    given.stepper().restart(np.array([0, 69]), tick)
    assert (given.episodes().number - before.number).nonzero()[0].tolist() == [0, 69]
    given.advance_to(tick + 1)
    assert given.episodes().step[[0, 1, 69]].tolist() == [1, before.step[1] + 1, 1]


BREAKS = """
from valuescape.api import ArrayWorld, DiscreteAction, Variable

class Breaks(ArrayWorld):
    name = "breaks"
    source = "a test"
    state = (Variable("age", "", 0.0, 99.0), Variable("zero", "", -1.0, 1.0))
    obs = state
    action = DiscreteAction(("down", "up"))
    step_s = 0.1
    max_episode_steps = 99
    reset_draws = 1

    def reset(self, draws, out):
        out[:] = 0

    def step(self, state, action, out, reward, terminated):
        out[0] = state[0] + 1
        out[1] = reward[:] = 0
        terminated[:] = False
        if (out[0] > 12).any():
            raise ZeroDivisionError("too old")
"""


@pytest.fixture
def breaks(tmp_path):
    """Name a world in which the step after tick 12 raises."""
    (tmp_path / "breaks.py").write_text(BREAKS)
    with forgotten():
        load_world_file(tmp_path / "breaks.py")
        yield ("world.name=breaks", "workers.max_restarts=0")


def in_step(engine):
    engine.advance_to(50)


def beside_the_caller(engine):
    engine.run_until(50)
    check_until(engine, lambda: engine.newest_tick == 50)


@pytest.mark.parametrize("run", [in_step, beside_the_caller])
def test_an_error_of_the_world_is_raised_with_agents_and_tick(kind, breaks, run):
    with engine_of(kind, *breaks) as engine:
        engine.wait_ready()
        with pytest.raises(WorkerFailedError) as failure:
            run(engine)
    report = str(failure.value)
    assert re.match(r"worker \d \(pid \d+, agents (0|32) to (31|69)\) failed after tick 12: ", report)
    assert "ZeroDivisionError: too old\n" in report
    assert 'raise ZeroDivisionError("too old")' in report
    assert report.count("Traceback") == 1


def test_an_end_ends_all_in_time_and_a_second_one_does_nothing(kind):
    crews = []

    def kept(whole, workers):
        crews.append(StubCrew(whole) if kind == STUB else make_crew(whole, workers))
        return crews[0]

    with Engine(small(*KINDS[kind]), None, crew=kept) as engine:
        engine.wait_ready()
        engine.run_freely()
        pids = engine.worker_pids
        assert len(pids) == engine.workers
        began = time.monotonic()
        crews[0].close()
        assert time.monotonic() - began < 5
        assert not any(map(running, pids))
        crews[0].close()


def test_an_end_before_the_first_tick_is_there_ends_all_too(kind):
    with engine_of(kind) as engine:
        pids = engine.worker_pids
    assert not any(map(running, pids))
