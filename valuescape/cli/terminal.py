"""Terminals and pipes: text is written literally; characters that an encoding lacks are spelled in ASCII."""

import codecs
import io
import os
import sys
from typing import Any

from rich.console import Console, ConsoleDimensions
from rich.text import Text

UNLIMITED = 10_000
"""Columns of a pipe or a file, where no line is wrapped."""

_SPELLED = {
    **{"–": "-", "−": "-", "·": "|", "×": "x", "±": "+-", "µ": "u", "²": "^2", "…": "...", "→": "->"},
    **{"\u03b3": "gamma", "\u03c3": "sigma", "\u2019": "'", "\u00a0": " "},
}
"""Spellings of characters in messages, for encodings without them."""

_ERRORS = "valuescape.spelled"


class Terminal(Console):
    """A console without markup: square brackets and colons are printed literally, styles are passed apart.

    Width: `COLUMNS` if it is set, else the terminal's; UNLIMITED in a pipe.
    """

    def __init__(self, *, stderr: bool = False, file: Any = None, width: int | None = None) -> None:
        super().__init__(stderr=stderr, file=file, markup=False, emoji=False, highlight=False, soft_wrap=True)
        self._width = width  # COLUMNS counts as it is at each print, not as it was at the start

    @property
    def size(self) -> ConsoleDimensions:
        """The present columns and lines."""
        if self._width is None and not self.is_terminal and not os.environ.get("COLUMNS", "").isdigit():
            return ConsoleDimensions(UNLIMITED, 25)
        return super().size

    @size.setter
    def size(self, new_size: tuple[int, int]) -> None:
        self._width, self._height = new_size

    def say(self, *parts: str | tuple[str, str]) -> None:
        """Print one line without wrapping it. parts: texts, or pairs of a text and its style."""
        self.print(Text.assemble(*parts), soft_wrap=True)


out = Terminal()
err = Terminal(stderr=True)


def spelled(text: str, encoding: str) -> str:
    """Return `text` with every character that `encoding` lacks spelled in ASCII."""
    return text.encode(encoding, _ERRORS).decode(encoding)


def spell_what_cannot_be_encoded() -> None:
    """Make standard output and standard error spell characters that they cannot encode, without errors."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    ours = (_SPELLED.get(each) or each.encode("ascii", "backslashreplace").decode() for each in text)
    return "".join(ours), error.end


codecs.register_error(_ERRORS, _spell)
