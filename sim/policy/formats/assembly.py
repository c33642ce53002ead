"""Makes a checkpoint of what a file says and what the user states, and asks for what neither says."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.action_units import in_head_units
from valuescape.sim.policy.checks import check_checkpoint, frozen
from valuescape.sim.policy.formats.chains import Chain, Linear
from valuescape.sim.policy.formats.contradictions import refuse_contradictions, superseded
from valuescape.sim.policy.formats.description import lacking
from valuescape.sim.policy.formats.found import Found, found_of
from valuescape.sim.policy.formats.given import Given, asked_for
from valuescape.sim.policy.network import (
    ActionNoise,
    Activation,
    ActorHead,
    Checkpoint,
    CriticKind,
    Layer,
    mean_layer,
)


def assembled(path: Path, found: Found, given: Given) -> Checkpoint:
    """Return the checkpoint of what was found and what is stated, checked by `check_checkpoint`.

    Stated values win. Bounds that neither says stay empty, for `sim.policy.loading` to take from the world;
    so does an entropy coefficient (None). Raises UsageError for a statement that the file contradicts, and
    one that names the options of all that is missing beside bounds and entropy coefficient.
    """
    if found.refusal is not None:
        raise found.refusal
    refuse_contradictions(path, found, given)
    missing = {each.field: each.option for each in lacking(found, given) if each.needed}
    if missing:
        raise asked_for(path, list(missing), options={k: v for k, v in missing.items() if k != "head"})
    head = _head(path, found, given)
    gamma = _either(found.gamma, given.gamma, given)
    assert head is not None  # otherwise it was asked for
    assert gamma is not None
    actor = _squashed(found, given).with_hidden(given.activation)
    critics = [each.with_hidden(given.activation).mlp() for each in found.critics]
    layers: tuple[Layer, ...] = ()
    if found.quantiles:
        layers = tuple(each.layers[-1] for each in critics)
        each_action = found.critic_kind is CriticKind.DISCRETE_ACTION_VALUE
        outputs = found.outputs or (actor.out_dim if each_action else 1)
        critics = [
            replace(each, layers=(*each.layers[:-1], _mean(each.layers[-1], outputs))) for each in critics
        ]
        if found.acts_by_critic:
            actor = Chain.of(critics[0])
    low: ArrayLike | None = _either(found.action_low, given.action_low, given)
    high: ArrayLike | None = _either(found.action_high, given.action_high, given)
    checkpoint = Checkpoint(
        algorithm=_either(found.algorithm or None, given.algorithm, given) or "",
        world=found.world,
        obs_dim=actor.in_dim,
        actor=actor.mlp(),
        actor_head=head,
        critics=tuple(critics),
        critic_kind=found.critic_kind,
        action_low=_bounds(path, "action_low", low, actor, head),
        action_high=_bounds(path, "action_high", high, actor, head),
        obs_normalization=found.obs_normalization,
        gamma=float(gamma),
        training=found.training,
        reward_normalization=found.reward_normalization,
        obs_bounds=found.obs_bounds,
        remarks=(*found.remarks, *superseded(found, given)),
        noise=_fitting(found.noise, actor),
        entropy_coefficient=_either(found.entropy_coefficient, given.entropy_coefficient, given),
        quantile_layers=layers,
        choices=given.choices or found.choices if head is ActorHead.MULTI_ARGMAX else (),
        actor_units_differ=found.actor_units_differ,
        critic_units_differ=found.critic_units_differ,
    )
    if checkpoint.critic_kind.takes_actions and head is ActorHead.CLIPPED:
        # Actions in the world's units, which such critics take too
        checkpoint = replace(
            checkpoint, actor_head=ActorHead.SQUASHED, actor_units_differ=True, critic_units_differ=True
        )
    return check_checkpoint(in_head_units(checkpoint), path)


def _head(path: Path, found: Found, given: Given) -> ActorHead | None:
    """Return the meaning of the actor's outputs. Raises UsageError for choices of an actor without scores."""
    head = found.head or given.head
    if not given.choices or given.yields:
        return head
    if found.acts_by_critic or head not in (None, ActorHead.ARGMAX, ActorHead.MULTI_ARGMAX):
        sizes = ",".join(map(str, given.choices))
        raise UsageError(
            f"{path}: policy.choices = {sizes!r}, but its actor scores no choices", "leave it out"
        )
    return ActorHead.MULTI_ARGMAX


def _squashed(found: Found, given: Given) -> Chain:
    """Return the actor with the tanh and the factor behind it that the file does not say, if any."""
    squashes = given.squash if found.squashes is None else found.squashes
    actor = found.actor.ending(Activation.TANH) if squashes else found.actor
    factor = given.max_action if found.max_action is None else found.max_action
    if factor in (None, 1.0) or (found.squashes is None and not squashes):
        return actor
    scale = Layer(
        frozen(Path("policy.max_action"), "max_action", np.eye(actor.out_dim) * factor),
        frozen(Path("policy.max_action"), "max_action", np.zeros(actor.out_dim)),
        Activation.IDENTITY,
    )
    return Chain((*actor.linears, Linear("", scale)))


def _fitting(noise: ActionNoise | None, actor: Chain) -> ActionNoise | None:
    """Return noise of the actor's last hidden layer; None if it depends on another one.

    A layer for a factor may be behind what the file has; noise that is the same in all states stays.
    """
    shape = actor.linears[-1].layer.weight.shape
    if noise is None or noise.layer.weight.shape == shape:
        return noise
    if noise.layer.weight.any() or noise.layer.bias.size != shape[0]:
        return None
    weight = np.zeros(shape, np.float32)
    weight.setflags(write=False)
    return replace(noise, layer=replace(noise.layer, weight=weight))


def restated(path: Path, checkpoint: Checkpoint, given: Given) -> Checkpoint:
    """Return a checkpoint that says everything, with the numbers that the user states instead.

    Raises UsageError for another statement that the file contradicts.
    """
    if given == Given() or given.yields:
        return checkpoint
    found = found_of(checkpoint)
    refuse_contradictions(path, found, given)
    bounds = [checkpoint.action_low, checkpoint.action_high]
    for index, stated in enumerate((given.action_low, given.action_high)):
        if stated is not None and bounds[index].size:
            spread = np.broadcast_to(np.asarray(stated, np.float32), bounds[index].shape)
            bounds[index] = frozen(path, "policy.action_low and action_high", spread)
    alpha = given.entropy_coefficient
    changed = replace(
        checkpoint,
        algorithm=given.algorithm or checkpoint.algorithm,
        remarks=(*checkpoint.remarks, *superseded(found, given)),
        gamma=checkpoint.gamma if given.gamma is None else given.gamma,
        action_low=bounds[0],
        action_high=bounds[1],
        entropy_coefficient=checkpoint.entropy_coefficient if alpha is None else alpha,
    )
    return check_checkpoint(changed, path)


def _mean(quantiles: Layer, outputs: int) -> Layer:
    if len(quantiles.bias) % outputs:
        raise ValueError(f"{len(quantiles.bias)} quantiles are not as many for each of {outputs} outputs")
    mean = mean_layer(quantiles, outputs)
    for tensor in (mean.weight, mean.bias):
        tensor.setflags(write=False)
    return mean


def _either(own: Any, stated: Any, given: Given) -> Any:
    """Return the stated value, or the file's own, whichever wins and there is."""
    first, second = (own, stated) if given.yields else (stated, own)
    return second if first is None else first


def _bounds(path: Path, name: str, values: ArrayLike | None, actor: Chain, head: ActorHead) -> Float32Array:
    if values is None or head.chooses:
        return frozen(path, name, np.zeros(0, np.float32))
    flat = np.ravel(np.asarray(values, np.float32))
    return frozen(path, name, np.broadcast_to(flat, (actor.out_dim,)) if flat.size == 1 else flat)
