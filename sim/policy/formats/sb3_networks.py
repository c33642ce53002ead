"""Networks of Stable-Baselines3 and SB3-Contrib, made of a model's tensors by their names."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.policy.formats.sb3_known import policy_name
from valuescape.sim.policy.formats.sb3_zip import Sb3File, Space
from valuescape.sim.policy.network import (
    ActionNoise,
    Activation,
    ActorHead,
    CriticKind,
    Layer,
    Mlp,
    mean_layer,
)

_ACTIVATIONS = {
    f"<class 'torch.nn.modules.{module}.{name}'>": activation
    for module, name, activation in (
        ("activation", "ReLU", Activation.RELU),
        ("activation", "Tanh", Activation.TANH),
        ("activation", "ELU", Activation.ELU),
        ("activation", "LeakyReLU", Activation.LEAKY_RELU),
        ("activation", "Sigmoid", Activation.SIGMOID),
        ("activation", "SiLU", Activation.SILU),
        ("activation", "GELU", Activation.GELU),
        ("linear", "Identity", Activation.IDENTITY),
    )
}
_DEFAULT_CLIP_MEAN = 2.0  # of SAC with gSDE, in every release so far
_NOT_NEEDED = re.compile(
    r"(actor_target|critic_target|q_net_target|quantile_net_target)\.|(actor\.)?(log_std|sde_)"
)


@dataclass(frozen=True, slots=True)
class Networks:
    """The networks of one model, as `sim.policy.network.Checkpoint` has them."""

    algorithm: str
    actor: Mlp
    actor_head: ActorHead
    critics: tuple[Mlp, ...]
    critic_kind: CriticKind
    noise: ActionNoise | None = None
    quantile_layers: tuple[Layer, ...] = ()


def gsde_log_std(stated: Float32Array, *, use_expln: bool) -> Float32Array:
    """Return the logs of gSDE's standard deviations, which `use_expln` keeps from growing too fast."""
    if not use_expln:
        return stated
    slow = np.log(np.log1p(np.maximum(stated, 0)) + 1)
    return np.where(stated > 0, slow, stated).astype(np.float32)


class NetworkBuilder:
    """Builds networks from tensors by their names, and refuses tensors that would change the result."""

    def __init__(self, file: Sb3File) -> None:
        self.file = file
        self.used: set[str] = set()

    def networks(self, action: Space) -> Networks:
        """Return the networks, chosen by the tensors' names."""
        if any(
            name.startswith("features_extractor.") or ".features_extractor." in name for name in self.names
        ):
            raise self.file.error("has a feature extractor with weights (a CNN or one of its own)")
        if self._has("q_net.q_net"):
            networks = self._dqn()
        elif self._has("quantile_net.quantile_net"):
            networks = self._qrdqn(action)
        elif self._has("actor.mu"):
            networks = self._off_policy()
        elif self._has("action_net"):
            networks = self._on_policy(action)
        else:
            raise self.file.error(f"tensors {', '.join(self.names[:3])}, … are of no algorithm we know")
        unknown = [name for name in self.names if name not in self.used and not _NOT_NEEDED.match(name)]
        if unknown:
            raise self.file.error(f"tensor {unknown[0]} is of no multilayer perceptron we know")
        self._check_action(networks, action)
        return networks

    @property
    def names(self) -> list[str]:
        """The tensors' names."""
        return list(self.file.tensors)

    def _dqn(self) -> Networks:
        network = self._mlp("q_net.q_net", activation=self._activation(Activation.RELU))
        return Networks("dqn", network, ActorHead.ARGMAX, (network,), CriticKind.DISCRETE_ACTION_VALUE)

    def _qrdqn(self, action: Space) -> Networks:
        network = self._mlp("quantile_net.quantile_net", activation=self._activation(Activation.RELU))
        critic, quantiles = self._averaged(network, action.n)
        kind = CriticKind.DISCRETE_ACTION_VALUE
        return Networks("qr-dqn", critic, ActorHead.ARGMAX, (critic,), kind, quantile_layers=(quantiles,))

    def _averaged(self, network: Mlp, outputs: int) -> tuple[Mlp, Layer]:
        """Return the network of the means of `outputs` outputs' quantiles, and the layer of quantiles."""
        *hidden, last = network.layers
        if not 1 <= outputs <= network.out_dim or network.out_dim % outputs:
            raise self.file.error(
                f"{network.out_dim} quantiles are not as many for each of {outputs} actions"
            )
        mean = mean_layer(last, outputs)
        for tensor in (mean.weight, mean.bias):
            tensor.setflags(write=False)
        return Mlp((*hidden, mean)), last

    def _off_policy(self) -> Networks:
        hidden = self._activation(Activation.RELU)
        stochastic = any(name.startswith("actor.log_std") for name in self.names)
        actor = self._mlp(
            "actor.latent_pi",
            "actor.mu",
            activation=hidden,
            last=Activation.TANH,
            clip=self._mean_clip(stochastic),
        )
        count = sum(self._has(f"critic.qf{index}") for index in range(len(self.names)))
        critics = tuple(self._mlp(f"critic.qf{index}", activation=hidden) for index in range(count))
        if not critics:
            raise self.file.error("has no critic (tensors critic.qf0.*)")
        noise, head = self._noise("actor.log_std", actor), ActorHead.SQUASHED
        if policy_name(self.file).startswith("sb3_contrib.tqc."):
            means, quantiles = zip(*(self._averaged(each, 1) for each in critics), strict=True)
            return Networks("tqc", actor, head, means, CriticKind.MEAN_ACTION_VALUE, noise, quantiles)
        algorithm = self._off_policy_algorithm(stochastic, count)
        return Networks(algorithm, actor, head, critics, CriticKind.ACTION_VALUE, noise)

    def _on_policy(self, action: Space) -> Networks:
        hidden = self._activation(Activation.TANH)
        squashed = self.file.option("squash_output") is True
        # Only gSDE has a tanh; otherwise releases before 2.2 scaled the mean itself to the action's bounds
        bounded = squashed and self.file.data.get("use_sde") is True
        shared = "mlp_extractor.shared_net"  # before release 1.8
        actor = self._mlp(
            shared,
            "mlp_extractor.policy_net",
            "action_net",
            activation=hidden,
            last=Activation.TANH if bounded else Activation.IDENTITY,
        )
        if action.kind == "MultiBinary":
            actor = _scores_of_bits(actor)
        critic = self._mlp(shared, "mlp_extractor.value_net", "value_net", activation=hidden)
        head = ActorHead.SQUASHED if squashed else ActorHead.CLIPPED
        head = ActorHead.ARGMAX if action.kind == "Discrete" else head
        head = ActorHead.MULTI_ARGMAX if action.sizes else head
        noise = self._noise("log_std", actor)
        return Networks(self._on_policy_algorithm(), actor, head, (critic,), CriticKind.STATE_VALUE, noise)

    def _noise(self, name: str, actor: Mlp) -> ActionNoise | None:
        """Return what actions are drawn with: a layer, one number an action, or gSDE's [hidden, actions].

        None of deterministic policies, and where gSDE has features of its own.
        """
        last = actor.layers[-1].weight
        if self._has(name):
            return ActionNoise(self._layer(name, Activation.IDENTITY))
        stated = self.file.tensors.get(name)
        if stated is None:
            return None
        if stated.shape == (len(last),):
            return ActionNoise(Layer(np.zeros_like(last), stated, Activation.IDENTITY))
        if stated.shape not in ((last.shape[1], len(last)), (last.shape[1], 1)):
            return None
        log_std = gsde_log_std(stated, use_expln=self.file.option("use_expln") is True)
        weight = np.broadcast_to(log_std.T, last.shape)
        layer = Layer(np.ascontiguousarray(weight), np.zeros(len(last), np.float32), Activation.IDENTITY)
        return ActionNoise(layer, state_dependent=True)

    def _on_policy_algorithm(self) -> str:
        """Return the algorithm, told by a setting that no other one has."""
        data, policy = self.file.data, policy_name(self.file)
        if "maskable" in policy:
            return "maskable ppo"
        return "trpo" if "cg_max_steps" in data else "ppo" if "clip_range" in data else "a2c"

    def _off_policy_algorithm(self, stochastic: bool, critics: int) -> str:
        """Return the algorithm. DDPG is TD3 with one critic and without two of its three tricks."""
        if stochastic:
            return "sac"
        tricks = self.file.data.get("policy_delay") != 1 or self.file.data.get("target_noise_clip") != 0
        return "td3" if critics > 1 or tricks else "ddpg"

    def _mean_clip(self, stochastic: bool) -> float:
        """Return the bound of gSDE's Hardtanh, inf without one.

        SAC wraps `mu` in a Sequential with it, so the tensors are `mu.0.*`.
        """
        if not (stochastic and self._has("actor.mu.0")):
            return math.inf
        clip = self.file.option("clip_mean")
        if clip is None:
            return _DEFAULT_CLIP_MEAN
        if isinstance(clip, bool) or not isinstance(clip, (int, float)):
            raise self.file.error(f"data: policy_kwargs.clip_mean is {clip!r:.60}, expected a number")
        return float(clip)

    def _activation(self, default: Activation) -> Activation:
        stated = self.file.option("activation_fn")
        if stated is None:
            return default
        activation = _ACTIVATIONS.get(stated) if isinstance(stated, str) else None
        if activation is None:
            known = ", ".join(name.rpartition(".")[2].rstrip("'>") for name in _ACTIVATIONS)
            raise self.file.error(
                f"data: policy_kwargs.activation_fn is {stated!r:.80}", f"known are torch.nn's {known}"
            )
        return activation

    def _has(self, prefix: str) -> bool:
        return any(name.startswith(f"{prefix}.") for name in self.names)

    def _mlp(
        self,
        *prefixes: str,
        activation: Activation,
        last: Activation = Activation.IDENTITY,
        clip: float = math.inf,
    ) -> Mlp:
        """Return the linear modules under `prefixes` as one network; `last`, `clip`: of the final layer."""
        modules = [module for prefix in prefixes for module in self._linear_modules(prefix)]
        if not modules:
            raise self.file.error(f"lacks the tensors {prefixes[-1]}.*")
        layers = [self._layer(module, activation) for module in modules[:-1]]
        return Mlp((*layers, self._layer(modules[-1], last, clip)))

    def _layer(self, module: str, activation: Activation, clip: float = math.inf) -> Layer:
        weight, bias = self._tensor(f"{module}.weight"), self._tensor(f"{module}.bias")
        if weight.ndim != 2 or bias.shape != weight.shape[:1]:
            shapes = f"{list(weight.shape)} and {list(bias.shape)}"
            raise self.file.error(f"tensors {module}.weight and .bias have shapes {shapes}")
        return Layer(weight, bias, activation, clip)

    def _linear_modules(self, prefix: str) -> Sequence[str]:
        """Return the names of linear modules: `prefix` itself, or every second module of a Sequential."""
        if f"{prefix}.weight" in self.file.tensors:
            return [prefix]
        pattern = re.compile(re.escape(prefix) + r"\.(\d{1,3})\.weight")
        indices = sorted(int(match[1]) for name in self.names if (match := pattern.fullmatch(name)))
        if indices != list(range(0, 2 * len(indices), 2)):
            raise self.file.error(f"{prefix} has weights in modules {indices}, expected each second one")
        return [f"{prefix}.{index}" for index in indices]

    def _tensor(self, name: str) -> Float32Array:
        if name not in self.file.tensors:
            raise self.file.error(f"tensor {name} is missing")
        self.used.add(name)
        return self.file.tensors[name]

    def _check_action(self, networks: Networks, action: Space) -> None:
        discrete = networks.actor_head.chooses
        outputs = {"Box": math.prod(action.shape), "Discrete": action.n}.get(action.kind, sum(action.sizes))
        if discrete != (action.kind != "Box") or networks.actor.out_dim != outputs:
            raise self.file.error(
                f"{networks.algorithm}'s actor has {networks.actor.out_dim} outputs, its action_space "
                f"is {action.kind} of {outputs}"
            )


def _scores_of_bits(actor: Mlp) -> Mlp:
    """Return an actor with two scores for each bit, 0 and the logit of 1: a choice between two."""
    *hidden, last = actor.layers
    weight = np.zeros((2 * len(last.bias), last.weight.shape[1]), np.float32)
    bias = np.zeros(len(weight), np.float32)
    weight[1::2], bias[1::2] = last.weight, last.bias
    for tensor in (weight, bias):
        tensor.setflags(write=False)
    return Mlp((*hidden, replace(last, weight=weight, bias=bias)))
