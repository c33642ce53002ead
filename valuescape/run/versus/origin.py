"""The origin of pictures and videos of an A/B run: what both configurations are."""

from valuescape.invocation import command
from valuescape.provenance.contents import PairMade, Provenance
from valuescape.provenance.origin import provenance, recorded
from valuescape.run.stage import Stage
from valuescape.sim.config.sections import MAX_TEXT


def pair_origin(first: Stage, second: Stage, tick: int) -> Provenance:
    """Return how a picture of a tick came about. tick: -1 for a video."""
    made = PairMade(
        second=second.config,
        acted=recorded(second.config.policy.checkpoint, second.checkpoint),
        tick=tick,
        command=(command() or "")[:MAX_TEXT],
    )
    driver = f"{first.driver.renderer}, {first.driver.version}"
    return provenance(made, first.config, first.checkpoint, first.subject.other, driver)
