"""Checkpoints for a world: from whichever kind of file, with the statistics that belong to it."""

from dataclasses import replace
from pathlib import Path

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.fit import critic_fit
from valuescape.sim.policy.formats import native as store
from valuescape.sim.policy.formats.detect import Kind, find_model, kind_of
from valuescape.sim.policy.formats.vecnormalize import read_statistics
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.reward_units import RewardUnits
from valuescape.sim.policy.statistics import FITS, statistics_beside, with_statistics
from valuescape.sim.policy.world_fit import bounds_remark, check_world
from valuescape.sim.worlds import World, make_world

_MISFIT = 0.75
"""A critic's error (`CriticFit.error`) from which on a person is told; in units of the returns themselves."""

_SPREADS = 0.03, 10.0
"""Between these a first layer's sums spread (`CriticFit.spread`) in every model that we know to be right."""


def load_checkpoint(path: Path, world: World) -> Checkpoint:
    """Return the checkpoint at `path`, which fits `world`: our format or a Stable-Baselines3 zip.

    Torch is imported for the latter alone; `path` may leave out its ".zip". Raises UsageError if there is no
    such file, if it is of another kind (saying how to convert it), if it is damaged or hostile, or if it was
    made for another world.
    """
    checkpoint = read_checkpoint(path)
    check_world(checkpoint, world, path)
    return checkpoint


def read_checkpoint(path: Path) -> Checkpoint:
    """Return the checkpoint at `path`, whatever world it is for; otherwise as `load_checkpoint`."""
    path = find_model(path)
    if kind_of(path) is Kind.SAFETENSORS:
        return store.load(path)
    from valuescape.sim.policy.formats.sb3 import load_sb3

    return load_sb3(path)


def load_with_statistics(
    path: Path, world: World, statistics: Path | None = None, units: RewardUnits = RewardUnits.AUTO
) -> Checkpoint:
    """Return the checkpoint at `path` with the VecNormalize statistics that it was trained with.

    statistics: their file; None looks for it beside a zip. `remarks` say what was found, and what of a zip
    does not fit `world`. Raises UsageError as `load_checkpoint` and `with_statistics` do.
    """
    checkpoint = load_checkpoint(path, world)
    model = find_model(path)
    from_zip = kind_of(model) is Kind.ZIP
    remarks = []
    if statistics is not None:
        checkpoint = with_statistics(checkpoint, statistics, world, units)
    elif from_zip and (beside := statistics_beside(model)):
        checkpoint, remark = _with_found(checkpoint, beside, world, units)
        remarks.append(f"{model.name}: {remark}")
    if from_zip:
        checkpoint = replace(checkpoint, doubt=_doubt(checkpoint, world))
        said = (bounds_remark(checkpoint, world), _doubt_remark(checkpoint, world))
        remarks += [f"{model.name}: {remark}" for remark in said if remark]
    return replace(checkpoint, remarks=tuple(remarks))


def convert(
    source: Path,
    out: Path,
    world_name: str,
    vecnormalize: Path | None = None,
    units: RewardUnits = RewardUnits.AUTO,
    *,
    force: bool = False,
) -> Checkpoint:
    """Write the checkpoint at `source` to `out` in our format, for the world called `world_name`.

    vecnormalize: the pickle of VecNormalize that belongs to it, which is read as data; None looks for it
    beside a zip. force: replace `out` even if it is no checkpoint of ours. Returns what was written, with
    what is to be said of it in `remarks`. Raises UsageError as `load_with_statistics` does, and if `out` is
    one of the files that are read.
    """
    source = find_model(source)
    kind_of(source)
    world = make_world(world_name)
    statistics = vecnormalize or statistics_beside(source)
    store.check_replaceable(out, inputs=[source, *([statistics] if statistics else [])], force=force)
    checkpoint = replace(load_with_statistics(source, world, vecnormalize, units), world=world_name)
    store.save(checkpoint, out)
    return checkpoint


def _with_found(
    checkpoint: Checkpoint, path: Path, world: World, units: RewardUnits
) -> tuple[Checkpoint, str]:
    """Return the checkpoint with the statistics that were found at `path`, if they are its own; and a remark.

    They are not if they are of other observations, or if the critic fits the world only without them.
    """
    obs = read_statistics(path).obs
    if obs is not None and obs.mean.size != checkpoint.obs_dim:
        return checkpoint, f"{path} is of {obs.mean.size} observations, and left out"
    plain = critic_fit(checkpoint, world)
    if plain and plain.error < FITS:
        try:
            joined = critic_fit(with_statistics(checkpoint, path, world, units), world)
        except UsageError:  # it asks in which units the critic is: it fits in neither
            joined = None
        if joined is None or joined.error > FITS:
            return checkpoint, f"{path} is left out: the critic fits {world.name} without it"
    return with_statistics(checkpoint, path, world, units), f"VecNormalize's statistics are from {path}"


def _doubt(checkpoint: Checkpoint, world: World) -> str:
    """Return what is odd about the critic in this world; "" if nothing is, or it cannot be told.

    Two things are looked at in some episodes: values that miss what agents get by as much as that itself, and
    a first layer whose sums hardly differ between states, or lie where activations are flat, as it does with
    observations of another scale. Neither is proof: a critic may be poor, and a wrong one may pass.
    """
    fit = critic_fit(checkpoint, world)
    if fit is None:
        return ""
    said = []
    if not fit.error <= _MISFIT:  # nor a number at all
        said.append(f"V(s) of starts is {fit.value:.3g} on average, agents get {fit.realised:.3g}")
    if not _SPREADS[0] <= fit.spread <= _SPREADS[1]:
        low, high = _SPREADS
        said.append(f"first layer's sums spread by {fit.spread:.2g}, usual are {low:g} to {high:g}")
    return "; ".join(said)


def _doubt_remark(checkpoint: Checkpoint, world: World) -> str | None:
    """Return the doubt with what may be the cause of it; None if there is none."""
    if not checkpoint.doubt:
        return None
    normalized = checkpoint.obs_normalization or checkpoint.reward_normalization
    cause = "other statistics" if normalized else "VecNormalize's file missing"
    return f"seems not to fit {world.name}: {checkpoint.doubt} (a poor critic, {cause}, or another world?)"
