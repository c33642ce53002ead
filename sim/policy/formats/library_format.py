"""Makes a checkpoint format of a function that reads the files of one library."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from valuescape.sim.policy.formats.assembly import assembled
from valuescape.sim.policy.formats.contents import Contents
from valuescape.sim.policy.formats.contradictions import refuse_contradictions
from valuescape.sim.policy.formats.description import described
from valuescape.sim.policy.formats.files import sound
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.registry import Format, Lack, Probe
from valuescape.sim.policy.network import Checkpoint

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
    the fields of `Format`. Statements that a file contradicts are refused.
    """

    def load(path: Path, given: Given = _NOTHING) -> Checkpoint:
        with sound(path), np.errstate(all="ignore"):  # of numbers that are checked once they are read
            return assembled(path, read(path, given), given)

    def contents(path: Path, given: Given = _NOTHING) -> Contents:
        with sound(path), np.errstate(all="ignore"):
            found = read(path, given)
            refuse_contradictions(path, found, given)
            return described(name, library, found, given, lacks)

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
