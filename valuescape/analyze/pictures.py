"""The maps as figures for a paper: white, with axes, units and colour bars, in PNG, PDF or SVG."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps, style
from matplotlib.figure import Figure
from numpy.typing import NDArray

from valuescape.analyze.maps import Maps
from valuescape.provenance.containers import figure_metadata
from valuescape.provenance.contents import Provenance
from valuescape.sim.errors import UsageError
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
_FADED = 0.25
"""Opacity of an error that its interval does not part from zero."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One map of a figure."""

    title: str
    label: str  # of the colour bar
    field: NDArray[Any]
    colors: str
    low: float
    high: float
    opacity: NDArray[np.float64] | None = None


def panels(maps: Maps, significant: NDArray[np.bool_]) -> dict[str, Panel]:
    """Return the maps by name: value, truth, error, steps, and outcome where it differs between cells.

    Value and truth are on one scale; the error's is symmetric, so that white is none.
    """
    truth = maps.truth
    both = np.concatenate([maps.value.ravel(), truth.value.ravel()])
    low, high = (float(each) for each in (np.nanmin(both), np.nanmax(both)))
    most = float(np.nanquantile(np.abs(maps.error), 0.995)) or 1.0
    pale = np.where(significant, 1.0, _FADED)
    found = {
        "value": Panel("belief: the critic's value", "V(s)", maps.value, "viridis", low, high),
        "truth": Panel("truth: the return that follows", "G(s)", truth.value, "viridis", low, high),
        "error": Panel("error: belief − truth", "V(s) − G(s)", maps.error, "RdBu_r", -most, most, pale),
        "steps": Panel(
            "length of the rollout", "steps", truth.steps, "magma", 0, float(np.nanmax(truth.steps))
        ),
    }
    if np.ptp(truth.terminated) > 0:
        share = truth.terminated
        found["outcome"] = Panel("share that terminates", "share", share, "cividis", 0, 1)
    if maps.visits is not None:
        count = np.log10(np.where(maps.visits.count > 0, maps.visits.count, np.nan))
        most_visits = max(float(np.nanmax(count)), 1e-9)
        found["visits"] = Panel("visits by episodes", "log₁₀ of steps", count, "Greys", 0, most_visits)
        found["realised_error"] = Panel(
            "error seen by episodes", "mean V − G", maps.visits.error, "RdBu_r", -most, most
        )
    return found


def figure(maps: Maps, shown: Mapping[str, Panel], columns: int = 4) -> Any:
    """Return a figure with the panels side by side, `columns` in a row."""
    width, height = _PANEL_INCHES
    columns = min(columns, len(shown))
    rows = -(-len(shown) // columns)
    with style.context(["default", _STYLE], after_reset=True):
        made = Figure(figsize=(width * columns, height * rows), layout="constrained")
        axes = made.subplots(rows, columns, squeeze=False).ravel()
        for panel, ax in zip(shown.values(), axes, strict=False):
            _draw(made, ax, maps, panel)
        for ax in axes[len(shown) :]:
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
    """Return what draws the distribution of the episodes' returns."""

    def draw(axes: Any) -> None:
        axes.hist(returns, bins=min(40, max(10, len(returns) // 10)), color="tab:blue")
        axes.axvline(returns.mean(), color="0.2", linewidth=1, label=f"mean {returns.mean():.4g}")
        axes.set(xlabel="return of an episode", ylabel="episodes")
        axes.legend()

    return draw


def _draw(made: Any, axes: Any, maps: Maps, panel: Panel) -> None:
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
    bar = made.colorbar(image, ax=axes, label=panel.label)
    bar.solids.set_alpha(1)
    axes.set(xlabel=_name(x), ylabel=_name(y), title=panel.title)


def _name(variable: Variable) -> str:
    return f"{variable.name} ({variable.unit})" if variable.unit else variable.name
