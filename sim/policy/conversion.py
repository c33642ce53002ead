"""Converts a checkpoint of any format to Valuescape's own, with the statistics it was trained with."""

from dataclasses import replace
from pathlib import Path

from valuescape.sim.policy.formats.detect import find_model, format_of
from valuescape.sim.policy.formats.native import check_replaceable, save
from valuescape.sim.policy.loading import load_with_statistics
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.reward_units import RewardUnits
from valuescape.sim.policy.statistics import statistics_beside
from valuescape.sim.worlds import World, make_world


def convert(
    source: Path,
    out: Path,
    world: World | str,
    vecnormalize: Path | None = None,
    units: RewardUnits = RewardUnits.AUTO,
    *,
    force: bool = False,
) -> Checkpoint:
    """Write the checkpoint at `source` to `out` in the native format, for a world, or the one of that name.

    vecnormalize: its VecNormalize pickle, read as data; None looks for it as `load_with_statistics` does.
    force: replace `out` even if it is no native checkpoint. Returns the written checkpoint, with `remarks`
    for the user. Raises UsageError as `load_with_statistics` does, and if `out` is one of the files that are
    read.
    """
    source = find_model(source)
    format_of(source)
    world = world if isinstance(world, World) else make_world(world)
    statistics = vecnormalize or statistics_beside(source)
    check_replaceable(out, inputs=[source, *([statistics] if statistics else [])], force=force)
    checkpoint = replace(load_with_statistics(source, world, vecnormalize, units), world=world.name)
    save(checkpoint, out)
    return checkpoint
