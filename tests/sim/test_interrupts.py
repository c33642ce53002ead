"""Signals are handled at safe points, and in time."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from processes import wait_for_end

from valuescape.sim.interrupts import Interrupts, may_be_torn, signals_held

BOTH = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", BOTH)
def test_an_interrupt_is_noted_and_raised_where_it_is_safe(number):
    before = signal.getsignal(number)
    with Interrupts() as interrupts:
        interrupts.check()
        signal.raise_signal(number)
        assert interrupts.asked
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
    assert signal.getsignal(number) is before


def wait_to_be_torn(number):
    """Get a signal and wait as code does that never checks the flag; fails if nothing ends it.

    The thread that watches may be so quick that the signal itself is not over.
    """
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 (either of the two may be ended)
        signal.raise_signal(number)
        time.sleep(20)


def test_a_second_signal_ends_a_wait_and_two_at_once_are_one():
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert interrupts.asked
        time.sleep(0.5)
        wait_to_be_torn(signal.SIGTERM)
        time.sleep(0.3)  # what is undone then is left in peace


def test_a_signal_that_nobody_looks_at_ends_a_wait(monkeypatch):
    monkeypatch.setattr("valuescape.sim.interrupts.LOOK_S", 0.3)
    with Interrupts():
        wait_to_be_torn(signal.SIGTERM)


def test_a_signal_that_somebody_looks_at_ends_nothing(monkeypatch):
    monkeypatch.setattr("valuescape.sim.interrupts.LOOK_S", 0.2)
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGTERM)
        assert interrupts.asked
        time.sleep(0.6)


def test_what_may_be_torn_is_torn_at_the_first_signal():
    with may_be_torn():  # without `Interrupts` nothing changes
        pass

    @may_be_torn()
    def work():
        started.append(True)
        signal.raise_signal(signal.SIGTERM)
        time.sleep(20)

    started = []
    with Interrupts():
        for _ in range(2):  # the second time a signal has come before
            with pytest.raises(KeyboardInterrupt):
                work()
    assert started == [True]


UNDOING = """
import os, signal, subprocess, sys, threading, time
from pathlib import Path
from valuescape.sim import interrupts

child = subprocess.Popen(["sleep", "1000"])
Path("file").touch()
Path("folder").mkdir()
Path("kept").mkdir()
Path("kept/file").touch()
interrupts.UNDO_S = 0.3
with interrupts.Interrupts():
    names = [interrupts.unfinished(Path(name)) for name in ("folder", "file", "kept", "none")]
    for each in names:
        each.__enter__()
    print(child.pid, flush=True)
    while True:
        try:
            time.sleep(1000)
        except KeyboardInterrupt:
            Path("kept/undone").touch()
"""


@pytest.mark.chaos
def test_what_does_not_undo_itself_in_time_is_ended_with_its_children_and_files(tmp_path):
    command = [sys.executable, "-c", UNDOING]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=environment)
    child = int(process.stdout.readline())
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.4)
    assert process.wait(timeout=10) == 130
    process.stdout.close()
    wait_for_end([child], 1.0)
    left = sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*"))
    assert left == ["kept", "kept/file", "kept/undone"]


def test_held_signals_come_after_the_block():
    done = []

    @signals_held()
    def do_it():
        signal.raise_signal(signal.SIGINT)
        done.append("whole")

    with pytest.raises(KeyboardInterrupt):
        do_it()
    assert done == ["whole"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & set(BOTH)


def test_held_signals_reach_whoever_notes_them_once():
    with Interrupts() as interrupts:
        with signals_held():
            signal.raise_signal(signal.SIGTERM)
            time.sleep(0.3)
        assert interrupts.asked
        time.sleep(0.3)  # were it heard twice, this would be ended


def test_other_threads_may_hold_signals_too():
    """Only the main thread may set handlers; other threads do nothing."""
    failures = []

    def hold():
        try:
            with signals_held(), Interrupts():
                pass
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()
    assert failures == []
