"""What tests of the front door share."""

from pathlib import Path

import pytest

from valuescape.cli.app import run_cli


@pytest.fixture
def cli(capsys, tmp_path, monkeypatch):
    """Call the program in this process; returns its status, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments):
        status = run_cli([str(each) for each in arguments])
        out, errors = capsys.readouterr()
        return status, out, errors

    return call


@pytest.fixture
def without_drawing(monkeypatch):
    """Pictures are made, and their files are written, but nothing is drawn: that takes seconds."""

    def save(_, target, *__):
        content = b"\x89PNG"
        target.write_bytes(content) if isinstance(target, Path) else target.write(content)

    monkeypatch.setattr("valuescape.analysis.pictures._save", save)
