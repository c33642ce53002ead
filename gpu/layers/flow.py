"""Map of the flow that the policy makes among states, as a texture of comets that fly with it."""

from valuescape.gpu.layers.layer import Input, MapLayer
from valuescape.gpu.layers.uploaded import UploadedMap
from valuescape.gpu.passes.ranges import ScaleEnds
from valuescape.sim.arrays import Float32Array
from valuescape.sim.insight.flow import flow_over
from valuescape.sim.insight.needs import lacks_steps
from valuescape.sim.insight.streaks import streaks
from valuescape.sim.insight.subject import MapRequest


def streaks_over(request: MapRequest) -> Float32Array:
    """Return the streaks of the policy's flow over the map, from 0 to 1.

    Performance: 36 ms for 128 x 128 cells of an actor of 256-256 units, 15 ms of 64-64.
    """
    x, y = request.plane.variables
    return streaks(flow_over(request), (x.periodic, y.periodic))


FLOW = MapLayer(
    name="flow",
    title="flow",
    meaning="comets fly as the policy leads from each state; their heads are bright",
    make=UploadedMap.of,
    inputs=frozenset({Input.ARRAY}),
    ends=ScaleEnds(0.0, 1.0),
    colormap="gray",
    compute=streaks_over,
    lacks=lacks_steps,
)
