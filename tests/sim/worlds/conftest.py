"""World files: written for a test, and forgotten after it."""

import textwrap

import pytest
from known_plugins import forgotten


@pytest.fixture(autouse=True)
def _forgets_worlds():
    """Let no test know the worlds that another one loads."""
    with forgotten():
        yield


@pytest.fixture
def write(tmp_path):
    """Write a world file; returns its path."""

    def write_file(text, name="my_world.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return path

    return write_file
