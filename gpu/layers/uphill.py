"""Map of whether the policy goes where its critic says that it is better."""

from valuescape.gpu.layers.layer import Input, MapLayer
from valuescape.gpu.layers.uploaded import UploadedMap
from valuescape.gpu.passes.ranges import ScaleEnds
from valuescape.sim.insight.flow import uphill_over
from valuescape.sim.insight.needs import lacks_critic, lacks_steps

UPHILL = MapLayer(
    name="uphill",
    title="uphill",
    meaning="1: the policy goes up the critic's landscape; −1: down; 0: along a contour line",
    make=UploadedMap.of,
    inputs=frozenset({Input.ARRAY}),
    ends=ScaleEnds(-1.0, 1.0, centred=True),
    compute=uphill_over,
    lacks=lambda subject: lacks_critic(subject) or lacks_steps(subject),
)
