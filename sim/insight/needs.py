"""What maps need of their subject, and the words for what it lacks: they go on "heatmap.layer = …, but …"."""

from valuescape.sim.insight.spread import Spread, spread_kind
from valuescape.sim.insight.subject import Subject
from valuescape.sim.policy.network import CriticKind
from valuescape.sim.worlds.base import ArrayWorld


def lacks_policy(subject: Subject) -> str:
    """Return why there is no policy to look at; "" if there is one."""
    if subject.checkpoint is None:
        return "there is no trained policy: name one (policy.checkpoint)"
    return "" if subject.world.action.dim else f"agents of {subject.world.name} have no actions"


def lacks_critic(subject: Subject) -> str:
    """Return why there is no critic in a checkpoint to look at; "" if there is one."""
    if subject.checkpoint is None or not subject.checkpoint.critics:
        return "there is no checkpoint with a critic: name one (policy.checkpoint)"
    if subject.config.policy.torchscript_critic:
        return "policy.torchscript_critic takes the place of the checkpoint's critic"
    return ""


def lacks_discount(subject: Subject) -> str:
    """Return why values cannot be compared with discounted returns; "" if they can."""
    torchscript = subject.config.policy.torchscript_critic
    if subject.checkpoint is None and torchscript:
        return "the TorchScript critic's discount (gamma) is unknown: name its checkpoint (policy.checkpoint)"
    return "" if torchscript else lacks_critic(subject)


def lacks_steps(subject: Subject) -> str:
    """Return why the policy's next step cannot be computed from a state; "" if it can."""
    if not isinstance(subject.world, ArrayWorld):
        return f"steps of {subject.world.name} from a state of one's choice are not computed here"
    return lacks_policy(subject)


def lacks_other(subject: Subject) -> str:
    """Return why there is no second critic to compare with; "" if there is one."""
    if subject.other is None or not subject.other.critics:
        return "insight.compare_with names no other checkpoint"
    return lacks_critic(subject)


def lacks_spread(subject: Subject) -> str:
    """Return why the critic cannot disagree with itself; "" if it can."""
    checkpoint = subject.checkpoint
    if checkpoint is not None and spread_kind(checkpoint) is Spread.NONE:
        return f"the critic of {checkpoint.algorithm} has neither a twin nor quantiles"
    return lacks_critic(subject)


def lacks_action_values(subject: Subject) -> str:
    """Return why actions cannot be compared; "" if they can.

    A critic of states compares them by a step of the world.
    """
    checkpoint = subject.checkpoint
    if checkpoint is not None and checkpoint.critic_kind is CriticKind.STATE_VALUE:
        return lacks_critic(subject) or lacks_steps(subject)
    return lacks_critic(subject) or lacks_policy(subject)


def lacks_others_on_the_map(subject: Subject) -> str:
    """Return why agents of a cell have no differing states to take the mean over; "" if they may."""
    world = subject.world
    if len(world.state) <= 2:
        return f"both state variables of {world.name} are on the map: value shows all there is"
    return lacks_critic(subject)
