"""What holds for tests of training runs that publish."""

import pytest
from trainers import remove_own_segments


@pytest.fixture(autouse=True)
def _no_segment_stays():
    """Nothing stays of trainers that a test kills."""
    yield
    remove_own_segments()
