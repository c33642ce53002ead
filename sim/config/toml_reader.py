"""TOML from untrusted files: size and nesting are bounded before it is parsed.

tomllib recurses for each level of nesting, and its time grows with the square of the parts of a key.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from valuescape.sim.errors import UsageError
from valuescape.sim.paths import read_plain

MAX_BYTES = 256 * 2**10
"""Size of the largest file that is read."""

MAX_DEPTH = 8
"""Levels of brackets, and parts of a key; a configuration has two."""

# A string that is not closed reaches to the end, so that no part is scanned twice; tomllib refuses it.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"""|\\?\Z)'
    r"|'''.*?(?:'''|\Z)"
    r'|"(?:\\.|[^"\\\n])*"?'
    r"|'[^'\n]*'?"
    r"|#[^\n]*"
    r"|[\[{\]}]|[.=,\n]",
    re.DOTALL,
)


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of the file at `path`. Raises UsageError, naming it, unless it is valid TOML."""
    return toml_tables(read_plain(path, MAX_BYTES), str(path))


def toml_tables(content: bytes, where: str) -> dict[str, Any]:
    """Return the tables in a file's content. Raises UsageError, naming it (`where`), unless it is TOML."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{where}: is no text file; a configuration is TOML") from None
    try:
        return parse_toml(text)
    except ValueError as error:
        raise UsageError(f"{where}: is not valid TOML: {error}") from None


def parse_toml(text: str) -> dict[str, Any]:
    """Return the tables in `text`.

    Raises ValueError, saying what is wrong with it; NestedTooDeeplyError, a ValueError, before parsing if it
    is nested more than MAX_DEPTH levels.
    """
    _require_shallow(text)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:  # Python refuses to read whole numbers of more than 4,300 digits
        raise ValueError("a number in it has too many digits") from error


class NestedTooDeeplyError(ValueError):
    """Text has more levels of brackets or parts of a key than MAX_DEPTH."""


def _require_shallow(text: str) -> None:
    depth = dots = 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in ("[", "{"):
            depth += 1
        elif mark in ("]", "}"):
            depth -= 1
        if mark == ".":
            dots += 1
        elif mark in ("\n", "=", ",", "[", "{", "]", "}"):
            dots = 0
        if depth > MAX_DEPTH or dots >= MAX_DEPTH:
            raise NestedTooDeeplyError(f"it is nested more than {MAX_DEPTH} levels deep")
