"""State dicts of CleanRL's torch scripts (`runs/*/*.cleanrl_model`), also where people saved them otherwise.

PPO and RPO: `critic.0.weight` … and `actor.0.weight` … (discrete), or `actor_mean.0.weight` … and
`actor_logstd`. DQN: `network.0.weight` …. DDPG and TD3: the tuple (actor, qf1[, qf2]), SAC: dicts of such; an
actor has `fc1`, `fc2`, `fc_mu` (SAC: `fc_mean`, `fc_logstd`), `action_scale` and `action_bias`, a critic
`fc1` to `fc3`. Its critics take actions in the world's units. C51 is refused: its values are sums of
softmaxes.

Files say neither gamma nor, of PPO, the statistics of `NormalizeObservation`. Newer ones have `args` beside
`model_weights`. The activation is the script's own where the widths are; otherwise it is asked for.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.arrays import Float64Array
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import MAX_CRITICS, frozen
from valuescape.sim.policy.formats.chains import Chain, chain, constant_layer
from valuescape.sim.policy.formats.files import BROKEN
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.libraries.state_dicts import (
    plain_names,
    prefix_of,
    require_linear,
    under,
)
from valuescape.sim.policy.formats.library_format import library_format
from valuescape.sim.policy.formats.registry import Lack, Probe
from valuescape.sim.policy.formats.torch_data import read_torch
from valuescape.sim.policy.network import ActionNoise, Activation, ActorHead, CriticKind, ObsNormalization

SUFFIX = ".cleanrl_model"
_EPSILON = 1e-8  # of gymnasium.wrappers.NormalizeObservation
_CLIP = 10.0  # of the TransformObservation behind it, in ppo_continuous_action.py
_TARGET = re.compile(r"target|(^|[._])old")
_NORMALIZED = (
    "CleanRL's ppo_continuous_action.py normalises observations and does not save how: if this policy "
    "learned so, give the mean and var of its environment's obs_rms with --obs-normalization FILE; its "
    "rewards were normalised too, so V(s) is in units of those"
)


def recognises(probe: Probe) -> bool:
    """Return whether a file has the names of CleanRL's scripts, and their widths where others use those."""
    try:
        tensors = plain_names(probe.torch)
        return _kind(tensors, probe.path) is not None
    except BROKEN:
        return False


def read(path: Path, given: Given) -> Found:
    """Return the networks in a file of one of the scripts."""
    tree = read_torch(path)
    tensors = plain_names(tree)
    kind = _kind(tensors, path)
    if kind == "c51":
        raise UsageError(
            f"{path}: is CleanRL's C51, whose values are sums over a softmax of returns; it is not read",
            "use a DQN of the same world",
        )
    if kind == "off-policy":
        found = _off_policy(path, tensors)
    else:
        found = (_ppo if kind == "ppo" else _dqn)(path, tensors, stated=given.activation is not None)
    return _with_arguments(found, tree, tensors, path)


def _kind(tensors: Mapping[str, Any], path: Path) -> str | None:
    """Return the kind of script that saved these tensors; None if it was none of them."""
    names = list(tensors)
    own = path.suffix == SUFFIX
    if prefix_of(names, "atoms") is not None and prefix_of(names, "network.0.weight") is not None:
        return "c51"
    if prefix_of(names, "action_scale") is not None and _actor_prefix(names) is not None:
        return "off-policy"
    prefix = prefix_of(names, "critic.0.weight")
    if (
        prefix is not None
        and f"{prefix}actor_logstd" in tensors
        and f"{prefix}actor_mean.0.weight" in tensors
    ):
        return "ppo"
    if prefix is not None and {name.split(".")[0] for name in under(tensors, prefix)} == {"actor", "critic"}:
        return "ppo" if own or _widths(tensors, f"{prefix}critic") == (64, 64, 1) else None
    prefix = prefix_of(names, "network.0.weight")
    if prefix is not None:
        heads = ("actor", "actor_mean", "critic")  # behind the convolutions of the scripts for Atari
        own = own or any(f"{prefix}{each}.weight" in tensors for each in heads)
        return "dqn" if own or _widths(tensors, f"{prefix}network")[:2] == (120, 84) else None
    return None


def _widths(tensors: Mapping[str, Any], prefix: str) -> tuple[int, ...]:
    """Return the outputs of the layers of a Sequential with an activation between each two."""
    names = [f"{prefix}.{index}.weight" for index in (0, 2, 4)]
    return tuple(int(tensors[name].shape[0]) for name in names if name in tensors)


def _script(
    path: Path, tensors: Mapping[str, Any], name: str, widths: tuple[int, ...], own: Activation | None
) -> Chain:
    """Return a Sequential, with the script's activation if its hidden layers have the script's widths.

    own: that activation; None leaves it open, for one that is stated.
    """
    require_linear(path, tensors, name)
    found = chain(path, tensors, name)
    return found.with_hidden(own) if found.widths[1:-1] == widths else found


def _ppo(path: Path, tensors: dict[str, Any], *, stated: bool) -> Found:
    own = under(tensors, prefix_of(tensors, "critic.0.weight") or "")
    continuous = "actor_logstd" in own
    actor, critic = (
        _script(path, own, name, (64, 64), None if stated else Activation.TANH)
        for name in ("actor_mean" if continuous else "actor", "critic")
    )
    noise = None
    if continuous:
        hidden = actor.linears[-1].layer.weight.shape[1]
        noise = ActionNoise(constant_layer(path, "actor_logstd", own["actor_logstd"], hidden))
    return Found(
        algorithm="ppo",
        actor=actor,
        head=ActorHead.CLIPPED if continuous else ActorHead.ARGMAX,
        critics=(critic,),
        critic_kind=CriticKind.STATE_VALUE,
        noise=noise,
        remarks=(_NORMALIZED,) if continuous else (),
        tensors=tensors,
    )


def _dqn(path: Path, tensors: dict[str, Any], *, stated: bool) -> Found:
    own = under(tensors, prefix_of(tensors, "network.0.weight") or "")
    network = _script(path, own, "network", (120, 84), None if stated else Activation.RELU)
    return Found(
        algorithm="dqn",
        actor=network,
        head=ActorHead.ARGMAX,
        critics=(network,),
        critic_kind=CriticKind.DISCRETE_ACTION_VALUE,
        tensors=tensors,
    )


def _actor_prefix(names: list[str]) -> str | None:
    found = [prefix_of(names, f"{last}.weight") for last in ("fc_mu", "fc_mean")]
    return next((each for each in found if each is not None), None)


def _off_policy(path: Path, tensors: dict[str, Any]) -> Found:
    prefix = _actor_prefix(list(tensors)) or ""
    own = under(tensors, prefix)
    last = "fc_mean" if "fc_mean.weight" in own else "fc_mu"
    critics = _critics(path, tensors, prefix)
    scale, bias = (_bound(path, own, name) for name in ("action_scale", "action_bias"))
    names = ["fc1", "fc2", last]
    require_linear(path, own, *names)
    stochastic = last == "fc_mean"
    return Found(
        algorithm="sac" if stochastic else "td3" if len(critics) > 1 else "ddpg",
        actor=chain(path, own, *names, hidden=Activation.RELU, last=Activation.TANH),
        head=ActorHead.SQUASHED,
        critics=critics,
        critic_kind=CriticKind.ACTION_VALUE,
        action_low=bias - scale,
        action_high=bias + scale,
        entropy_coefficient=_alpha(tensors) if stochastic else None,
        critic_units_differ=True,
        remarks=(_NO_NOISE,) if stochastic else (),
        tensors=tensors,
    )


_NO_NOISE = (
    "CleanRL's SAC squashes the log of its noise, which is not read: actions are the deterministic ones"
)


def _critics(path: Path, tensors: dict[str, Any], actor: str) -> tuple[Chain, ...]:
    endings = [name for name in tensors if re.search(r"(^|\.)fc1\.weight$", name)]
    prefixes = [name.removesuffix("fc1.weight") for name in endings]
    found = [each for each in prefixes if each != actor and not _TARGET.search(each)]
    made = []
    for prefix in found[:MAX_CRITICS]:
        own = under(tensors, prefix)
        if "fc_mu.weight" in own or "fc_mean.weight" in own:
            continue
        require_linear(path, own, "fc1", "fc2", "fc3")
        made.append(chain(path, own, "fc1", "fc2", "fc3", hidden=Activation.RELU))
    if not made:
        raise UsageError(
            f"{path}: has an actor of CleanRL's DDPG, TD3 or SAC, and no critic (fc1, fc2, fc3)",
            "save them together: torch.save((actor.state_dict(), qf1.state_dict(), qf2.state_dict()), FILE)",
        )
    return tuple(made)


def _bound(path: Path, own: Mapping[str, Any], name: str) -> Float64Array:
    """Return the scale or bias of actions; of some scripts it has a row for each of their environments."""
    values = frozen(path, name, np.atleast_2d(np.asarray(own[name])))
    if not (values == values[0]).all():
        raise UsageError(f"{path}: {name} differs between environments", "save the actor of one environment")
    bound: Float64Array = values[0].astype(np.float64)
    return bound


def _alpha(tensors: Mapping[str, Any]) -> float | None:
    for name in ("log_alpha", "alpha"):
        found = next((each for key, each in tensors.items() if key.rpartition(".")[2] == name), None)
        if found is not None and np.asarray(found).size == 1:
            number = float(np.asarray(found).reshape(()))
            return math.exp(number) if name == "log_alpha" else number
    return None


def _with_arguments(found: Found, tree: Any, tensors: Mapping[str, Any], path: Path) -> Found:
    """Return what was found, with what the file says in `args` and in statistics of observations."""
    arguments = tree.get("args") if isinstance(tree, dict) else None
    if isinstance(arguments, dict) and isinstance(arguments.get("gamma"), float):
        found = replace(found, gamma=arguments["gamma"])
    statistics = [
        next(
            (each for name, each in tensors.items() if re.search(rf"obs_rms\.{part}$|obs_rms_{part}$", name)),
            None,
        )
        for part in ("mean", "var")
    ]
    if any(each is None for each in statistics):
        return found
    mean, var = (np.asarray(each, np.float64).ravel() for each in statistics)
    norm = ObsNormalization(
        mean=frozen(path, "obs_rms.mean", mean),
        std=frozen(path, "obs_rms.var", np.sqrt(var + _EPSILON)),
        clip=_CLIP,
    )
    return replace(found, obs_normalization=norm, remarks=())


FORMAT = library_format(
    "cleanrl",
    "torch",
    recognises,
    read,
    library="CleanRL",
    lacks=frozenset({Lack.WORLD, Lack.STATISTICS}),
    suffixes=(SUFFIX,),
)
