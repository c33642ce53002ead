"""A model and the VecNormalize it was trained with: where that file is, and what of it to take."""

from dataclasses import replace
from pathlib import Path

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import check_checkpoint
from valuescape.sim.policy.fit import CriticFit, critic_fit
from valuescape.sim.policy.formats.vecnormalize import Statistics, read_statistics
from valuescape.sim.policy.network import Checkpoint, RewardNormalization
from valuescape.sim.policy.reward_units import RewardUnits
from valuescape.sim.worlds.base import World

FITS = 0.6
"""A critic's greatest error (`CriticFit.error`) at which its units count as known."""

_CLEARLY = 1.5
"""How many times smaller one error must be than the other."""

_NO_MATTER = 1.25
"""A scale between this and its inverse changes nothing worth asking about."""


def statistics_beside(model: Path) -> Path | None:
    """Return the VecNormalize file that lies beside a model by one of its usual names; None if none does.

    Names are those of Stable-Baselines3's guide and callbacks, and of RL Baselines3 Zoo's folders.
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
    """Return the checkpoint with what the VecNormalize file at `path` did to observations and rewards.

    units: AUTO takes rewards as the file says, unless what agents get in `world` says otherwise. Raises
    UsageError if the file is unsound or of another model, or if AUTO cannot tell.
    """
    found = read_statistics(path)
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
            raise UsageError(f"{path}: has no statistics of returns (ret_rms)", "--reward-normalization off")
        return None
    if units is not RewardUnits.AUTO:
        return norm if units is RewardUnits.ON else None
    if not 1 / _NO_MATTER < norm.scale < _NO_MATTER:
        _require_agreement(checkpoint, norm, found.norm_reward, path, world)
    return norm if found.norm_reward else None


def _require_agreement(
    checkpoint: Checkpoint, norm: RewardNormalization, stated: bool, path: Path, world: World
) -> None:
    """Raise UsageError, which asks, if what agents get speaks against what the file states.

    Where there is nothing to compare with, `norm_reward = True` is believed: statistics were made so. False
    is not, as it is also what remains after normalisation was switched off to evaluate a model.
    """
    said = f"{path}: says norm_reward {stated}"
    ask = (
        f"say which: --reward-normalization on (divide rewards by {norm.scale:.4g}) or off, with "
        f"`valuescape convert MODEL.zip OUT.safetensors --world {world.name} --vecnormalize {path.name}`"
    )
    divided = critic_fit(replace(checkpoint, reward_normalization=norm), world)
    plain = critic_fit(checkpoint, world)
    if divided is None or plain is None:
        if not stated:
            raise UsageError(f"{said}, but also that returns deviate by {norm.scale:.4g}", ask)
        return
    shown = _evidence(divided, plain)
    if shown == stated or (stated and shown is None):
        return
    raise UsageError(
        f"{said}; but agents get {divided.realised:.4g}, and V(s) of starts is {divided.value:.4g} if "
        f"rewards were divided by {norm.scale:.4g} in training, else {plain.value:.4g}",
        ask,
    )


def _evidence(divided: CriticFit, plain: CriticFit) -> bool | None:
    """Return whether rewards were divided, by which units the critic fits in; None if it fits in neither."""
    better, worse = sorted((divided, plain), key=lambda fit: fit.error)
    if better.error > FITS or worse.error < _CLEARLY * better.error:
        return None
    return better is divided
