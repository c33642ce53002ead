"""Checkpoint formats of plug-ins."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.declarations import Declaration, Kind
from valuescape.sim.plugins.failing import TROUBLE, describe
from valuescape.sim.plugins.registry import PLUGINS, declare
from valuescape.sim.policy.checks import check_checkpoint, frozen
from valuescape.sim.policy.formats.assembly import restated
from valuescape.sim.policy.formats.contents import Contents
from valuescape.sim.policy.formats.description import described
from valuescape.sim.policy.formats.found import found_of
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.registry import Format, Lack, Probe
from valuescape.sim.policy.network import Checkpoint, Mlp

_NOTHING = Given()

Recognises = Callable[[Path, bytes], bool]
"""Tells whether a file is of a format, from its path and its first bytes, up to 256."""


@dataclass(frozen=True, slots=True)
class PluggedFormat:
    """What a checkpoint format says beside its `load`."""

    recognises: Recognises
    suffixes: tuple[str, ...]


L = TypeVar("L", bound=Callable[[Path], Checkpoint])


def checkpoint_format(
    recognises: Recognises, *, suffixes: tuple[str, ...] = (), name: str = "", needs: Iterable[str] | str = ()
) -> Callable[[L], L]:
    """Declare a format of checkpoint files; `policy.checkpoint` may then name such files.

    The function takes a path and returns a `Checkpoint`; what it raises is shown with the file's name. Read
    files as data: nobody expects that code in a checkpoint is run.

    recognises: tells a file of this format by its path and its first 256 bytes; formats of the program come
    first. suffixes: (".mine",), those that distinguish such a file from a preset on the command line. Raises
    UsageError for a name that is taken.
    """
    if not callable(recognises) or not all(each.startswith(".") for each in suffixes):
        raise UsageError(
            f"checkpoint_format: recognises = {recognises!r}, suffixes = {suffixes!r}",
            'expected checkpoint_format(lambda path, head: head.startswith(b"MINE"), suffixes=(".mine",))',
        )

    def declared(function: L) -> L:
        declare(Kind.FORMAT, name or function.__name__, function, needs, PluggedFormat(recognises, suffixes))
        return function

    return declared


def plugged_formats() -> Iterator[Format]:
    """Yield the formats of plug-ins."""
    for declared in PLUGINS.of(Kind.FORMAT):
        said: PluggedFormat = declared.options
        yield Format(
            name=declared.name,
            container=said.suffixes[0].removeprefix(".") if said.suffixes else declared.name,
            recognises=partial(_recognises, declared),
            load=partial(_load, declared),
            contents=partial(_contents, declared),
            library=f"plug-in {declared.name}",
            lacks=frozenset({Lack.WORLD}),
            suffixes=said.suffixes,
        )


def _recognises(declared: Declaration, probe: Probe) -> bool:
    return bool(TROUBLE.call(declared, None, declared.options.recognises, probe.path, probe.head))


def _contents(declared: Declaration, path: Path, given: Given = _NOTHING) -> Contents:
    found = found_of(_load(declared, path, given))
    return described(declared.name, f"plug-in {declared.name}", found, given)


def _load(declared: Declaration, path: Path, given: Given = _NOTHING) -> Checkpoint:
    try:
        found = declared.function(path)
        if not isinstance(found, Checkpoint):
            raise UsageError(f"it returned {type(found).__name__}, expected a Checkpoint")
        return restated(path, check_checkpoint(_frozen(found, path), path), given)
    except UsageError as error:
        if str(path) in str(error.args[0]):
            raise
        raise UsageError(f"{path}: {describe(declared, None, error)}", error.hint) from error
    except Exception as error:
        raise UsageError(f"{path}: {describe(declared, None, error)}", "mend the plug-in") from error


def _frozen(found: Checkpoint, path: Path) -> Checkpoint:
    """Return the checkpoint with arrays that are float32, finite and read-only."""

    def network(name: str, of: Mlp) -> Mlp:
        layers = (
            replace(
                layer,
                weight=frozen(path, f"{name} {index} weight", layer.weight),
                bias=frozen(path, f"{name} {index} bias", layer.bias),
            )
            for index, layer in enumerate(of.layers)
        )
        return Mlp(tuple(layers))

    low, high = (np.atleast_1d(each) for each in (found.action_low, found.action_high))
    return replace(
        found,
        actor=network("actor", found.actor),
        critics=tuple(network(f"critic {index}", each) for index, each in enumerate(found.critics)),
        action_low=frozen(path, "action_low", low),
        action_high=frozen(path, "action_high", high),
    )
