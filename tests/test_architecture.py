"""The house rules that a machine can hold: which way imports point, what a worker loads, what files say."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "sim": set(),
    "gpu": {"sim"},
    "render": {"sim", "gpu"},
    "valuescape": {"sim", "gpu", "render"},
}
STRANGERS = {"sim": {"moderngl", "glcontext", "glfw"}, "gpu": {"glfw"}}
"""What a room knows nothing of: the simulation of OpenGL, the GPU passes of windows."""


def modules(package):
    """Return the package's Python files, with their syntax trees."""
    return [
        (file, ast.parse(file.read_bytes(), str(file))) for file in sorted((ROOT / package).rglob("*.py"))
    ]


def imported(tree):
    """Return the top-level names that a module imports anywhere, inside functions too."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here, so that this test can read them"
            names.append(node.module)
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_down(package):
    files = modules(package)
    assert files
    for file, tree in files:
        above = (imported(tree) & MAY_IMPORT.keys()) - {package} - MAY_IMPORT[package]
        assert not above, f"{file.relative_to(ROOT)} imports {above}"
        strangers = imported(tree) & STRANGERS.get(package, set())
        assert not strangers, f"{file.relative_to(ROOT)} imports {strangers}"


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


@pytest.mark.parametrize("module", ["valuescape.sim.crew.worker", "valuescape.__main__"])
def test_a_worker_loads_neither_torch_nor_gl(module):
    """Torch alone would cost each worker 200 MB and a second.

    A spawned process imports the program's main module anew, so that one has to be as light. It is looked at
    in a process of its own, for in this one everything is loaded.
    """
    script = f"import sys, {module}; print(*(set({HEAVY}) & set(sys.modules)))"
    worker = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert worker.returncode == 0, worker.stderr
    assert worker.stdout.split() == []


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_every_module_says_what_it_is(package):
    silent = [str(file.relative_to(ROOT)) for file, tree in modules(package) if not ast.get_docstring(tree)]
    assert silent == []


def test_nothing_is_left_to_be_done():
    """What is still to do is an issue, not a remark in a file."""
    remark = re.compile(rb"\b(?:TO" + rb"DO|FIX" + rb"ME)\b")  # in halves, for this file is searched too
    rooms = [*MAY_IMPORT, "configs", "tests", "docs", ".ci"]
    files = [file for room in rooms for file in (ROOT / room).rglob("*") if "__pycache__" not in file.parts]
    files += ROOT.iterdir()
    found = [
        str(file.relative_to(ROOT)) for file in files if file.is_file() and remark.search(file.read_bytes())
    ]
    assert found == []
