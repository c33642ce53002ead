"""Figures on their way to a reader: JSON, which knows no NaN and no infinity, and tables."""

import math
from typing import Any


def finite(value: Any) -> Any:
    """Return figures (numbers, or dicts and lists of them) with null for what is not known."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {name: finite(each) for name, each in value.items()}
        case list() | tuple():
            return [finite(each) for each in value]
    return value


def shown(value: float, digits: int) -> str:
    """Return a figure for a table; a dash for what is not known."""
    return "–" if math.isnan(value) else f"{value:,.{digits}f}"
