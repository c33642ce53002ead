"""The figure of a run for a paper, on white: the critic's values with trails over them, and the visits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from valuescape.provenance.containers import figure_metadata
from valuescape.provenance.contents import Provenance
from valuescape.render.scene.colormaps import DIVERGING, value_map
from valuescape.run.export import RunData
from valuescape.sim.errors import UsageError

TRAILS = 200
"""Greatest number of trails drawn: more would cover each other and take megabytes."""

_STYLE = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.linewidth": 0.6,
    "figure.dpi": 100,
    "savefig.dpi": 300,
    "svg.hashsalt": "valuescape",  # makes the identifiers in the file the same every time
    "pdf.fonttype": 42,
}
_PANEL_INCHES = 3.5, 2.9
_FADED = 0.25
"""Opacity of an error that may be chance."""


def draw(data: RunData, path: Path, origin: Provenance | None = None) -> None:
    """Draw the arrays of a run into a .pdf, .svg or .png file. origin: kept in the file's metadata.

    A person's own settings of Matplotlib have no effect. Raises UsageError if the file cannot be written.
    """
    with style.context(["default", _STYLE], after_reset=True):
        panels = [panel for name, panel in _PANELS.items() if name in data.arrays]
        width, height = _PANEL_INCHES
        figure = Figure(figsize=(width * len(panels), height), layout="constrained")
        for panel, axes in zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True):
            panel(figure, axes, data)
            _name_axes(axes, data)
        try:
            figure.savefig(path, metadata=figure_metadata(path.suffix, origin))
        except OSError as error:
            raise UsageError(f"{path}: cannot be written ({error.strerror})") from None


def trails(data: RunData, most: int = TRAILS) -> Iterator[NDArray[np.float32]]:
    """Yield the unbroken pieces of trails, [n, 2] float32 each with n > 1, in the units of the axes.

    Of all agents, or of `most` evenly chosen ones.
    """
    positions, strands = data.arrays["trajectories"], data.arrays["trajectory_strands"]
    agents = positions.shape[1]
    for agent in np.unique(np.linspace(0, agents - 1, min(most, agents)).astype(int)):
        breaks = np.flatnonzero(np.diff(strands[:, agent].astype(np.int64))) + 1
        yield from (piece for piece in np.split(positions[:, agent], breaks) if len(piece) > 1)


def _draw_value(figure: Any, axes: Any, data: RunData) -> None:
    image = _image(axes, data.arrays["value"], data, **_value_scale(data))
    figure.colorbar(image, ax=axes, label="V(s)")
    axes.add_collection(LineCollection(list(trails(data)), colors="white", linewidths=0.4, alpha=0.6))
    ticks, agents, _ = data.arrays["trajectories"].shape
    few = f"{TRAILS} of {agents:,}" if agents > TRAILS else f"{agents:,}"
    axes.set_title(f"value, and the last {ticks:,} ticks of {few} agents{_slice(data)}")


def _value_scale(data: RunData) -> dict[str, Any]:
    """Return colour map and norm of the value, and of the truth if there is one: the same for both."""
    heatmap = data.about["config"]["heatmap"]
    values = np.concatenate([data.arrays[name].ravel() for name in ("value", "truth") if name in data.arrays])
    low, high = (
        float(found) if heatmap[key] == "auto" else heatmap[key]
        for key, found in (("low", np.nanmin(values)), ("high", np.nanmax(values)))
    )
    if heatmap["colormap"] in DIVERGING:
        high = max(abs(low), abs(high))
        low = -high
    return {"cmap": value_map(heatmap["colormap"], signed=False), "norm": Normalize(low, high)}


def _draw_truth(figure: Any, axes: Any, data: RunData) -> None:
    image = _image(axes, data.arrays["truth"], data, **_value_scale(data))
    figure.colorbar(image, ax=axes, label="G(s)")
    axes.set_title(data.about["truth"]["what"])


def _draw_error(figure: Any, axes: Any, data: RunData) -> None:
    error = data.arrays["error"]
    most = float(np.nanmax(np.abs(error))) or 1.0
    opacity = np.where(data.arrays["error_significant"], 1.0, _FADED)
    image = _image(axes, error, data, cmap=DIVERGING[0], norm=Normalize(-most, most), alpha=opacity)
    figure.colorbar(image, ax=axes, label="V(s) − G(s)").solids.set_alpha(1)
    axes.set_title(f"value − truth; pale: {data.about['truth']['pale']}")


def _draw_density(figure: Any, axes: Any, data: RunData) -> None:
    visits = np.ma.masked_less_equal(data.arrays["density"].astype(np.float64), 0)
    most = float(visits.max()) if visits.count() else 1.0
    least = min(float(visits.min()), most / 10) if visits.count() else 0.1
    colors = data.about["config"]["heatmap"]["density_colormap"]
    image = _image(axes, visits, data, cmap=f"{colors}_r", norm=LogNorm(least, most))
    figure.colorbar(image, ax=axes, label="visits")
    axes.set_title(f"visits until tick {data.about['tick']:,}")


_PANELS = {"value": _draw_value, "truth": _draw_truth, "error": _draw_error, "density": _draw_density}
"""What draws each array of a run that has a panel of its own."""


def _image(axes: Any, field: Any, data: RunData, **how: Any) -> Any:
    extent = [bound for axis in data.about["axes"] for bound in (axis["low"], axis["high"])]
    return axes.imshow(field, origin="lower", extent=extent, aspect="auto", interpolation="nearest", **how)


def _name_axes(axes: Any, data: RunData) -> None:
    x, y = data.about["axes"]
    axes.set(xlabel=_label(x), ylabel=_label(y))
    axes.set(xlim=(x["low"], x["high"]), ylim=(y["low"], y["high"]))


def _label(variable: dict[str, Any]) -> str:
    return f"{variable['name']} ({variable['unit']})" if variable["unit"] else str(variable["name"])


def _slice(data: RunData) -> str:
    """Return a line with the values of the state variables off the map; "" in worlds of two variables."""
    return f"\n{data.about['slice']}" if data.about["slice"] else ""
