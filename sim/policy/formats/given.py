"""What the user states about a checkpoint because its file does not say it."""

from dataclasses import dataclass
from pathlib import Path

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.network import Activation, ActorHead


@dataclass(frozen=True, slots=True)
class Given:
    """What the user states; None: not stated, so the file has to say it.

    A stated value wins over the file's, except where the file contains it as tensors. Each field is the
    setting `policy.<field>`; `OPTIONS` has those that command lines give an option of their own.
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
    action_low: tuple[float, ...] | None = None
    """The actions' bounds in training; one number stands for all actions."""
    action_high: tuple[float, ...] | None = None
    entropy_coefficient: float | None = None
    names: Path | None = None
    """A TOML file with the table `[map]`: role of a network ("actor", "critic", "twin") = prefix of its
    tensors' names."""

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
    "algorithm": "--set policy.algorithm=ppo",
    "head": "--set policy.head=clipped",
    "action_low": "--set policy.action_low=-1",
    "action_high": "--set policy.action_high=1",
    "entropy_coefficient": "--set policy.entropy_coefficient=0.2",
}
"""How each field of `Given` is stated on a command line, with an example."""

_WORDS = {
    "activation": "the activation between layers",
    "gamma": "the discount gamma",
    "obs_normalization": "the normalisation of observations",
    "names": "which tensors are actor and critic",
    "algorithm": "the algorithm",
    "head": "what the actor's outputs mean (squashed, clipped or argmax)",
    "action_low": "the actions' lower bounds",
    "action_high": "the actions' upper bounds",
    "entropy_coefficient": "the entropy coefficient alpha",
}


def in_words(field: str) -> str:
    """Return a field of `Given` in words: "the discount gamma"."""
    return _WORDS[field]


def asked_for(path: Path, fields: list[str], about: str = "") -> UsageError:
    """Return the error that asks for fields of `Given` which a file does not contain.

    about: more about the file, for the end of the first line.
    """
    said = " and ".join(_WORDS[field] for field in fields)
    options = " ".join(OPTIONS[field] for field in fields)
    settings = ", ".join(f"policy.{field}" for field in fields)
    return UsageError(f"{path}: does not say {said}{about}", f"state it: {options} ({settings})")
