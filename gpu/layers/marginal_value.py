"""Map of the critic's value as the agents meet it: the mean over the agents of each cell."""

from valuescape.gpu.layers.layer import Input, MapLayer
from valuescape.gpu.layers.uploaded import UploadedMap
from valuescape.sim.arrays import Float32Array
from valuescape.sim.insight.acting import values_at
from valuescape.sim.insight.needs import lacks_others_on_the_map
from valuescape.sim.insight.over_plane import over_plane
from valuescape.sim.insight.subject import MapRequest


def marginal_value_over(request: MapRequest) -> Float32Array:
    """Return the mean of V(s) over the agents of each cell, NaN where there is none."""
    checkpoint, world = request.subject.checkpoint, request.subject.world
    assert checkpoint is not None
    assert request.states is not None
    return over_plane(request, lambda states: values_at(world, checkpoint, states))


MARGINAL_VALUE = MapLayer(
    name="marginal_value",
    title="mean V(s)",
    meaning="the return that the critic expects, for the agents that are there",
    make=UploadedMap.of,
    inputs=frozenset({Input.ARRAY}),
    of_agents=True,
    quantity="return",
    compute=marginal_value_over,
    lacks=lacks_others_on_the_map,
)
