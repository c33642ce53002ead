"""The critic of a checkpoint, as signals and maps take it."""

from functools import partial

from valuescape.sim.insight.signals import Critic
from valuescape.sim.policy.inference import value
from valuescape.sim.policy.network import Checkpoint


def critic_of(checkpoint: Checkpoint) -> Critic:
    """Return the checkpoint's critic, with the discount and the scale of rewards that it learned from."""
    return Critic(
        partial(value, checkpoint),
        checkpoint.gamma,
        checkpoint.reward_normalization,
        entropy_left_out=checkpoint.soft,
    )
