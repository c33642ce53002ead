"""The fuzzers' engine: cases from fixed seeds, and the judgement of each.

A case passes if its reader returns or raises UsageError. Any other error, a message that does not fit a
terminal, a warning, or more than LIMIT_S of processor time is a failure.
"""

import contextlib
import random
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from valuescape.sim.errors import LINE_LENGTH, LINES, UsageError, lines_of

LIMIT_S = 5.0
"""Processor time of a case; other processes do not count."""


@dataclass(frozen=True)
class Subject:
    """A kind of input. make: returns the bytes of a case; read: passes them to the program."""

    name: str
    make: Callable[[random.Random], bytes]
    read: Callable[[bytes], None]


@dataclass
class Outcome:
    """Counts over the cases of a subject. failures: index, input and complaint of each."""

    accepted: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    failures: list[tuple[int, bytes, str]] = field(default_factory=list)


class HangError(BaseException):
    """A case takes too long; no reader catches this."""


def case(subject: Subject, index: int) -> bytes:
    """Return the input of a case, the same in every run."""
    return subject.make(random.Random(f"{subject.name} {index}"))


def fuzz(subject: Subject, indices: range) -> Outcome:
    """Read the cases with these indices."""
    outcome = Outcome()
    for index in indices:
        content = case(subject, index)
        began = time.process_time()
        complaint = _try(subject, content, outcome)
        outcome.slowest_s = max(outcome.slowest_s, time.process_time() - began)
        if complaint:
            outcome.failures.append((index, content, complaint))
    return outcome


def _try(subject: Subject, content: bytes, outcome: Outcome) -> str:
    """Read a case; returns the complaint, empty if it passed."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            with _limited():
                subject.read(content)
            outcome.accepted += 1
        except UsageError as error:
            outcome.refused += 1
            if complaint := misfit(error):
                return complaint
        except HangError:
            return f"took more than {LIMIT_S} s"
        except Exception:
            return traceback.format_exc()
    return f"warned: {warned[0].message}" if warned else ""


def misfit(error: UsageError) -> str:
    """Return the complaint about a message, as printed and as shown in the window; empty if it is fine."""
    printed = lines_of(str(error))
    said = [*printed, *str(error).splitlines()]
    if not str(error.args[0]).strip():
        return "an empty message"
    if len(printed) > LINES or max(map(len, printed)) > LINE_LENGTH - len("valuescape: "):
        return f"too long: {len(printed)} lines, the longest of {max(map(len, printed))}"
    if len(str(error)) > LINES * LINE_LENGTH:
        return f"too long: {len(str(error))} characters"
    if not all(line.isprintable() for line in said):
        return f"raw control characters: {str(error)!r}"
    return ""


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    def stop(_number: int, _frame: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def reader_of_files(folder: Path, name: str, read: Callable[[Path], object]) -> Callable[[bytes], None]:
    """Return a reader that passes each case as the file `name` in `folder`."""
    path = folder / name

    def write_and_read(content: bytes) -> None:
        path.write_bytes(content)
        read(path)

    return write_and_read
