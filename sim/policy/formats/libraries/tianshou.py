"""State dicts of Tianshou's policies (releases before 2) and algorithms (2), and its scripts' checkpoints.

An actor has `preprocess.model.model.0.weight` …, then `mu.model.0.weight` (a Gaussian, with `sigma_param` or
`sigma.model`) or `last.model.0.weight` (DDPG, TD3, or scores of discrete actions). A critic has
`preprocess.model.model` and `last.model`. DQN and QR-DQN have `model.model.model.0.weight` …, with `Q` and `V`
behind it if it is a dueling network. Before all that comes `policy.` in release 2, and `model.` in checkpoints of
scripts, which may have `obs_rms`, the statistics of observations.

Tianshou's networks leave to the script which activation they have, whether a Gaussian's mean goes through tanh
(`unbounded`), and by what squashed outputs are multiplied (`max_action`); none of it is in the file. Outputs from
-1 to 1 are scaled to the action's bounds (`action_scaling`); `policy.head=clipped` states that they are not.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import frozen
from valuescape.sim.policy.formats.chains import Chain, Linear, chain, constant_layer, layer, layer_names
from valuescape.sim.policy.formats.files import BROKEN
from valuescape.sim.policy.formats.found import Found, library_format
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.libraries.state_dicts import (
    plain_names,
    prefix_of,
    require_linear,
    side_by_side,
    under,
)
from valuescape.sim.policy.formats.pickle_data import Record
from valuescape.sim.policy.formats.registry import Lack, Probe
from valuescape.sim.policy.formats.torch_data import read_torch
from valuescape.sim.policy.network import ActionNoise, ActorHead, CriticKind, Layer, ObsNormalization

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
            raise UsageError(f"{path}: is Tianshou's {what}; it is not read", "use another algorithm's policy")
    values = _kind(list(tensors)) == "values"
    own = under(tensors, _prefix(tensors))
    statistics = _statistics(path, tree)
    return _value_based(path, own, tensors, statistics) if values else _actor_critic(path, own, given, statistics)


def _kind(names: list[str]) -> str | None:
    """Return "actor" or "values" by the names of networks; None if they are not Tianshou's."""
    if any(re.search(r"(^|\.)actor\.preprocess\.(model\.model\.0\.weight|nn\.)", name) for name in names):
        return "actor"
    body = re.compile(r"(^|\.)model\.(model\.model\.\d+\.weight|embed_model\.|propose_model\.|common\.)")
    return "values" if any(body.search(name) for name in names) else None


def _prefix(tensors: Mapping[str, Any]) -> str:
    """Return what is before the names of a policy: "", "policy.", "model.", "model.policy." …"""
    names = [name for name in tensors if "_old." not in name and not name.startswith("_actor_critic.")]
    for ending in (f"actor.preprocess.{_BODY}", f"model.{_BODY}"):
        found = prefix_of(names, ending)
        if found is not None:
            return found
    return ""


def _actor_critic(path: Path, own: dict[str, Any], given: Given, statistics: ObsNormalization | None) -> Found:
    tensors = own
    mean = "actor.mu.model" if layer_names(own, "actor.mu") else "actor.last.model"
    actor = _network(path, own, "actor.preprocess.model.model", mean)
    critics = tuple(_critic(path, own, name) for name in ("critic", "critic2") if layer_names(own, name))
    return Found()


FORMAT = library_format(
    "tianshou",
    "torch",
    recognises,
    read,
    library="Tianshou",
    lacks=frozenset({Lack.WORLD, Lack.STATISTICS}),
)
