"""A checkpoint as torch modules: the reference that other evaluations are compared with."""

import math

import torch
from torch import Tensor, nn

from valuescape.sim.arrays import Float32Array
from valuescape.sim.policy.network import (
    Activation,
    ActorHead,
    Checkpoint,
    CriticKind,
    Mlp,
    score_groups,
    value_critics,
)

_ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    Activation.IDENTITY: nn.Identity,
    Activation.RELU: nn.ReLU,
    Activation.TANH: nn.Tanh,
    Activation.ELU: nn.ELU,
    Activation.LEAKY_RELU: nn.LeakyReLU,
    Activation.SIGMOID: nn.Sigmoid,
    Activation.SILU: nn.SiLU,
    Activation.GELU: nn.GELU,
}

# MKL sets itself up at its first call. If two threads make it at once, one of them may compute in a mode of
# low accuracy: tanh was wrong by 9e-5 in 1 of 750 processes. So a single thread makes the first call here.
for _module_type in _ACTIVATIONS.values():
    _module_type()(torch.zeros(1))


class TorchCheckpoint:
    """The policy and the value of a checkpoint as torch modules on `device`, without gradients.

    Tensors have the batch first, as usual in torch. Actions are scaled and clipped to the checkpoint's own
    bounds.
    """

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        self._device = torch.device(device)
        self._head, self._kind = checkpoint.actor_head, checkpoint.critic_kind
        self._groups = score_groups(checkpoint)
        self._actor = _module(checkpoint.actor).to(self._device)
        self._critics = [_module(critic).to(self._device) for critic in value_critics(checkpoint)]
        self._low, self._high = self._tensor(checkpoint.action_low), self._tensor(checkpoint.action_high)
        norm = checkpoint.obs_normalization
        self._normalization = (
            None if norm is None else (self._tensor(norm.mean), self._tensor(norm.std), norm.clip)
        )

    @torch.no_grad()
    def act(self, obs: Tensor) -> Tensor:
        """Return the actions for `obs` [n, obs_dim] as [n, action_dim] float32, in the world's units.

        Discrete actions are indices, [n, 1], or one for each of several choices.
        """
        outputs: Tensor = self._actor(self._normalized(obs))
        if self._head.chooses:
            best = [outputs[:, group].argmax(dim=1) for group in self._groups]
            return torch.stack(best, dim=1).to(torch.float32)
        if self._head is ActorHead.SQUASHED:
            outputs = self._low + (outputs + 1) / 2 * (self._high - self._low)
        return torch.clamp(outputs, self._low, self._high)

    @torch.no_grad()
    def value(self, obs: Tensor) -> Tensor:
        """Return V(s) for `obs` [n, obs_dim] as [n] float32; see `sim.policy.inference.value`."""
        inputs = self._normalized(obs)
        if self._kind.takes_actions:
            inputs = torch.cat([inputs, self._actor(inputs)], dim=1)
        scores = torch.stack([critic(inputs) for critic in self._critics])
        scores = scores.amax(dim=2)
        return scores.mean(dim=0) if self._kind is CriticKind.MEAN_ACTION_VALUE else scores.amin(dim=0)

    def _normalized(self, obs: Tensor) -> Tensor:
        obs = obs.to(self._device)
        if self._normalization is None:
            return obs
        mean, std, clip = self._normalization
        return torch.clamp((obs - mean) / std, -clip, clip)

    def _tensor(self, array: Float32Array) -> Tensor:
        return torch.tensor(array, device=self._device)


def _module(mlp: Mlp) -> nn.Sequential:
    modules: list[nn.Module] = []
    for layer in mlp.layers:
        linear = nn.Linear(layer.weight.shape[1], layer.weight.shape[0])
        linear.weight.data = torch.tensor(layer.weight)
        linear.bias.data = torch.tensor(layer.bias)
        modules.append(linear)
        if layer.clip < math.inf:
            modules.append(nn.Hardtanh(-layer.clip, layer.clip))
        modules.append(_ACTIVATIONS[layer.activation]())
    return nn.Sequential(*modules)
