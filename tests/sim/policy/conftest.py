"""Where the tests of this folder find their files."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def zoo() -> Callable[[str], Path]:
    """Find a file of RL Baselines3 Zoo beside the repository; skips the test where there is none."""
    return _finder("zoo")


@pytest.fixture
def cases() -> Callable[[str], Path]:
    """Find a file on which the program was once wrong; skips the test where there is none."""
    return _finder("cases")


def _finder(kind: str) -> Callable[[str], Path]:
    folder = Path(__file__).parents[4] / "shared" / "data" / kind

    def find(name: str) -> Path:
        if not (folder / name).is_file():
            pytest.skip(f"needs {folder / name}, which is not part of the repository")
        return folder / name

    return find
