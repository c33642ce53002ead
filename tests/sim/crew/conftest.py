"""Checkpoints and state hashes of runs that nothing disturbs."""

import pytest
from crowds import hash_at, shipped, small
from disturbing import LONG, LONG_TICKS, TICKS


@pytest.fixture(scope="session")
def checkpoint():
    """Return the checkpoint of the small crowd."""
    return shipped(small())


@pytest.fixture(scope="session")
def undisturbed(checkpoint):
    """Return what runs of `disturbing.TWO` come to at TICKS."""
    return hash_at(TICKS, small("workers.count=0", "policy.exploration=0.2"), checkpoint)


@pytest.fixture(scope="session")
def long_undisturbed():
    """Return what runs of `disturbing.LONG` come to at LONG_TICKS, with machine code or without."""
    return hash_at(LONG_TICKS, small("workers.count=0", *LONG))
