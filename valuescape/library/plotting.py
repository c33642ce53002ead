"""`plot`: maps side by side."""

from typing import Any

from valuescape.library.grid import Map
from valuescape.library.pictures import figure_of_fields
from valuescape.sim.errors import UsageError


def plot(*maps: Map, columns: int = 4) -> Any:
    """Return maps side by side as a `matplotlib.figure.Figure`, `columns` in a row.

    Maps of returns share the ends of their colours; so do errors. Differences that may be chance are pale.
    The figure has the style of reports, whatever `rcParams` say, and pyplot knows nothing of it: nothing is
    shown twice, nothing has to be closed. `figure.savefig(path)` writes it. Raises UsageError without a map.
    """
    if not maps:
        raise UsageError("plot: expected at least one map")
    for each in maps:
        if not isinstance(each, Map):
            raise UsageError(f"plot: expected maps, got {type(each).__name__}")
    return figure_of_fields(maps, columns)
