"""Reads the header of a safetensors file: names, shapes and metadata."""

import json
from pathlib import Path
from typing import Any

from valuescape.sim.policy.formats.files import BROKEN

_MAX_BYTES = 4 * 2**20


def read_header(path: Path) -> dict[str, Any] | None:
    """Return the header, whose `__metadata__` is a dict if there is one; None if the file is damaged."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if 1 < length <= _MAX_BYTES else None
    except (OSError, *BROKEN):
        return None
    if not isinstance(header, dict) or not isinstance(header.get("__metadata__", {}), dict):
        return None
    return header
