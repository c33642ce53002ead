"""Figures on their way to JSON, which knows no NaN and no infinity."""

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
