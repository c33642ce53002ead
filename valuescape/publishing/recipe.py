"""From networks, in whichever form a trainer gives them, to the numbers of every update."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.publishing.chains import Chain, NetworksError, mlp_of
from valuescape.publishing.derived import critic_names, layer_names, write_means, write_own_actor
from valuescape.publishing.meaning import Actor, Meaning, Stated, elements_of
from valuescape.publishing.moving import (
    Moving,
    host_array,
    host_arrays,
    number_of,
    obs_normalization,
    reward_normalization,
)
from valuescape.publishing.plan import Arrays, write_array
from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.native import from_parts, metadata_of, tensors_of
from valuescape.sim.policy.network import (
    ActionNoise,
    Activation,
    ActorHead,
    Checkpoint,
    CriticKind,
    Layer,
    Mlp,
    mean_layer,
)
from valuescape.sim.worlds import ContinuousAction, World


@dataclass(frozen=True, slots=True)
class Source:
    """Where the numbers of a network come from, and go to.

    names: of weight and bias of each layer in the native format; None for what is not published. given: the
    index among the critics that a trainer gives; -1 is the actor.
    """

    chain: Chain
    names: tuple[str | None, ...]
    given: int


class Recipe:
    """What the first update of a training run has shown: its checkpoint, and how updates are read.

    Performance: `write` takes 60 us for an actor and two critics of 64-64; nearly all of it are calls.
    """

    def __init__(self, actor: Any, critic: Any, moving: Moving, world: World, stated: Stated) -> None:
        """Raises NetworksError if the networks are not of a kind that is known, or do not fit the world.

        actor, critic: one of them is None where a network of Q alone is learned.
        """
        meaning = Meaning(world, stated)
        self._moving = moving.names
        self._obs_dim, self._outputs = len(world.obs), getattr(world.action, "n", 1)
        self._alone = actor is None or critic is None or actor is critic
        self._critics = meaning.critics(actor if critic is None else critic)
        self._actor = self._own_actor() if self._alone else meaning.actor(actor, self._critics)
        self._fold = meaning.scaled_actions(actor, self._actor, self._critics)
        self._sources = self._found()
        self._names = [name for each in self._sources for name in each.names]
        self.checkpoint = self._template(_given(actor, critic), moving, world, stated)
        """The checkpoint of the first update, before `write` has completed its numbers."""

    def write(self, actor: Any, critic: Any, moving: Moving, arrays: Arrays) -> None:
        """Write an update's numbers into the arrays of a slot.

        Raises UsageError, AttributeError, KeyError or others if other networks are given than at first.
        """
        if not self._alone and (actor is None or critic is None):
            raise UsageError("an actor or a critic is missing")
        if (
            differing := moving.names ^ self._moving
        ):  # a slot would go on with the numbers of an earlier update
            raise UsageError(
                f"{min(differing)} has to be given with every update, the first too, or with none"
            )
        given = _given(actor, critic)
        tensors = [tensor for each in self._sources for tensor in each.chain.tensors(given[each.given])]
        for name, array in zip(self._names, host_arrays(tensors), strict=True):
            if name is not None and array is not None:
                write_array(arrays, name, array)
        self._finish(arrays, moving)

    def read(self, actor: Any, critic: Any, moving: Moving, where: Path) -> Checkpoint:
        """Return the checkpoint of networks as they are now, copied; otherwise as `write`.

        where: what errors name.
        """
        arrays = {name: np.array(each) for name, each in tensors_of(self.checkpoint, where).items()}
        self.write(actor, critic, moving, arrays)
        return from_parts(arrays, metadata_of(self.checkpoint), where)

    def _finish(self, arrays: Arrays, moving: Moving) -> None:
        """Write what is computed from an update's numbers, and what moves beside the networks."""
        for index, network in enumerate(self._critics.networks):
            if self._critics.quantiles:
                write_means(arrays, index, len(network.activations), self._outputs)
            if self._fold is not None:
                taken = arrays[f"critics.{index}.0.weight"][:, self._obs_dim :]
                arrays[f"critics.{index}.0.bias"][...] += taken @ self._fold.center
                taken *= self._fold.scale
        if self._alone:
            write_own_actor(arrays, len(self._critics.networks[0].activations))
        norm = obs_normalization(moving.obs_normalization)
        if norm is not None:
            write_array(arrays, "obs.mean", norm.mean)
            write_array(arrays, "obs.std", norm.std)
        if moving.log_std is not None and self._actor.log_std is None:
            write_array(arrays, "log_std.bias", host_array(moving.log_std).reshape(-1))

    def _own_actor(self) -> Actor:
        """Return the actor of a network of Q: the same one, of which the best action is taken."""
        if self._critics.kind is not CriticKind.DISCRETE_ACTION_VALUE:
            raise NetworksError(
                "an actor or a critic is missing",
                "a network alone has to give Q of each discrete action",
            )
        return Actor(self._critics.networks[0], ActorHead.ARGMAX, None)

    def _found(self) -> list[Source]:
        """Return the sources of all networks."""
        sources = []
        for index, (network, given) in enumerate(
            zip(self._critics.networks, self._critics.elements, strict=True)
        ):
            quantiles = self._critics.quantiles > 0
            names = critic_names(index, len(network.activations), quantiles=quantiles)
            sources.append(Source(network.chain, names, given))
        if not self._alone:
            chain, second = self._actor.network.chain, self._actor.log_std
            sources.append(Source(chain, layer_names("actor", len(chain.shapes)), -1))
            if second is not None:
                hidden = (None,) * (2 * len(second.shapes) - 2)
                sources.append(Source(second, (*hidden, "log_std.weight", "log_std.bias"), -1))
        return sources

    def _template(self, given: Sequence[Any], moving: Moving, world: World, stated: Stated) -> Checkpoint:
        """Return the checkpoint of the first update; `write` has the last word on its numbers."""
        critics = [
            mlp_of(network.chain, given[element], network.activations)
            for network, element in zip(self._critics.networks, self._critics.elements, strict=True)
        ]
        quantiles = tuple(critic.layers[-1] for critic in critics) if self._critics.quantiles else ()
        if quantiles:
            critics = [
                Mlp((*each.layers[:-1], mean_layer(each.layers[-1], self._outputs))) for each in critics
            ]
        network = self._actor.network
        actor = critics[0] if self._alone else mlp_of(network.chain, given[-1], network.activations)
        low, high = _bounds(self._actor, world)
        return Checkpoint(
            algorithm=stated.algorithm or self._algorithm(moving),
            world=world.name,
            obs_dim=self._obs_dim,
            actor=actor,
            actor_head=self._actor.head,
            critics=tuple(critics),
            critic_kind=self._critics.kind,
            action_low=low,
            action_high=high,
            obs_normalization=obs_normalization(moving.obs_normalization),
            gamma=stated.gamma,
            reward_normalization=reward_normalization(moving.reward_scale, stated.gamma),
            noise=self._noise(actor, given[-1], moving),
            entropy_coefficient=None if moving.alpha is None else number_of(moving.alpha),
            quantile_layers=quantiles,
        )

    def _noise(self, actor: Mlp, given: Any, moving: Moving) -> ActionNoise | None:
        """Return the spread of actions: of the module's second head, or that which was given."""
        second, last = self._actor.log_std, actor.layers[-1].weight
        if second is not None:
            hidden = (*self._actor.network.activations[:-1], Activation.IDENTITY)
            return ActionNoise(mlp_of(second, given, hidden).layers[-1])
        if moving.log_std is None:
            return None
        bias = host_array(moving.log_std).reshape(-1).copy()
        return ActionNoise(Layer(np.zeros_like(last), bias, Activation.IDENTITY))

    def _algorithm(self, moving: Moving) -> str:
        """Return the algorithm that networks like these belong to, where the trainer does not say."""
        kind, several = self._critics.kind, len(self._critics.networks) > 1
        if kind is CriticKind.STATE_VALUE:
            return "ppo"
        if kind is CriticKind.DISCRETE_ACTION_VALUE:
            return "dqn"
        if kind is CriticKind.MEAN_ACTION_VALUE:
            return "tqc"
        soft = moving.alpha is not None or self._actor.log_std is not None
        return "sac" if soft else "td3" if several else "ddpg"


def _given(actor: Any, critic: Any) -> tuple[Any, ...]:
    """Return the critics that were given, and the actor behind them."""
    return (*elements_of(actor if critic is None else critic), actor)


def _bounds(actor: Actor, world: World) -> tuple[Float32Array, Float32Array]:
    """Return the bounds of actions in training."""
    if actor.scaling is not None:
        center, scale = actor.scaling.center, np.abs(actor.scaling.scale)
        return center - scale, center + scale
    if isinstance(world.action, ContinuousAction):
        return world.action.low.astype(np.float32), world.action.high.astype(np.float32)
    none = np.zeros(0, np.float32)
    return none, none
