"""Finds the VecNormalize file of a model, and joins its statistics to the checkpoint."""

from dataclasses import replace
from pathlib import Path

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import check_checkpoint
from valuescape.sim.policy.fit import CriticFit, critic_fit
from valuescape.sim.policy.formats.normalization import read_normalization
from valuescape.sim.policy.formats.vecnormalize import Statistics
from valuescape.sim.policy.network import Checkpoint, RewardNormalization
from valuescape.sim.policy.reward_units import RewardUnits
from valuescape.sim.worlds.base import World

FITS = 0.6
"""The greatest error of a critic (`CriticFit.error`) at which its units count as known."""

_CLEARLY = 1.5
"""The least ratio of two errors that decides between the units they were computed in."""

_NO_MATTER = 1.25
"""A scale between this and its inverse changes too little to ask about."""


class UnitsError(UsageError):
    """Neither VecNormalize's file nor trial episodes tell whether a critic learned from divided rewards."""


def statistics_beside(model: Path) -> Path | None:
    """Return the VecNormalize file beside a model; None if there is none under a usual name.

    Those are the names in Stable-Baselines3's guide and callbacks, and in RL Baselines3 Zoo's folders.
    """
    folder, stem = model.parent, model.stem
    environment = folder.name.rpartition("_")[0]  # RL Zoo: logs/ppo/CartPole-v1_1/best_model.zip
    prefix, _, steps = stem.removesuffix("_steps").rpartition("_")  # CheckpointCallback's
    names = [
        *(f"{stem}-vecnormalize.pkl", f"{stem}_vecnormalize.pkl", f"{stem}_vec_normalize.pkl"),
        *([f"{prefix}_vecnormalize_{steps}_steps.pkl"] if prefix and stem.endswith("_steps") else []),
        f"{stem}/vecnormalize.pkl",
        *([f"{environment}/vecnormalize.pkl"] if environment else []),
        *("vecnormalize.pkl", "vec_normalize.pkl"),
    ]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def with_statistics(checkpoint: Checkpoint, path: Path, world: World, units: RewardUnits) -> Checkpoint:
    """Return the checkpoint with the normalisations that the file at `path` says (`read_normalization`).

    units: AUTO believes VecNormalize's file about rewards, unless the returns in `world` contradict it.
    Raises UsageError if the file is unsound or of another model, and UnitsError if AUTO cannot decide.
    """
    found = read_normalization(path)
    if not found.of_rewards:
        return check_checkpoint(replace(checkpoint, obs_normalization=found.obs), path)
    joined = replace(checkpoint, obs_normalization=found.obs, reward_normalization=None)
    check_checkpoint(joined, path)
    norm = _reward_normalization(joined, found, path, world, units)
    return check_checkpoint(replace(joined, reward_normalization=norm), path)


def _reward_normalization(
    checkpoint: Checkpoint, found: Statistics, path: Path, world: World, units: RewardUnits
) -> RewardNormalization | None:
    norm = found.reward
    if norm is None:
        if units is RewardUnits.ON or (units is RewardUnits.AUTO and found.norm_reward):
            raise UsageError(
                f"{path}: has no statistics of returns (ret_rms)",
                "state that rewards were not divided: --reward-scale 1",
            )
        return None
    if units is not RewardUnits.AUTO:
        return norm if units is RewardUnits.ON else None
    if not 1 / _NO_MATTER < norm.scale < _NO_MATTER:
        _require_agreement(checkpoint, norm, found.norm_reward, path, world)
    return norm if found.norm_reward else None


def _require_agreement(
    checkpoint: Checkpoint, norm: RewardNormalization, stated: bool, path: Path, world: World
) -> None:
    """Raise UnitsError, which asks for the units, if the returns in `world` contradict the file.

    Without returns to compare with, `norm_reward = True` is believed, since statistics of returns were made.
    False is not: it is also what remains when normalisation was switched off to evaluate a model.
    """
    said = f"{path}: says norm_reward {stated}"
    ask = f"state which: --reward-scale {1 / norm.scale:.4g} if they were divided, --reward-scale 1 if not"
    divided = critic_fit(replace(checkpoint, reward_normalization=norm), world)
    plain = critic_fit(checkpoint, world)
    if divided is None or plain is None:
        if not stated:
            raise UnitsError(f"{said}, but also that returns deviate by {norm.scale:.4g}", ask)
        return
    shown = _evidence(divided, plain)
    if shown == stated or (stated and shown is None):
        return
    raise UnitsError(
        f"{said}; but agents get {divided.realised:.4g}, and V(s) of starts is {divided.value:.4g} if "
        f"rewards were divided by {norm.scale:.4g} in training, else {plain.value:.4g}",
        ask,
    )


def _evidence(divided: CriticFit, plain: CriticFit) -> bool | None:
    """Return whether rewards were divided, by the units in which the critic fits; None if in neither."""
    better, worse = sorted((divided, plain), key=lambda fit: fit.error)
    if better.error > FITS or worse.error < _CLEARLY * better.error:
        return None
    return better is divided
