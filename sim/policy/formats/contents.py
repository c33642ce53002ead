"""What is in a checkpoint file, as `valuescape inspect` prints it; nothing of the file is run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One tensor. dtype: NumPy's name, such as "float32"."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class NetworkEntry:
    """One network that is recognised. widths: of its input, hidden layers and output."""

    role: str
    """"actor", "critic", "twin critic", "quantiles", …"""
    widths: tuple[int, ...]
    activation: str
    """Of the hidden layers; "" if the file does not say it."""
    output: str = ""
    """The activation or the meaning of the outputs, if there is something to say."""


@dataclass(frozen=True, slots=True)
class Lacking:
    """Something that the file does not contain. field: of `Given`; why: a clause."""

    field: str
    why: str
    needed: bool
    """Whether the file cannot be loaded without; otherwise it is taken from the world, or goes unknown."""
    option: str
    """The option that states it, with an example."""
    usual: bool = False
    """Whether the example is the library's default."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a file. `version`: of the library that wrote it, "" if it does not say."""

    format: str
    library: str
    version: str = ""
    algorithm: str = ""
    world: str = ""
    tensors: tuple[TensorEntry, ...] = ()
    networks: tuple[NetworkEntry, ...] = ()
    normalization: str = ""
    """A sentence about observations and rewards; "" if there is nothing to say."""
    lacking: tuple[Lacking, ...] = ()
    remarks: tuple[str, ...] = ()
    refusal: str = ""
    """Why the networks cannot be shown; "" if they can."""
