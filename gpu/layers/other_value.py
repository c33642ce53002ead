"""Map of a second checkpoint's values, on the scale of the first one's."""

from pathlib import PurePath

from valuescape.gpu.layers.layer import Input, Legend, MapLayer
from valuescape.gpu.layers.uploaded import UploadedMap
from valuescape.gpu.layers.value import VALUE
from valuescape.sim.arrays import Float32Array
from valuescape.sim.config.insight_section import InsightConfig
from valuescape.sim.insight.acting import values_at
from valuescape.sim.insight.needs import lacks_other
from valuescape.sim.insight.over_plane import over_plane
from valuescape.sim.insight.subject import MapRequest, Subject


def other_value_over(request: MapRequest) -> Float32Array:
    """Return V(s) of the other checkpoint over the map, in the world's rewards."""
    other, world = request.subject.other, request.subject.world
    assert other is not None
    return over_plane(request, lambda states: values_at(world, other, states))


def other_name(subject: Subject) -> str:
    """Return the other checkpoint's name, without folders and ending."""
    name = subject.config.insight.compare_with
    return "the shipped one" if name == "auto" else PurePath(name).stem or "the other"


def _legend(subject: Subject, _: InsightConfig) -> Legend:
    meaning = f"the return that {other_name(subject)} expects, on the scale of value"
    return Legend(f"V(s) of {other_name(subject)}", meaning=meaning)


OTHER_VALUE = MapLayer(
    name="other_value",
    title="V(s) of the other",
    make=UploadedMap.of,
    inputs=frozenset({Input.ARRAY}),
    contours=True,
    compute=other_value_over,
    lacks=lacks_other,
    says=_legend,
    scale_of=VALUE.name,
    quantity="return",
)
