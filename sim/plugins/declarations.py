"""`Declaration` of one plug-in, and the kinds of plug-ins."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from valuescape.sim.errors import UsageError


class Kind(StrEnum):
    """The kinds of plug-in, as `valuescape plugins` calls them."""

    WORKER_SYSTEM = "system in the workers"
    SYSTEM = "system"
    LAYER = "map layer"
    COLORING = "trail colouring"
    PANEL = "panel"
    WORLD = "world"
    FORMAT = "checkpoint format"
    ENVIRONMENT = "environment"


IN_WORKERS = frozenset({Kind.WORKER_SYSTEM, Kind.WORLD, Kind.ENVIRONMENT})
"""The kinds whose plug-ins the worker processes load, too."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """One plug-in, as its decorator declares it.

    name: unique within its kind. function: the function that is called; of a world, its class; of an
    environment, what makes it. needs: names of plug-ins, of any kind, that come before it. options: the
    other arguments of its decorator, as the kind keeps them. where: the file or module that declares it, as
    messages name it. source: its key in `loading.LOADED`; "" if a script or notebook declares it.
    """

    kind: Kind
    name: str
    function: Callable[..., Any]
    needs: tuple[str, ...] = ()
    options: Any = None
    where: str = ""
    source: str = ""

    @property
    def line(self) -> int:
        """The line at which the function begins; 0 if that is unknown, as for a class."""
        code = getattr(self.function, "__code__", None)
        return code.co_firstlineno if code else 0

    @property
    def place(self) -> str:
        """The file or module that declares it, with the line if that is known."""
        return f"{self.where} line {self.line}" if self.line else self.where

    def __str__(self) -> str:
        return f"the {self.kind} {self.name!r} of {self.place}"


_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def require_name(kind: Kind, name: object, where: str) -> None:
    """Raise UsageError unless `name` can be a plug-in's name, which settings, tables and files contain."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(
            f"{where}: the name of a {kind} is {name!r}",
            "expected a text of small letters, digits and _, which begins with a letter, of 64 at most",
        )


def names_of(needs: Iterable[str] | str, where: str) -> tuple[str, ...]:
    """Return the names that `needs` lists. Raises UsageError for anything but texts."""
    listed = (needs,) if isinstance(needs, str) else tuple(needs)
    if not all(isinstance(each, str) for each in listed):
        raise UsageError(f"{where}: needs = {listed!r}", 'expected names of plug-ins: needs=("wind",)')
    return listed
