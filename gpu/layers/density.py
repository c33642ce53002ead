"""Map of where agents go: visits of each cell, which fade with time."""

from valuescape.gpu.layers.layer import Input, Inputs, MapLayer, News
from valuescape.gpu.passes.density import DensityPass


class DensityMap(DensityPass):
    """Visits, counted tick by tick."""

    def refresh(self, news: News) -> bool:
        """Count the visits of new ticks; return whether there were any."""
        if news.ticks:
            self.update(news.ticks)
        return len(news.ticks) > 0


def _make(inputs: Inputs) -> DensityMap:
    heatmap, ticks_per_s = inputs.config.heatmap, inputs.config.sim.ticks_per_s or 60.0
    half_life_ticks = heatmap.density_half_life * ticks_per_s
    return DensityMap(
        inputs.gl, inputs.ring, heatmap.density_resolution, inputs.bounds, half_life_ticks, inputs.meter
    )


DENSITY = MapLayer(
    name="density",
    title="visits",
    meaning="how often agents come by",
    make=_make,
    inputs=frozenset({Input.TRAILS}),
    counts=True,
    always=True,  # visits that are not counted when they happen are lost
    slow_range=True,
)
