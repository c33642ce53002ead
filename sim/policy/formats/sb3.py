"""Zips of Stable-Baselines3 and SB3-Contrib, of the policies in `sb3_known`, of releases since 2020."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TypeGuard

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import check_checkpoint, frozen
from valuescape.sim.policy.formats.assembly import restated
from valuescape.sim.policy.formats.contents import Contents
from valuescape.sim.policy.formats.description import described
from valuescape.sim.policy.formats.found import found_of
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.registry import Format, Lack, Probe
from valuescape.sim.policy.formats.sb3_known import require_known
from valuescape.sim.policy.formats.sb3_networks import NetworkBuilder
from valuescape.sim.policy.formats.sb3_zip import (
    SUPPORTED,
    Sb3File,
    Space,
    entropy_coefficient,
    training_returns,
)
from valuescape.sim.policy.network import SOFT_ALGORITHMS, Checkpoint, Training

_NOTHING = Given()


def load_sb3(path: Path, given: Given = _NOTHING) -> Checkpoint:
    """Return the actor and critics in a Stable-Baselines3 zip.

    The zip contains neither the world nor normalisation statistics, so `world` is "" and `obs_normalization`
    None; VecNormalize's pickle has the statistics (`sim.policy.formats.vecnormalize`). Nothing in the file is
    run. Raises UsageError, naming file and member or tensor, for a model that cannot be evaluated here.
    """
    return restated(path, _checkpoint(Sb3File(path)), given)


def contents(path: Path, given: Given = _NOTHING) -> Contents:
    """Return what is in a Stable-Baselines3 zip; see `Format.contents`."""
    file = Sb3File(path)
    found = found_of(restated(path, _checkpoint(file), given), file.tensors)
    said = replace(found, version=file.version)
    return described("sb3", "Stable-Baselines3", said, given, FORMAT.lacks)


def _checkpoint(file: Sb3File) -> Checkpoint:
    require_known(file)
    obs = file.space("observation_space")
    _require_kind(file, "observation_space", obs, ("Box", "Discrete", "MultiDiscrete", "MultiBinary", "Dict"))
    action = file.space("action_space")
    _require_kind(file, "action_space", action, ("Box", "Discrete", "MultiDiscrete", "MultiBinary"))
    if action.start != 0:
        raise file.error(f"action_space begins at {action.start}, expected 0")
    networks = NetworkBuilder(file).networks(action)
    checkpoint = Checkpoint(
        algorithm=networks.algorithm,
        world="",
        obs_dim=math.prod(obs.shape) if obs.kind == "Box" else networks.actor.in_dim,
        actor=networks.actor,
        actor_head=networks.actor_head,
        critics=networks.critics,
        critic_kind=networks.critic_kind,
        action_low=_bounds(file, "low", action),
        action_high=_bounds(file, "high", action),
        obs_normalization=None,
        gamma=_gamma(file),
        training=_training(file),
        obs_bounds=_obs_bounds(obs),
        noise=networks.noise,
        choices=action.sizes,
        quantile_layers=networks.quantile_layers,
        entropy_coefficient=entropy_coefficient(file) if networks.algorithm in SOFT_ALGORITHMS else None,
    )
    return check_checkpoint(checkpoint, file.path)


def _require_kind(file: Sb3File, name: str, space: Space, kinds: tuple[str, ...]) -> None:
    if space.kind not in kinds:
        raise file.error(f"{name} is {space.kind}, expected {', '.join(kinds[:-1])} or {kinds[-1]}")


def _bounds(file: Sb3File, key: str, action: Space) -> Float32Array:
    values = np.array(action.low if key == "low" else action.high, np.float32)
    if action.kind == "Box" and values.size != math.prod(action.shape):
        raise file.error(f"data: action_space.{key} cannot be read as {math.prod(action.shape)} numbers")
    return frozen(file.path, f"action_space.{key}", values)


def _obs_bounds(obs: Space) -> tuple[Float32Array, Float32Array] | None:
    """Return low and high of the observations, None if the file does not print them in full."""
    if obs.kind != "Box":
        return None
    low, high = (np.array(values, np.float32) for values in (obs.low, obs.high))
    return (low, high) if low.size == high.size == math.prod(obs.shape) else None


def _gamma(file: Sb3File) -> float:
    gamma = file.number("gamma")
    if gamma is None:
        raise UsageError(f"{file.path}: data: gamma is not a number", SUPPORTED)
    return float(gamma)


def _training(file: Sb3File) -> Training:
    timesteps, seed = file.number("num_timesteps"), file.number("seed")
    returns = np.array(training_returns(file))
    known = returns.size > 0 and bool(np.isfinite(returns).all())
    return Training(
        mean_return=float(returns.mean()) if known else None,
        std_return=float(returns.std()) if known else None,
        episodes=returns.size if known else None,
        seed=seed if _is_count(seed) else None,
        timesteps=timesteps if _is_count(timesteps) else None,
    )


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and 0 <= value < 2**63


def recognises(probe: Probe) -> bool:
    """Return whether a zip is a model of Stable-Baselines3's: by members that model.save() alone writes."""
    return not {"data", "policy.pth"}.isdisjoint(probe.members)


FORMAT = Format(
    name="sb3",
    container="zip",
    recognises=recognises,
    load=load_sb3,
    contents=contents,
    library="Stable-Baselines3",
    lacks=frozenset({Lack.WORLD, Lack.STATISTICS}),
    suffixes=(".zip",),
    appended=".zip",
)
