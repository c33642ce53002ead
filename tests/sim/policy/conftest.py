"""Fixtures that find files which are not part of the repository."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def zoo() -> Callable[[str], Path]:
    """Return a function that finds a file of RL Baselines3 Zoo; it skips the test if there is none."""
    return _finder("zoo")


@pytest.fixture
def cases() -> Callable[[str], Path]:
    """Return a function that finds a file of a past error; it skips the test if there is none."""
    return _finder("cases")


def _finder(kind: str) -> Callable[[str], Path]:
    folder = Path(__file__).parents[4] / "shared" / "data" / kind

    def find(name: str) -> Path:
        if not (folder / name).is_file():
            pytest.skip(f"needs {folder / name}, which is not part of the repository")
        return folder / name

    return find
