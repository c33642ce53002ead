"""Map of how wrong the critic was about the agents that came by: its value less the return that followed."""

from valuescape.gpu.layers.layer import Input, MapLayer
from valuescape.gpu.layers.uploaded import UploadedMap
from valuescape.gpu.passes.ranges import ScaleEnds
from valuescape.sim.insight.needs import lacks_discount

REALISED_ERROR = MapLayer(
    name="realised_error",
    title="V − G of agents",
    unit="return",
    meaning="above 0 the critic promised more than agents got; pale: may be chance",
    make=UploadedMap.of,
    inputs=frozenset({Input.ARRAY}),
    ends=ScaleEnds(centred=True),
    quantity="error",
    lacks=lacks_discount,
)
