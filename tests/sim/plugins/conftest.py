"""Plug-ins of a test are forgotten after it."""

import textwrap

import pytest
from known_plugins import forgotten


@pytest.fixture(autouse=True)
def _forgets_plugins():
    with forgotten():
        yield


@pytest.fixture
def write(tmp_path):
    """Write a file; returns its path."""

    def write_file(text, name="my_plugin.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    return write_file
