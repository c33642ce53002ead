"""Map of the critic's mean TD error (Bellman error) at the agents that came by.

It says how far the critic agrees with itself from one step to the next, and little about how far it is off:
Fujimoto et al., "Why should I trust you, Bellman?", 2022.
"""

from valuescape.gpu.layers.layer import Input, MapLayer
from valuescape.gpu.layers.uploaded import UploadedMap
from valuescape.gpu.passes.ranges import ScaleEnds
from valuescape.sim.insight.needs import lacks_discount

TD_ERROR = MapLayer(
    name="td_error",
    title="TD error of agents",
    meaning="reward + γ · next V − V: whether the critic agrees with itself, not whether it is right",
    make=UploadedMap.of,
    inputs=frozenset({Input.ARRAY}),
    ends=ScaleEnds(centred=True),
    colormap="PuOr",  # another one than of V - G, whose sign is the opposite
    lacks=lacks_discount,
)
