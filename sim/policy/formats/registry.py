"""Checkpoint formats: what each has to provide, and the registry that finds the one of a file.

A format is one module with a `Format` value, and one line in `sim.policy.formats.known`. `stub.py` is the
smallest example; `tests/contracts/test_checkpoint_formats.py` holds every format to the same contract.

A format of a library's files is a module in `sim/policy/formats/libraries/`:

1. `recognises(probe)` looks at `probe.head`, `probe.members` (of a zip) or `probe.names` (of the tensors in a
   torch file), and says yes only to marks that no other library's files have. It never raises.
2. `read(path, given)` returns a `Found`: the networks, as `Chain`s that `formats.chains` makes of tensors by
   name, and what the file says about them. Torch files are read by `formats.torch_data`. What the file does
   not say is left None, and never guessed; what is no perceptron is refused by a UsageError that names it.
3. `FORMAT = library_format(…, read=read)` makes `load` and `contents` of it, which ask for what is missing.
4. `tests/sim/policy/libraries/<library>/` has a file for each kind of checkpoint, made by the library itself,
   with the library's own actions and values beside it; `tests/contracts/test_library_files.py` compares.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.contents import Contents
from valuescape.sim.policy.formats.files import BROKEN
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.safetensors_header import read_header
from valuescape.sim.policy.formats.torch_data import is_torch, named_tensors, read_torch
from valuescape.sim.policy.formats.zip_members import names_in
from valuescape.sim.policy.network import Checkpoint

_NOTHING = Given()


class Lack(StrEnum):
    """Something that files of a format do not contain. It is asked for, never guessed."""

    WORLD = "world"
    """The world that the networks were trained in."""
    STATISTICS = "statistics"
    """The normalisation of observations and rewards in training."""
    REWARDS = "rewards"
    """What rewards were multiplied by in training, which the library's settings say."""
    ACTOR = "actor"
    """The policy. `load` refuses files without one, and names the setting that takes them."""


class Probe:
    """The parts of a file or folder that formats are recognised by, each read when it is first asked for."""

    def __init__(self, path: Path, head: bytes) -> None:
        self.path = path
        self.head = head
        """The first bytes, up to 256; b"" of a folder."""

    @cached_property
    def is_folder(self) -> bool:
        """Whether it is a folder, which only formats with `folders` are asked about."""
        return self.path.is_dir()

    @cached_property
    def members(self) -> tuple[str, ...]:
        """The names in the file if it is a sound zip, else ()."""
        return names_in(self.path) if self.head.startswith(b"PK") else ()

    @cached_property
    def safetensors(self) -> dict[str, Any] | None:
        """The header of a safetensors file, by names of tensors; None if it is none, or damaged."""
        return read_header(self.path) if self.head[8:9] == b"{" else None

    @cached_property
    def torch(self) -> Any:
        """What torch.save() wrote, as `read_torch` returns it; None if the file is no sound torch file."""
        if not is_torch(self.head, self.members):
            return None
        try:
            return read_torch(self.path)
        except (UsageError, OSError, *BROKEN):
            return None

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the tensors in a torch file, as `named_tensors` gives them; else empty."""
        try:
            return frozenset(named_tensors(self.torch))
        except BROKEN:
            return frozenset()


class Load(Protocol):
    """Returns the checkpoint in a file; see `Format.load`."""

    def __call__(self, path: Path, given: Given = _NOTHING) -> Checkpoint:
        """Load one file."""
        ...


class ReadContents(Protocol):
    """Returns what is in a file; see `Format.contents`."""

    def __call__(self, path: Path, given: Given = _NOTHING) -> Contents:
        """Look into one file."""
        ...


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
    load: Load
    """Return the checkpoint in a file, checked by `check_checkpoint`.

    given: what the user states because the file does not say it. Reads the file as data: nothing in it is
    run. Raises UsageError, naming file and place, for anything else than a sound file of this format; and
    one that names options, if something is missing that would change values or actions.
    """
    contents: ReadContents
    """Return what is in a file, with what is missing; nothing is asked for. Raises UsageError as `load`."""
    library: str = ""
    """The library that writes such files, as people know it: "CleanRL"."""
    lacks: frozenset[Lack] = frozenset()
    """The parts of a checkpoint that files of this format do not contain."""
    suffixes: tuple[str, ...] = ()
    """Suffixes that distinguish a checkpoint from a preset on the command line; formats go by content."""
    appended: str = ""
    """The suffix that the format's own library appends to names; it may be left out here too."""
    folders: bool = False
    """Whether a checkpoint is a folder rather than a file."""


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
        """Return the first format that recognises a file or folder; None if none does."""
        return next(
            (each for each in self if each.folders is probe.is_folder and each.recognises(probe)), None
        )

    def suffixes(self) -> frozenset[str]:
        """Return the suffixes of all formats."""
        return frozenset(suffix for each in self for suffix in each.suffixes)

    def containers(self) -> list[str]:
        """Return the kinds of files that the formats are kept in, each once."""
        return list(dict.fromkeys(each.container for each in self))
