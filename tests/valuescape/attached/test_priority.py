"""The share of a core that a viewer's session has, against trainers of other sessions."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import wait_until

from valuescape.attached import priority
from valuescape.attached.priority import Priority, modest_session

NEEDS_SESSIONS = pytest.mark.skipif(priority._session_nice() is None, reason="no autogroups in this Linux")

VIEWS = """
import os, signal, time
from valuescape.attached.priority import Priority, modest_session
signal.signal(signal.SIGTERM, lambda *_: exit())
with modest_session(Priority.IDLE, None):
    print(os.getpid(), flush=True)
    time.sleep(60)
"""


def nice_of(process):
    return int(Path(f"/proc/{process}/autogroup").read_text().split()[-1])


@NEEDS_SESSIONS
@pytest.mark.parametrize("ends", [signal.SIGTERM, signal.SIGKILL])
def test_a_session_has_its_own_share_again_however_the_viewer_ends(ends):
    """In a shell of its own, as in a terminal, which stays."""
    with subprocess.Popen(
        ["/bin/sh", "-c", '"$0" -c "$1" & wait; read _', sys.executable, VIEWS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as shell:
        try:
            viewer = int(shell.stdout.readline())
            assert nice_of(viewer) == nice_of(shell.pid) == 19
            os.kill(viewer, ends)
            wait_until(lambda: nice_of(shell.pid) == 0, 5, "the shell has its share")
        finally:
            shell.kill()


@NEEDS_SESSIONS
def test_beside_a_trainer_of_the_same_session_it_stays_as_it_is():
    before = priority._session_nice()
    with modest_session(Priority.IDLE, os.getpid()):
        assert priority._session_nice() == before
    with modest_session(Priority.NORMAL, None):
        assert priority._session_nice() == before


def test_without_such_sessions_nothing_is_done(monkeypatch, tmp_path):
    monkeypatch.setattr(priority, "_AUTOGROUP", tmp_path / "none")
    with modest_session(Priority.IDLE, None):
        assert not (tmp_path / "none").exists()
