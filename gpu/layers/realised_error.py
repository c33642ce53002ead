"""Map of how wrong the critic was about the agents that came by: its value less the return that followed."""

from valuescape.gpu.layers.layer import Input, Legend, MapLayer
from valuescape.gpu.layers.uploaded import UploadedMap
from valuescape.gpu.passes.ranges import ScaleEnds
from valuescape.sim.config.insight_section import InsightConfig
from valuescape.sim.insight.needs import lacks_discount
from valuescape.sim.insight.subject import Subject

_CENTRED = ScaleEnds(centred=True)

_MEANING = "above 0 the critic promised more than agents got; pale: may be chance"


def _legend(subject: Subject, _: InsightConfig) -> Legend:
    soft = subject.checkpoint is not None and subject.checkpoint.algorithm == "sac"
    meaning = f"{_MEANING}; V counts entropy, G does not" if soft else _MEANING
    return Legend("V − G of agents", meaning=meaning, ends=_CENTRED)


REALISED_ERROR = MapLayer(
    name="realised_error",
    title="V − G of agents",
    meaning=_MEANING,
    make=UploadedMap.of,
    inputs=frozenset({Input.ARRAY}),
    ends=_CENTRED,
    lacks=lacks_discount,
    says=_legend,
)
