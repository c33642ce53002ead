"""Says in words what is in a file and what it lacks, for `valuescape inspect` and for messages."""

from typing import Any

import numpy as np

from valuescape.sim.policy.formats.algorithms import LIKELY
from valuescape.sim.policy.formats.chains import Chain
from valuescape.sim.policy.formats.contents import Contents, Lacking, NetworkEntry, TensorEntry
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import OPTIONS, Given
from valuescape.sim.policy.formats.registry import Lack
from valuescape.sim.policy.network import SOFT_ALGORITHMS, Activation, ActorHead, CriticKind

OUTPUTS = {
    CriticKind.STATE_VALUE: "V(s)",
    CriticKind.ACTION_VALUE: "Q(s, a)",
    CriticKind.MEAN_ACTION_VALUE: "Q(s, a)",
    CriticKind.DISCRETE_ACTION_VALUE: "Q of each action",
}
"""The outputs of critics in words."""

HEADS = {
    None: "",
    ActorHead.SQUASHED: "squashed to the actions' bounds",
    ActorHead.CLIPPED: "clipped to the actions' bounds",
    ActorHead.ARGMAX: "a score for each action",
    ActorHead.MULTI_ARGMAX: "scores of several choices",
}
"""The outputs of actors in words; None: the file does not say them."""


def lacking(found: Found, given: Given, lacks: frozenset[Lack] = frozenset()) -> list[Lacking]:
    """Return what neither the file nor the user says. lacks: what such files do not contain."""
    chains = (found.actor, *found.critics)
    soft = (given.algorithm or found.algorithm) in SOFT_ALGORITHMS
    head = found.head or given.head
    continuous = head is not None and not head.chooses
    entries = (
        ("algorithm", "networks of several algorithms look alike", True, bool(found.algorithm)),
        (
            "activation",
            "the file has the layers' numbers only",
            True,
            not any(each.unknown for each in chains),
        ),
        ("gamma", "it is a setting of the training, which is not in the file", True, found.gamma is not None),
        ("head", "an actor of scores and one of means look alike", True, bool(found.head or given.choices)),
        (
            "choices",
            "its scores are of several choices",
            True,
            head is not ActorHead.MULTI_ARGMAX or bool(found.choices),
        ),
        (
            "squash",
            "a tanh behind the means is a setting of the training, which is not in the file",
            True,
            found.squashes is not None,
        ),
        (
            "max_action",
            "the factor of squashed outputs is a setting of the training, which is not in the file",
            found.squashes is not None or given.squash is True,
            found.max_action is not None,
        ),
        ("action_low", "else the world's", False, found.action_low is not None or not continuous),
        ("action_high", "else the world's", False, found.action_high is not None or not continuous),
        (
            "entropy_coefficient",
            "for soft returns",
            False,
            found.entropy_coefficient is not None or not soft,
        ),
        *_of_units(found, lacks),
    )
    options = examples(found)
    return [
        Lacking(name, why, needed, options[name], usual=name == "activation" and found.usual is not None)
        for name, why, needed, said in entries
        if not said and getattr(given, name) is None
    ]


def examples(found: Found) -> dict[str, str]:
    """Return the options that state the fields of `Given`, with an example that may be true of a file."""
    usual = Activation.TANH if found.critic_kind is CriticKind.STATE_VALUE else Activation.RELU
    return OPTIONS | {
        "algorithm": f"--algorithm {LIKELY[found.critic_kind]}",
        "activation": f"--activation {(found.usual or usual).value}",
    }


def _of_units(found: Found, lacks: frozenset[Lack]) -> tuple[tuple[str, str, bool, bool], ...]:
    """Return the entries of `lacking` about the units of observations and rewards."""
    has_obs = found.obs_normalization is not None or Lack.STATISTICS not in lacks
    has_rewards = found.reward_normalization is not None or not lacks & {Lack.STATISTICS, Lack.REWARDS}
    return (
        ("obs_normalization", "if training had one", False, has_obs),
        ("reward_scale", "if training scaled rewards", False, has_rewards),
    )


def described(
    name: str, library: str, found: Found, given: Given, lacks: frozenset[Lack] = frozenset()
) -> Contents:
    """Return what is in a file. name: of its format; lacks: as in `lacking`."""
    roles = ["critic", *(["twin critic"] if len(found.critics) > 1 else [])]
    roles += [f"critic {index + 1}" for index in range(2, len(found.critics))]
    same = found.acts_by_critic
    networks = [] if same else [_entry("actor", found.actor, given, HEADS[found.head or given.head])]
    for role, each in zip(roles, found.critics, strict=False):
        kind = OUTPUTS[found.critic_kind]
        networks.append(_entry(role, each, given, f"quantiles of {kind}" if found.quantiles else kind))
    return Contents(
        format=name,
        library=library,
        version=found.version,
        algorithm=given.algorithm or found.algorithm,
        world=found.world,
        tensors=tuple(entry(key, each) for key, each in found.tensors.items()),
        networks=tuple(networks),
        normalization=_normalization(found),
        lacking=tuple(lacking(found, given, lacks)),
        remarks=found.remarks,
        refusal="" if found.refusal is None else str(found.refusal).partition("\n")[0].partition(": ")[2],
    )


def entry(name: str, tensor: Any) -> TensorEntry:
    """Return the entry of one tensor: an array, or whatever has a `shape` and a `dtype`."""
    kind = str(tensor.dtype)
    dtype = "bfloat16" if kind == "bf16" else np.dtype(kind).name
    return TensorEntry(name, tuple(int(size) for size in tensor.shape), dtype)


def _entry(role: str, of: Chain, given: Given, output: str) -> NetworkEntry:
    known = of.with_hidden(given.activation)
    hidden = [each for each in known.linears[:-1] if each.stated]
    names = dict.fromkeys(each.layer.activation.value for each in hidden)
    return NetworkEntry(role, of.widths, "" if known.unknown else ", ".join(names), output)


def _normalization(found: Found) -> str:
    said = []
    if found.obs_normalization is not None:
        said.append(f"observations are normalised ({found.obs_normalization.mean.size} means)")
    if found.reward_normalization is not None:
        said.append(f"rewards were divided by {found.reward_normalization.scale:.4g}")
    return "; ".join(said)
