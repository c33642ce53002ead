"""What holds for the tests of the simulation."""

import pytest
from crowds import crowd, small


@pytest.fixture(scope="session", autouse=True)
def _compiled_before():
    """Machine code is there before any test measures time: the very first worker on a machine compiles it."""
    with crowd(small("workers.count=1", "workers.start_timeout=110")) as engine:
        engine.advance_to(1)
