"""Converts a checkpoint of any format to Valuescape's own, with the statistics it was trained with."""

from dataclasses import replace
from pathlib import Path

from valuescape.sim.policy.formats.detect import find_model, format_of
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.native import check_replaceable, save
from valuescape.sim.policy.loading import load_with_statistics
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.reward_units import RewardUnits
from valuescape.sim.policy.statistics import statistics_beside
from valuescape.sim.worlds import World, make_world

_NOTHING = Given()


def convert(
    source: Path,
    out: Path,
    world: World | str,
    given: Given = _NOTHING,
    units: RewardUnits = RewardUnits.AUTO,
    *,
    force: bool = False,
) -> Checkpoint:
    """Write the checkpoint at `source` to `out` in the native format, for a world, or the one of that name.

    given: what the user states because the file does not say it, such as where its statistics of observations
    are (`load_with_statistics`).
    force: replace `out` even if it is no native checkpoint. Returns the written checkpoint, with `remarks`
    for the user. Raises UsageError as `load_with_statistics` does, and if `out` is one of the files that are
    read.
    """
    source = find_model(source)
    format_of(source)
    world = world if isinstance(world, World) else make_world(world)
    statistics = given.obs_normalization or statistics_beside(source)
    check_replaceable(out, inputs=[source, *([statistics] if statistics else [])], force=force)
    checkpoint = replace(load_with_statistics(source, world, given, units), world=world.name)
    save(checkpoint, out)
    return checkpoint
