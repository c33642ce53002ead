"""rl_games's `.pth` files of PPO (IsaacGymEnvs, OmniIsaacGymEnvs, Isaac Lab …).

`model` has `a2c_network.actor_mlp.0.weight` …, `critic_mlp` if the networks are separate, `mu` (with
`sigma`) or `logits`, and `value`; and `running_mean_std` and `value_mean_std`, which releases before 1.2
keep beside `model` (the second as `reward_mean_std`). Observations are normalised and clipped to ±5;
values are clipped to ±5 and denormalised. The activation, that behind `mu` and gamma are settings in the
training's YAML file, which is not in the file.

Recurrent networks, convolutions and central values of another state are refused.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.chains import Chain, chain, constant_layer, layer, layer_names
from valuescape.sim.policy.formats.files import BROKEN
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.libraries.running_statistics import (
    denormalized,
    normalization,
    statistics,
)
from valuescape.sim.policy.formats.libraries.state_dicts import (
    not_linear,
    plain_names,
    prefix_of,
    require_linear,
    under,
)
from valuescape.sim.policy.formats.library_format import library_format
from valuescape.sim.policy.formats.registry import Lack, Probe
from valuescape.sim.policy.formats.torch_data import read_torch
from valuescape.sim.policy.network import ActionNoise, Activation, ActorHead, CriticKind

_CLIP = 5.0
_EPSILON = 1e-5
_MARK = "a2c_network.value.weight"
_RECURRENT = re.compile(r"(^|\.)([ac]_)?rnn\.")
_SCALED = (
    "actions of -1 to 1 are scaled to the world's bounds, rl_games's default; "
    "with clip_actions: False state --set policy.head=clipped"
)
_SHAPED = (
    "values are in units of the shaped rewards of the training (reward_shaper in its YAML file, whose "
    "scale_value --reward-scale states)"
)


def recognises(probe: Probe) -> bool:
    """Return whether a file has the names of rl_games's actor-critic."""
    try:
        return prefix_of(plain_names(probe.torch), _MARK) is not None
    except BROKEN:
        return False


def read(path: Path, given: Given) -> Found:
    """Return the networks of an agent."""
    tensors = plain_names(read_torch(path))
    prefix = prefix_of(tensors, _MARK) or ""
    own = under(tensors, f"{prefix}a2c_network.")
    _refuse(path, tensors, own)
    separate = bool(layer_names(own, "critic_mlp"))
    continuous = "mu.weight" in own
    if not continuous and "logits.weight" not in own:
        raise UsageError(
            f"{path}: chooses several discrete actions at once, or has another head", "it is not read"
        )
    actor = _network(path, own, "actor_mlp", "mu" if continuous else "logits")
    critic = _network(path, own, "critic_mlp" if separate else "actor_mlp", "value")
    scaled = continuous and given.head is not ActorHead.CLIPPED
    found = Found(
        algorithm="ppo",
        usual=Activation.ELU,
        actor=actor,
        head=ActorHead.CLIPPED if continuous else ActorHead.ARGMAX,
        critics=(critic,),
        critic_kind=CriticKind.STATE_VALUE,
        squashes=None if continuous else False,
        actor_units_differ=scaled,
        noise=_noise(path, own, actor) if continuous else None,
        remarks=(*([_SHAPED] if given.reward_scale is None else []), *([_SCALED] if scaled else [])),
        tensors=tensors,
    )
    return _normalized(path, tensors, prefix, found)


def _normalized(path: Path, tensors: Mapping[str, Any], prefix: str, found: Found) -> Found:
    """Return what was found with the statistics of observations and values, in the model or beside it."""
    if any(
        f"{place}running_mean_std.running_mean_std." in name for name in tensors for place in (prefix, "")
    ):
        raise UsageError(f"{path}: observes several things under names of their own", "it is not read")
    of_observations, of_values = (
        _statistics(tensors, [f"{prefix}{names[0]}", *names])
        for names in (("running_mean_std",), ("value_mean_std", "reward_mean_std"))
    )
    critic = denormalized(path, found.critics[0], of_values, _CLIP)
    return replace(found, critics=(critic,), obs_normalization=normalization(path, of_observations, _CLIP))


def _statistics(tensors: Mapping[str, Any], places: list[str]) -> Any:
    found = (
        statistics(tensors, f"{place}.running_mean", f"{place}.running_var", _EPSILON) for place in places
    )
    return next((each for each in found if each is not None), None)


def _refuse(path: Path, tensors: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    for name, tensor in own.items():
        if _RECURRENT.search(name) or name.startswith(("actor_cnn.", "critic_cnn.")):
            raise not_linear(path, name, tensor, own)
    if any(name.startswith(("assymetric_vf_nets.", "central_val_stats.")) for name in tensors):
        raise UsageError(
            f"{path}: has a central value, which observes a state of its own",
            "train without central_value_config, so that actor and critic observe the same",
        )


def _network(path: Path, own: Mapping[str, Any], *prefixes: str) -> Chain:
    inside = [prefix for prefix in prefixes if layer_names(own, prefix)]
    require_linear(path, own, *prefixes)
    return chain(path, own, *inside)


def _noise(path: Path, own: Mapping[str, Any], actor: Chain) -> ActionNoise | None:
    if "sigma" in own:
        hidden = actor.linears[-1].layer.weight.shape[1]
        return ActionNoise(constant_layer(path, "sigma", own["sigma"], hidden))
    return ActionNoise(layer(path, own, "sigma")) if layer_names(own, "sigma") == ["sigma"] else None


FORMAT = library_format(
    "rl_games",
    "torch",
    recognises,
    read,
    library="rl_games",
    lacks=frozenset({Lack.WORLD, Lack.REWARDS}),
    suffixes=(".pth",),
)
