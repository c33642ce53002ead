"""The command line of the program, for reports to name."""

import shlex
from collections.abc import Sequence
from contextvars import ContextVar

_given: ContextVar[tuple[str, ...] | None] = ContextVar("given", default=None)


def note_arguments(arguments: Sequence[str]) -> None:
    """Keep the arguments after `valuescape`."""
    _given.set(tuple(arguments))


def command() -> str | None:
    """Return the command, quoted for a shell; None where the package is used without a command line."""
    given = _given.get()
    return None if given is None else shlex.join(["valuescape", *given])
