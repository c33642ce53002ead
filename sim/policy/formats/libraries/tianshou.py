"""State dicts of Tianshou's policies (releases before 2) and algorithms (2), and its scripts' checkpoints.

An actor has `preprocess.model.model.0.weight` …, then `mu.model.0.weight` (a Gaussian, with `sigma_param` or
`sigma.model`) or `last.model.0.weight` (DDPG, TD3, or scores of discrete actions). A critic has
`preprocess.model.model` and `last.model`. DQN and QR-DQN have `model.model.model.0.weight` …, with `Q` and
`V` behind it if it is a dueling network. Before all that comes `policy.` in release 2, and `model.` in
checkpoints of scripts, which may have `obs_rms`, the statistics of observations.

Tianshou's networks leave to the script which activation they have, whether a Gaussian's mean goes through
tanh (`unbounded`), and by what squashed outputs are multiplied (`max_action`); none of it is in the file.
Outputs from -1 to 1 are scaled to the action's bounds (`action_scaling`); `policy.head=clipped` states that
they are not.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import frozen
from valuescape.sim.policy.formats.chains import Chain, chain, constant_layer, layer, layer_names
from valuescape.sim.policy.formats.files import BROKEN
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.libraries.state_dicts import (
    by_quantiles,
    plain_names,
    prefix_of,
    require_linear,
    side_by_side,
    under,
)
from valuescape.sim.policy.formats.library_format import library_format
from valuescape.sim.policy.formats.pickle_data import Record
from valuescape.sim.policy.formats.registry import Lack, Probe
from valuescape.sim.policy.formats.torch_data import read_torch
from valuescape.sim.policy.network import ActionNoise, Activation, ActorHead, CriticKind, ObsNormalization

_BODY = "model.model.0.weight"
_REFUSED = (
    ("support", "C51 or Rainbow, whose values are sums over a softmax of returns"),
    ("mu_W", "a network with noisy layers (Rainbow)"),
    ("propose_model", "FQF, whose values depend on fractions that a network proposes"),
    ("embed_model", "IQN or FQF, whose values are means over sampled fractions"),
    ("branches", "a branching DQN, with a network for each action"),
    ("nn.weight_ih_l0", "a recurrent network"),
    ("vae", "BCQ, whose actions come from a generative network"),
)
"""For each part of names: what such a file is."""

_SCALED = (
    "actions of -1 to 1 are scaled to the world's bounds, Tianshou's default; "
    "without action_scaling state --set policy.head=clipped"
)


def recognises(probe: Probe) -> bool:
    """Return whether a file has the names of Tianshou's networks."""
    try:
        return _kind(list(plain_names(probe.torch))) is not None
    except BROKEN:
        return False


def read(path: Path, given: Given) -> Found:
    """Return the networks in a file of a policy, an algorithm, or a script's checkpoint."""
    tree = read_torch(path)
    tensors = plain_names(tree)
    for part, what in _REFUSED:
        if any(part in name for name in tensors):
            raise UsageError(
                f"{path}: is Tianshou's {what}; it is not read", "use another algorithm's policy"
            )
    prefix = _prefix(path, tensors)
    own = under(tensors, prefix)
    if _kind(list(tensors)) == "values":
        quantiles = next((each.shape[1] for name, each in tensors.items() if name.endswith("tau_hat")), 0)
        found = _value_based(path, own, quantiles)
    else:
        # Release 2 has its critics beside the policy, not in it
        found = _actor_critic(path, {**under(tensors, prefix.removesuffix("policy.")), **own}, given)
    return replace(found, obs_normalization=_statistics(path, tree), tensors=tensors)


def _kind(names: list[str]) -> str | None:
    """Return "actor" or "values" by the names of networks; None if they are not Tianshou's."""
    if any(
        re.search(r"(^|\.)actor\.(preprocess\.(model\.model\.0\.weight|nn\.)|model\.model\.0\.)", name)
        for name in names
    ):
        return "actor"
    body = re.compile(r"(^|\.)model\.((preprocess\.)?model\.model\.\d+\.|embed_model\.|common\.)")
    return "values" if any(body.search(name) for name in names) else None


def _prefix(path: Path, tensors: Mapping[str, Any]) -> str:
    """Return what is before the names of a policy: "", "policy.", "model.", "model.policy." …"""
    names = [name for name in tensors if "_actor_critic." not in name]
    for ending in (f"actor.preprocess.{_BODY}", f"model.{_BODY}"):
        found = prefix_of(names, ending)
        if found is not None:
            return found
    raise UsageError(
        f"{path}: has no actor and critic of Tianshou's", "name a policy of PPO, SAC, TD3, DQN …"
    )


def _actor_critic(path: Path, own: dict[str, Any], given: Given) -> Found:
    gaussian = bool(layer_names(own, "actor.mu"))
    mean = "actor.mu.model" if gaussian else "actor.last.model"
    actor = _network(path, own, "actor.preprocess.model.model", mean)
    critics = [
        _network(path, own, f"{name}.preprocess.model.model", f"{name}.last.model")
        for name in ("critic", "critic2")
        if layer_names(own, name)
    ]
    if not critics:
        raise UsageError(f"{path}: has an actor of Tianshou's, and no critic", "use a policy with a critic")
    if critics[0].in_dim > actor.in_dim:
        found = _off_policy(path, own, actor, tuple(critics), gaussian)
        return found if given.head is not ActorHead.CLIPPED else replace(found, head=given.head, remarks=())
    if critics[0].out_dim > 1:
        raise UsageError(
            f"{path}: is Tianshou's discrete SAC, whose critics score actions that are drawn; it is not read",
            "use a DQN, or a PPO",
        )
    scaled = gaussian and given.head is not ActorHead.CLIPPED
    return Found(
        algorithm="ppo",
        usual=Activation.RELU,
        actor=actor,
        head=ActorHead.CLIPPED if gaussian else ActorHead.ARGMAX,
        critics=tuple(critics[:1]),
        critic_kind=CriticKind.STATE_VALUE,
        squashes=None if gaussian else False,
        max_action=None if gaussian else 1.0,
        actor_units_differ=scaled,
        noise=_noise(path, own, actor) if gaussian else None,
        remarks=(_SCALED,) if scaled else (),
    )


def _off_policy(
    path: Path, own: dict[str, Any], actor: Chain, critics: tuple[Chain, ...], gaussian: bool
) -> Found:
    return Found(
        algorithm="sac" if gaussian else "td3" if len(critics) > 1 else "ddpg",
        usual=Activation.RELU,
        actor=actor,
        head=ActorHead.SQUASHED,
        critics=critics,
        critic_kind=CriticKind.ACTION_VALUE,
        squashes=True,
        max_action=1.0 if gaussian else None,
        noise=_noise(path, own, actor) if gaussian else None,
        entropy_coefficient=_alpha(own) if gaussian else None,
        remarks=(_SCALED,),
    )


def _noise(path: Path, own: Mapping[str, Any], actor: Chain) -> ActionNoise | None:
    hidden = actor.linears[-1].layer.weight.shape[1]
    if "actor.sigma_param" in own:
        return ActionNoise(constant_layer(path, "actor.sigma_param", own["actor.sigma_param"], hidden))
    names = layer_names(own, "actor.sigma")
    return ActionNoise(layer(path, own, names[0])) if len(names) == 1 else None


def _alpha(own: Mapping[str, Any]) -> float | None:
    """Return the entropy coefficient, which release 2 saves if it is learned."""
    found = next((np.asarray(each) for name, each in own.items() if name.endswith("log_alpha")), None)
    return None if found is None or found.size != 1 else math.exp(float(found.reshape(())))


def _value_based(path: Path, own: dict[str, Any], quantiles: int) -> Found:
    network = _network(path, own, "model.model.model")
    if layer_names(own, "model.Q"):
        network = _dueling(path, own, network)
        quantiles = 0 if quantiles == 1 else quantiles
    if quantiles:
        network = by_quantiles(path, network, quantiles)
    return Found(
        algorithm="qr-dqn" if quantiles else "dqn",
        usual=Activation.RELU,
        actor=network,
        head=ActorHead.ARGMAX,
        critics=(network,),
        critic_kind=CriticKind.DISCRETE_ACTION_VALUE,
        quantiles=bool(quantiles),
        outputs=network.out_dim // quantiles if quantiles else 0,
    )


def _dueling(path: Path, own: dict[str, Any], body: Chain) -> Chain:
    """Return the network of Q - mean(Q) + V."""
    heads = [_network(path, own, f"model.{name}.model") for name in ("Q", "V")]
    actions = heads[0].out_dim
    mixing = [np.eye(actions) - 1 / actions, np.ones((actions, 1))]
    if heads[1].out_dim != 1:
        raise UsageError(f"{path}: is a dueling network of several values for each action", "use a plain one")
    return body.then(side_by_side(heads, mixing))


def _network(path: Path, own: dict[str, Any], *prefixes: str) -> Chain:
    require_linear(path, own, *prefixes)
    for prefix in prefixes:
        at = [int(name.rpartition(".")[2]) for name in layer_names(own, prefix)]
        if any(after - before != 2 for before, after in pairwise(at)):
            raise UsageError(f"{path}: {prefix} has layers at {at}, expected each second", "it is not read")
    return chain(path, own, *prefixes)


def _statistics(path: Path, tree: Any) -> ObsNormalization | None:
    """Return the statistics of observations that Tianshou's scripts save beside a policy."""
    record = tree.get("obs_rms") if isinstance(tree, dict) else None
    state = record.state if isinstance(record, Record) else record
    if not isinstance(state, dict) or "mean" not in state or "var" not in state:
        return None
    mean, var = (np.atleast_1d(np.asarray(state[part], np.float64)) for part in ("mean", "var"))
    std = np.sqrt(var + float(state.get("eps", np.finfo(np.float32).eps)))
    clip = state.get("clip_max")
    return ObsNormalization(
        mean=frozen(path, "obs_rms.mean", mean),
        std=frozen(path, "obs_rms.var", std),
        clip=float(clip) if clip else float("inf"),
    )


FORMAT = library_format(
    "tianshou",
    "torch",
    recognises,
    read,
    library="Tianshou",
    lacks=frozenset({Lack.WORLD, Lack.STATISTICS}),
)
