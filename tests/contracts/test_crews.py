"""Every crew keeps the contract of `sim.crew.crew`: the same scripts run over each."""

import inspect
import os
import re
import time
from functools import cache

import numpy as np
import pytest
from crowds import check_until, small
from processes import end_forkserver, own_descendants
from stepping import step

from valuescape.sim.crew.alone import Alone
from valuescape.sim.crew.choose import make_crew
from valuescape.sim.crew.crew import Crew
from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.crew.local import Workers
from valuescape.sim.crew.stub import StubCrew
from valuescape.sim.engine import Engine
from valuescape.sim.shared.layout import Ending
from valuescape.sim.worlds import WORLDS, files, load_world_file

STUB = "stub"
KINDS = {
    STUB: ("workers.count=0", "features.simd=false"),
    "alone": ("workers.count=0",),
    "spawned": ("workers.count=2", "workers.start_method=spawn"),
    "forked": ("workers.count=2", "workers.start_method=forkserver"),
}
"""The settings that choose each crew; the stub is given to the engine, and steps in plain NumPy."""


@pytest.fixture(params=KINDS)
def kind(request):
    """Name one of KINDS."""
    yield request.param
    if request.param == "forked":
        end_forkserver()


def engine_of(kind, *changes, **options):
    """Return an engine whose ticks a crew of `kind` makes; agents act at random."""
    if kind == STUB:
        options["crew"] = lambda everyone, _workers: StubCrew(everyone)
    return Engine(small(*KINDS[kind], *changes), None, **options)


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
    monkeypatch.setattr("valuescape.sim.crew.choose.Workers", lambda everyone, workers: (everyone, workers))
    monkeypatch.setattr("valuescape.sim.crew.choose.Alone", lambda everyone: everyone)
    assert make_crew("everyone", 0) == "everyone"
    assert make_crew("everyone", 3) == ("everyone", 3)


@cache
def expected(tick):
    """Return the state hash at `tick` of the stub, which is the specification."""
    with engine_of(STUB) as engine:
        engine.advance_to(tick)
        return engine.state_hash()


def test_ticks_made_in_step_come_to_the_same_state(kind):
    """As fast as can be, whatever pace is set."""
    with engine_of(kind, "sim.ticks_per_s=1") as engine:
        engine.wait_ready()
        for tick in (0, 1, 2, 2, 41, 300):
            engine.advance_to(tick)
            assert engine.newest_tick == engine.furthest_tick == tick
        assert engine.state_hash() == expected(300)


def test_ticks_made_beside_the_caller_stop_where_they_are_told_and_come_to_the_same_state(kind):
    with engine_of(kind) as engine:
        engine.wait_ready()
        for tick in (1, 2, 57):
            engine.run_until(tick)
            check_until(engine, lambda tick=tick: engine.newest_tick == tick)
            time.sleep(0.02)
            engine.check()
            assert engine.newest_tick == engine.furthest_tick == tick
        engine.run_freely()
        check_until(engine, lambda: engine.newest_tick > 60)
        paused = engine.rest()
        time.sleep(0.02)
        engine.check()
        assert engine.newest_tick == engine.furthest_tick == paused
        assert engine.state_hash() == expected(paused)


def test_ticks_keep_to_the_clock(kind):
    with engine_of(kind, "sim.ticks_per_s=200") as engine:
        engine.wait_ready()
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


def test_agents_do_what_they_are_given(kind):
    """Each tick is the one that the world itself makes of the tick before and the actions in the arena."""
    actions = np.random.default_rng(3).uniform(-1, 1, (10, 1, 70)).astype(np.float32)
    with engine_of(kind, given_actions=True) as engine:
        engine.wait_ready()
        for tick, given in enumerate(actions):
            expected, _, _ = step(engine.world, engine.row("state", tick).copy(), given)
            goes_on = engine.row("ending", tick) == Ending.RUNNING
            engine.arena["given_action"][:] = given
            engine.advance_to(tick + 1)
            assert (engine.row("state", tick + 1) == expected)[:, goes_on].all()
        assert goes_on.any()


def test_the_stepper_of_all_agents_starts_episodes_again_while_nothing_is_made(kind):
    with engine_of(kind, given_actions=True, autoreset=False) as engine:
        engine.wait_ready()
        engine.advance_to(5)
        engine.stepper().restart(np.array([0, 69]), 5)
        assert engine.episodes().number.nonzero()[0].tolist() == [0, 69]
        engine.advance_to(6)
        assert engine.episodes().step[[0, 1, 69]].tolist() == [1, 6, 1]


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
def breaks(tmp_path, monkeypatch):
    """Name a world in which the step after tick 12 raises."""
    monkeypatch.setattr(files, "_loaded", {})
    (tmp_path / "breaks.py").write_text(BREAKS)
    load_world_file(tmp_path / "breaks.py")
    yield ("world.name=breaks", "workers.max_restarts=0")
    del WORLDS["breaks"]


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

    def kept(everyone, workers):
        crews.append(StubCrew(everyone) if kind == STUB else make_crew(everyone, workers))
        return crews[0]

    with Engine(small(*KINDS[kind]), None, crew=kept) as engine:
        engine.wait_ready()
        engine.run_freely()
        assert all(pid != os.getpid() for pid in engine.worker_pids)
        began = time.monotonic()
        crews[0].close()
        assert time.monotonic() - began < 5
        assert kind == "forked" or own_descendants() == set()
        crews[0].close()


def test_an_end_before_the_first_tick_is_there_ends_all_too(kind):
    before = own_descendants()
    with engine_of(kind):
        pass
    assert kind == "forked" or own_descendants() == before
