"""What tests of analyses share."""

from pathlib import Path

import pytest


@pytest.fixture
def without_drawing(monkeypatch):
    """Pictures are made, and their files are written, but nothing is drawn: that takes seconds."""

    def save(_, target, *__):
        content = b"\x89PNG"
        target.write_bytes(content) if isinstance(target, Path) else target.write(content)

    monkeypatch.setattr("valuescape.analysis.pictures._save", save)
