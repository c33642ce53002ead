"""The command line, as reports name it."""

import shlex

from valuescape.invocation import command, note_arguments


def test_a_command_is_text_that_a_shell_reads():
    note_arguments(["run", "my run.toml", "\udcff.toml"])
    assert command().encode()
    assert shlex.split(command()) == ["valuescape", "run", "my run.toml", "\\udcff.toml"]
