"""What a loader found in a file, and what becomes of it: a checkpoint, or an account of its contents.

A loader returns a `Found` and says nothing of what the file lacks. `assembled` puts it together with what the
user states, and asks for what neither says; `described` lists the same for `valuescape inspect`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.action_units import in_head_units
from valuescape.sim.policy.checks import check_checkpoint, frozen
from valuescape.sim.policy.formats.chains import Chain, Linear
from valuescape.sim.policy.formats.contents import Contents, Lacking, NetworkEntry, TensorEntry
from valuescape.sim.policy.formats.files import sound
from valuescape.sim.policy.formats.given import Given, asked_for
from valuescape.sim.policy.formats.registry import Format, Lack, Probe
from valuescape.sim.policy.network import (
    SOFT_ALGORITHMS,
    ActionNoise,
    Activation,
    ActorHead,
    Checkpoint,
    CriticKind,
    Layer,
    Mlp,
    ObsNormalization,
    RewardNormalization,
    Training,
    mean_layer,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The networks of one file, and what the file says about them; None or empty: it does not say.

    The fields are those of `Checkpoint`. Their activations may be unknown (`Chain`).
    """

    algorithm: str
    actor: Chain
    head: ActorHead | None
    """None: the file does not tell means of continuous actions from scores of discrete ones."""
    critics: tuple[Chain, ...]
    critic_kind: CriticKind
    gamma: float | None = None
    action_low: ArrayLike | None = None
    """Bounds of continuous actions; None where the file does not say them: they come from the world."""
    action_high: ArrayLike | None = None
    obs_normalization: ObsNormalization | None = None
    reward_normalization: RewardNormalization | None = None
    entropy_coefficient: float | None = None
    noise: ActionNoise | None = None
    quantiles: bool = False
    """Whether the critics' outputs are quantiles, those of each action or value side by side as in
    `Checkpoint.quantile_layers`; `assembled` averages them."""
    choices: tuple[int, ...] = ()
    """As in `Checkpoint.choices`."""
    outputs: int = 0
    """The values that each critic's quantiles are of; 0: one for each of the actor's outputs, or one."""
    squashes: bool | None = False
    """Whether the actor's outputs go through a tanh that is not in `actor`; None: the file does not say."""
    max_action: float | None = 1.0
    """What squashed outputs are multiplied by; None: the file does not say it."""
    actor_units_differ: bool = False
    critic_units_differ: bool = False
    world: str = ""
    training: Training = field(default_factory=Training)
    obs_bounds: tuple[Float32Array, Float32Array] | None = None
    remarks: tuple[str, ...] = ()
    """Sentences about the file that its user should read, without the file's name."""
    version: str = ""
    """Of the library that wrote the file."""
    refusal: UsageError | None = None
    """Why networks that are read make no checkpoint: a critic of other observations than the actor's."""
    tensors: Mapping[str, Any] = field(default_factory=dict)
    """All tensors of the file, also those that are not used; for `described` alone."""

    @property
    def acts_by_critic(self) -> bool:
        """Whether the actor is the critic itself, which scores the actions (DQN)."""
        return any(each is self.actor for each in self.critics)


def assembled(path: Path, found: Found, given: Given) -> Checkpoint:
    """Return the checkpoint of what was found and what is stated, checked by `check_checkpoint`.

    Stated values win. Bounds that neither says stay empty, for `sim.policy.loading` to take from the world;
    so does an entropy coefficient (None). Raises UsageError that names the options of all that is missing
    beside those.
    """
    if found.refusal is not None:
        raise found.refusal
    missing = [each.field for each in lacking(found, given) if each.needed]
    if missing:
        raise asked_for(path, missing)
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
        remarks=found.remarks,
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
    """Return a checkpoint that says everything, with what the user states instead where that is possible.

    Activations and the meaning of outputs stay the file's own.
    """
    if given == Given() or given.yields:
        return checkpoint
    bounds = [checkpoint.action_low, checkpoint.action_high]
    for index, stated in enumerate((given.action_low, given.action_high)):
        if stated is not None and bounds[index].size:
            spread = np.broadcast_to(np.asarray(stated, np.float32), bounds[index].shape)
            bounds[index] = frozen(path, "policy.action_low and action_high", spread)
    alpha = given.entropy_coefficient
    changed = replace(
        checkpoint,
        algorithm=given.algorithm or checkpoint.algorithm,
        gamma=checkpoint.gamma if given.gamma is None else given.gamma,
        action_low=bounds[0],
        action_high=bounds[1],
        entropy_coefficient=checkpoint.entropy_coefficient if alpha is None else alpha,
    )
    return check_checkpoint(changed, path)


def found_of(checkpoint: Checkpoint, tensors: Mapping[str, Any] | None = None) -> Found:
    """Return the networks of a checkpoint, for `described`."""
    critics = [Chain.of(each) for each in checkpoint.critics]
    if checkpoint.quantile_layers:
        pairs = zip(checkpoint.critics, checkpoint.quantile_layers, strict=True)
        critics = [Chain.of(Mlp((*each.layers[:-1], last))) for each, last in pairs]
    same = len(checkpoint.critics) == 1 and checkpoint.actor is checkpoint.critics[0]
    return Found(
        algorithm=checkpoint.algorithm,
        actor=critics[0] if same else Chain.of(checkpoint.actor),
        head=checkpoint.actor_head,
        critics=tuple(critics),
        critic_kind=checkpoint.critic_kind,
        gamma=checkpoint.gamma,
        action_low=checkpoint.action_low,
        action_high=checkpoint.action_high,
        obs_normalization=checkpoint.obs_normalization,
        reward_normalization=checkpoint.reward_normalization,
        entropy_coefficient=checkpoint.entropy_coefficient,
        quantiles=bool(checkpoint.quantile_layers),
        choices=checkpoint.choices,
        world=checkpoint.world,
        remarks=checkpoint.remarks,
        tensors=tensors or {},
    )


def lacking(found: Found, given: Given, lacks: frozenset[Lack] = frozenset()) -> list[Lacking]:
    """Return what neither the file nor the user says. lacks: what such files do not contain."""
    chains = (found.actor, *found.critics)
    soft = (given.algorithm or found.algorithm) in SOFT_ALGORITHMS
    head = found.head or given.head
    continuous = head is not None and not head.chooses
    entries = (
        ("algorithm", "networks of several algorithms look alike", True, bool(found.algorithm)),
        (
            "activation",
            "the file has the layers' numbers only",
            True,
            not any(each.unknown for each in chains),
        ),
        ("gamma", "it is a setting of the training, which is not in the file", True, found.gamma is not None),
        ("head", "an actor of scores and one of means look alike", True, bool(found.head or given.choices)),
        (
            "choices",
            "its scores are of several choices",
            True,
            head is not ActorHead.MULTI_ARGMAX or bool(found.choices),
        ),
        (
            "squash",
            "a tanh behind the means is a setting of the training, which is not in the file",
            True,
            found.squashes is not None,
        ),
        (
            "max_action",
            "the factor of squashed outputs is a setting of the training, which is not in the file",
            found.squashes is not None or given.squash is True,
            found.max_action is not None,
        ),
        ("action_low", "else the world's", False, found.action_low is not None or not continuous),
        ("action_high", "else the world's", False, found.action_high is not None or not continuous),
        (
            "entropy_coefficient",
            "for soft returns",
            False,
            found.entropy_coefficient is not None or not soft,
        ),
        *_of_units(found, lacks),
    )
    return [
        Lacking(name, why, needed)
        for name, why, needed, said in entries
        if not said and getattr(given, name) is None
    ]


def _of_units(found: Found, lacks: frozenset[Lack]) -> tuple[tuple[str, str, bool, bool], ...]:
    """Return the entries of `lacking` about the units of observations and rewards."""
    has_obs = found.obs_normalization is not None or Lack.STATISTICS not in lacks
    has_rewards = found.reward_normalization is not None or not lacks & {Lack.STATISTICS, Lack.REWARDS}
    return (
        ("obs_normalization", "if training had one", False, has_obs),
        ("reward_scale", "if training scaled rewards", False, has_rewards),
    )


def described(
    name: str, library: str, found: Found, given: Given, lacks: frozenset[Lack] = frozenset()
) -> Contents:
    """Return what is in a file. name: of its format; lacks: as in `lacking`."""
    roles = ["critic", *(["twin critic"] if len(found.critics) > 1 else [])]
    roles += [f"critic {index + 1}" for index in range(2, len(found.critics))]
    same = found.acts_by_critic
    networks = [] if same else [_entry("actor", found.actor, given, HEADS[found.head or given.head])]
    for role, each in zip(roles, found.critics, strict=False):
        kind = OUTPUTS[found.critic_kind]
        networks.append(_entry(role, each, given, f"quantiles of {kind}" if found.quantiles else kind))
    return Contents(
        format=name,
        library=library,
        version=found.version,
        algorithm=given.algorithm or found.algorithm,
        world=found.world,
        tensors=tuple(entry(key, each) for key, each in found.tensors.items()),
        networks=tuple(networks),
        normalization=_normalization(found),
        lacking=tuple(lacking(found, given, lacks)),
        remarks=found.remarks,
        refusal="" if found.refusal is None else str(found.refusal).partition("\n")[0].partition(": ")[2],
    )


def entry(name: str, tensor: Any) -> TensorEntry:
    """Return the entry of one tensor: an array, or whatever has a `shape` and a `dtype`."""
    kind = str(tensor.dtype)
    dtype = "bfloat16" if kind == "bf16" else np.dtype(kind).name
    return TensorEntry(name, tuple(int(size) for size in tensor.shape), dtype)


_NOTHING = Given()
Read = Callable[[Path, Given], Found]


def library_format(
    name: str,
    container: str,
    recognises: Callable[[Probe], bool],
    read: Read,
    *,
    library: str,
    lacks: frozenset[Lack] = frozenset({Lack.WORLD}),
    suffixes: tuple[str, ...] = (),
    folders: bool = False,
) -> Format:
    """Return the format of a library's files, of which `read` returns what it found.

    read: reads a file as data, runs nothing, and raises UsageError for what it recognises and does not read;
    whatever else it raises (ValueError, LookupError …) is shown as a damaged file. The other parameters are
    the fields of `Format`.
    """

    def load(path: Path, given: Given = _NOTHING) -> Checkpoint:
        with sound(path), np.errstate(all="ignore"):  # of numbers that are checked once they are read
            return assembled(path, read(path, given), given)

    def contents(path: Path, given: Given = _NOTHING) -> Contents:
        with sound(path), np.errstate(all="ignore"):
            return described(name, library, read(path, given), given, lacks)

    return Format(
        name=name,
        library=library,
        container=container,
        recognises=recognises,
        load=load,
        contents=contents,
        lacks=lacks,
        suffixes=suffixes,
        folders=folders,
    )


OUTPUTS = {
    CriticKind.STATE_VALUE: "V(s)",
    CriticKind.ACTION_VALUE: "Q(s, a)",
    CriticKind.MEAN_ACTION_VALUE: "Q(s, a)",
    CriticKind.DISCRETE_ACTION_VALUE: "Q of each action",
}
"""The outputs of critics in words."""

HEADS = {
    None: "",
    ActorHead.SQUASHED: "squashed to the actions' bounds",
    ActorHead.CLIPPED: "clipped to the actions' bounds",
    ActorHead.ARGMAX: "a score for each action",
    ActorHead.MULTI_ARGMAX: "scores of several choices",
}
"""The outputs of actors in words; None: the file does not say them."""


def _entry(role: str, of: Chain, given: Given, output: str) -> NetworkEntry:
    known = of.with_hidden(given.activation)
    hidden = [each for each in known.linears[:-1] if each.stated]
    names = dict.fromkeys(each.layer.activation.value for each in hidden)
    return NetworkEntry(role, of.widths, "" if known.unknown else ", ".join(names), output)


def _normalization(found: Found) -> str:
    said = []
    if found.obs_normalization is not None:
        said.append(f"observations are normalised ({found.obs_normalization.mean.size} means)")
    if found.reward_normalization is not None:
        said.append(f"rewards were divided by {found.reward_normalization.scale:.4g}")
    return "; ".join(said)


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
