"""Machine code on disk: found by the content of all that it is made of, checked, or not kept."""

import copy
import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

pytest.importorskip("numba")

ROOT = Path(__file__).parents[3]

WORLD = """
import enum, json, sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from valuescape.sim.elementwise import where
from valuescape.sim.worlds.point_mass import PointMass

sys.path.insert(0, str(Path(__file__).parent))
import helper

VALUES = json.load(open(Path(__file__).parent / "values.json"))
VALUES = {name: np.float32(value) for name, value in VALUES.items()}

class Rules(NamedTuple):
    push: np.float32
    drag: np.float32

class Side(enum.Enum):
    LEFT = VALUES["enum"]

NUMBER = VALUES["number"]
MAP = tuple(VALUES[name] for name in ("number", "tuple"))
TABLE = np.array([1, VALUES["array"]], np.float32)
NESTED = ((np.float32(1), (np.float32(0), VALUES["nested"])),)
RULES = Rules(np.float32(1), VALUES["namedtuple"])

def add_default(x, much=VALUES["default"]):
    return x + much

def make_adder(much):
    def add(x):
        return x + much
    return add

add_closed = make_adder(VALUES["closure"])

class Mine(PointMass):
    name = "mine"
    parameters = ()

    @staticmethod
    def dynamics(state, action):
        x = state[0] + MAP[1] + TABLE[1] + NESTED[0][1][1] + RULES.drag + Side.LEFT.value
        x = add_closed(add_default(x)) + helper.FORCE + helper.pull(NUMBER)
        x = x + helper.TABLE[0]
        return (x, state[1]), state[0], state[0] > state[1]
"""

HELPER = """
import json
from pathlib import Path
import numpy as np

_values = json.load(open(Path(__file__).parent / "values.json"))
FORCE = np.float32(_values["module_attribute"])
TABLE = (np.float32(_values["module_table"]),)
_SHARE = np.float32(_values["function_elsewhere"])

def pull(x):
    return (lambda y: y * _SHARE)(x)
"""

CALLS = """
import ctypes, logging, sys
import numpy as np
from valuescape.sim.codegen.compiler import _made
from valuescape.sim.stepping.compiled.world import world_code
from valuescape.sim.stepping.stepper import Rules
from valuescape.sim.worlds import load_world_file

def moved(world):
    code = world_code(world, Rules((0, 1)), keeps_obs=False)
    rows = np.zeros((code.at.size, 2), np.float32)
    table = np.array([row.ctypes.data for row in rows], np.uint64)
    finish = ctypes.CFUNCTYPE(None, ctypes.c_size_t, ctypes.c_ssize_t, ctypes.c_size_t)(code.finish)
    finish(table.ctypes.data, 1, 1)
    return float(rows[code.at.next_state, 0])

def hits():
    return sum(made.cache_hits for made in _made)

if __name__ == "__main__":
    world, = (each() for each in load_world_file(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        before = hits()
        print(moved(world), hits() - before)
"""

NAMES = "tuple array nested namedtuple enum default closure module_attribute module_table function_elsewhere"
VALUES = {name: float(2**index) for index, name in enumerate(NAMES.split())} | {"number": 1.0}
TOTAL = str(sum(VALUES.values()) - VALUES["number"])
"""The result of the world's step: the sum of all values but one, by which it multiplies."""


def written(path):
    """Write to a folder a world that reads every kind of value from a file, and a script that calls it."""
    for name, text in (("mine.py", WORLD), ("helper.py", HELPER), ("calls.py", CALLS)):
        (path / name).write_text(text)
    (path / "values.json").write_text(json.dumps(VALUES))
    return path


@pytest.fixture
def folder(tmp_path):
    return written(tmp_path)


@pytest.fixture(scope="module")
def kept_folder(tmp_path_factory):
    """A folder in which the world's machine code is kept, for tests that leave it so."""
    path = written(tmp_path_factory.mktemp("kept"))
    assert run(path) == ([TOTAL, "0"], "")
    return path


def run(folder, script="calls.py", world="mine.py", argument="1", own_cache=True):
    """Run a script in a process of its own; returns (the words of its stdout, its stderr).

    own_cache: whether machine code is kept in the folder, or where all tests keep theirs.
    """
    kept = {"NUMBA_CACHE_DIR": str(folder / "kept")} if own_cache else {}
    done = subprocess.run(
        [sys.executable, str(folder / script), str(folder / world), argument],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | kept,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(), done.stderr


EACH = """
import json, sys
from pathlib import Path
from calls import hits, moved

VALUES = Path(__file__).parent / "values.json"
values = json.loads(VALUES.read_text())
for name in ("nothing", "nothing", *sys.argv[2].split()):
    changed = {} if name == "nothing" else {name: values[name] + 4096}
    VALUES.write_text(json.dumps(values | changed))
    for module in ("mine", "helper"):
        sys.modules.pop(module, None)
    from mine import Mine
    before = hits()
    print(name, moved(Mine()), hits() - before)
"""


def test_a_changed_value_of_any_kind_is_noticed(folder):
    """The world's source stays the same; only the file that its constants are read from changes.

    Starts and observations do not read them, and are found.
    """
    (folder / "each.py").write_text(EACH)
    found, said = run(folder, "each.py", argument=NAMES)
    changed = str(float(TOTAL) + 4096)
    expected = [("nothing", TOTAL, "0"), ("nothing", TOTAL, "3")]
    expected += [(name, changed, "2") for name in NAMES.split()]
    assert [*zip(found[::3], found[1::3], found[2::3], strict=True)] == expected
    assert said == ""


def test_what_one_process_keeps_another_finds(kept_folder):
    assert run(kept_folder) == ([TOTAL, "3"], "")


CHANGED = """
import sys
from calls import moved
import numpy as np
from valuescape.sim.worlds import load_world_file

world, = (each() for each in load_world_file(sys.argv[1]))
print(moved(world))
import helper
helper._SHARE = np.float32(4096)
print(moved(world))
"""


def test_a_value_that_changes_within_a_process_is_noticed_too(folder):
    """Otherwise the old machine code of the called function would be kept under the new key."""
    (folder / "changed.py").write_text(CHANGED)
    changed = str(float(TOTAL) - VALUES["function_elsewhere"] + 4096)
    assert run(folder, "changed.py")[0] == [TOTAL, changed]
    (folder / "values.json").write_text(json.dumps(VALUES | {"function_elsewhere": 4096.0}))
    assert run(folder)[0][0] == changed


@pytest.mark.parametrize(
    "damage", ["cut short", "a flipped bit", "empty", "another's", "of an older numba", "a folder"]
)
def test_a_damaged_file_names_itself_and_is_made_anew(kept_folder, damage):
    files = sorted((kept_folder / "kept").rglob("*step*.nbc"))
    assert len(files) == 1
    content = files[0].read_bytes()
    if damage == "cut short":
        files[0].write_bytes(content[: len(content) // 2])
    elif damage == "a flipped bit":
        middle = content.index(b"\x7fELF") + 2000  # machine code, which would run
        files[0].write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    elif damage == "empty":
        files[0].write_bytes(b"")
    elif damage == "another's":
        other = next(path for path in (kept_folder / "kept").rglob("*start*.nbc"))
        files[0].write_bytes(other.read_bytes())
    elif damage == "of an older numba":
        files[0].write_bytes(b"\x80\x04\x8c\x060.60.0\x94.")
    else:
        files[0].unlink()
        files[0].mkdir()
    words, said = run(kept_folder, argument="2")
    assert words[:2] == [TOTAL, "2"]
    assert str(files[0]) in said
    if damage == "a folder":
        assert words[2:] == [TOTAL, "2"]
        files[0].rmdir()
        files[0].write_bytes(content)
    else:
        assert words[2:] == [TOTAL, "3"]
        assert len(said.splitlines()) == 1


def content(function):
    from valuescape.sim.codegen.content import content_of

    return content_of([function])


def made_of(value):
    """The content of a function that reads `value`."""
    return content(eval("lambda: VALUE", {"VALUE": value, "__name__": "nowhere"}))


@dataclasses.dataclass
class Point:
    x: object


class Pair(NamedTuple):
    x: object
    y: object


def of_one(x):
    return x + 1


def of_two(x):
    return x + 2


def holder(value):
    return lambda: value


DIFFERENT = {
    "numbers": [1, 1.0, True, np.float32(1), np.float64(1), np.int8(1), 1 + 0j, "1", b"1", None, ...],
    "zeros": [0.0, -0.0, 0, False, np.float32(-0.0)],
    "containers": [(1, 2), [1, 2], (2, 1), ((1,), 2), (1, (2,)), (1, 2, 3), {1: 2}, {1, 2}, Pair(1, 2), ()],
    "arrays": [
        np.arange(4, dtype=np.float32),
        np.arange(4, dtype=np.int32),
        np.arange(4, dtype=np.float32).reshape(2, 2),
        np.arange(4, dtype=np.float32).reshape(2, 2).T,
        np.float32([0, 1, 2, 4]),
        np.zeros(2, [("a", "f4"), ("b", "f4")]),
        np.zeros(2, [("a", "f4"), ("c", "f4")]),
    ],
    "within": [Point(1), Point(2), Point([1]), Point((np.float32(1),)), (Point(1),), {"a": Point(1)}],
    "functions": [of_one, of_two, (of_one,), (of_two,), {"f": of_one}, {"f": of_two}, [of_one, of_two]],
    "closures": [holder(1), holder(2), holder(np.float32([1])), holder(np.float32([2])), holder(of_one)],
    "code": [lambda x: x + 1, lambda x: x + 2, lambda x: x - 1, lambda x, y=1: x + 1, lambda x, y=2: x + 1],
    "lambdas within": [
        eval("lambda: (lambda y: y + A)(1)", {"A": 1, "__name__": "nowhere"}),
        eval("lambda: (lambda y: y + A)(1)", {"A": 2, "__name__": "nowhere"}),
        eval("lambda: [y + A for y in (1,)]", {"A": 1, "__name__": "nowhere"}),
        eval("lambda: [y + A for y in (1,)]", {"A": 2, "__name__": "nowhere"}),
    ],
}


@pytest.mark.parametrize("kind", DIFFERENT)
def test_different_values_have_different_content_and_equal_ones_the_same(kind):
    found = [made_of(value) for value in DIFFERENT[kind]]
    assert len(set(found)) == len(found)
    assert found == [made_of(copy.deepcopy(value)) for value in DIFFERENT[kind]]


def test_content_is_the_same_in_every_process(tmp_path):
    """Sets of texts, too, have the same content; their order differs between processes."""
    script = tmp_path / "content.py"
    script.write_text(
        "from valuescape.sim.codegen.content import content_of\n"
        "SET, NAMED = {'left', 'right', 'up', 'down'}, frozenset('abcdef')\n"
        "def reads(x):\n    return x in SET or x in {'p', 'q', 'r'} or NAMED\n"
        "print(content_of([reads]).hex(), hash('left'))\n"
    )
    first, second = (run(tmp_path, "content.py")[0] for _ in range(2))
    assert first[0] == second[0]
    assert first[1] != second[1]


def test_what_contains_itself_has_content():
    loop, other = [1], [2]
    loop.append(loop)
    other.append(other)
    assert made_of(loop) != made_of(other)


class Odd:
    def __repr__(self):
        return "Odd"


def test_an_array_that_numba_does_not_keep_has_no_content():
    from valuescape.sim.codegen.content import NoContentError

    made_of(np.zeros(10**6, np.uint8))
    with pytest.raises(
        NoContentError, match=r"VALUE in <lambda> is an array of 1\.1 MB, which numba does not keep"
    ):
        made_of(np.zeros(11 * 10**5, np.uint8))


@pytest.mark.parametrize("value", [Odd(), (1, Odd()), {"a": Odd()}, Point(Odd()), iter([1]), holder(Odd())])
def test_what_has_no_content_is_named(value):
    from valuescape.sim.codegen.content import NoContentError

    with pytest.raises(
        NoContentError, match=r"(VALUE|value) in .* is a (Odd|list_iterator), of which no content"
    ):
        made_of(value)


LARGE = (
    WORLD
    + """
LARGE = np.full(300_000, NUMBER, np.float32)

class Mine(Mine):
    @staticmethod
    def dynamics(state, action):
        return (state[0] + LARGE[0], state[1]), state[0], state[0] > state[1]
"""
)


def test_what_has_no_content_runs_but_is_not_kept_and_that_is_said_once(folder):
    (folder / "large.py").write_text(LARGE)
    for kept in ("0", "2"):  # starts and observations are kept
        words, said = run(folder, world="large.py")
        assert words == ["1.0", kept]
        assert re.fullmatch(
            r"LARGE in Mine\.dynamics is an array of 1\.2 MB, .* is not kept, every start compiles it\n", said
        )
    assert not list((folder / "kept").rglob("*step*"))


LINES = """
import sys
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine
from valuescape.sim.worlds import load_world_file

if __name__ == "__main__":
    load_world_file(sys.argv[1])
    changes = ["world.name=mine", "agents.count=70", f"workers.count={sys.argv[2]}"]
    changes.append("workers.start_method=forkserver")  # quicker
    with Engine(load_config(None, changes), None) as engine:
        engine.wait_ready()
        engine.advance_to(3)
        print(engine.newest_tick)
"""


def test_with_workers_it_is_said_once(folder):
    (folder / "large.py").write_text(LARGE)
    (folder / "lines.py").write_text(LINES)
    words, said = run(folder, "lines.py", "large.py", argument="2", own_cache=False)
    assert words == ["3"]
    assert len(said.splitlines()) == 1


def test_a_processor_that_is_named_is_compiled_for(kept_folder, monkeypatch):
    """One with fewer features comes to the same; what is kept for this one is not taken."""
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    assert run(kept_folder) == ([TOTAL, "0"], "")


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"NUMBA_CPU_NAME": "pentium", "NUMBA_CPU_FEATURES": ""}, "does not run here"),
        ({"NUMBA_CPU_NAME": "no_such_cpu"}, "'no_such_cpu' is not a recognized processor"),
        ({"NUMBA_CPU_FEATURES": "+sse2,+no_such_thing"}, "'.no_such_thing' is not a recognized feature"),
    ],
)
def test_a_processor_that_does_not_run_here_is_refused(folder, named, said):
    """LLVM would abort the workers."""
    (folder / "lines.py").write_text(LINES)
    done = subprocess.run(
        [sys.executable, str(folder / "lines.py"), str(folder / "mine.py"), "2"],
        env=os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(folder / "kept")} | named,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 1
    first, second = done.stderr.splitlines()[-2:]
    assert re.search(said, first)
    assert next(iter(named)) in first
    assert "features.simd=false" in second
