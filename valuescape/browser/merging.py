"""Messages of changes that wait for a page: a later one is put into the one before."""

from collections.abc import Mapping
from typing import Any

MERGED = frozenset({"panel", "cards"})
"""Types of messages that say what has changed since the one before, so that none may be left out."""


def merged(older: Mapping[str, Any], newer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return one message that says what two of the same type say, one after the other."""
    if newer["whole"]:
        return newer
    both = {**older, **newer, "whole": older["whole"]}
    if "rows" in older:
        rows: dict[str, Any] = dict(older["rows"])
        for name, row in newer["rows"].items():
            rows[name] = {**rows.get(name, {}), **row}
        both["rows"] = rows
    return both
