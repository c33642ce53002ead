"""What a loader found in a file: networks, and what the file says about them.

A loader returns a `Found` and says nothing of what the file lacks. `assembly` makes a checkpoint of it and of
what the user states; `description` lists its contents for `valuescape inspect`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import ArrayLike

from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.chains import Chain
from valuescape.sim.policy.network import (
    ActionNoise,
    Activation,
    ActorHead,
    Checkpoint,
    CriticKind,
    Mlp,
    ObsNormalization,
    RewardNormalization,
    Training,
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
    by_names: bool = False
    """Whether `Given.names` may tell the networks of such files apart."""
    usual: Activation | None = None
    """The library's default activation: an example for files that do not say theirs, never taken for it."""
    refusal: UsageError | None = None
    """Why networks that are read make no checkpoint: a critic of other observations than the actor's."""
    tensors: Mapping[str, Any] = field(default_factory=dict)
    """All tensors of the file, also those that are not used; for `described` alone."""

    @property
    def acts_by_critic(self) -> bool:
        """Whether the actor is the critic itself, which scores the actions (DQN)."""
        return any(each is self.actor for each in self.critics)


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
