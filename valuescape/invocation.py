"""The command line of the program, for reports to name."""

import shlex
from collections.abc import Sequence
from contextvars import ContextVar

_given: ContextVar[tuple[str, ...] | None] = ContextVar("given", default=None)


def note_arguments(arguments: Sequence[str]) -> None:
    """Keep the arguments after `valuescape`."""
    _given.set(tuple(arguments))


def command() -> str | None:
    """Return the command, quoted for a shell; None where the package is used without a command line.

    Bytes that are no text, as names of files can have, are escaped: reports are text.
    """
    given = _given.get()
    if given is None:
        return None
    return shlex.join(["valuescape", *given]).encode("utf-8", "backslashreplace").decode()
