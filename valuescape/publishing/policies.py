"""The networks inside a model of Stable-Baselines3's, for updates.

The first update saves the model to a temporary file and reads it as every file is read, so a policy that is
not known is refused by name. Its tensors are then found in the policy, and have to be equal.
"""

import math
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.publishing.derived import critic_names, layer_names, write_means, write_own_actor
from valuescape.publishing.moving import (
    host_array,
    host_arrays,
    number_of,
    obs_normalization,
    reward_normalization,
)
from valuescape.publishing.plan import Arrays, Moved, Plan, write_array
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.native import tensors_of
from valuescape.sim.policy.formats.sb3 import load_sb3
from valuescape.sim.policy.formats.sb3_networks import gsde_log_std
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.world_fit import check_world
from valuescape.sim.worlds import World

Linears = list[Any]
"""torch's Linear modules in the order in which they are applied."""


class PolicyReading:
    """Updates of one model, with the mean return and length of its last episodes.

    world: the world that the model learns in. name: of the run, for messages.
    """

    def __init__(self, model: Any, world: World, name: str) -> None:
        self._model, self._world, self._name = model, world, name
        self._statistics = model.get_vec_normalize_env()
        self._names: list[str] = []
        self._linears: Linears = []
        self._layers: list[int] = []
        self._template: Checkpoint | None = None

    def plan(self) -> Plan:
        """Return the plan of the model's updates.

        Raises UsageError if its networks are not read, or are of another world.
        """
        checkpoint = _saved(self._model)
        self._template = replace(
            checkpoint,
            world=self._world.name,
            obs_normalization=obs_normalization(self._statistics),
            reward_normalization=reward_normalization(self._statistics, checkpoint.gamma),
        )
        check_world(self._template, self._world, Path(self._name))
        self._find(self._template)
        plan = Plan(self._template, self._name)
        self._require_equal(self._template)
        return plan

    def moved(self) -> Moved:
        """Return alpha, the normalisation of rewards, and the mean return and length of recent episodes."""
        reward = reward_normalization(self._statistics, self._model.gamma)
        recent = [each for each in self._model.ep_info_buffer or () if "r" in each]
        numbers = {}
        if recent:
            numbers["mean_return"] = float(np.mean([each["r"] for each in recent]))
            numbers["mean_length"] = float(np.mean([each["l"] for each in recent]))
        return Moved(reward, _alpha(self._model), numbers)

    def fill(self, arrays: Arrays) -> None:
        """Write the model's numbers of now."""
        assert self._template is not None
        tensors = [tensor for each in self._linears for tensor in (each.weight, each.bias)]
        for name, array in zip(self._names, host_arrays(tensors), strict=True):
            if array is not None:
                write_array(arrays, name, array)
        if self._template.quantile_layers:
            for index, layers in enumerate(self._layers):
                write_means(arrays, index, layers, self._template.critics[0].out_dim)
        if not any(name.startswith("actor.") for name in self._names):
            write_own_actor(arrays, self._layers[0])
        self._write_spread(arrays)
        norm = obs_normalization(self._statistics)
        if norm is not None:
            write_array(arrays, "obs.mean", norm.mean)
            write_array(arrays, "obs.std", norm.std)

    def _find(self, checkpoint: Checkpoint) -> None:
        """Find the policy's layers, by the attributes that Stable-Baselines3 keeps them in."""
        policy, quantiles = self._model.policy, bool(checkpoint.quantile_layers)
        actor: Linears = []
        if hasattr(policy, "mlp_extractor"):
            actor = _linears(policy.mlp_extractor.policy_net, policy.action_net)
            critics = [_linears(policy.mlp_extractor.value_net, policy.value_net)]
        elif hasattr(policy, "q_net"):
            critics = [_linears(policy.q_net.q_net)]
        elif hasattr(policy, "quantile_net"):
            critics = [_linears(policy.quantile_net.quantile_net)]
        else:
            actor = _linears(*filter(None, (getattr(policy.actor, "latent_pi", None), policy.actor.mu)))
            critics = [_linears(each) for each in policy.critic.q_networks]
        self._layers = [len(each) for each in critics]
        self._linears = [*actor, *(linear for each in critics for linear in each)]
        self._names = [*layer_names("actor", len(actor))]
        for index, layers in enumerate(self._layers):
            self._names += critic_names(index, layers, quantiles=quantiles)
        spread = getattr(getattr(policy, "actor", None), "log_std", None)
        if type(spread).__name__ == "Linear":
            self._linears.append(spread)
            self._names += ["log_std.weight", "log_std.bias"]

    def _write_spread(self, arrays: Arrays) -> None:
        """Write the standard deviations of actions, where they are parameters and no layer."""
        assert self._template is not None
        noise, policy = self._template.noise, self._model.policy
        if noise is None or "log_std.weight" in self._names:
            return
        spread = host_array((policy if hasattr(policy, "log_std") else policy.actor).log_std)
        if noise.state_dependent:
            owner = policy if hasattr(policy, "log_std") else policy.actor
            log_std = gsde_log_std(spread, use_expln=owner.action_dist.use_expln)
            weight = np.broadcast_to(log_std.T, noise.layer.weight.shape)
            write_array(arrays, "gsde_log_std.weight", weight)
        else:
            write_array(arrays, "log_std.bias", spread)

    def _require_equal(self, checkpoint: Checkpoint) -> None:
        """Raise UsageError unless the layers that were found have the numbers of the file."""
        expected = tensors_of(checkpoint, Path(self._name))
        arrays = {name: np.zeros_like(tensor) for name, tensor in expected.items()}
        self.fill(arrays)
        for name, array in arrays.items():
            if not name.startswith("action.") and not np.array_equal(array, expected[name]):
                raise UsageError(
                    f"{self._name}: {name} of {type(self._model.policy).__name__} is not where it usually is",
                    "give the networks to valuescape.publish and its update instead",
                )


def _saved(model: Any) -> Checkpoint:
    """Return the model as its own file says. Raises UsageError if such files are not read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.zip"
        model.save(path)
        return load_sb3(path)


def _linears(*modules: Any) -> Linears:
    return [each for module in modules for each in module.modules() if type(each).__name__ == "Linear"]


def _alpha(model: Any) -> float | None:
    """Return the entropy's coefficient of SAC and TQC; None of others, whose coefficient is another thing."""
    log_alpha = getattr(model, "log_ent_coef", None)
    if log_alpha is not None:
        return math.exp(number_of(log_alpha))
    fixed = getattr(model, "ent_coef_tensor", None)
    return None if fixed is None else number_of(fixed)
