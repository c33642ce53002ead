"""World files: written for a test, and forgotten after it."""

import sys
import textwrap

import pytest

from valuescape.sim.worlds import WORLDS, files


@pytest.fixture(autouse=True)
def _forgets_worlds(monkeypatch):
    """Let no test know the worlds that another one loads."""
    before, modules, folders = dict(WORLDS), set(sys.modules), list(sys.path)
    monkeypatch.setattr(files, "_loaded", {})
    yield
    WORLDS.clear()
    WORLDS.update(before)
    sys.path[:] = folders
    for name in set(sys.modules) - modules:
        if name.startswith("valuescape_world_"):
            del sys.modules[name]


@pytest.fixture
def write(tmp_path):
    """Write a world file; returns its path."""

    def write_file(text, name="my_world.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return path

    return write_file
