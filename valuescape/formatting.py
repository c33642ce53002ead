"""Figures for JSON, which has no NaN and no infinity, and for tables."""

import math
from typing import Any


def finite(value: Any) -> Any:
    """Return a number, or nested dicts and lists of them, with None in the place of NaN and infinity."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {name: finite(each) for name, each in value.items()}
        case list() | tuple():
            return [finite(each) for each in value]
    return value


def shown(value: float, digits: int) -> str:
    """Return a figure with `digits` decimals for a table; a dash for NaN."""
    return "–" if math.isnan(value) else f"{value:,.{digits}f}"
