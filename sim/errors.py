"""The error for input that cannot be used, and the formatting of untrusted values in messages.

Names and values in a message may come from files that somebody else made. They are escaped and shortened
here, so that a message can neither control the terminal nor fill it.
"""

import reprlib

LINES = 3
"""Most lines of a message and its hint together."""

LINE_LENGTH = 200
"""Most characters of a line, the prefix `valuescape: ` included."""

_ROOM = LINE_LENGTH - len("valuescape: ")
_WORD = 90
_TWO_LINES = 2 * _ROOM - _WORD - 2
"""Characters that always fit into two lines, though the first may end early, before a word of up to _WORD."""

_MANY_DIGITS = 40
"""Longer integers are shown as their number of digits."""


class ValuescapeError(Exception):
    """The base of the errors that this program raises and that are not its own faults."""


class UsageError(ValuescapeError):
    """Input of the user's that cannot be used: shown in one to three lines, exit status 2, no traceback.

    The message names the file and key, the value found, and what was expected; `hint` says what to do.
    `str` gives both, escaped and shortened to fit into LINES lines of LINE_LENGTH characters.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        message = cut(escaped(str(self.args[0])), _TWO_LINES)
        if not self.hint:
            return message
        room = _ROOM if len(message) > _ROOM else _TWO_LINES
        return f"{message}\n  {cut(escaped(self.hint), room - 2)}"


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text; of one without text, its kind."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def escaped(text: str) -> str:
    """Return `text` with everything that is not printable written as Python escapes it: `\\x1b`, `\\n`.

    Not printable are control characters, line ends, marks that change the direction of text, and lone
    surrogates.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text
    )


def cut(text: str, most: int) -> str:
    """Return `text` with at most `most` characters; the middle of a longer one is replaced by an ellipsis."""
    if len(text) <= most:
        return text
    kept = most - 1
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


def lines_of(text: str) -> list[str]:
    """Return the lines to print for a message: escaped, none too long, continued lines indented.

    text: `str` of a UsageError; or a traceback, of which each line is cut to fit.
    """
    if "Traceback" in text:
        return [cut(escaped(line), _ROOM) for line in text.splitlines()]
    lines = [part for line in text.splitlines() for part in _wrapped(escaped(line))]
    return lines if len(lines) <= LINES else [*lines[: LINES - 1], cut(" ".join(lines[LINES - 1 :]), _ROOM)]


def _wrapped(line: str) -> list[str]:
    """Break a line between words, or within a very long word."""
    parts = []
    while len(line) > _ROOM:
        at = line.rfind(" ", _ROOM - _WORD, _ROOM) + 1 or _ROOM
        parts.append(line[:at].rstrip())
        line = f"  {line[at:]}"
    return [*parts, line]


def shown(value: object) -> str:
    """Return the `repr` of a value, however large or nested it is, on one line of about 60 characters."""
    return escaped(cut(_SHORT.repr(value), 3 * _SHORT.maxstring))


class _Short(reprlib.Repr):
    """Shortens values as `reprlib` does, and also integers that Python refuses to convert to decimal."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother = 3, 60, 60

    def repr_int(self, x: int, level: int) -> str:
        digits = round(x.bit_length() * 0.30103)
        return repr(x) if digits <= _MANY_DIGITS else f"a whole number of {digits:,} digits"


_SHORT = _Short()
