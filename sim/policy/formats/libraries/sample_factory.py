"""Sample Factory's `checkpoint_*.pth` and `best_*.pth`, with `config.json` in the folder above.

`model` has `encoder.encoders.obs.mlp_head.0.weight` …, `decoder.mlp`, `critic_linear` and
`action_parameterization.distribution_linear`; separate networks have each with `actor_` and `critic_`
before. `obs_normalizer` and `returns_normalizer` have statistics; both clip to ±5. The activation, gamma
and the scale of rewards are in the configuration; without it the first two are asked for. Networks with
an RNN, Sample Factory's default, are refused, and so are images.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import frozen
from valuescape.sim.policy.formats.chains import Chain, Linear, chain, constant_layer, layer, layer_names
from valuescape.sim.policy.formats.files import BROKEN, read_bounded
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.libraries.running_statistics import (
    denormalized,
    normalization,
    outputs,
    scaled_outputs,
    statistics,
)
from valuescape.sim.policy.formats.libraries.state_dicts import (
    not_linear,
    plain_names,
    require_linear,
    under,
)
from valuescape.sim.policy.formats.library_format import library_format
from valuescape.sim.policy.formats.registry import Lack, Probe
from valuescape.sim.policy.formats.torch_data import read_torch
from valuescape.sim.policy.network import (
    ActionNoise,
    Activation,
    ActorHead,
    CriticKind,
    ObsNormalization,
    RewardNormalization,
)

_CLIP = 5.0
_EPSILON = 1e-5
_LINEAR = "action_parameterization.distribution_linear"
_MARKS = ("model.critic_linear.weight", f"model.{_LINEAR}.weight")
_MAX_CONFIG = 2**20
_NO_CONFIG = (
    "config.json is not in the folder above: the activation, gamma and the scale of rewards are in it"
)


def recognises(probe: Probe) -> bool:
    """Return whether a file has the names of Sample Factory's actor-critic."""
    try:
        return set(_MARKS) <= plain_names(probe.torch).keys()
    except BROKEN:
        return False


def read(path: Path, given: Given) -> Found:
    """Return the networks of a checkpoint."""
    tensors = plain_names(read_torch(path))
    own = under(tensors, "model.")
    recurrent = next((name for name in own if re.search(r"core\.core\.|weight_[ih]h_l\d", name)), None)
    if recurrent is not None:
        raise not_linear(path, recurrent, own[recurrent], own)
    config = _config(path)
    separate = any(name.startswith("actor_encoder.") for name in own)
    actor, critic = (
        _network(path, own, f"{role}_" if separate else "", last)
        for role, last in (("actor", _LINEAR), ("critic", "critic_linear"))
    )
    actor, critic = _activated(config, actor), _activated(config, critic)
    of_returns = statistics(
        own, "returns_normalizer.running_mean", "returns_normalizer.running_var", _EPSILON
    )
    found = Found(
        algorithm="ppo",
        actor=actor,
        head=None,
        critics=(denormalized(path, critic, of_returns, _CLIP),),
        critic_kind=CriticKind.STATE_VALUE,
        gamma=_number(config, "gamma"),
        obs_normalization=_observations(path, own, config, actor.in_dim),
        reward_normalization=_rewards(config),
        remarks=(f"was trained in {config.get('env')}",) if config else (_NO_CONFIG,),
        tensors=tensors,
    )
    return _with_head(path, own, config, given, found)


def _with_head(
    path: Path, own: Mapping[str, Any], config: dict[str, Any], given: Given, found: Found
) -> Found:
    """Return what was found with the meaning of the actor's outputs: scores, or means and deviations."""
    hidden = found.actor.linears[-1].layer.weight.shape[1]
    if "action_parameterization.learned_stddev" in own:
        log_std = own["action_parameterization.learned_stddev"]
        noise = ActionNoise(constant_layer(path, "learned_stddev", log_std, hidden))
        actor = _tanh(path, found.actor, _number(config, "continuous_tanh_scale"))
        unknown = not config
        return replace(
            found,
            actor=actor,
            head=ActorHead.CLIPPED,
            noise=noise,
            squashes=None if unknown else False,
            max_action=None if unknown else 1.0,
        )
    if given.head is not ActorHead.CLIPPED:
        return replace(found, head=None if given.head is None else ActorHead.ARGMAX)
    if found.actor.out_dim % 2:
        raise UsageError(
            f"{path}: has {found.actor.out_dim} outputs, no pairs of mean and deviation", "state argmax"
        )
    middle = found.actor.out_dim // 2
    both = layer(path, own, _LINEAR)
    spread = replace(
        both,
        weight=frozen(path, _LINEAR, both.weight[middle:]),
        bias=frozen(path, _LINEAR, both.bias[middle:]),
    )
    return replace(
        found,
        actor=outputs(path, found.actor, slice(0, middle)),
        head=ActorHead.CLIPPED,
        noise=ActionNoise(spread),
    )


def _tanh(path: Path, actor: Chain, scale: float | None) -> Chain:
    """Return the actor whose means m are `scale * tanh(m / scale)`; itself with a scale of 0."""
    if not scale or scale < 0:
        return actor
    *first, last = actor.linears
    weight, bias = (frozen(path, last.name, each / scale) for each in (last.layer.weight, last.layer.bias))
    inner = replace(last.layer, weight=weight, bias=bias, activation=Activation.TANH)
    return scaled_outputs(path, Chain((*first, Linear(last.name, inner))), scale)


def _network(path: Path, own: Mapping[str, Any], prefix: str, last: str) -> Chain:
    encoders = [name for name in own if name.startswith(f"{prefix}encoder.")]
    if any(len(own[name].shape) == 4 for name in encoders):
        name = next(name for name in encoders if len(own[name].shape) == 4)
        raise not_linear(path, name, own[name], own)
    keys = {name.split(".")[2] for name in encoders if name.startswith(f"{prefix}encoder.encoders.")}
    if len(keys) > 1:
        raise UsageError(
            f"{path}: observes {len(keys)} things, each with an encoder of its own", "it is not read"
        )
    parts = [name for name in (f"{prefix}encoder", f"{prefix}decoder") if layer_names(own, name)]
    require_linear(path, own, *parts, last)
    return chain(path, own, *parts, last)


def _observations(
    path: Path, own: Mapping[str, Any], config: Mapping[str, Any], size: int
) -> ObsNormalization | None:
    """Return the normalisation of `size` observations, with the configuration's shift and scale in it.

    Those of the configuration alone are without a clip.
    """
    names = [name for name in own if re.fullmatch(r"obs_normalizer\..*\.running_mean", name)]
    shift, scale = _number(config, "obs_subtract_mean") or 0.0, _number(config, "obs_scale") or 1.0
    if not names:
        stated = np.full(size, shift), np.full(size, scale)
        return None if (shift, scale) == (0.0, 1.0) else normalization(path, stated)
    if len(names) > 1:
        raise UsageError(f"{path}: normalises {len(names)} observations, expected one", "it is not read")
    place = names[0].removesuffix(".running_mean")
    found = statistics(own, names[0], f"{place}.running_var", _EPSILON)
    return found and normalization(path, (shift + scale * found[0], scale * found[1]), _CLIP)


def _rewards(config: Mapping[str, Any]) -> RewardNormalization | None:
    scale, clip = _number(config, "reward_scale"), _number(config, "reward_clip")
    if not scale or scale == 1.0:
        return None
    gamma = _number(config, "gamma") or 0.99
    return RewardNormalization(variance=scale**-2, epsilon=0.0, clip=clip or float("inf"), gamma=gamma)


def _activated(config: Mapping[str, Any], network: Chain) -> Chain:
    name = config.get("nonlinearity")
    return network.with_hidden(Activation(name)) if name in ("elu", "relu", "tanh") else network


def _config(path: Path) -> dict[str, Any]:
    """Return the configuration of the training; {} if it is not where Sample Factory writes it."""
    for place in (path.parent.parent, path.parent):
        if (place / "config.json").is_file():
            content = json.loads(read_bounded(place / "config.json", _MAX_CONFIG))
            return content if isinstance(content, dict) else {}
    return {}


def _number(config: Mapping[str, Any], name: str) -> float | None:
    value = config.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


FORMAT = library_format(
    "sample_factory",
    "torch",
    recognises,
    read,
    library="Sample Factory",
    lacks=frozenset({Lack.WORLD}),
    suffixes=(".pth",),
)
