"""What cannot be used, in words: the one kind of error that is the user's to mend, and how values are shown.

Names and values in a message come from files and command lines of strangers. They are shown escaped and cut
to size here, so that a message neither steers the terminal nor fills it.
"""

import reprlib

LINES = 3
"""Lines that a message and its hint take at most."""

LINE_LENGTH = 200
"""Characters of a line at most, with what is printed before the message."""

_ROOM = LINE_LENGTH - len("valuescape: ")
_WORD = 90
_TWO_LINES = 2 * _ROOM - _WORD - 2
"""Characters that are sure to fit into two lines: the first ends before a word of up to _WORD."""

_MANY_DIGITS = 40


class UsageError(Exception):
    """Something the user gave cannot be used: shown in one to three lines, exit status 2, no traceback.

    The message names the file and key, the value found, and what was expected; `hint` says what to do.
    `str` has both, escaped and cut to what fits into LINES lines of LINE_LENGTH characters.
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


def escaped(text: str) -> str:
    """Return text in which everything that is not printable is written as Python escapes it: `\\x1b`, `\\n`.

    That is control characters, line ends, marks that turn the direction of text, and halves of surrogates.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text
    )


def cut(text: str, most: int) -> str:
    """Return text of at most `most` characters; what is longer lacks its middle, for ends say more."""
    if len(text) <= most:
        return text
    kept = most - 1
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


def lines_of(text: str) -> list[str]:
    """Return a message as the lines that are printed: escaped, none too long; what goes on is indented.

    text: a UsageError's; or a traceback, of which each line is cut to one.
    """
    if "Traceback" in text:
        return [cut(escaped(line), _ROOM) for line in text.splitlines()]
    lines = [part for line in text.splitlines() for part in _wrapped(escaped(line))]
    return lines if len(lines) <= LINES else [*lines[: LINES - 1], cut(" ".join(lines[LINES - 1 :]), _ROOM)]


def _wrapped(line: str) -> list[str]:
    """Break a line between words, or within one that is very long."""
    parts = []
    while len(line) > _ROOM:
        at = line.rfind(" ", _ROOM - _WORD, _ROOM) + 1 or _ROOM
        parts.append(line[:at].rstrip())
        line = f"  {line[at:]}"
    return [*parts, line]


def shown(value: object) -> str:
    """Return a value as Python writes it, however large or deep: on one line, in some 60 characters."""
    return escaped(cut(_SHORT.repr(value), 3 * _SHORT.maxstring))


class _Short(reprlib.Repr):
    """Python's own shortening, for numbers too that Python refuses to write out."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother = 3, 60, 60

    def repr_int(self, x: int, level: int) -> str:
        digits = round(x.bit_length() * 0.30103)
        return repr(x) if digits <= _MANY_DIGITS else f"a whole number of {digits:,} digits"


_SHORT = _Short()
