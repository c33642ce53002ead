"""Libraries that need not be installed: imported when an object of theirs is asked for."""

from importlib import import_module
from typing import Any

from valuescape.sim.errors import UsageError


def optional(package: str, what: str) -> Any:
    """Return an imported package. Raises UsageError, naming what asked for it, if it is not installed."""
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise UsageError(
            f"{what} needs {package}, which is not installed", f"pip install {package}"
        ) from None
