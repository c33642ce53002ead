"""What holds for every test."""

import os

import pytest
from known_plugins import as_before
from processes import names_since, own_descendants, shared_names, wait_for_end, wait_until

os.environ.pop("COLUMNS", None)  # pytest-xdist sets it to 80 in its workers, where tables would be wrapped


@pytest.fixture(autouse=True)
def _leaves_nothing_behind():
    """A test ends all processes that it starts, and leaves no name in shared memory."""
    processes, names = own_descendants(), shared_names()
    yield
    wait_for_end(own_descendants() - processes, 2.0)
    wait_until(lambda: not names_since(names), 2.0, "names in shared memory go")


@pytest.fixture(autouse=True)
def _plugins_are_as_before():
    """What a test declares is not sent to the workers of later ones."""
    with as_before():
        yield
