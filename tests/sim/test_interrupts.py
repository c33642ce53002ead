"""Signals that are taken when it suits."""

import signal
import threading

import pytest

from sim.interrupts import Interrupts, signals_held

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


def test_who_asks_twice_at_once_is_not_raised_but_who_asks_again_later_is(monkeypatch):
    clock = iter([10.0, 10.5, 13.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with Interrupts():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


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


def test_held_signals_reach_whoever_notes_them():
    with Interrupts() as interrupts:
        with signals_held():
            signal.raise_signal(signal.SIGTERM)
        assert interrupts.asked


def test_other_threads_may_hold_signals_too():
    """Only the main thread may set handlers; in others there is nothing to hold."""
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
