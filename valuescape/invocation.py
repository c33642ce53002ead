"""The command that was given, for reports to name."""

import shlex
from collections.abc import Sequence
from contextvars import ContextVar

_given: ContextVar[tuple[str, ...] | None] = ContextVar("given", default=None)


def note_arguments(arguments: Sequence[str]) -> None:
    """Remember what follows `valuescape` on the command line."""
    _given.set(tuple(arguments))


def command() -> str | None:
    """Return the command as a shell takes it; None where the program is used without a command line."""
    given = _given.get()
    return None if given is None else shlex.join(["valuescape", *given])
