"""Parameters of Brax's PPO: pickles of `brax.io.model.save_params`, and folders of its checkpoints.

Both have (statistics of observations, policy, value). A policy is an MLP (`hidden_0` …) of means and
spreads, whose means go through tanh; or, with `distribution_type = "normal"`, `MLP_0` and `Dense_0` with
a `std` of its own. Observations are (x - mean) / std. A folder has `ppo_network_config.json` beside,
which says the activation and whether observations are normalised; a pickle says neither. Gamma is in no
file.

Folders are written by Orbax, and read with tensorstore (`pip install valuescape[brax]`). SAC's parameters
have no critic.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import frozen
from valuescape.sim.policy.formats.chains import Chain, chain, constant_layer, layer_names
from valuescape.sim.policy.formats.files import read_bounded
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.libraries.orbax import read_orbax
from valuescape.sim.policy.formats.libraries.running_statistics import outputs
from valuescape.sim.policy.formats.libraries.state_dicts import other_observations, require_linear
from valuescape.sim.policy.formats.library_format import library_format
from valuescape.sim.policy.formats.pickle_data import Record
from valuescape.sim.policy.formats.pickled_numbers import plain_of
from valuescape.sim.policy.formats.registry import Lack, Probe
from valuescape.sim.policy.formats.torch_data import named_tensors, read_pickled
from valuescape.sim.policy.network import (
    ActionNoise,
    Activation,
    ActorHead,
    CriticKind,
    ObsNormalization,
)

_CONFIG = "ppo_network_config.json"
_MAX_CONFIG = 2**20
_MARK = b"brax.training.acme.running_statistics"
_ACTIVATIONS = {
    **{each.value: each for each in Activation},
    "swish": Activation.SILU,
    "linear": Activation.IDENTITY,
}
_SCALED = (
    "actions of -1 to 1, which Brax's environments take, are scaled to the world's bounds; "
    "to leave them as they are state --set policy.head=clipped"
)
_NOISE = "the spread of actions, a softplus of outputs, is not read: actions are the modes"
_NORMALIZED = (
    "observations are normalised by the statistics in the file; a training with normalize_observations=False "
    "has them too, and then needs --obs-normalization FILE with mean 0 and std 1"
)


def recognises(probe: Probe) -> bool:
    """Return whether a pickle begins with Brax's statistics of observations."""
    return probe.head.startswith(b"\x80") and _MARK in probe.head


def recognises_folder(probe: Probe) -> bool:
    """Return whether a folder is a checkpoint of Brax's PPO, or has numbered folders that are."""
    try:
        return probe.is_folder and _step(probe.path) is not None
    except OSError:
        return False


def _step(folder: Path) -> Path | None:
    """Return the folder with the parameters: `folder`, or the one in it with the greatest number."""
    if (folder / _CONFIG).is_file():
        return folder
    inside = [each for each in folder.iterdir() if each.name.isdecimal() and (each / _CONFIG).is_file()]
    return max(inside, key=lambda each: int(each.name), default=None)


def read(path: Path, given: Given) -> Found:
    """Return the networks in a pickle."""
    return _found(path, named_tensors(_plain(read_pickled(path), {})), {}, given)


def read_folder(path: Path, given: Given) -> Found:
    """Return the networks in a folder."""
    folder = _step(path)
    assert folder is not None  # it was recognised
    config = json.loads(read_bounded(folder / _CONFIG, _MAX_CONFIG))
    return _found(folder, read_orbax(folder), config, given)


def _plain(node: Any, made: dict[int, Any]) -> Any:
    """Return dicts and arrays in place of the records of JAX, Flax and Brax.

    made: what was made of each object, which may occur in many places: each is made once.
    """
    if not isinstance(node, Record | dict | list | tuple):
        return node
    if id(node) not in made:
        made[id(node)] = None  # of an object inside itself
        made[id(node)] = _made(node, made)
    return made[id(node)]


def _made(node: Any, made: dict[int, Any]) -> Any:
    if isinstance(node, Record):
        if node.name.name == "_reconstruct_array" and len(node.args) >= 3:
            return plain_of(Record(node.args[0], node.args[1], node.args[2]))
        state = node.state if isinstance(node.state, dict) else next(iter(node.args), None)
        return _plain(state.get("_dict", state) if isinstance(state, dict) else state, made)
    if isinstance(node, dict):
        return {key: _plain(each, made) for key, each in node.items()}
    return [_plain(each, made) for each in node]


def _found(path: Path, tensors: dict[str, Any], config: dict[str, Any], given: Given) -> Found:
    settings = config.get("network_factory_kwargs") or {}
    if not any(name.startswith("2.params.") for name in tensors):
        raise UsageError(
            f"{path}: has statistics and a policy of Brax's, and no value network",
            "save all parameters of PPO: model.save_params(path, params), not params[:2]",
        )
    for setting in ("mean_clip_scale", "use_distributional_critic"):
        if settings.get(setting):
            raise UsageError(
                f"{path}: was trained with {setting}, which is not read", "use another checkpoint"
            )
    activation = _activation(path, settings)
    actor, normal = _policy(path, tensors)
    critic = _network(path, tensors, "2.params").with_hidden(activation)
    scaled = not normal and given.head is not ActorHead.CLIPPED
    statistics = _normalization(path, tensors, config, settings)
    remarks = [*([_SCALED] if scaled else []), *([] if normal else [_NOISE])]
    return Found(
        algorithm="ppo",
        usual=Activation.SILU,
        actor=actor.with_hidden(activation),
        head=ActorHead.SQUASHED if scaled else ActorHead.CLIPPED,
        critics=(critic,),
        critic_kind=CriticKind.STATE_VALUE,
        obs_normalization=statistics,
        noise=_noise(path, tensors, actor) if normal else None,
        refusal=other_observations(path, actor, critic),
        remarks=(*remarks, *([] if config or statistics is None else [_NORMALIZED])),
        tensors=tensors,
    )


def _policy(path: Path, tensors: Mapping[str, Any]) -> tuple[Chain, bool]:
    """Return the actor of means, and whether they are those of a normal distribution without tanh."""
    if layer_names(tensors, "1.params.MLP_0"):
        return _network(path, tensors, "1.params.MLP_0", "1.params.Dense_0"), True
    both = _network(path, tensors, "1.params")
    if both.out_dim % 2:
        raise UsageError(
            f"{path}: its policy has {both.out_dim} outputs, no pairs of mean and spread", "get it again"
        )
    return outputs(path, both, slice(0, both.out_dim // 2)).ending(Activation.TANH), False


def _network(path: Path, tensors: Mapping[str, Any], *prefixes: str) -> Chain:
    require_linear(path, tensors, *prefixes)
    return chain(path, tensors, *prefixes)


def _noise(path: Path, tensors: Mapping[str, Any], actor: Chain) -> ActionNoise | None:
    hidden = actor.linears[-1].layer.weight.shape[1]
    for name, logarithm in (("std_logparam.log_value", True), ("std_param.value", False)):
        found = tensors.get(f"1.params.{name}")
        if found is not None:
            values = np.asarray(found, np.float64).ravel()
            log_std = values if logarithm else np.log(np.maximum(values, 1e-8))
            return ActionNoise(constant_layer(path, name, log_std, hidden))
    return None


def _activation(path: Path, settings: Mapping[str, Any]) -> Activation | None:
    name = settings.get("activation")
    if name is None:
        return None
    if name not in _ACTIVATIONS:
        raise UsageError(f"{path}: its activation is {name}", f"expected one of {', '.join(_ACTIVATIONS)}")
    return _ACTIVATIONS[name]


def _normalization(
    path: Path, tensors: Mapping[str, Any], config: Mapping[str, Any], settings: Mapping[str, Any]
) -> ObsNormalization | None:
    """Return the statistics of observations; of those in a dict, the policy's."""
    if config.get("normalize_observations") is False:
        return None
    key = f".{settings.get('policy_obs_key', 'state')}"
    names = [f"{part}{key}" if f"{part}{key}" in tensors else part for part in ("0.mean", "0.std")]
    if any(name not in tensors for name in names):
        raise UsageError(f"{path}: its statistics of observations are not of one vector", "it is not read")
    mean, std = (frozen(path, name, np.asarray(tensors[name]).ravel()) for name in names)
    return ObsNormalization(mean, std, float("inf"))


FORMAT = library_format(
    "brax", "pickle", recognises, read, library="Brax", lacks=frozenset({Lack.WORLD, Lack.REWARDS})
)
FOLDER = library_format(
    "brax-folder",
    "folder",
    recognises_folder,
    read_folder,
    library="Brax",
    lacks=frozenset({Lack.WORLD, Lack.REWARDS}),
    folders=True,
)
