"""Files that were loaded and are edited: another version takes their place, or all stays as it was."""

import contextlib
import sys

import pytest

from valuescape.sim.errors import UsageError
from valuescape.sim.plugins import PLUGINS, Kind, load_file, loads
from valuescape.sim.plugins.loading import LOADED
from valuescape.sim.plugins.replacing import replaced
from valuescape.sim.worlds import WORLDS, make_world

SYSTEM = """
    from valuescape.sim.plugins import Kind, declare

    def wind(rows):
        return 3

    declare(Kind.WORKER_SYSTEM, "wind", wind)
"""
WORLD = """
    import numpy as np
    from valuescape.api import ArrayWorld, ContinuousAction, Variable
    from push import PUSH

    class Line(ArrayWorld):
        name = "line"
        state = (Variable("x", "m", -1.0, 1.0), Variable("v", "m/s", -1.0, 1.0))
        obs = state
        action = ContinuousAction((Variable("a", "N", -1.0, 1.0),))
        step_s = 0.1
        max_episode_steps = 10
        reset_draws = 2

        def reset(self, draws, out):
            out[:] = draws

        def step(self, state, action, out, reward, terminated):
            out[:], reward[:], terminated[:] = state, PUSH, False
"""


def content(path):
    return path.read_bytes()


def pushed():
    """Return the reward of a step, which the module beside the world's file says."""
    return sys.modules[WORLDS["line"].__module__].PUSH


def declared():
    return [(str(each.kind), each.name, each.function, each.source) for each in PLUGINS]


def test_a_new_version_takes_the_place_of_the_one_before(write):
    path, other = write(SYSTEM), write(SYSTEM.replace('"wind"', '"rain"'), "other.py")
    load_file(path)
    load_file(other)
    edited = content(path).replace(b"return 3", b"return 4")
    with replaced(path, edited) as loaded:
        assert loaded.in_workers
    assert PLUGINS.find(Kind.WORKER_SYSTEM, "wind").function(None) == 4
    assert [each.content for each in loads().sources] == [edited, content(other)]
    assert [each.name for each in PLUGINS.ordered()] == ["wind", "rain"]
    assert list(LOADED) == [str(path), str(other)]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (b"\nraise ValueError('half-written')", "line 9: ValueError: half-written"),
        (b"\ndef f(:\n", "line 9: SyntaxError: "),
        (b"\ndeclare(Kind.WORKER_SYSTEM, 'rain', wind)", "'rain' is declared in"),
        (b"\ndeclare(Kind.SYSTEM, 'snow', wind, needs=['hail'])", "'snow' needs 'hail'"),
    ],
)
def test_broken_code_leaves_everything_as_it_was(write, more, said):
    path, other = write(SYSTEM), write(SYSTEM.replace('"wind"', '"rain"'), "other.py")
    load_file(path)
    load_file(other)
    before, modules = declared(), set(sys.modules)
    with pytest.raises(UsageError, match=said), replaced(path, content(path) + more):
        pass
    assert declared() == before
    assert set(sys.modules) == modules
    assert LOADED[str(path)].source.content == content(path)


def test_what_a_caller_cannot_use_is_taken_back(write):
    write("PUSH = 1.0\n", "push.py")
    path = write(WORLD)
    load_file(path)
    world, before = WORLDS["line"], declared()
    write("PUSH = 22.0\n", "push.py")
    edited = content(path).replace(b"step_s = 0.1", b"step_s = 0.2")
    with contextlib.suppress(RuntimeError), replaced(path, edited):
        assert (make_world("line").step_s, pushed()) == (0.2, 22)
        raise RuntimeError
    assert WORLDS["line"] is world
    assert (declared(), pushed()) == (before, 1)
    assert sys.modules["push"].PUSH == 1
    assert LOADED[str(path)].beside == ("push",)


def test_a_world_s_own_name_is_free_for_it_and_others_are_not(write):
    write("PUSH = 1.0\n", "push.py")
    path = write(WORLD)
    load_file(path)
    with replaced(path, content(path).replace(b'"line"', b'"lane"')):
        pass
    assert "line" not in WORLDS
    assert make_world("lane").name == "lane"
    with (
        pytest.raises(UsageError, match="is taken by class PointMass"),
        replaced(path, content(path).replace(b'"line"', b'"point_mass"')),
    ):
        pass
    assert make_world("lane").name == "lane"


def test_environments_are_registered_anew(write):
    gymnasium = pytest.importorskip("gymnasium")
    text = """
        import gymnasium

        class Own(gymnasium.Env):
            pass

        gymnasium.register("Own-v0", Own)
    """
    path = write(text)
    load_file(path)
    before = gymnasium.registry["Own-v0"]
    with replaced(path, content(path)):  # without the warning that it is registered already
        pass
    assert gymnasium.registry["Own-v0"] is not before
    now = gymnasium.registry["Own-v0"]
    with pytest.raises(UsageError), replaced(path, content(path) + b"\n1 / 0"):
        pass
    assert gymnasium.registry["Own-v0"] is now
    del gymnasium.registry["Own-v0"]
