"""rsl_rl's `model_*.pt`, of all its releases (legged_gym, Isaac Lab, mjlab …).

Before release 4: `model_state_dict` with `actor.0.weight` …, `critic.0.weight` … and `std` or `log_std`.
Statistics of observations: `obs_norm_state_dict` beside it (release 2), or `actor_obs_normalizer` in it
(3). From release 4 on `actor_state_dict` and `critic_state_dict`, each with `mlp.0.weight` … and
`obs_normalizer`. Observations are (x - mean) / (std + 0.01). Neither the activation (ELU by default) is
in the file, nor gamma.

A critic that observes more than the actor has no value here, as worlds have one observation: such files
are shown by `inspect` alone. Recurrent networks, convolutions, students of a distillation and Beta
distributions are refused.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.chains import Chain, chain, constant_layer
from valuescape.sim.policy.formats.files import BROKEN
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.libraries.running_statistics import (
    Statistics,
    normalization,
    normalizing,
)
from valuescape.sim.policy.formats.libraries.state_dicts import (
    not_linear,
    other_observations,
    plain_names,
    require_linear,
)
from valuescape.sim.policy.formats.library_format import library_format
from valuescape.sim.policy.formats.registry import Lack, Probe
from valuescape.sim.policy.formats.torch_data import read_torch
from valuescape.sim.policy.network import ActionNoise, Activation, ActorHead, CriticKind

_EPSILON = 0.01
_LEAST_STD = 1e-8
_RECURRENT = re.compile(r"(^|\.)(memory(_[acst])?|rnn)\.")


def recognises(probe: Probe) -> bool:
    """Return whether a file has the keys that rsl_rl's runner writes."""
    try:
        return _is_runner(probe.torch)
    except BROKEN:
        return False


def _is_runner(tree: Any) -> bool:
    if not isinstance(tree, dict):
        return False
    if isinstance(tree.get("actor_state_dict"), dict):
        return any(name.endswith("mlp.0.weight") for name in tree["actor_state_dict"])
    old = tree.get("model_state_dict")
    if not isinstance(old, dict) or "iter" not in tree:
        return False
    return any(re.match(r"(module\.|_orig_mod\.)?(actor|critic|student)\.", str(name)) for name in old)


def read(path: Path, given: Given) -> Found:
    """Return the networks of a runner's checkpoint."""
    tree = read_torch(path)
    tensors = plain_names(tree)
    recurrent = next((name for name in tensors if _RECURRENT.search(name)), None)
    if recurrent is not None:
        raise not_linear(path, recurrent, tensors[recurrent], tensors)
    parts = _Parts(path, tensors, "actor_state_dict" in tree)
    actor, critic = parts.network("actor"), parts.network("critic")
    if parts.log_std() is None:
        raise UsageError(
            f"{path}: has a Beta distribution, or a std that depends on the state",
            "train with a Gaussian's own std",
        )
    of_actor, of_critic = parts.statistics("actor"), parts.statistics("critic")
    shared = _same(of_actor, of_critic)
    if not shared and actor.in_dim == critic.in_dim:  # each has its own, which fit into the first layers
        actor, critic = _own(path, actor, of_actor), _own(path, critic, of_critic)
    return Found(
        algorithm="ppo",
        usual=Activation.ELU,
        actor=actor,
        head=ActorHead.CLIPPED,
        critics=(critic,),
        critic_kind=CriticKind.STATE_VALUE,
        obs_normalization=normalization(path, of_actor) if shared else None,
        noise=parts.noise(actor),
        refusal=other_observations(path, actor, critic),
        remarks=_remarks(tensors),
        tensors=tensors,
    )


class _Parts:
    """The tensors of one file by their place in it. modern: of release 4 and later."""

    def __init__(self, path: Path, tensors: Mapping[str, Any], modern: bool) -> None:
        self._path, self._tensors, self._modern = path, tensors, modern

    def network(self, role: str) -> Chain:
        """Return the actor or the critic."""
        name = f"{role}_state_dict.mlp" if self._modern else f"model_state_dict.{role}"
        if not any(each.startswith(f"{name}.") for each in self._tensors):
            student = any(".student." in each for each in self._tensors)
            what = "is of a distillation, whose student" if student else "has networks, but it"
            raise UsageError(
                f"{self._path}: {what} has no {role} that is read ({name}.*)", "give PPO's own checkpoint"
            )
        require_linear(self._path, self._tensors, name)
        return chain(self._path, self._tensors, name)

    def statistics(self, role: str) -> Statistics | None:
        """Return the statistics of the observations of the actor or the critic, if they are normalised."""
        if self._modern:
            places = [f"{role}_state_dict.obs_normalizer"]
        elif role == "actor":
            places = ["model_state_dict.actor_obs_normalizer", "obs_norm_state_dict"]
        else:
            places = [
                "model_state_dict.critic_obs_normalizer",
                *("privileged_obs_norm_state_dict", "critic_obs_norm_state_dict", "obs_norm_state_dict"),
            ]
        for place in places:
            if f"{place}._mean" in self._tensors:
                mean, std = (
                    np.asarray(self._tensors[f"{place}.{part}"], np.float64).ravel()
                    for part in ("_mean", "_std")
                )
                return mean, std + _EPSILON
        return None

    def noise(self, actor: Chain) -> ActionNoise | None:
        """Return the spread of actions, which does not depend on the state."""
        log_std = self.log_std()
        if log_std is None or log_std.size != actor.out_dim:
            return None
        hidden = actor.linears[-1].layer.weight.shape[1]
        return ActionNoise(constant_layer(self._path, "std", log_std, hidden))

    def log_std(self) -> np.ndarray[Any, Any] | None:
        """Return the log of the std of actions; None if there is none apart from the networks."""
        place = "actor_state_dict.distribution" if self._modern else "model_state_dict"
        for name in ("log_std", "log_std_param"):
            if f"{place}.{name}" in self._tensors:
                return np.asarray(self._tensors[f"{place}.{name}"], np.float64).ravel()
        for name in ("std", "std_param"):
            if f"{place}.{name}" in self._tensors:
                std = np.asarray(self._tensors[f"{place}.{name}"], np.float64).ravel()
                return np.log(np.maximum(std, _LEAST_STD))
        return None


def _same(first: Statistics | None, second: Statistics | None) -> bool:
    if first is None or second is None:
        return first is second
    return all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def _own(path: Path, network: Chain, found: Statistics | None) -> Chain:
    return network if found is None else normalizing(path, network, found)


def _remarks(tensors: Mapping[str, Any]) -> tuple[str, ...]:
    if any(name.split(".")[0] == "rnd_state_dict" for name in tensors):
        return ("was trained with random network distillation: values include that intrinsic reward",)
    return ()


FORMAT = library_format("rsl_rl", "torch", recognises, read, library="rsl_rl", lacks=frozenset({Lack.WORLD}))
