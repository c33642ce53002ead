"""Map of how wrong the critic was about the agents that came by: its value less the return that followed."""

from valuescape.gpu.layers.layer import Input, MapLayer
from valuescape.gpu.layers.uploaded import UploadedMap
from valuescape.gpu.passes.ranges import ScaleEnds
from valuescape.sim.insight.subject import Subject


def lacks_discount(subject: Subject) -> str:
    """Return why no return can be compared with the critic's values: "" if one can."""
    if subject.config.policy.torchscript_critic and subject.checkpoint is None:
        return (
            "with which discount (gamma) the critic learned is unknown; name the checkpoint that the "
            "TorchScript belongs to (policy.checkpoint)"
        )
    return ""


REALISED_ERROR = MapLayer(
    name="realised_error",
    title="V − G of agents",
    unit="return",
    meaning="above 0 the critic promised more than agents got; pale: may be chance",
    make=UploadedMap.of,
    inputs=frozenset({Input.CRITIC, Input.ARRAY}),
    ends=ScaleEnds(centred=True),
    lacks=lacks_discount,
)
