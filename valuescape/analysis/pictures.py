"""The maps as figures for a paper: white, with axes, units and colour bars, in PNG, PDF or SVG."""

import math
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from matplotlib import colormaps, style
from matplotlib.figure import Figure
from numpy.typing import NDArray

from valuescape.analysis.panels import Panel
from valuescape.provenance.containers import figure_metadata
from valuescape.provenance.contents import Provenance
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import MapPlane
from valuescape.sim.worlds.base import Variable

_STYLE = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.linewidth": 0.6,
    "savefig.dpi": 200,
    "svg.hashsalt": "valuescape",  # else the identifiers in it differ from time to time
    "pdf.fonttype": 42,
}
_PANEL_INCHES = 3.4, 2.7


class OnPlane(Protocol):
    """Fields over a plane of states."""

    @property
    def plane(self) -> MapPlane:
        """The plane."""


def figure(maps: OnPlane, shown: Mapping[str, Panel], columns: int = 4) -> Any:
    """Return a figure with the panels side by side, `columns` in a row."""
    return figure_of([(maps, panel) for panel in shown.values()], columns)


def figure_of(panels: Sequence[tuple[OnPlane, Panel]], columns: int = 4) -> Any:
    """Return a figure with panels side by side, each over a plane of its own; `columns` in a row."""
    width, height = _PANEL_INCHES
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    with style.context(["default", _STYLE], after_reset=True):
        made = ShownFigure(figsize=(width * columns, height * rows), layout="constrained")
        axes = made.subplots(rows, columns, squeeze=False).ravel()
        for (on_plane, panel), ax in zip(panels, axes, strict=False):
            _draw(made, ax, on_plane, panel)
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
    return made


def save(made: Any, path: Path, origin: Provenance | None = None) -> None:
    """Write a figure to a .png, .pdf or .svg. origin: kept in the file's metadata.

    Raises UsageError if it cannot be written.
    """
    try:
        _save(made, path, path.suffix.lower(), origin)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from None


class ShownFigure(Figure):  # type: ignore[misc, unused-ignore]
    """A figure that is shown as the value of a notebook's cell; by itself only those of pyplot are."""

    def _repr_png_(self) -> bytes:
        return as_png(self)


def as_png(made: Any) -> bytes:
    """Return a figure as the bytes of a PNG."""
    out = BytesIO()
    _save(made, out, ".png")
    return out.getvalue()


def _save(made: Any, target: Any, suffix: str, origin: Provenance | None = None) -> None:
    with style.context(["default", _STYLE], after_reset=True):
        made.savefig(target, format=suffix[1:], metadata=figure_metadata(suffix, origin))


def calibration_plot(
    predicted: NDArray[Any], realised: NDArray[Any], bins: NDArray[Any]
) -> Callable[[Any], None]:
    """Return what draws the mean return of each bin of predictions over the mean prediction."""

    def draw(axes: Any) -> None:
        counts = np.maximum(np.bincount(bins), 1)
        x, y = (np.bincount(bins, weights=each) / counts for each in (predicted, realised))
        ends = [min(x.min(), y.min()), max(x.max(), y.max())]
        axes.plot(ends, ends, color="0.6", linewidth=1, label="as promised")
        axes.plot(x, y, "o-", markersize=4, label="the returns that followed")
        axes.set(xlabel="predicted value, mean of a bin", ylabel="realised return, mean of a bin")
        axes.legend()

    return draw


def returns_plot(returns: NDArray[np.float64]) -> Callable[[Any], None]:
    """Return what draws the distribution of the episodes' returns; of those that are not finite, nothing."""
    known = returns[np.isfinite(returns)]
    mean = float(known.mean()) if known.size else math.nan

    def draw(axes: Any) -> None:
        axes.hist(known, bins=min(40, max(10, len(known) // 10)), color="tab:blue")
        axes.axvline(mean, color="0.2", linewidth=1, label=f"mean {mean:.4g}")
        axes.set(xlabel="return of an episode", ylabel="episodes")
        axes.legend()

    return draw


def _draw(made: Any, axes: Any, maps: OnPlane, panel: Panel) -> None:
    x, y = maps.plane.variables
    extent = (x.low, x.high, y.low, y.high)
    colors = colormaps[panel.colors].with_extremes(bad="0.85")
    image = axes.imshow(
        panel.field,
        origin="lower",
        extent=extent,
        aspect="auto",
        interpolation="nearest",
        cmap=colors,
        vmin=panel.low,
        vmax=panel.high,
        alpha=panel.opacity,
    )
    bar = made.colorbar(image, ax=axes, label=panel.label, extend=_extend(panel))
    bar.solids.set_alpha(1)
    axes.set(xlabel=_name(x), ylabel=_name(y), title=panel.title)


def _extend(panel: Panel) -> str:
    """Return at which ends values are beyond the colours, as matplotlib has it."""
    slack = 1e-6 * (panel.high - panel.low)
    low = bool(np.any(panel.field < panel.low - slack))
    high = bool(np.any(panel.field > panel.high + slack))
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get((low, high), "neither")


def _name(variable: Variable) -> str:
    return f"{variable.name} ({variable.unit})" if variable.unit else variable.name
