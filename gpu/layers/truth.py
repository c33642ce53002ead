"""Maps of what really follows from each state: the truth beside the critic's belief.

Rollouts of the policy from every cell make all of them (`sim.rollouts.field`).
"""

from valuescape.gpu.layers.layer import Input, MapLayer
from valuescape.gpu.layers.uploaded import UploadedMap
from valuescape.gpu.layers.value import VALUE
from valuescape.gpu.passes.ranges import ScaleEnds
from valuescape.sim.insight.subject import Subject
from valuescape.sim.rollouts.choose import why_no_rollouts

_MADE_FROM = frozenset({Input.ARRAY})


def lacks_rollouts(subject: Subject) -> str:
    """Return why there can be no rollouts from each cell, as `MapLayer.lacks` does."""
    if subject.checkpoint is None:
        return "without a checkpoint (policy.checkpoint) neither policy nor discount are known"
    if not (subject.checkpoint.critics or subject.config.policy.torchscript_critic):
        return "the checkpoint has no critic to compare with"
    reason = why_no_rollouts(subject.world)
    name = subject.world.name
    return f"agents of {name} cannot be put into a state of one's choice: {reason}" if reason else ""


def _lacks_ends(subject: Subject) -> str:
    if subject.world.termination == "never":
        return f"episodes of {subject.world.name} never terminate"
    return lacks_rollouts(subject)


TRUTH = MapLayer(
    name="truth",
    title="G(s)",
    meaning="the return that follows",
    make=UploadedMap.of,
    inputs=_MADE_FROM,
    quantity=VALUE.quantity,
    lacks=lacks_rollouts,
    scale_of=VALUE.name,
)

ERROR = MapLayer(
    name="error",
    title="V − G",
    meaning="promised beyond the return that follows; pale: may be chance",
    make=UploadedMap.of,
    inputs=_MADE_FROM,
    ends=ScaleEnds(centred=True),
    quantity="error",
    lacks=lacks_rollouts,
)

OUTCOME = MapLayer(
    name="outcome",
    title="terminated",
    unit="share",
    meaning="the share of rollouts that terminate",
    make=UploadedMap.of,
    inputs=_MADE_FROM,
    ends=ScaleEnds(0.0, 1.0),
    colormap="cividis",
    lacks=_lacks_ends,
)

STEPS = MapLayer(
    name="steps",
    title="length",
    unit="steps",
    meaning="steps until a rollout ends",
    make=UploadedMap.of,
    inputs=_MADE_FROM,
    ends=ScaleEnds(low=0.0),
    colormap="magma",
    lacks=lacks_rollouts,
)

TOTAL = MapLayer(
    name="total",
    title="return",
    unit="undiscounted",
    meaning="the sum of a rollout's rewards",
    make=UploadedMap.of,
    inputs=_MADE_FROM,
    lacks=lacks_rollouts,
)

OF_ROLLOUTS = (TRUTH, ERROR, OUTCOME, STEPS, TOTAL)
"""The maps that rollouts from every cell make."""
