"""Analyses whose parts are made by several processes: here by a stub, which loses parts on purpose."""

import dataclasses
import pickle
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest
from small_worlds import Chain, always_on

from valuescape.analysis.analysis import Plan, analyze
from valuescape.analysis.episodes import run_episodes
from valuescape.analysis.making import EpisodesAsked, Here, TruthAsked
from valuescape.analysis.output import write_report
from valuescape.analysis.spread import sharing
from valuescape.analysis.spread.hands import Lost, Raised, StubHands
from valuescape.analysis.spread.parts import CellsPart, EpisodesPart, Setting
from valuescape.analysis.spread.sharing import MOST_LOST, Shared, runs_of
from valuescape.analysis.summary import arrays_of
from valuescape.presets import find_checkpoint
from valuescape.sim.config.files import Config, changed
from valuescape.sim.crew.failures import Failure
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import map_plane
from valuescape.sim.plugins.carrying import CarriedCode, carried_code
from valuescape.sim.rollouts.judging import judging_rules
from valuescape.sim.worlds import make_world

GONE = Lost("on a node: it is gone")


@dataclasses.dataclass
class Subject:
    """A shipped checkpoint in its world."""

    config: Config
    checkpoint: object
    plane: object

    def shared(self, hands):
        return Shared(hands, Setting(self.config, CarriedCode()))

    def asked(self, **changes):
        rules = judging_rules(self.checkpoint, self.plane.world, time_limit=False, seed=3, alpha=None)
        return TruthAsked(self.checkpoint, self.plane, 16, replace(rules, max_steps=20), 5, **changes)


def subject(name):
    file = f"configs/checkpoints/{name}.safetensors"
    config = changed(Config(), {"world.name": name, "policy.checkpoint": file})
    world = make_world(name, config)
    checkpoint = replace(find_checkpoint(file, world), gamma=0.5)  # so that few steps follow each
    return Subject(config, checkpoint, map_plane(config, world))


@pytest.fixture(scope="module")
def pendulum():
    """A policy that draws its actions."""
    return subject("pendulum")


def require_same(one, other):
    for each in dataclasses.fields(one):
        a, b = (np.asarray(getattr(of, each.name)) for of in (one, other))
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes()), each.name


@pytest.mark.parametrize(("hands", "ends"), [(1, {}), (2, {1: GONE}), (3, {0: GONE, 2: GONE}), (9, {})])
@pytest.mark.parametrize("alpha", [None, 0.0])
def test_episodes_are_the_same_for_any_split(pendulum, hands, ends, alpha):
    """Also where parts are lost, and come back in another order than they were given in."""
    asked = EpisodesAsked(pendulum.checkpoint, pendulum.plane.world, 130, 3, alpha)
    stub = StubHands(hands, dict(ends))
    with pendulum.shared(stub) as made_by:
        require_same(made_by.episodes(asked, lambda *_: True), Here(1).episodes(asked, lambda *_: True))
    assert len(stub.given) == min(hands, 5) + len(ends)


@pytest.mark.parametrize("simd", [True, False])
def test_rollouts_are_the_same_for_any_split(pendulum, simd, monkeypatch):
    """And for pieces of any size: here they are as small as they get."""
    monkeypatch.setattr(sharing, "PIECE_S", 0.0)
    monkeypatch.setattr(sharing, "_LEAST_CELLS", 11)
    asked = pendulum.asked(simd=simd)
    stub = StubHands(3, {1: GONE, 5: GONE})
    with pendulum.shared(stub) as made_by:
        require_same(made_by.truth(asked, lambda _: True), Here(2).truth(asked, lambda _: True))
    assert len(stub.given) > 40
    assert {part.first for part in stub.given} == {0, 1, 4}


def test_rollouts_of_a_policy_that_draws_nothing_are_made_once():
    car = subject("mountain_car")
    stub = StubHands(2)
    with car.shared(stub) as made_by:
        require_same(made_by.truth(car.asked(), lambda _: True), Here(2).truth(car.asked(), lambda _: True))
    assert {(part.first, part.last) for part in stub.given} == {(0, 1)}


def test_a_whole_analysis_is_the_same_and_its_report_to_the_last_byte(pendulum, tmp_path, monkeypatch):
    """But for the date, and the seconds that it took, which are given here."""
    now = datetime.now(UTC)
    monkeypatch.setattr("valuescape.run.report.datetime", SimpleNamespace(now=lambda _: now))
    plan = Plan(episodes=64, cells=16, rollouts=2, seed=5, threads=1)
    of = pendulum.checkpoint, pendulum.plane, plan, lambda *_: True
    with pendulum.shared(StubHands(3, {2: GONE})) as made_by:
        found = [analyze(*of, each) for each in (None, made_by)]
    reports = tmp_path / "here.html", tmp_path / "there.html"
    for each, path in zip(found, reports, strict=True):
        write_report(each, path, "pendulum", 1.0)
    assert len({path.read_bytes() for path in reports}) == 1
    one, other = map(arrays_of, found)
    assert one.keys() == other.keys()
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)
    assert found[0].numbers == found[1].numbers
    assert found[0].judged.bootstrapped == found[1].judged.bootstrapped


def test_a_part_of_episodes_is_what_it_is_in_the_whole():
    whole, part = (run_episodes(always_on(), Chain(), n, 3, first=begin) for n, begin in ((96, 0), (32, 64)))
    assert np.array_equal(part.realised, whole.realised[whole.episode >= 64])


def test_runs_of_rollouts_leave_none_out():
    for rollouts in (1, 2, 4, 5, 64, 1000):
        runs = runs_of(rollouts)
        assert runs[0] == (0, 1)
        assert [end for _, end in runs[:-1]] == [begin for begin, _ in runs[1:]]
        assert runs[-1][1] == rollouts


def test_a_part_that_ends_its_process_again_and_again_is_given_up(pendulum):
    stub = StubHands(1, dict.fromkeys(range(99), GONE))
    told = []
    asked = EpisodesAsked(pendulum.checkpoint, pendulum.plane.world, 64, 3)
    made_by = Shared(stub, Setting(pendulum.config, CarriedCode()), told.append)
    with made_by, pytest.raises(UsageError, match=r"has ended its process 4 times, .* it is gone"):
        made_by.episodes(asked, lambda *_: True)
    assert len(stub.given) == MOST_LOST + 1
    assert told == ["a process was lost on a node: it is gone; its part is made again"] * MOST_LOST


def test_what_a_part_raises_names_its_node(pendulum):
    error = UsageError("world.name: 'gymnasium:X' is unknown", "install it")
    asked = EpisodesAsked(pendulum.checkpoint, pendulum.plane.world, 64, 3)
    stub = StubHands(2, {1: Raised(Failure.of(error), "node 10.0.0.3")})
    with pendulum.shared(stub) as made_by, pytest.raises(UsageError) as raised:
        made_by.episodes(asked, lambda *_: True)
    assert raised.value.args[0] == "node 10.0.0.3: world.name: 'gymnasium:X' is unknown"
    assert raised.value.hint == "install it"


def test_episodes_that_are_stopped_count_as_far_as_they_are(pendulum):
    asked = EpisodesAsked(pendulum.checkpoint, pendulum.plane.world, 64, 3)
    shares = []

    def once(step, most):
        shares.append(step / most)
        return False

    with pendulum.shared(StubHands(2)) as made_by:
        found = made_by.episodes(asked, once)
    assert len(shares) == 1
    assert found.interrupted == 32  # of the second part, which had begun; the first was whole
    assert np.isnan(found.returns).sum() == 32


def test_rollouts_that_are_stopped_show_what_is_there(pendulum):
    stub = StubHands(2)
    with pendulum.shared(stub) as made_by:
        found = made_by.truth(pendulum.asked(), lambda share: share < 0.05)
        assert stub.shares() == []  # nothing is at work for what is of no use
    assert 0 < found.progress < 0.5
    assert np.isfinite(found.value).any()


def test_parts_are_the_same_whatever_they_carry():
    """For they are counted by."""
    sums = np.ones((6, 2))
    assert CellsPart(0, 2, 1, 4, sums) == CellsPart(0, 2, 1, 4)
    assert len({CellsPart(0, 2, 1, 4, sums), CellsPart(0, 2, 1, 4), EpisodesPart(0, 2)}) == 2


@pytest.fixture
def without_loaded():
    """Nothing of users' own is loaded, before or after."""
    from valuescape.sim.plugins.loading import LOADED
    from valuescape.sim.plugins.registry import PLUGINS

    before, modules = dict(LOADED), set(sys.modules)
    yield
    for key in LOADED.keys() - before.keys():
        PLUGINS.withdraw(key)
        del LOADED[key]
    for name in set(sys.modules) - modules:
        if "of_mine" in name or name.startswith("valuescape_plugin"):
            del sys.modules[name]


ENV = """
import gymnasium
from helper_of_mine import LENGTH
from package_of_mine.inner import START

class Line(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-LENGTH, LENGTH, (2,))
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        self.state = __import__("numpy").array([START, 0], "f4")
        return self.state, {}

    def step(self, action):
        self.state = self.state + (0.5 if action else -0.5)
        return self.state.astype("f4"), -1.0, bool(abs(self.state[0]) > LENGTH), False, {}
"""


def test_another_machine_gets_the_texts_of_files_and_of_what_they_import(tmp_path, without_loaded):
    """There the folder is not: here it is gone before a process without it makes the world."""
    from valuescape.sim.worlds import load_env_file

    folder = tmp_path / "mine"
    (folder / "package_of_mine").mkdir(parents=True)
    (folder / "line.py").write_text(ENV)
    (folder / "helper_of_mine.py").write_text("LENGTH = 3.0\n")
    (folder / "package_of_mine" / "__init__.py").write_text("")
    (folder / "package_of_mine" / "inner.py").write_text("START = 0.25\n")
    load_env_file(folder / "line.py")
    config = changed(Config(), {"world.name": "Line", "world.max_episode_steps": 9})
    setting = Setting(config, carried_code())
    names = {each.name for each in setting.code.modules}
    assert names == {"helper_of_mine", "package_of_mine", "package_of_mine.inner"}
    sent = tmp_path / "sent"
    sent.write_bytes(pickle.dumps(setting))
    folder.rename(tmp_path / "elsewhere")
    script = (
        "import pickle, sys; world = pickle.load(open(sys.argv[1], 'rb')).world()\n"
        "print(world.name, world.state[0].high, world.max_episode_steps)"
    )
    done = subprocess.run([sys.executable, "-c", script, sent], capture_output=True, text=True)
    assert done.stdout.split() == ["Line", "3.0", "9"], done.stderr


def test_a_module_that_is_no_text_is_refused_by_its_name(tmp_path, without_loaded, monkeypatch):
    from valuescape.sim.worlds import load_env_file

    (tmp_path / "line.py").write_text(ENV.replace("from package_of_mine.inner import START", "START = 1"))
    (tmp_path / "helper_of_mine.py").write_text("LENGTH = 3.0\n")
    load_env_file(tmp_path / "line.py")
    monkeypatch.setattr(sys.modules["helper_of_mine"], "__file__", str(tmp_path / "helper_of_mine.so"))
    with pytest.raises(UsageError, match=r"helper_of_mine, whose file helper_of_mine\.so is no Python"):
        carried_code()
