"""Checks between the settings of a configuration, which need no world, checkpoint or file."""

from valuescape.sim.config.picture_sections import HeatmapConfig
from valuescape.sim.errors import UsageError


def require_scale_ends(heatmap: HeatmapConfig) -> None:
    """Raise UsageError unless the low end of the value's colour scale is below its high end."""
    low, high = heatmap.low, heatmap.high
    if low != "auto" and high != "auto" and not low < high:
        raise UsageError(f"heatmap.low = {low:g}, expected less than heatmap.high = {high:g}")
