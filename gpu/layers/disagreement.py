"""Map of how far a critic disagrees with itself: its twins, or its quantiles of the return."""

from valuescape.gpu.layers.layer import Input, Legend, MapLayer
from valuescape.gpu.layers.uploaded import UploadedMap
from valuescape.gpu.passes.ranges import ScaleEnds
from valuescape.sim.arrays import Float32Array
from valuescape.sim.config.insight_section import InsightConfig
from valuescape.sim.insight.acting import observed
from valuescape.sim.insight.needs import lacks_spread
from valuescape.sim.insight.over_plane import over_plane
from valuescape.sim.insight.spread import Spread, critic_spread, spread_kind
from valuescape.sim.insight.subject import MapRequest, Subject

_FROM_ZERO = ScaleEnds(low=0.0)


def disagreement_over(request: MapRequest) -> Float32Array:
    """Return the spread of the critic's answers over the map, in the world's rewards."""
    checkpoint, world = request.subject.checkpoint, request.subject.world
    assert checkpoint is not None
    return over_plane(request, lambda states: critic_spread(checkpoint, observed(world, states)))


def _legend(subject: Subject, _: InsightConfig) -> Legend:
    checkpoint = subject.checkpoint
    if checkpoint is not None and spread_kind(checkpoint) is Spread.QUANTILES:
        meaning = "standard deviation over the quantiles that the critic learned"
        return Legend("spread of returns", meaning=meaning, ends=_FROM_ZERO)
    return Legend("disagreement", meaning="how far the twin critics are apart", ends=_FROM_ZERO)


DISAGREEMENT = MapLayer(
    name="disagreement",
    title="disagreement",
    make=UploadedMap.of,
    inputs=frozenset({Input.ARRAY}),
    ends=_FROM_ZERO,
    colormap="inferno",
    compute=disagreement_over,
    lacks=lacks_spread,
    says=_legend,
)
