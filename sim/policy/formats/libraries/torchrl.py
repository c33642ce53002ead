"""TorchRL's parameters: folders of tensordict's `memmap()`, and state dicts of its loss modules.

A loss has `actor_network_params` and `critic_network_params` (PPO, A2C), `qvalue_network_params` (SAC,
TD3), in which twins are stacked in one more dimension, or `value_network_params` (DQN). Folders have the
names that their author gave, so roles are told by words, or by `--map`. The outputs of a Gaussian actor
are means and spreads side by side (`NormalParamExtractor`), unless there is a `state_independent_scale`.
Twins are named `qvalue_network_params.0` and `.1`; critics of actions are read if names are stated, which
says that they take observations first. Neither the algorithm, nor the activation, nor whether means go
through tanh (`TanhNormal`), nor gamma is in them.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.files import BROKEN
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import Given, asked_for
from valuescape.sim.policy.formats.libraries.running_statistics import outputs
from valuescape.sim.policy.formats.libraries.state_dicts import not_linear, plain_names
from valuescape.sim.policy.formats.libraries.tensordict import is_tensordict, read_tensordict
from valuescape.sim.policy.formats.library_format import library_format
from valuescape.sim.policy.formats.perceptron import networks
from valuescape.sim.policy.formats.registry import Lack, Probe
from valuescape.sim.policy.formats.torch_data import read_torch
from valuescape.sim.policy.network import Activation, ActorHead, CriticKind

_LOSS = re.compile(r"(^|\.)(actor|critic|qvalue|value)_network_params\.")
_ASIDE = re.compile(r"(^|\.)target_|_hyper|(^|\.)(clip_epsilon|entropy_coeff|critic_coeff)$")
_ORDER = "; nor if its critics take observations before actions: naming them says so"
_SCALE = "state_independent_scale"
_SCALED = (
    "actions of -1 to 1 are scaled to the world's bounds, as TanhNormal scales to its environment's; "
    "to leave means as they are state --set policy.squash=no"
)


def recognises(probe: Probe) -> bool:
    """Return whether a file has the names of a loss module's parameters."""
    try:
        return any(_LOSS.search(name) for name in probe.names)
    except BROKEN:
        return False


def recognises_folder(probe: Probe) -> bool:
    """Return whether a folder was written by tensordict."""
    return is_tensordict(probe.path)


def read(path: Path, given: Given) -> Found:
    """Return the networks of a loss module."""
    return _found(path, plain_names(read_torch(path)), given)


def read_folder(path: Path, given: Given) -> Found:
    """Return the networks in a folder."""
    return _found(path, read_tensordict(path), given)


def _found(path: Path, tensors: dict[str, Any], given: Given) -> Found:
    recurrent = next((name for name in tensors if re.search(r"weight_[ih]h", name)), None)
    if recurrent is not None:
        raise not_linear(path, recurrent, tensors[recurrent], tensors)
    own = _without_stacks({name: each for name, each in tensors.items() if not _ASIDE.search(name)})
    if given.names is None and any("qvalue_network_params." in name for name in own):
        raise asked_for(path, ["names"], _ORDER)
    found = networks(path, own, given)
    if given.algorithm is None and _takes_actions(found):
        found = replace(networks(path, own, replace(given, algorithm="sac")), algorithm="")
    found = replace(found, tensors=tensors, usual=Activation.TANH)
    of_actions = found.critic_kind in (CriticKind.ACTION_VALUE, CriticKind.MEAN_ACTION_VALUE)
    found = replace(found, critic_units_differ=of_actions)
    if found.acts_by_critic or (found.head or given.head) is ActorHead.ARGMAX:
        return found
    doubled = of_actions and _takes_actions(found)
    doubled = doubled or (not of_actions and given.head is ActorHead.CLIPPED and _paired(path, own, found))
    if not doubled:
        return found
    found = replace(found, refusal=None)
    means = outputs(path, found.actor, slice(0, found.actor.out_dim // 2))
    if of_actions:
        return replace(found, actor=means)
    squashed = given.squash is True
    return replace(
        found,
        actor=means,
        head=ActorHead.CLIPPED,
        squashes=None,
        actor_units_differ=squashed,
        remarks=(_SCALED,) if squashed else (),
    )


def _takes_actions(found: Found) -> bool:
    """Return whether the critics' inputs are observations and actions, of which the actor has two outputs."""
    pairs = found.actor.out_dim // 2
    return pairs > 0 and found.critics[0].in_dim == found.actor.in_dim + pairs


def _paired(path: Path, own: Mapping[str, Any], found: Found) -> bool:
    if any(name.endswith(_SCALE) for name in own):
        return False
    if found.actor.out_dim % 2:
        raise UsageError(f"{path}: its actor has {found.actor.out_dim} outputs, no pairs of mean and spread")
    return True


def _without_stacks(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Return tensors with those of stacked twins apart: of `qvalue_network_params.0.weight` [2, out, in] two.

    Their names begin with `qvalue_network_params.0` and `qvalue_network_params.1`.
    """
    found: dict[str, Any] = {}
    for name, each in tensors.items():
        if "qvalue_network_params." not in name or not _stacked(tensors, name):
            found[name] = each
            continue
        for index, part in enumerate(np.asarray(each)):
            found[name.replace("qvalue_network_params.", f"qvalue_network_params.{index}.", 1)] = part
    return found


def _stacked(tensors: Mapping[str, Any], name: str) -> bool:
    weight = tensors.get(f"{name.rpartition('.')[0]}.weight")
    return weight is not None and len(weight.shape) == 3


_LACKS = frozenset({Lack.WORLD, Lack.STATISTICS})
FORMAT = library_format("torchrl", "torch", recognises, read, library="TorchRL", lacks=_LACKS)
FOLDER = library_format(
    "torchrl-folder", "folder", recognises_folder, read_folder, library="TorchRL", lacks=_LACKS, folders=True
)
