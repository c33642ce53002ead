"""What the script of `sbx_zip` makes of models of SBX (Stable-Baselines Jax), in SBX's own environment.

MessagePack of Flax: `actor_state.params.Dense_0.kernel` [in, out] …, `vf_state` (PPO), `qf_state` (critics
stacked: `VmapContinuousCritic_0.Dense_0.kernel` [critics, in, out]) or `qf1_state` and `qf2_state` (TQC:
quantiles), beside the algorithm, gamma, the actions' bounds, and answers of the activation.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import MAX_CRITICS
from valuescape.sim.policy.formats.chains import Chain, chain, constant_layer, layer, layer_names, natural
from valuescape.sim.policy.formats.files import BROKEN, read_bounded
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.libraries.state_dicts import not_linear, under
from valuescape.sim.policy.formats.library_format import library_format
from valuescape.sim.policy.formats.msgpack_data import begins_map, read_msgpack
from valuescape.sim.policy.formats.registry import Lack, Probe
from valuescape.sim.policy.formats.torch_data import named_tensors
from valuescape.sim.policy.inference import BatchMlp
from valuescape.sim.policy.network import ActionNoise, Activation, ActorHead, CriticKind, Layer, Mlp

_OFF_POLICY = ("sac", "td3", "ddpg", "tqc")


def recognises(probe: Probe) -> bool:
    """Return whether a file is what the script writes."""
    if not begins_map(probe.head) or b"\xa3sbx" not in probe.head:
        return False
    try:
        return "sbx" in read_msgpack(read_bounded(probe.path))
    except (UsageError, OSError, *BROKEN):
        return False


def read(path: Path, given: Given) -> Found:
    """Return the networks in a converted file."""
    said = read_msgpack(read_bounded(path))
    algorithm, tensors = str(said["algorithm"]), named_tensors(said)
    for name, tensor in tensors.items():
        if "Norm" in name or "batch_stats" in name:
            raise not_linear(path, name, tensor, tensors)
    hidden = _activation(path, said["activation"])
    makers = {"ppo": _ppo, "dqn": _dqn, **dict.fromkeys(_OFF_POLICY, _off_policy)}
    if algorithm not in makers:
        raise UsageError(f"{path}: is SBX's {algorithm}, which is not read", f"read are {', '.join(makers)}")
    networks = makers[algorithm](path, tensors, hidden, algorithm)
    return Found(
        **networks,
        algorithm=algorithm,
        gamma=float(said["gamma"]),
        action_low=said["low"],
        action_high=said["high"],
        version=str(said["sbx"]),
        tensors=tensors,
        entropy_coefficient=_alpha(tensors) if algorithm in ("sac", "tqc") else None,
    )


def _activation(path: Path, answers: Any) -> Activation:
    """Return the activation that gives these answers from -2 to 2: a pickled one has lost its name."""
    points = np.linspace(-2, 2, 9, dtype=np.float32)[None]
    one = np.ones((1, 1), np.float32)
    for each in Activation:
        found = np.empty_like(points)
        BatchMlp(Mlp((Layer(one, np.zeros(1, np.float32), each),)), points.size).forward(points, found)
        if np.allclose(found, answers, atol=1e-5):
            return each
    known = ", ".join(each.value for each in Activation)
    raise UsageError(f"{path}: has an activation of another kind than those of torch", f"known are {known}")


def _ppo(path: Path, tensors: dict[str, Any], hidden: Activation, _: str) -> dict[str, Any]:
    actor = _network(path, under(tensors, "actor_state.params."), hidden)
    log_std = tensors.get("actor_state.params.log_std")
    noise = None
    if log_std is not None:
        width = actor.linears[-1].layer.weight.shape[1]
        noise = ActionNoise(constant_layer(path, "log_std", log_std, width))
    return {
        "actor": actor,
        "head": ActorHead.ARGMAX if log_std is None else ActorHead.CLIPPED,
        "critics": (_network(path, under(tensors, "vf_state.params."), hidden),),
        "critic_kind": CriticKind.STATE_VALUE,
        "noise": noise,
    }


def _dqn(path: Path, tensors: dict[str, Any], hidden: Activation, _: str) -> dict[str, Any]:
    network = _network(path, under(tensors, "qf_state.params."), hidden)
    kind = CriticKind.DISCRETE_ACTION_VALUE
    return {"actor": network, "head": ActorHead.ARGMAX, "critics": (network,), "critic_kind": kind}


def _off_policy(path: Path, tensors: dict[str, Any], hidden: Activation, algorithm: str) -> dict[str, Any]:
    own = under(tensors, "actor_state.params.")
    names = _layers(own)
    # The last two layers of a Gaussian are its mean and the log of its standard deviation
    gaussian = algorithm in ("sac", "tqc")
    actor = chain(path, own, *(names[:-1] if gaussian else names), hidden=hidden, last=Activation.TANH)
    quantiles = algorithm == "tqc"
    return {
        "actor": actor,
        "head": ActorHead.SQUASHED,
        "critics": tuple(_critics(path, tensors, hidden)),
        "critic_kind": CriticKind.MEAN_ACTION_VALUE if quantiles else CriticKind.ACTION_VALUE,
        "quantiles": quantiles,
        "noise": ActionNoise(layer(path, own, names[-1])) if gaussian else None,
    }


def _critics(path: Path, tensors: Mapping[str, Any], hidden: Activation) -> list[Chain]:
    made = []
    for state in ("qf_state", "qf1_state", "qf2_state"):
        own = under(tensors, f"{state}.params.")
        if own:
            made += [_network(path, each, hidden) for each in _unstacked(own)]
    return made


def _unstacked(own: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tensors of each critic, of which Flax stacks those of all in one."""
    counts = {each.shape[0] for name, each in own.items() if name.endswith(".kernel") and each.ndim == 3}
    if not counts:
        return [dict(own)]
    (count,) = counts
    if count > MAX_CRITICS:
        raise ValueError(f"it has {count} critics")
    return [{name: np.asarray(each)[index] for name, each in own.items()} for index in range(count)]


def _network(path: Path, own: Mapping[str, Any], hidden: Activation) -> Chain:
    return chain(path, own, *_layers(own), hidden=hidden)


def _layers(own: Mapping[str, Any]) -> list[str]:
    return sorted(layer_names(own), key=natural)


def _alpha(tensors: Mapping[str, Any]) -> float | None:
    found = tensors.get("alpha.log_ent_coef")
    return None if found is None else math.exp(float(np.asarray(found).reshape(())))


FORMAT = library_format(
    "sbx",
    "msgpack",
    recognises,
    read,
    library="SBX",
    lacks=frozenset({Lack.WORLD, Lack.STATISTICS}),
    suffixes=(".msgpack",),
)
