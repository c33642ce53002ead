"""Sessions to load plug-ins into, which are forgotten after each test."""

import textwrap

import pytest
from hands import at_the_picture
from known_plugins import forgotten

from valuescape.sim.plugins.loading import load_file

__all__ = ["at_the_picture"]


@pytest.fixture(autouse=True)
def _forgets_plugins():
    with forgotten():
        yield


@pytest.fixture
def load(tmp_path):
    """Return a function that writes a plug-in's file and loads it."""

    def load_text(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return load_file(path)

    return load_text
