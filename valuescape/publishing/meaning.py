"""What networks mean, told by the world and their shapes; where these leave it open, the trainer is asked.

A critic of observations gives V or, with one output for each discrete action, Q. A critic of observations and
actions gives Q.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from valuescape.publishing.chains import Chain, NetworksError, chains_of, is_pairs, linears_of, unwrapped
from valuescape.publishing.moving import host_array
from valuescape.publishing.trials import Match, Scaling, Trial
from valuescape.sim.policy.network import Activation, ActorHead, CriticKind
from valuescape.sim.worlds import ContinuousAction, DiscreteAction, World

QUANTILES = "qr-dqn"
"""The algorithm whose critics have quantiles of each discrete action, ordered as SB3-Contrib's."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What a trainer states about its networks. None: left to their shapes and to trial."""

    algorithm: str | None = None
    gamma: float = 0.99
    activation: Activation | None = None
    head: ActorHead | None = None
    critic_actions: str | None = None
    """The units of the actions that critics take: "world", or "scaled" to [-1, 1]."""


@dataclass(frozen=True, slots=True)
class Network:
    """A chain whose activations are known."""

    chain: Chain
    activations: tuple[Activation, ...]


@dataclass(frozen=True, slots=True)
class Actor:
    """The actor. log_std: the second head of a Gaussian policy's, where it is one layer without more."""

    network: Network
    head: ActorHead
    scaling: Scaling | None
    """From squashed outputs to the world's units; None for other heads."""
    log_std: Chain | None = None


@dataclass(frozen=True, slots=True)
class Critics:
    """The critics. elements: which of the given things each is found in."""

    networks: tuple[Network, ...]
    elements: tuple[int, ...]
    kind: CriticKind
    quantiles: int
    """Quantiles of each output; 0 if the critics give expectations."""


def elements_of(given: Any) -> list[Any]:
    """Return the things that critics are given as: several, or one."""
    if type(given).__name__ == "ModuleList" or (isinstance(given, tuple | list) and not is_pairs(given)):
        return list(given)
    return [given]


class Meaning:
    """Finds the actor and the critics of one training run, in the world that it names."""

    def __init__(self, world: World, stated: Stated) -> None:
        """Raises NetworksError for a world whose actions are of another kind than one Box or one choice."""
        if not isinstance(world.action, ContinuousAction | DiscreteAction):
            raise NetworksError(f"the actions of {world.name} are several choices, which is not read")
        self._world, self._stated = world, stated
        self._obs_dim = len(world.obs)
        self._choices = world.action.n if isinstance(world.action, DiscreteAction) else 0
        self._outputs = self._choices or world.action.dim

    def critics(self, given: Any) -> Critics:
        """Return the critics in what a trainer gives. Raises NetworksError if they fit no kind of critic."""
        networks: list[Network] = []
        elements: list[int] = []
        for index, element in enumerate(elements_of(given)):
            found = self._critics_in(element)
            networks += found
            elements += [index] * len(found)
        shapes = {each.chain.said for each in networks}
        if len({(each.chain.in_dim, each.chain.out_dim) for each in networks}) != 1:
            raise NetworksError(f"critics of different inputs or outputs: {', '.join(sorted(shapes))}")
        kind, quantiles = self._kind(networks[0].chain)
        return Critics(tuple(networks), tuple(elements), kind, quantiles)

    def actor(self, given: Any, critics: Critics) -> Actor:
        """Return the actor in what a trainer gives. Raises NetworksError if it does not fit the world."""
        linears = linears_of(given, "actor")
        chains = chains_of(linears, self._obs_dim)
        if chains[0].out_dim != self._outputs or len(chains) > 2:
            raise self._misfit("actor", chains)
        scaling = self._scaling(given)
        if not hasattr(given, "named_modules"):
            match = Match(self._stated_activations(chains[0], "actor"))
            return self._with_head(chains[0], match, scaling, critics, two_heads=False)
        trial = Trial(given, [self._obs_dim], "actor")
        found = trial.match(0, 0, self._stated.activation, None if self._choices else scaling)
        if found is None:
            raise trial.refusal(chains)
        actor = self._with_head(chains[0], found, scaling, critics, two_heads=len(trial.outputs) > 1)
        return replace(actor, log_std=self._second_head(trial, chains, found))

    def _critics_in(self, element: Any) -> list[Network]:
        linears = linears_of(element, "critic")
        in_dim = linears[0].shape[1]
        taken = 0 if self._choices else self._outputs
        widths = [self._obs_dim] if in_dim == self._obs_dim else [self._obs_dim, taken]
        chains = chains_of(linears, in_dim)
        if in_dim != sum(widths):
            raise self._misfit("critic", chains)
        if not hasattr(element, "named_modules"):
            return [Network(each, self._stated_activations(each, "critic")) for each in chains]
        trial = Trial(element, widths, "critic")
        matches = [trial.match(i, i, self._stated.activation) for i in range(len(chains))]
        if None in matches:
            raise trial.refusal(chains)
        return [Network(chain, m.activations) for chain, m in zip(chains, matches, strict=True) if m]

    def _kind(self, chain: Chain) -> tuple[CriticKind, int]:
        """Return the kind of critic that a network is, and the quantiles of each of its outputs."""
        if chain.in_dim > self._obs_dim:
            if chain.out_dim == 1:
                return CriticKind.ACTION_VALUE, 0
            return CriticKind.MEAN_ACTION_VALUE, chain.out_dim
        if self._choices and self._stated.algorithm == QUANTILES and chain.out_dim % self._choices == 0:
            return CriticKind.DISCRETE_ACTION_VALUE, chain.out_dim // self._choices
        if chain.out_dim == 1:
            return CriticKind.STATE_VALUE, 0
        if chain.out_dim == self._choices:
            return CriticKind.DISCRETE_ACTION_VALUE, 0
        raise self._misfit("critic", [chain])

    def _with_head(
        self, chain: Chain, match: Match, scaling: Scaling | None, critics: Critics, *, two_heads: bool
    ) -> Actor:
        """Return the actor with the meaning of its outputs."""
        network = Network(chain, match.activations)
        if self._choices:
            return Actor(network, ActorHead.ARGMAX, None)
        head = self._stated.head
        takes_actions = critics.kind.takes_actions
        if head is None and not (match.scaled or takes_actions):
            head = ActorHead.CLIPPED
        if head is ActorHead.CLIPPED:
            return Actor(network, ActorHead.CLIPPED, None)
        *hidden, last = match.activations
        if last is not Activation.TANH and not two_heads and head is None:
            raise NetworksError(
                "the critic takes actions; whether the actor's outputs go through tanh is not known",
                "states that they do",
                'head="squashed"',
            )
        squashed = Network(chain, (*hidden, Activation.TANH))
        return Actor(squashed, ActorHead.SQUASHED, scaling)

    def _second_head(self, trial: Trial, chains: Sequence[Chain], first: Match) -> Chain | None:
        """Return the chain of log standard deviations, if the module returns what the layers alone give."""
        if len(chains) < 2:
            return None
        second = trial.match(1, 1, self._stated.activation)
        plain = (*first.activations[:-1], Activation.IDENTITY)
        return chains[1] if second is not None and second.activations == plain else None

    def scaled_actions(self, given: Any, actor: Actor, critics: Critics) -> Scaling | None:
        """Return the scaling from squashed outputs to the actions that critics take; None if there is none.

        Raises NetworksError if that is not known, and matters.
        """
        scaling, stated = actor.scaling, self._stated.critic_actions
        if scaling is None or not critics.kind.takes_actions or stated == "scaled":
            return None
        if np.allclose(scaling.scale, 1) and np.allclose(scaling.center, 0):
            return None
        if stated == "world" or _own_scaling(given) is not None:
            return scaling
        raise NetworksError(
            "the critic takes actions, either within [-1, 1] or in the world's units",
            'or "world" states which',
            'critic_actions="scaled"',
        )

    def _scaling(self, given: Any) -> Scaling | None:
        """Return the actor's own scaling, else that to the bounds of the world's actions."""
        action = self._world.action
        if not isinstance(action, ContinuousAction):
            return None
        low, high = action.low.astype(np.float32), action.high.astype(np.float32)
        return _own_scaling(given) or Scaling(np.float32(0.5) * (high + low), np.float32(0.5) * (high - low))

    def _stated_activations(self, chain: Chain, what: str) -> tuple[Activation, ...]:
        hidden = len(chain.shapes) - 1
        if hidden and self._stated.activation is None:
            raise NetworksError(
                f"the {what} comes as arrays ({chain.said}), which do not say their activation",
                "states it",
                'activation="tanh"',
            )
        return (*[self._stated.activation or Activation.IDENTITY] * hidden, Activation.IDENTITY)

    def _misfit(self, what: str, chains: Sequence[Chain]) -> NetworksError:
        world, actions = self._world.name, self._outputs
        choices = "discrete actions" if self._choices else "numbers of an action"
        return NetworksError(
            f"the {what} is {' and '.join(each.said for each in chains[:4])}, but {world} has "
            f"{self._obs_dim} observations and {actions} {choices}",
            "names the world; quantiles of discrete actions need algorithm='qr-dqn'",
            "world=…",
        )


def _own_scaling(given: Any) -> Scaling | None:
    """Return the scaling that CleanRL's actors keep as `action_scale` and `action_bias`."""
    module = unwrapped(given)
    scale, bias = getattr(module, "action_scale", None), getattr(module, "action_bias", None)
    if scale is None or bias is None:
        return None
    return Scaling(host_array(bias).reshape(-1).copy(), host_array(scale).reshape(-1).copy())
