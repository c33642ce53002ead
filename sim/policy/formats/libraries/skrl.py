"""skrl's `agent_*.pt` and `best_agent.pt`, written with PyTorch.

A dict of state dicts: `policy` and `value` (PPO, A2C, TRPO, AMP), `policy` and `critic_1`, `critic_2`
(SAC, TD3) or `critic` (DDPG), or `q_network` (DQN, DDQN). A model that policy and value share is saved
under both. The names in a model are its author's: layers that have "value" in their names belong to the
value, those with "policy", "mean" or "action" to the policy, others to both. `observation_preprocessor`
(release 2) or `state_preprocessor`, and `value_preprocessor` are `RunningStandardScaler`s: (x - mean) /
(sqrt(variance) + 1e-8), clipped to ±5; values are clipped to ±5 and denormalised.

Models are Python code, so neither the activation is in the file, nor a tanh or a factor behind the means,
nor gamma. Critics take actions in the world's units.
"""

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.chains import Chain, chain, constant_layer, layer, layer_names
from valuescape.sim.policy.formats.files import BROKEN
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.libraries.running_statistics import (
    Statistics,
    denormalized,
    normalization,
)
from valuescape.sim.policy.formats.libraries.state_dicts import plain_names, require_linear, under
from valuescape.sim.policy.formats.library_format import library_format
from valuescape.sim.policy.formats.registry import Lack, Probe
from valuescape.sim.policy.formats.torch_data import read_torch
from valuescape.sim.policy.network import ActionNoise, Activation, ActorHead, CriticKind

_CLIP = 5.0
_EPSILON = 1e-8
_LOG_STD = -20.0, 2.0
"""The bounds of log std, skrl's default."""

_OF_VALUE = re.compile(r"value|critic|(^|[._])v(_|\.|f|$)")
_OF_POLICY = re.compile(r"policy|actor|mean|(^|[._])mu([._]|$)|action|logits")
_MODULES = ("optimizer", "policy_optimizer", "value_optimizer", "critic_optimizer", "entropy_optimizer")
_PREPROCESSORS = ("state_preprocessor", "observation_preprocessor", "value_preprocessor")


def recognises(probe: Probe) -> bool:
    """Return whether a file has the modules that an agent of skrl's saves."""
    try:
        return _is_agent(probe.torch)
    except BROKEN:
        return False


def _is_agent(tree: Any) -> bool:
    if not isinstance(tree, dict) or not all(isinstance(each, dict) for each in tree.values()):
        return False
    marked = any(name in tree for name in (*_MODULES, *_PREPROCESSORS))
    roles = [{"policy", "value"}, {"policy", "critic_1"}, {"policy", "critic"}, {"q_network"}]
    return marked and any(each <= tree.keys() for each in roles)


def read(path: Path, given: Given) -> Found:
    """Return the networks of an agent."""
    tree = read_torch(path)
    tensors = plain_names(tree)
    observed = _observations(path, tensors)
    if "q_network" in tree:
        network = _model(path, tensors, "q_network", None)
        return Found(
            algorithm="dqn",
            usual=Activation.ELU,
            actor=network,
            head=ActorHead.ARGMAX,
            critics=(network,),
            critic_kind=CriticKind.DISCRETE_ACTION_VALUE,
            obs_normalization=normalization(path, observed, _CLIP),
            tensors=tensors,
        )
    actor = _model(path, tensors, "policy", _OF_VALUE)
    noise = _noise(path, tensors, actor)
    of_states = "value" in tree
    continuous = noise is not None or not of_states
    names = ["value"] if of_states else [name for name in ("critic", "critic_1", "critic_2") if name in tree]
    critics = tuple(_model(path, tensors, name, _OF_POLICY) for name in names)
    if of_states:
        critics = tuple(
            denormalized(path, each, _statistics(tensors, "value_preprocessor"), _CLIP) for each in critics
        )
    return Found(
        algorithm=_algorithm(tree, noise),
        usual=Activation.ELU,
        actor=actor,
        head=ActorHead.CLIPPED if continuous else ActorHead.ARGMAX,
        critics=critics,
        critic_kind=CriticKind.STATE_VALUE if of_states else CriticKind.ACTION_VALUE,
        obs_normalization=normalization(path, observed, _CLIP),
        squashes=None if continuous else False,
        max_action=None if continuous else 1.0,
        noise=noise,
        refusal=_misfit(path, actor, critics, of_states=of_states),
        tensors=tensors,
    )


def _algorithm(tree: Mapping[str, Any], noise: ActionNoise | None) -> str:
    if "value" in tree:
        return "trpo" if "value_optimizer" in tree else "ppo"
    if noise is not None:
        return "sac"
    return "td3" if "critic_2" in tree else "ddpg"


def _model(path: Path, tensors: Mapping[str, Any], role: str, others: re.Pattern[str] | None) -> Chain:
    """Return the network of one model. others: matches the names of layers that belong to another role."""
    own = under(tensors, f"{role}.")
    layers = _heads(layer_names(own), others)
    require_linear(path, own, *_modules(own, layers))
    _refuse_others(path, own, layers)
    if not layers:
        raise UsageError(f"{path}: {role} has no linear layers", "its networks are of no kind that is read")
    for before, after in pairwise(layers):
        (container, at), (following, then) = (_place(each) for each in (before, after))
        if container == following and then - at != 2:
            raise UsageError(
                f"{path}: {role}.{container} has layers at {at} and {then}, expected each second",
                "it is not read",
            )
    return chain(path, own, *layers)


def _heads(names: list[str], others: re.Pattern[str] | None) -> list[str]:
    """Return the layers of a model without the heads of another role and without those of deviations."""
    kept = [name for name in names if "log_std" not in name and "std" not in name.split(".")]
    if others is None:
        return kept
    own = [name for name in kept if not others.search(name)]
    return own if len(own) < len(kept) and own else kept


def _modules(own: Mapping[str, Any], layers: Iterable[str]) -> list[str]:
    """Return the modules in which layers are, for a check that there is nothing else in them."""
    return list(dict.fromkeys(layer.split(".")[0] if layer[-1].isdecimal() else layer for layer in layers))


def _refuse_others(path: Path, own: Mapping[str, Any], layers: list[str]) -> None:
    """Raise UsageError for layers outside of the modules that are read which are no linear ones."""
    strange = [name for name in own if len(own[name].shape) > 2 or re.search(r"weight_[ih]h_l\d", name)]
    if strange:
        require_linear(path, own, strange[0].rpartition(".")[0])


def _place(name: str) -> tuple[str, int]:
    """Return the container of a layer and its number in it; a layer without a number is alone."""
    container, _, last = name.rpartition(".")
    return (container, int(last)) if last.isdecimal() else (name, 0)


def _noise(path: Path, tensors: Mapping[str, Any], actor: Chain) -> ActionNoise | None:
    """Return the spread of a Gaussian policy; None of a policy of scores or without noise."""
    own = under(tensors, "policy.")
    names = [name for name in own if "log_std" in name]
    if not names:
        return None
    layers = layer_names({name: own[name] for name in names})
    if layers:
        return ActionNoise(layer(path, own, layers[0]))
    values = np.clip(np.asarray(own[names[0]], np.float64).ravel(), *_LOG_STD)
    return ActionNoise(constant_layer(path, names[0], values, actor.linears[-1].layer.weight.shape[1]))


def _observations(path: Path, tensors: Mapping[str, Any]) -> Statistics | None:
    """Return the statistics of observations; release 2 keeps those of critics' states apart."""
    observed, states = (_statistics(tensors, f"{name}_preprocessor") for name in ("observation", "state"))
    if observed is None or states is None or not _moved(tensors):
        return states if observed is None else observed
    raise UsageError(
        f"{path}: its critic has states of its own beside the observations",
        "train with the same observations for policy and critic",
    )


def _moved(tensors: Mapping[str, Any]) -> bool:
    """Return whether the statistics of states are of some states: they begin with a count of 1."""
    count = tensors.get("state_preprocessor.current_count")
    return count is not None and float(np.asarray(count).reshape(())) > 1


def _statistics(tensors: Mapping[str, Any], place: str) -> Statistics | None:
    mean, variance = tensors.get(f"{place}.running_mean"), tensors.get(f"{place}.running_variance")
    if mean is None or variance is None:
        return None
    deviation = np.sqrt(np.asarray(variance, np.float64).ravel())
    # Values are denormalised without the epsilon, which is below their rounding
    return np.asarray(mean, np.float64).ravel(), deviation + _EPSILON


def _misfit(path: Path, actor: Chain, critics: tuple[Chain, ...], *, of_states: bool) -> UsageError | None:
    expected = actor.in_dim if of_states else actor.in_dim + actor.out_dim
    if all(each.in_dim == expected for each in critics):
        return None
    return UsageError(
        f"{path}: its critic takes {critics[0].in_dim} numbers, expected {expected}: it has other ones",
        "train with the same observations for policy and critic",
    )


FORMAT = library_format(
    "skrl", "torch", recognises, read, library="skrl", lacks=frozenset({Lack.WORLD, Lack.REWARDS})
)
