"""What tests of the front door share."""

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
