"""Worlds and policies that are compiled or refused, and changes after which they are compiled again."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from crowds import hash_at, small
from lives import stage
from networks import checkpoint_of, random_mlp

from valuescape.sim.elementwise import sqrt
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.network import (
    Activation,
)
from valuescape.sim.rng import normal_pair
from valuescape.sim.shared.orders import Bell
from valuescape.sim.stepping.choose import make_stepper
from valuescape.sim.stepping.spec import WorkerSpec
from valuescape.sim.stepping.stepper import Stepper
from valuescape.sim.worlds import WORLDS, make_world
from valuescape.sim.worlds.point_mass import PointMass

pytest.importorskip("numba")

from valuescape.sim.codegen.compiler import compiled_whole, inlined_whole
from valuescape.sim.stepping.tiles import ACTIVATIONS

pytestmark = pytest.mark.regression


# --- How functions are put together ----------------------------------------------------------------------


def drawn(u, v):
    return normal_pair(u, v)[0]


def test_arithmetic_that_is_also_compiled_by_itself_is_inlined_where_a_world_calls_it():
    """With a call left in it, a loop over agents is not vectorised: six times slower."""
    whole, inlined = compiled_whole(normal_pair), inlined_whole(drawn)
    called = inlined.py_func.__globals__["normal_pair"]
    assert called is not whole
    assert called.targetoptions["forceinline"]


# --- What cannot be compiled -----------------------------------------------------------------------------


class Doubled(PointMass):
    """A world with a Python float in place of an np.float32, as are the next three."""

    @staticmethod
    def dynamics(state, action):
        return (state[0] * 0.5, state[1] + action[0]), sqrt(state[0] * state[0]), state[0] > state[1]


class DoubledReward(PointMass):
    @staticmethod
    def dynamics(state, action):
        return (state[0], state[1]), state[0] * 0.5, state[0] > state[1]


class DoubledStart(PointMass):
    @staticmethod
    def start(draws):
        return draws[0] * 2.0, draws[1]


class DoubledObservation(PointMass):
    @staticmethod
    def observation(state):
        return state[0] / 3.0, state[1]


def spec_of(config, arena, rules):
    """The orders of a worker that steps all agents of `arena`."""
    bell = Bell()
    bell.close()
    part = slice(0, arena.layout.agents)
    return WorkerSpec(0, part, config, None, rules, arena, (), bell)


@pytest.mark.parametrize("world", [Doubled, DoubledReward, DoubledStart, DoubledObservation])
def test_a_world_that_calculates_in_float64_is_refused(monkeypatch, world):
    monkeypatch.setitem(WORLDS, "doubled", world)
    monkeypatch.setattr(world, "name", "doubled")
    arena, rules = stage(world(), 10)
    with pytest.raises(UsageError) as refusal:
        make_stepper(spec_of(small("world.name=doubled"), arena, rules))
    first, second = str(refusal.value).splitlines()
    assert first.startswith("world doubled cannot be compiled: ")
    assert "float32" in first
    assert second == "  use valuescape.api's functions and np.float32 constants, or --set features.simd=false"
    plain = make_stepper(spec_of(small("world.name=doubled", "features.simd=false"), arena, rules))
    assert type(plain) is Stepper


class Unknown(PointMass):
    @staticmethod
    def dynamics(state, action):
        return (state[0].astype(int), state[1]), state[0], state[0] > state[1]  # NumPy's alone


def test_what_the_compiler_does_not_know_is_named_by_line(monkeypatch):
    monkeypatch.setitem(WORLDS, "unknown", Unknown)
    monkeypatch.setattr(Unknown, "name", "unknown")
    arena, rules = stage(Unknown(), 10)
    line = 1 + Path(__file__).read_text().splitlines().index(
        "        return (state[0].astype(int), state[1]), state[0], state[0] > state[1]  # NumPy's alone"
    )
    said = f"world unknown cannot be compiled: test_compiler.py line {line}: Unknown attribute 'astype'"
    with pytest.raises(UsageError, match=said):
        make_stepper(spec_of(small("world.name=unknown"), arena, rules))


def test_a_policy_without_machine_code_takes_the_plain_path():
    config = small()
    arena, rules = stage(make_world("point_mass"), 10)
    spec = spec_of(config, arena, rules)
    assert type(make_stepper(spec)) is not Stepper
    odd = checkpoint_of(random_mlp((2, 8, 1), Activation.GELU))
    assert Activation.GELU not in ACTIVATIONS
    assert type(make_stepper(replace(spec, checkpoint=odd))) is Stepper


# --- Kept machine code -----------------------------------------------------------------------------------

ROOT = Path(__file__).parents[3]


def python(script, *arguments, **environment):
    """Run a script in a process of its own; return the words that it prints."""
    done = subprocess.run(
        [sys.executable, str(script), *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


STEPS = """
import sys
import valuescape.sim.stepping.compiled.turns
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine
from valuescape.sim.codegen.compiler import _made
from valuescape.sim.stepping.compiled.stepper import _elementwise_loops

with Engine(load_config(None, ["agents.count=70", "workers.count=0"]), None) as engine:
    engine.advance_to(3)
found = [each for each in vars(valuescape.sim.stepping.compiled.turns).values() if hasattr(each, "stats")]
found += _elementwise_loops()
print(bool(sum(sum(each.stats.cache_hits.values()) for each in found)))
print(sum(sum(each.stats.cache_misses.values()) for each in found))
print(len(_made), sum(made.cache_hits for made in _made))
print("numba.typed.typedlist" in sys.modules)
"""


def test_a_second_process_compiles_nothing(tmp_path):
    """It finds the ticks and the world's functions, which the first process has kept, and that is all.

    numba's tables for a compilation name its lists, among others.
    """
    script = tmp_path / "steps.py"
    script.write_text(STEPS)
    python(script)
    assert python(script) == ["True", "0", "3", "3", "False"]


WORLD = """
import numpy as np
from valuescape.sim.worlds.point_mass import PointMass
from valuescape.presets import find_checkpoint
from helper import pull

SHARE = np.float32(0.5)

class Mine(PointMass):
    @staticmethod
    def dynamics(state, action):
        return (state[0] * SHARE + pull(state[1]), state[1]), state[0], state[0] > state[1]
"""

HELPER = """
import numpy as np

FORCE = np.float32(8)

def pull(x):
    return x * FORCE
"""

CALLS = """
import ctypes
from valuescape.sim.codegen import notice as compiling
compiling.listen(lambda: print("compiling"))
import numpy as np
from mine import Mine
from valuescape.sim.codegen.compiler import _made
from valuescape.sim.stepping.compiled.world import world_code
from valuescape.sim.stepping.choose import make_stepper
from valuescape.sim.stepping.spec import WorkerSpec
from valuescape.sim.stepping.stepper import Rules

code = world_code(Mine(), Rules((0, 1)), keeps_obs=False)
rows = np.ones((code.at.size, 2), np.float32)  # the trail takes two numbers an agent
table = np.array([row.ctypes.data for row in rows], np.uint64)
finish = ctypes.CFUNCTYPE(None, ctypes.c_size_t, ctypes.c_ssize_t, ctypes.c_size_t)(code.finish)
finish(table.ctypes.data, 1, 1)
print(rows[code.at.next_state, 0], sum(made.cache_hits for made in _made))
"""


@pytest.fixture(scope="module")
def kept_world(tmp_path_factory):
    """A script that calls a world, whose machine code is kept; a second process finds it."""
    folder = tmp_path_factory.mktemp("world")
    for name, source in (("mine.py", WORLD), ("helper.py", HELPER), ("calls.py", CALLS)):
        (folder / name).write_text(source)
    kept = {"NUMBA_CACHE_DIR": str(folder / "kept")}
    assert python(folder / "calls.py", **kept) == ["compiling", "8.5", "0"]
    assert python(folder / "calls.py", **kept) == ["8.5", "3"]
    return folder


@pytest.mark.parametrize(
    ("file", "before", "after", "expected"),
    [
        ("mine.py", "float32(0.5)", "float32(0.25)", "8.25"),
        ("mine.py", "+ pull", "- pull", "-7.5"),
        ("helper.py", "x * FORCE", "x / FORCE", "0.625"),
        ("helper.py", "float32(8)", "float32(4)", "4.5"),
    ],
    ids=["constant", "dynamics", "function elsewhere", "constant elsewhere"],
)
def test_a_change_of_a_worlds_source_is_noticed(kept_world, file, before, after, expected):
    """Starts and observations are inherited and have not changed: they are found."""
    changed = kept_world / file
    source = changed.read_text()
    changed.write_text(source.replace(before, after))
    kept = {"NUMBA_CACHE_DIR": str(kept_world / "kept")}
    assert python(kept_world / "calls.py", **kept) == ["compiling", expected, "2"]
    changed.write_text(source)


# --- Without numba ---------------------------------------------------------------------------------------

WITHOUT = """
import sys
sys.modules["numba"] = None  # as if it were not installed, here and in workers, which import this too

from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine

if __name__ == "__main__":
    with Engine(load_config(None, sys.argv[1:]), None) as engine:
        engine.wait_ready()
        engine.advance_to(150)
        print(engine.state_hash())
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_without_numba_everything_runs_and_comes_to_the_same(tmp_path, workers):
    script = tmp_path / "without.py"
    script.write_text(WITHOUT)
    changes = ["agents.count=70", "trails.length=16", f"workers.count={workers}", "sim.ticks_per_s=0"]
    expected = hash_at(150, small("run.seed=0"))
    assert python(script, *changes) == [expected]


def test_the_switch_and_numbas_absence_both_give_the_plain_path(monkeypatch):
    arena, rules = stage(make_world("point_mass"), 10)
    assert type(make_stepper(spec_of(small("features.simd=false"), arena, rules))) is Stepper
    monkeypatch.setattr("valuescape.sim.stepping.choose.available", lambda: False)
    assert type(make_stepper(spec_of(small(), arena, rules))) is Stepper
