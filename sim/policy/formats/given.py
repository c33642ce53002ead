"""What the user states about a checkpoint because its file does not say it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from valuescape.sim.config.sections import PolicyConfig
from valuescape.sim.errors import UsageError
from valuescape.sim.paths import named_path
from valuescape.sim.policy.network import Activation, ActorHead


@dataclass(frozen=True, slots=True)
class Given:
    """What the user states; None: not stated, so the file has to say it.

    A stated value wins over the file's, but for activations, the meaning of outputs and names, which a file
    that says them is read by. `given_of` makes it of a configuration; `OPTIONS` has the options of command
    lines.
    """

    algorithm: str | None = None
    """As in `Checkpoint.algorithm`: "sac", "ppo", …"""
    activation: Activation | None = None
    """Between the layers of all networks."""
    gamma: float | None = None
    obs_normalization: Path | None = None
    """A file with the mean and the var or std of observations: VecNormalize's .pkl, .npz, .json or
    .safetensors. It is applied after `load`, which need not look at it."""
    head: ActorHead | None = None
    """The meaning of the actor's outputs."""
    squash: bool | None = None
    """Whether the actor's means go through tanh, of libraries where that is a setting (Tianshou's PPO)."""
    max_action: float | None = None
    """What the actor multiplies its squashed outputs by, of libraries where that is a setting (Tianshou)."""
    action_low: tuple[float, ...] | None = None
    """The actions' bounds in training; one number stands for all actions."""
    action_high: tuple[float, ...] | None = None
    entropy_coefficient: float | None = None
    choices: tuple[int, ...] | None = None
    """How many of the actor's scores are of each of several choices, one after the other; such an actor's
    head is `MULTI_ARGMAX`."""
    reward_scale: float | None = None
    """What rewards were multiplied by in training. It is applied after `load`, which need not look at it."""
    names: Path | None = None
    """A TOML file with the table `[map]`: role of a network ("actor", "critic", "twin") = prefix of its
    tensors' names."""
    yields: bool = False
    """Whether the file's own word wins over what is stated, which was stated about another file."""

    def require(self, path: Path, *fields: str) -> None:
        """Raise UsageError, which names the option of each, if some of these fields are not stated."""
        lacking = [field for field in fields if getattr(self, field) is None]
        if lacking:
            raise asked_for(path, lacking)


OPTIONS = {
    "activation": "--activation tanh",
    "gamma": "--gamma 0.99",
    "obs_normalization": "--obs-normalization FILE",
    "names": "--map FILE.toml",
    "algorithm": "--algorithm ppo",
    "head": "--set policy.head=argmax",
    "squash": "--set policy.squash=no",
    "max_action": "--set policy.max_action=1",
    "action_low": "--set policy.action_bounds=-1..1",
    "action_high": "--set policy.action_bounds=-1..1",
    "entropy_coefficient": "--set policy.entropy_coefficient=0.2",
    "choices": "--set policy.choices=3,2",
    "reward_scale": "--reward-scale 0.1",
}
"""How each field of `Given` is stated on a command line, with an example."""

_WORDS = {
    "activation": "the activation between layers",
    "gamma": "the discount gamma",
    "obs_normalization": "the normalisation of observations",
    "names": "which tensors are actor and critic",
    "algorithm": "the algorithm",
    "head": "the meaning of the actor's outputs",
    "squash": "whether the actor's means go through tanh",
    "max_action": "what the actor multiplies its squashed outputs by",
    "action_low": "the actions' bounds",
    "action_high": "the actions' bounds",
    "entropy_coefficient": "the entropy coefficient alpha",
    "choices": "the sizes of its choices",
    "reward_scale": "what rewards were multiplied by",
}


_MOST = 100_000
"""The greatest size of a choice that can be stated."""

STATED = (
    *("algorithm", "activation", "gamma", "obs_normalization", "head", "squash"),
    *("max_action", "action_bounds", "choices", "reward_scale", "names"),
)
"""The settings of the section `policy` that `given_of` reads."""


def setting_of(field: str) -> str:
    """Return the setting of the section `policy` that states a field."""
    return "action_bounds" if field in ("action_low", "action_high") else field


def given_of(policy: PolicyConfig) -> Given:
    """Return what a configuration states about its checkpoint. Raises UsageError, naming the setting."""
    low, high = _bounds(policy.action_bounds)
    return Given(
        algorithm=policy.algorithm or None,
        activation=None if policy.activation == "file" else Activation(policy.activation),
        gamma=None if policy.gamma == "file" else policy.gamma,
        obs_normalization=_path(policy.obs_normalization, "obs_normalization"),
        head=None if policy.head == "file" else ActorHead(policy.head),
        squash=None if policy.squash == "file" else policy.squash == "yes",
        max_action=None if policy.max_action == "file" else policy.max_action,
        action_low=low,
        action_high=high,
        choices=_choices(policy.choices),
        reward_scale=None if policy.reward_scale == "file" else policy.reward_scale,
        names=_path(policy.names, "names"),
    )


def activation_named(text: str) -> str:
    """Return an activation's name as it is spelt here: "relu" of "ReLU", "silu" of "swish"."""
    name = text.strip().lower()
    return _SPELLINGS.get(name, name)


_SPELLINGS = {"swish": "silu", "leakyrelu": "leaky_relu", "leaky-relu": "leaky_relu", "linear": "identity"}


def _path(text: str, field: str) -> Path | None:
    return named_path(text, f"policy.{field}") if text else None


def _bounds(text: str) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Return low and high of "-1..1, 0..2"."""
    if not text.strip():
        return None, None
    try:
        pairs = [[float(end) for end in each.split("..")] for each in text.split(",")]
        low, high = zip(*pairs, strict=True)
    except ValueError:
        low, high = (0.0,), (0.0,)
    if not all(below < above for below, above in zip(low, high, strict=True)):
        raise UsageError(
            f"policy.action_bounds = {text!r}", "expected low..high, or one for each action: '-1..1, 0..2'"
        )
    return tuple(low), tuple(high)


def _choices(text: str) -> tuple[int, ...] | None:
    """Return the sizes in "3, 2"; None of "". Raises UsageError."""
    if not text.strip():
        return None
    sizes = [each.strip() for each in text.split(",")]
    if not all(each.isdecimal() and each.isascii() and 0 < int(each[:7]) <= _MOST for each in sizes):
        raise UsageError(f"policy.choices = {text!r}", "expected the size of each choice: 3,2")
    return tuple(int(each) for each in sizes)


def in_words(field: str) -> str:
    """Return a field of `Given` in words: "the discount gamma"."""
    return _WORDS[field]


class NotSaidError(UsageError):
    """A file does not say what is needed, and neither does the user. Made by `asked_for`."""

    asked: "tuple[Path, Sequence[str], str, Mapping[str, str]]"
    """The arguments of `asked_for`."""

    def with_options(self, **options: str) -> "NotSaidError":
        """Return the same error with other options in its hint, by the fields that they state."""
        path, fields, about, own = self.asked
        return asked_for(path, fields, about, {**own, **options})


def asked_for(
    path: Path, fields: Sequence[str], about: str = "", options: Mapping[str, str] | None = None
) -> NotSaidError:
    """Return the error that asks for fields of `Given` which a file does not contain.

    about: more about the file, for the end of the first line. options: by field, in the place of `OPTIONS`.
    """
    own = options or {}
    *first, last = dict.fromkeys(_WORDS[field] for field in fields)
    said = f"{', '.join(first)} and {last}" if first else last
    named = " ".join(dict.fromkeys(own.get(field, OPTIONS[field]) for field in fields))
    settings = dict.fromkeys(f"policy.{setting_of(field)}" for field in fields)
    if "head" in fields and "head" not in own:
        named += ", or policy.head=clipped if its actions are continuous"
    error = NotSaidError(f"{path}: does not say {said}{about}", f"state it: {named} ({', '.join(settings)})")
    error.asked = path, tuple(fields), about, dict(own)
    return error


def head_option(head: ActorHead) -> str:
    """Return the option that states the meaning of the actor's outputs."""
    return f"--set policy.head={head.value}"
