"""Checkpoint formats: what each has to provide, and the registry that finds the one of a file.

A format is one module with a `Format` value, and one line in `sim.policy.formats.known`. `stub.py` is the
smallest example; `tests/contracts/test_checkpoint_formats.py` holds every format to the same contract.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from valuescape.sim.policy.formats.zip_members import names_in
from valuescape.sim.policy.network import Checkpoint


class Lack(StrEnum):
    """Something that files of a format do not contain. It is asked for, never guessed."""

    WORLD = "world"
    """The world that the networks were trained in."""
    STATISTICS = "statistics"
    """The normalisation of observations and rewards in training."""
    ACTOR = "actor"
    """The policy. `load` refuses files without one, and names the setting that takes them."""


class Probe:
    """The part of a file that formats are recognised by."""

    def __init__(self, path: Path, head: bytes) -> None:
        self.path = path
        self.head = head
        """The first bytes, up to 256."""

    @cached_property
    def members(self) -> tuple[str, ...]:
        """The names in the file if it is a sound zip, else ()."""
        return names_in(self.path) if self.head.startswith(b"PK") else ()


@dataclass(frozen=True, slots=True)
class Format:
    """One checkpoint format.

    Importing its module does not import torch, because workers and command lines import it too; `load` may.
    """

    name: str
    """Unique among the formats."""
    container: str
    """The kind of file, as messages call it: "zip"."""
    recognises: Callable[[Probe], bool]
    """Tells whether a file is of this format; runs and unpickles nothing in it, and never raises."""
    load: Callable[[Path], Checkpoint]
    """Return the checkpoint in a file, checked by `check_checkpoint`.

    Reads the file as data: nothing in it is run. Raises UsageError, naming file and place, for anything else
    than a sound file of this format.
    """
    lacks: frozenset[Lack] = frozenset()
    """The parts of a checkpoint that files of this format do not contain."""
    suffixes: tuple[str, ...] = ()
    """Suffixes that distinguish a checkpoint from a preset on the command line; formats go by content."""
    appended: str = ""
    """The suffix that the format's own library appends to names; it may be left out here too."""


class Registry:
    """Formats by name, in the order of registration.

    more: returns those that come and go, after the registered ones: plug-ins'.
    """

    def __init__(self, more: Callable[[], Iterable[Format]] = tuple) -> None:
        self._formats: dict[str, Format] = {}
        self._more = more

    def register(self, added: Format) -> None:
        """Add a format. Raises ValueError if its name is taken."""
        if added.name in self._formats:
            raise ValueError(f"the checkpoint format {added.name!r} is registered already")
        self._formats[added.name] = added

    def __iter__(self) -> Iterator[Format]:
        yield from self._formats.values()
        yield from self._more()

    def find(self, probe: Probe) -> Format | None:
        """Return the first format that recognises a file; None if none does."""
        return next((each for each in self if each.recognises(probe)), None)

    def suffixes(self) -> frozenset[str]:
        """Return the suffixes of all formats."""
        return frozenset(suffix for each in self for suffix in each.suffixes)

    def containers(self) -> list[str]:
        """Return the kinds of files that the formats are kept in, each once."""
        return list(dict.fromkeys(each.container for each in self))
