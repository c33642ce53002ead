"""Stress: searches with known breaking loads, trials, and workers that are really killed."""

import json
from types import SimpleNamespace

import pytest
from commands import SMALL
from hypothesis import given
from hypothesis import strategies as st

from valuescape.cli.app import run_cli
from valuescape.presets import find_checkpoint
from valuescape.sim.config.files import load_config
from valuescape.sim.errors import UsageError
from valuescape.sim.interrupts import Interrupts
from valuescape.sim.worlds import make_world
from valuescape.studies import chaos as chaos_module
from valuescape.studies.breaking_point import (
    CLOSE,
    Search,
    Trial,
    as_json,
    confirmed,
    search,
    trials_left,
    verdict,
)
from valuescape.studies.chaos import disturb
from valuescape.studies.loads import LOADS, Load, try_session

TINY = [*SMALL, "workers.count=0"]


def breaks_from(point):
    """Return a `try_load` whose loads are carried below `point`."""
    return lambda load, _: Trial(load, ("too much",) if load >= point else (), fps=50.0, frame_ms_p95=20.0)


@given(st.integers(1, 1_000_000), st.integers(1, 1000))
def test_the_breaking_point_is_found(point, start):
    found = search(breaks_from(point), start, 4_000_000)
    assert found.broke.load >= point
    below = found.carried.load if found.carried else 0
    assert below < point
    assert found.broke.load - below <= max(CLOSE * found.broke.load, 1)
    assert len(found.trials) < 40


def test_what_never_breaks_ends_at_the_most():
    found = search(breaks_from(10**9), 100, 3000)
    assert [each.load for each in found.trials] == [100, 200, 400, 800, 1600, 3000]
    assert found.broke is None
    assert found.carried.load == 3000
    assert verdict(found, "agents") == ["Nothing broke up to 3,000 agents."]


def test_a_hiccup_does_not_end_the_search():
    """A load that breaks once and not again is carried; one that breaks twice is broken."""
    hiccups, tried = {200, 800}, []

    def try_load(load, so_far):
        tried.append(load)
        if load in hiccups:
            hiccups.remove(load)
            return Trial(load, ("a hiccup",))
        return breaks_from(1500)(load, so_far)

    found = search(confirmed(try_load), 100, 10**6)
    assert 1500 <= found.broke.load <= 1500 / (1 - CLOSE)
    assert tried[:7] == [100, 200, 200, 400, 800, 800, 1600]


def test_trials_left_are_about_those_that_come():
    """Known once a load has broken: halving a gap takes as many trials as its base-2 logarithm."""
    left = []

    def try_load(load, so_far):
        left.append(trials_left(so_far))
        return breaks_from(9_000)(load, so_far)

    found = search(try_load, 100, 10**6)
    first = next(index for index, each in enumerate(found.trials) if each.broken)
    assert left[: first + 1] == [None] * (first + 1)
    assert abs(left[first + 1] - (len(found.trials) - first - 1)) <= 1
    assert left[-1] <= 1


def test_a_load_of_several_kinds_is_a_share_of_what_there_is():
    config = load_config(None, ["agents.count=300", "trails.length=50", "sim.ticks_per_s=20"])
    load = Load.read("agents, trails,ticks")
    assert (load.start(config), load.unit) == (100, "% of agents, trails and ticks")
    assert load.settings(config, 150) == {
        "agents.count": 450,
        "trails.length": 75,
        "sim.ticks_per_s": 30.0,
    }
    assert load.settings(config, load.most(config))["trails.length"] <= LOADS["trails"][1]
    assert Load.read("field").settings(config, 99) == {"heatmap.resolution": 99}


def test_the_verdict_says_what_broke_and_what_dominated():
    found = Search(
        [Trial(100, fps=50.0, frame_ms_p95=21.0), Trial(110, ("P95 60, limit 50",), 20, 60, 60, "trails 70%")]
    )
    said = " ".join(verdict(found, "agents"))
    assert "100 agents are carried: 50 FPS, P95 21.0 ms" in said
    assert "With 110 agents it breaks: P95 60, limit 50" in said
    assert "trails 70%" in said
    read = json.loads(json.dumps(as_json(found, "agents"), allow_nan=False))
    assert (read["carried"], read["broke"]) == (100, 110)


def test_a_search_that_is_stopped_keeps_its_trials():
    """The trial that was cut short is dropped."""
    asked = iter([False, False, False, True])
    found = search(breaks_from(10**9), 1, 10**8, lambda: next(asked))
    assert [each.load for each in found.trials] == [1, 2, 4]


def test_a_search_that_is_stopped_while_a_run_starts_keeps_its_trials():
    def try_load(load, so_far):
        if len(so_far.trials) == 2:
            raise KeyboardInterrupt
        return breaks_from(10**9)(load, so_far)

    assert [each.load for each in search(try_load, 1, 10**8).trials] == [1, 2]


def test_a_load_that_cannot_be_run_is_broken(tmp_path, monkeypatch):
    """For example one that does not fit into memory; the search goes on."""
    monkeypatch.chdir(tmp_path)
    config = load_config(None, [*TINY, "trails.length=4096"])
    with Interrupts() as interrupts:
        trial = try_session(config, Load.read("agents"), 4_000_000, 1.0, interrupts)
    assert len(trial.broken) == 1
    assert trial.broken[0].startswith("cannot be run: ")
    assert "shared memory" in trial.broken[0]


def test_ticks_without_a_limit_cannot_be_made_more():
    config = load_config(None, ["sim.ticks_per_s=0"])
    with pytest.raises(UsageError, match="there is no more than all it can"):
        Load.read("agents,ticks").require(config)
    Load.read("ticks").require(config)


@pytest.mark.gpu
def test_a_trial_is_a_run_of_the_program(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load_config(None, [*TINY, "sim.ticks_per_s=50"])
    with Interrupts() as interrupts:
        trial = try_session(config, Load.read("agents"), 33, 1.0, interrupts)
    assert trial.load == 33
    assert trial.fps > 5
    assert 25 < trial.ticks_per_s < 75


@pytest.mark.gpu
def test_a_simulation_that_falls_behind_is_broken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Interrupts() as interrupts:
        trial = try_session(load_config(None, TINY), Load.read("ticks"), 1_000_000, 0.6, interrupts)
    assert any("of 1,000,000 ticks/s" in each for each in trial.broken)


@pytest.fixture
def crowd(monkeypatch):
    monkeypatch.setattr(chaos_module, "TICKS", 60)
    config = load_config(None, ["world.name=mountain_car", "agents.count=80", "workers.count=2"])
    return config, find_checkpoint("auto", make_world("mountain_car"))


@pytest.mark.chaos
@pytest.mark.slow
def test_nothing_is_lost_when_workers_are_killed_or_hang(crowd):
    with Interrupts() as interrupts:

        def end_after_two(_done, so_far):
            interrupts.asked = so_far.rounds == 2

        result = disturb(*crowd, seconds=60, interrupts=interrupts, on_progress=end_after_two)
    assert result.rounds == 2
    assert result.killed + result.stopped == 4
    assert result.restarts >= result.killed
    assert result.differing == []


def test_a_state_that_differs_is_told(crowd, monkeypatch):
    """Else the command would pass whatever happens."""
    monkeypatch.setattr(chaos_module, "_disturbed", lambda *_: ("another", ("tick 10: worker 0 killed",), 1))
    rounds = iter(range(100))
    interrupts = SimpleNamespace(asked=False, check=lambda: None)

    def end_soon(_done, _result):
        interrupts.asked = next(rounds) >= 1

    result = disturb(*crowd, seconds=60, interrupts=interrupts, on_progress=end_soon)
    assert result.differing == [0, 1]
    assert (result.killed, result.stopped, result.restarts) == (2, 0, 2)


def test_the_seed_of_a_round_decides_its_hash(crowd):
    """Else equal hashes would prove nothing."""
    hashes = set()
    for seed in (0, 1):
        config = crowd[0].model_copy(update={"run": crowd[0].run.model_copy(update={"seed": seed})})
        hashes.add(chaos_module._undisturbed(config, crowd[1], SimpleNamespace(check=lambda: None)))
    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--load", "colours"], "expected agents, trails, field, ticks"),
        (["--start", "10", "--most", "5"], "expected at most 5"),
        (["--chaos", "--until-break"], "--chaos does not go with"),
        (["nowhere"], "neither a preset nor a file"),
    ],
)
def test_bad_input_of_stress_is_refused(capsys, arguments, message):
    assert run_cli(["stress", *arguments]) == 2
    assert message in capsys.readouterr().err
