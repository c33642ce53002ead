"""Pictures of maps: figures of Matplotlib's object API, previews in notebooks, and files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.analysis.panels import FADED, Panel
from valuescape.analysis.pictures import as_png, figure_of, save
from valuescape.library.grid import Map
from valuescape.sim.errors import UsageError

_REACH = 2.0


def plot(*maps: Map, columns: int = 4) -> Any:
    """Return maps side by side as a `matplotlib.figure.Figure`, `columns` in a row.

    Maps of returns share the ends of their colours; so do errors. Differences that may be chance are pale.
    The figure is made with the house style, whatever `rcParams` say, and is not registered with pyplot:
    nothing is shown twice, and nothing has to be closed. Raises UsageError without a map.
    """
    if not maps:
        raise UsageError("plot: expected at least one map")
    for each in maps:
        if not isinstance(each, Map):
            raise UsageError(f"plot: expected maps, got {type(each).__name__}")
    return figure_of([(each, _panel(each, maps)) for each in maps], columns)


def preview(maps: Sequence[Map]) -> bytes:
    """Return maps side by side as the bytes of a PNG."""
    return as_png(plot(*maps))


def save_maps(maps: Sequence[Map], path: Any) -> None:
    """Write maps as a picture, or one as arrays."""
    file = Path(path)
    save(plot(*maps), file)


def _panel(shown: Map, among: Sequence[Map]) -> Panel:
    low, high = _ends(shown, [each for each in among if _share(each, shown)])
    opacity = None if shown.significant is None else np.where(shown.significant, 1.0, FADED)
    look = shown.look
    label = ", ".join(f"{index}: {name}" for index, name in enumerate(look.names))
    unit = f" ({shown.unit})" if shown.unit else ""
    title = shown.title or shown.name
    return Panel(title, label or f"{shown.label}{unit}", shown.values, look.colors, low, high, opacity)


def _share(one: Map, other: Map) -> bool:
    return one is other or (bool(one.quantity) and one.quantity == other.quantity)


def _ends(shown: Map, alike: Sequence[Map]) -> tuple[float, float]:
    """Return the ends of a map's colours, which those alike share."""
    known = np.concatenate([each.values[np.isfinite(each.values)] for each in alike])
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if shown.look.centred:
        most = float(np.quantile(np.abs(known), 0.995)) if known.size else 0.0
        high = most or 1.0
        low = -high
    truths = [each.values[np.isfinite(each.values)] for each in alike if each.estimated is not None]
    if truths and not shown.look.centred and sum(map(len, truths)):
        least, most = (
            min(each.min() for each in truths if each.size),
            max(each.max() for each in truths if each.size),
        )
        reach = _REACH * (most - least)
        if reach > 0:
            low, high = max(low, float(least - reach)), min(high, float(most + reach))
    look = shown.look
    return low if look.low is None else look.low, high if look.high is None else look.high
