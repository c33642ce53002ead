"""Files of d3rlpy: `.d3` (networks and their whole configuration) and `.pt` of `save_model` (networks alone).

A `.d3` is a pickle of {"torch": the bytes of a torch file, "config": JSON, "version"}. The torch file has a
state dict for each part (before release 2.1, `_policy` and `_q_func`): `policy` (`_encoder._layers.0.weight`
…, then `_mu` or `_fc`), `q_funcs` (`0._encoder…`, `0._fc`), `log_temp`. The configuration has gamma, the
activations, and the scalers of observations, actions and rewards. A `.pt` lacks all of that.

Values are means over the critics, as d3rlpy's `predict_value` gives them. Without a scaler of actions,
actions are within -1 and 1, whatever the world's bounds are.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import frozen
from valuescape.sim.policy.formats.chains import Chain, Linear, chain, layer, natural
from valuescape.sim.policy.formats.files import BROKEN, read_bounded
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.libraries.d3rlpy_scalers import (
    action_bounds,
    obs_normalization,
    reward_normalization,
)
from valuescape.sim.policy.formats.libraries.state_dicts import by_quantiles, not_linear, side_by_side, under
from valuescape.sim.policy.formats.library_format import library_format
from valuescape.sim.policy.formats.pickle_data import ForbiddenPickleError, read_pickle_from
from valuescape.sim.policy.formats.registry import Lack, Probe
from valuescape.sim.policy.formats.torch_data import named_tensors, read_torch, torch_content
from valuescape.sim.policy.network import ActionNoise, Activation, ActorHead, CriticKind

_SOFT = ("sac", "cql", "cal_ql")
_CONTINUOUS = (*_SOFT, "ddpg", "td3", "td3_plus_bc", "rebrac", "prdc", "awac", "iql")
_DISCRETE = ("dqn", "double_dqn", "nfq", "discrete_cql")
_ACTIVATIONS = {
    "relu": Activation.RELU,
    "tanh": Activation.TANH,
    "gelu": Activation.GELU,
    "swish": Activation.SILU,
    "none": Activation.IDENTITY,
}
_EPSILON = 1e-5  # of torch's BatchNorm1d
_READ = f"read are {', '.join((*_CONTINUOUS, *_DISCRETE))}"


def recognises(probe: Probe) -> bool:
    """Return whether a file is a `.d3`, or has the parts of one as torch file."""
    if _is_d3(probe.head):
        return True
    try:
        tree = probe.torch
        parts = _parts(tree).get("q_funcs") if isinstance(tree, dict) else None
        return isinstance(parts, dict) and any("_encoder._" in name for name in parts)
    except BROKEN:
        return False


def _is_d3(head: bytes) -> bool:
    return head[:1] == b"\x80" and re.search(rb"[\x8cX].{1,4}torch", head[:48], re.DOTALL) is not None


def read(path: Path, given: Given) -> Found:
    """Return the networks in a file of d3rlpy."""
    content = read_bounded(path)
    if not _is_d3(content[:256]):
        return _found(path, read_torch(path), {}, "")
    try:
        saved = read_pickle_from(BytesIO(content), lambda _: False)
    except ForbiddenPickleError as error:
        raise UsageError(
            f"{path}: {error}; nothing of it was run", "save it again with algo.save()"
        ) from error
    described = json.loads(saved["config"])
    shape = described["observation_shape"]
    if len(shape) != 1 or not isinstance(shape[0], int):
        raise UsageError(
            f"{path}: observes arrays of shape {shape}; only vectors are read", "use another model"
        )
    return _found(path, torch_content(saved["torch"], str(path)), described["config"], str(saved["version"]))


def _found(path: Path, parts: Any, config: Mapping[str, Any], version: str) -> Found:
    """config: type and params of the algorithm; empty of a `.pt`."""
    params, parts = config.get("params", {}), _parts(parts)
    kind = str(config.get("type") or _kind(path, parts))
    if kind not in (*_CONTINUOUS, *_DISCRETE):
        raise UsageError(
            f"{path}: is d3rlpy's {kind}, whose actions or values are not those of one network", _READ
        )
    tensors = named_tensors({name: each for name, each in parts.items() if "optim" not in name})
    reward, remarks = reward_normalization(path, params)
    found = _continuous if kind in _CONTINUOUS else _discrete
    remarks += () if config else (_PLAIN,)
    made = found(path, kind, tensors, params)
    return replace(
        made,
        gamma=params.get("gamma"),
        obs_normalization=obs_normalization(path, params, made.actor.in_dim),
        reward_normalization=reward,
        version=version,
        tensors=tensors,
        remarks=remarks,
    )


_PLAIN = (
    "is a .pt of save_model, without the configuration: a scaler of observations or rewards is not known; "
    "algo.save() writes a .d3 that has it"
)


def _parts(saved: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of an algorithm by their names since release 2.1."""
    parts = {name.removeprefix("_"): each for name, each in saved.items() if isinstance(name, str)}
    older = parts.pop("q_func", None)
    if isinstance(older, dict):
        parts["q_funcs"] = {name.removeprefix("_q_funcs."): each for name, each in older.items()}
    return parts


def _kind(path: Path, parts: Mapping[str, Any]) -> str:
    """Return the type of an algorithm, told by the parts that it saves."""
    marks = (("log_alpha", "cql"), ("log_temp", "sac"), ("value_func", "iql"), ("imitator", "bcq"))
    found = next((kind for part, kind in marks if part in parts), None)
    if "policy" not in parts:
        return "discrete_bcq" if found else "dqn"
    if found is None:
        critics = {name.split(".")[0] for name in parts["q_funcs"]}
        found = "td3" if len(critics) > 1 else "ddpg"
    return found


def _continuous(path: Path, kind: str, tensors: dict[str, Any], params: Mapping[str, Any]) -> Found:
    policy = under(tensors, "policy.")
    head = "_mu" if "_mu.weight" in policy else "_fc"
    actor = _network(path, policy, head, params, "actor_encoder_factory").ending(Activation.TANH)
    count = _quantiles(path, params)
    critics = tuple(
        _network(path, each, "_fc", params, "critic_encoder_factory") for each in _each_critic(tensors)
    )
    low, high = action_bounds(path, params, actor.out_dim)
    known = low is not None
    noisy = kind in _SOFT and "_logstd.weight" in policy and known
    return Found(
        algorithm={"td3_plus_bc": "td3", "cal_ql": "cql"}.get(kind, kind),
        usual=Activation.RELU,
        actor=actor,
        head=ActorHead.SQUASHED if known else ActorHead.CLIPPED,
        critics=critics,
        critic_kind=CriticKind.MEAN_ACTION_VALUE,
        quantiles=count > 0,
        action_low=low,
        action_high=high,
        noise=ActionNoise(layer(path, policy, "_logstd")) if noisy else None,
        entropy_coefficient=_temperature(tensors) if kind == "sac" else None,
    )


def _discrete(path: Path, kind: str, tensors: dict[str, Any], params: Mapping[str, Any]) -> Found:
    networks = [_network(path, each, "_fc", params, "encoder_factory") for each in _each_critic(tensors)]
    count = _quantiles(path, params)
    actions = networks[0].out_dim // max(count, 1)
    if actions == 1:  # FQE's `save_model`
        raise UsageError(f"{path}: has Q of observations and actions, and no policy", _READ)
    if len(networks) == 1 and count:
        network = by_quantiles(path, networks[0], count)
    elif len(networks) == 1:
        network = networks[0]
    else:  # the mean over critics, and over the quantiles of each
        mixing = np.kron(np.eye(actions), np.full((1, max(count, 1)), 1 / max(count, 1))) / len(networks)
        network, count = side_by_side(networks, [mixing] * len(networks)), 0
    return Found(
        algorithm="qr-dqn" if count else {"discrete_cql": "cql"}.get(kind, "dqn"),
        usual=Activation.RELU,
        actor=network,
        head=ActorHead.ARGMAX,
        critics=(network,),
        critic_kind=CriticKind.DISCRETE_ACTION_VALUE,
        quantiles=count > 0,
        outputs=actions if count else 0,
    )


def _quantiles(path: Path, params: Mapping[str, Any]) -> int:
    """Return the number of quantiles that critics give; 0: they give means."""
    factory = params.get("q_func_factory") or {"type": "mean"}
    if factory["type"] not in ("mean", "qr"):
        raise UsageError(
            f"{path}: has critics of type {factory['type']!r}, whose values are means over sampled fractions",
            "read are critics of type mean and qr",
        )
    return int(factory["params"]["n_quantiles"]) if factory["type"] == "qr" else 0


def _each_critic(tensors: Mapping[str, Any]) -> list[dict[str, Any]]:
    critics = under(tensors, "q_funcs.")
    keys = sorted({name.split(".")[0] for name in critics}, key=natural)
    return [under(critics, f"{key}.") for key in keys]


def _temperature(tensors: Mapping[str, Any]) -> float | None:
    found = tensors.get("log_temp._parameter")
    return None if found is None else math.exp(float(np.asarray(found).reshape(())))


def _network(path: Path, own: dict[str, Any], head: str, params: Mapping[str, Any], factory: str) -> Chain:
    """Return an encoder and the layer behind it, with batch normalisation as part of the layers."""
    activation, last = _activations(path, params.get(factory))
    names = sorted({name.rpartition(".")[0] for name in own if name.startswith("_encoder.")}, key=natural)
    modules = [_module(path, own, name) for name in names]
    linears = [name for name, kind in zip(names, modules, strict=True) if kind == "linear"]
    if not linears:
        raise UsageError(f"{path}: has an encoder without linear layers", "read are encoders of vectors")
    made = list(chain(path, own, *linears, head, hidden=activation).linears)
    if last is not None:
        behind = made[-2]
        made[-2] = Linear(behind.name, replace(behind.layer, activation=last))
    at = -1
    for name, kind in zip(names, modules, strict=True):
        at += kind == "linear"
        if kind == "normalization":
            made[at + 1] = _after(path, own, name, made[at + 1])
    return Chain(tuple(made))


def _module(path: Path, own: Mapping[str, Any], name: str) -> str:
    if "._bns." in name:
        raise not_linear(
            path, f"{name}.weight", own[f"{name}.weight"], own
        )  # older releases apply the last twice
    weight = own.get(f"{name}.weight")
    if weight is not None and len(weight.shape) == 2:
        return "linear"
    if f"{name}.running_mean" in own:
        return "normalization"
    first = next(each for each in own if each.startswith(f"{name}."))
    raise not_linear(path, first, own[first], own)


def _after(path: Path, own: Mapping[str, Any], name: str, following: Linear) -> Linear:
    """Return the layer behind batch normalisation `name`, which in use is affine, with it as part of it."""
    mean, var, weight, bias = (
        np.asarray(own[f"{name}.{part}"], np.float64)
        for part in ("running_mean", "running_var", "weight", "bias")
    )
    scale = weight / np.sqrt(var + _EPSILON)
    matrix = following.layer.weight
    shifted = following.layer.bias + matrix @ (bias - mean * scale)
    made = replace(
        following.layer, weight=frozen(path, name, matrix * scale), bias=frozen(path, name, shifted)
    )
    return replace(following, layer=made)


def _activations(path: Path, factory: Any) -> tuple[Activation | None, Activation | None]:
    """Return the activation of an encoder's layers, None if unknown, and of the last one if it differs."""
    if factory is None:
        return None, None
    if factory["type"] not in ("default", "vector"):
        raise UsageError(
            f"{path}: has an encoder of type {factory['type']!r}",
            "read are encoders of type default and vector",
        )
    params = factory["params"]
    last = "none" if params.get("exclude_last_activation") else params.get("last_activation")
    names = [params["activation"], *([last] if last else [])]
    for name in names:
        if name not in _ACTIVATIONS:
            raise UsageError(f"{path}: has the activation {name!r}", f"known are {', '.join(_ACTIVATIONS)}")
    return _ACTIVATIONS[names[0]], _ACTIVATIONS[last] if last else None


FORMAT = library_format(
    "d3rlpy",
    "d3",
    recognises,
    read,
    library="d3rlpy",
    lacks=frozenset({Lack.WORLD}),
    suffixes=(".d3",),
)
