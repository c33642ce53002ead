"""The house rules that a machine can hold: which way imports point, what a worker loads, what files say."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("sim", "gpu", "render", "valuescape")
"""From the ground up: a room imports from itself and from those before it."""

FLOORS = {
    "sim": (
        *("arrays", "elementwise", "errors", "interrupts", "resources"),
        *("paths", "rng", "config", "shared", "codegen", "cells", "plugins", "worlds", "policy", "insight"),
        *("measuring", "stepping", "rollouts", "fields", "crew"),
        *("formation", "changes", "succession", "reading", "running", "changing", "engine", "cluster"),
    ),
    "gpu": (
        *("bindings", "owner", "constants", "structs", "textures", "heights", "shader_source"),
        *(
            "frame_meter",
            "timers",
            "dispatch",
            "context",
            "live_objects",
            "trail_ring",
            "drawn_ring",
            "individuals",
        ),
        *("passes", "layers"),
    ),
    "render": ("displays", "view", "overlay", "scene", "panel"),
    "valuescape": (
        *("api", "invocation", "remarks", "formatting", "parsing", "keywords", "paths", "environment"),
        *("envs", "publishing", "training", "training_run", "held_checkpoints", "presets"),
        *(
            "model_files",
            "inspection",
            "recordings",
            "provenance",
            "run_state",
            "costs",
            "plugins",
            "run",
            "studies",
            "analysis",
            "attached",
            "library",
            "remake",
            "notebook",
            "browser",
            "benchmarks",
            "cli",
            "__main__",
            "__init__",
        ),
    ),
}
"""The packages and modules of each room, from the ground up: each imports from those before it."""

STRANGERS = {"sim": {"moderngl", "glcontext", "glfw"}, "gpu": {"glfw"}}
"""Libraries that a room does not import: the simulation knows no OpenGL, the GPU passes know no window."""


def sources():
    """Return the syntax tree of every module by its dotted name, as `valuescape.sim.engine`."""
    found = {}
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            inside = file.relative_to(ROOT).with_suffix("").parts
            if room == "valuescape" and inside[1] in (*ROOMS, "configs"):
                continue  # the links to the rooms
            parts = inside if room == "valuescape" else ("valuescape", *inside)
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = ast.parse(file.read_bytes(), str(file))
    return found


SOURCES = sources()


def imports(name):
    """Return the modules of ours and the top-level names of others that a module imports.

    Also those that it imports inside functions or only for type checkers.
    """
    found = set()
    for node in ast.walk(SOURCES[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are absolute here, so that this test can read them"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inner & SOURCES.keys()) or {node.module}
    return {each if each in SOURCES else each.partition(".")[0] for each in found} - {name}


def place(name):
    """Return (room, floor) of a module, as ("sim", "policy") of `valuescape.sim.policy.formats.sb3`."""
    parts = name.split(".")[1:]
    if parts and parts[0] in ROOMS:
        return parts[0], parts[1] if len(parts) > 1 else "__init__"
    return "valuescape", parts[0] if parts else "__init__"


@pytest.mark.parametrize("room", ROOMS)
def test_imports_between_rooms_point_down(room):
    """And no room knows the libraries that belong to those above it."""
    below = set(ROOMS[: ROOMS.index(room) + 1])
    for name in SOURCES:
        if place(name)[0] == room:
            above = {each for each in imports(name) & SOURCES.keys() if place(each)[0] not in below}
            assert not above, f"{name} imports {above}"
            short = imports(name) & {"sim", "gpu", "render", "configs"}
            assert not short, f"{name} imports {short}: write valuescape.…"
            strangers = imports(name) & STRANGERS.get(room, set())
            assert not strangers, f"{name} imports {strangers}"


@pytest.mark.parametrize("room", ROOMS)
def test_imports_inside_a_room_point_down(room):
    """Between its packages; a new one takes its place in `FLOORS`."""
    floors = FLOORS[room]
    for name in SOURCES:
        at, floor = place(name)
        if at != room or (floor == "__init__" and room != "valuescape"):
            continue
        assert floor in floors, f"{name}: FLOORS has no place for {floor}"
        for each in imports(name) & SOURCES.keys():
            if place(each)[0] == room:
                assert floors.index(place(each)[1]) <= floors.index(floor), f"{name} imports {each}, above it"


def test_no_circle_of_imports():
    """Inside packages too, and among imports that only type checkers see."""
    left = {name: imports(name) & SOURCES.keys() for name in SOURCES}
    while left:
        imported = set().union(*left.values())
        ends = {name for name, needs in left.items() if not needs & left.keys() or name not in imported}
        assert ends, f"among these are circles: {sorted(left)}"
        left = {name: needs for name, needs in left.items() if name not in ends}


HEAVY = [
    "torch",
    "moderngl",
    "glcontext",
    "glfw",
    "matplotlib",
    "PIL",
    "av",
    "gymnasium",
    "stable_baselines3",
]


@pytest.mark.parametrize("module", ["valuescape.sim.crew.worker", "valuescape.__main__", "valuescape.api"])
def test_a_worker_loads_neither_torch_nor_gl(module):
    """Torch alone would cost each worker 200 MB and a second.

    A spawned process imports the program's main module anew, so that one has to be as light. It is looked at
    in a process of its own, for in this one everything is loaded.
    """
    script = f"import sys, {module}; print(*(set({HEAVY}) & set(sys.modules)))"
    worker = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert worker.returncode == 0, worker.stderr
    assert worker.stdout.split() == []


def test_every_module_says_what_it_is():
    assert [name for name, tree in SOURCES.items() if not ast.get_docstring(tree)] == []


FEW_LINES, FEW_PARAMETERS = 60, 8


def functions():
    """Return (module, definition) of every function and method."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        (name, node) for name, tree in SOURCES.items() for node in ast.walk(tree) if isinstance(node, kinds)
    ]


def test_functions_are_short():
    """Nine of ten have 20 lines at most."""
    lengths = {f"{name}.{each.name}": each.end_lineno - each.lineno + 1 for name, each in functions()}
    assert {name: lines for name, lines in lengths.items() if lines > FEW_LINES} == {}
    assert sorted(lengths.values())[len(lengths) * 9 // 10] <= 20


def test_functions_take_few_parameters():
    """But for command lines, where each is an option."""
    many = {}
    for name, each in functions():
        names = [arg.arg for arg in (*each.args.posonlyargs, *each.args.args, *each.args.kwonlyargs)]
        if len(set(names) - {"self", "cls"}) > FEW_PARAMETERS and not name.startswith("valuescape.cli."):
            many[f"{name}.{each.name}"] = len(names)
    assert many == {}


def test_nothing_is_left_to_be_done():
    """What is still to do is an issue, not a remark in a file."""
    remark = re.compile(rb"\b(?:TO" + rb"DO|FIX" + rb"ME)\b")  # in halves, for this file is searched too
    rooms = [*ROOMS, "configs", "tests", "docs", ".ci"]
    files = [file for room in rooms for file in (ROOT / room).rglob("*") if "__pycache__" not in file.parts]
    files += ROOT.iterdir()
    found = [
        str(file.relative_to(ROOT)) for file in files if file.is_file() and remark.search(file.read_bytes())
    ]
    assert found == []
