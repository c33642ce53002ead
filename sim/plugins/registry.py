"""The plug-ins that are known, by kind and name, in the order in which they run."""

import contextlib
import difflib
import graphlib
import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.declarations import Declaration, Kind, names_of, require_name

Key = tuple[Kind, str]
Hook = Callable[[Declaration], None]


@dataclass(frozen=True, slots=True)
class Hooks:
    """Functions that are called with each plug-in of a kind that comes or goes.

    added: may raise UsageError, which refuses the plug-in.
    """

    added: Hook
    removed: Hook


class Registry:
    """Declarations in the order of loading, and sorted by what they need.

    Code that uses a kind asks `of` for its plug-ins when it needs them. `revision` goes up with every change.
    """

    def __init__(self) -> None:
        self._known: dict[Key, Declaration] = {}
        self._hooks: dict[Kind, Hooks] = {}
        self._source, self._where = "", ""
        self._order: tuple[Key, ...] | None = None
        self._sorted: tuple[int, tuple[Declaration, ...]] = -1, ()
        self.revision = 0

    def __iter__(self) -> Iterator[Declaration]:
        return iter(tuple(self._known.values()))

    def hook(self, kind: Kind, added: Hook, removed: Hook) -> None:
        """Call `added` and `removed` with each plug-in of a kind that comes or goes from now on."""
        self._hooks[kind] = Hooks(added, removed)

    @contextlib.contextmanager
    def declared_by(self, source: str, where: str) -> Iterator[None]:
        """Inside, all declarations belong to a source that is being run; if it raises, they are withdrawn.

        source: its key. where: its name in messages.
        """
        before = self._source, self._where
        self._source, self._where = source, where
        try:
            yield
        except BaseException:
            self.withdraw(source)
            raise
        finally:
            self._source, self._where = before

    def declare(
        self,
        kind: Kind,
        name: str,
        function: Callable[..., Any],
        needs: Iterable[str] | str = (),
        options: Any = None,
    ) -> Declaration:
        """Make a plug-in known and return its declaration.

        Raises UsageError for a name that is not allowed, or that another plug-in of the kind has; the message
        names both places. A plug-in that a notebook declares again replaces the one before.
        """
        where = self._where or _module(function)
        if kind not in (Kind.WORLD, Kind.ENVIRONMENT):  # which have rules of their own
            require_name(kind, name, where)
        added = Declaration(kind, name, function, names_of(needs, where), options, where, self._source)
        self.add(added)
        return added

    def add(self, added: Declaration) -> None:
        """Make a declaration known. Raises UsageError as `declare` does."""
        key = added.kind, added.name
        other = self._known.get(key)
        if other is not None:
            if not _again(other, added):
                raise UsageError(
                    f"{added.place}: the {added.kind} {added.name!r} is declared in {other.place} too",
                    "give one of them another name, or leave one out",
                )
            self._remove(other)
        if added.kind in self._hooks:
            self._hooks[added.kind].added(added)
        self._known[key] = added
        self.revision += 1

    def withdraw(self, source: str) -> None:
        """Forget the plug-ins of a source; "": those that were declared directly."""
        for each in self:
            if each.source == source:
                self._remove(each)

    def _remove(self, gone: Declaration) -> None:
        del self._known[gone.kind, gone.name]
        if gone.kind in self._hooks:
            self._hooks[gone.kind].removed(gone)
        self.revision += 1

    def adopt(self, module: str, source: str, where: str) -> None:
        """Assign to a source the plug-ins that its module declared when something else imported it."""
        for each in self:
            found = getattr(each.function, "__module__", "") or ""
            if each.source == "" and (found == module or found.startswith(f"{module}.")):
                values = each.kind, each.name, each.function, each.needs, each.options
                self._known[each.kind, each.name] = Declaration(*values, where, source)
                self.revision += 1

    def arrange(self, sources: Iterable[str]) -> None:
        """Sort plug-ins by the order of their sources; those of a script or notebook come first."""
        rank = {source: index for index, source in enumerate(sources)}
        ordered = sorted(self._known.items(), key=lambda each: rank.get(each[1].source, -1))
        self._known = dict(ordered)
        self.revision += 1

    def find(self, kind: Kind, name: str) -> Declaration | None:
        """Return the plug-in of that kind and name; None if there is none."""
        return self._known.get((kind, name))

    def of(self, kind: Kind) -> tuple[Declaration, ...]:
        """Return the plug-ins of a kind, each after those that it needs. Raises UsageError as `ordered`."""
        return tuple(each for each in self.ordered() if each.kind is kind)

    def ordered(self) -> tuple[Declaration, ...]:
        """Return all plug-ins, each after those that it needs, else in the order of loading.

        Raises UsageError for a circle, naming its modules, or a need that no plug-in fulfils.

        Performance: sorted again only after a change; without one a call takes 0.2 us.
        """
        revision, found = self._sorted
        if revision != self.revision:
            found = (
                self._by_order() if self._order is not None else sorted_by_needs(tuple(self._known.values()))
            )
            self._sorted = self.revision, found
        return found

    def take_order(self, order: tuple[Key, ...]) -> None:
        """From now on, keep the order of another process, which may know more plug-ins."""
        self._order = order
        self.revision += 1

    def _by_order(self) -> tuple[Declaration, ...]:
        assert self._order is not None
        given = [self._known[key] for key in self._order if key in self._known]
        return (*given, *(each for key, each in self._known.items() if key not in self._order))


def _module(function: Callable[..., Any]) -> str:
    return getattr(function, "__module__", None) or "__main__"


def _again(known: Declaration, added: Declaration) -> bool:
    """Return whether a notebook's cell was run again: the same function's name, directly declared."""
    same = getattr(known.function, "__qualname__", 0) == getattr(added.function, "__qualname__", 1)
    return known.source == added.source == "" and same and known.where == added.where


def sorted_by_needs(known: tuple[Declaration, ...], *, lenient: bool = False) -> tuple[Declaration, ...]:
    """Return declarations after those that they need; of several that may come next, the one loaded first.

    lenient: a need that there is not is left out. Raises UsageError as `Registry.ordered`.
    """
    places = {(each.kind, each.name): index for index, each in enumerate(known)}
    graph = {at: _needed(each, known, places, lenient=lenient) for at, each in enumerate(known)}
    sorter = graphlib.TopologicalSorter(graph)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        raise _circle([known[index] for index in error.args[1]]) from None
    ready: list[int] = []
    found = []
    while sorter.is_active():
        for index in sorter.get_ready():
            heapq.heappush(ready, index)
        found.append(heapq.heappop(ready))
        sorter.done(found[-1])
    return tuple(known[index] for index in found)


def _needed(
    each: Declaration, known: tuple[Declaration, ...], places: dict[Key, int], *, lenient: bool
) -> list[int]:
    """Return the indices of the plug-ins that one needs."""
    found = []
    for need in each.needs:
        at = [places[kind, need] for kind in Kind if (kind, need) in places]
        if not at and not lenient:
            raise _missing(each, need, known)
        found += at
    return found


def _missing(each: Declaration, need: str, known: tuple[Declaration, ...]) -> UsageError:
    names = sorted({other.name for other in known if other is not each})
    near = difflib.get_close_matches(need, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "name the file or module that declares it, too"
    where = f", of {next(other.place for other in known if other.name == near[0])}" if near else ""
    return UsageError(f"{each.place}: {each.name!r} needs {need!r}, which no plug-in is called", hint + where)


def _circle(ring: list[Declaration]) -> UsageError:
    """Return the error for plug-ins of which each needs the one before; the last is the first again."""
    names = " → ".join(f"{each.name!r} ({each.where})" for each in reversed(ring))
    return UsageError(f"plug-ins need each other in a circle: {names}", "leave one of these needs out")


PLUGINS = Registry()
"""The plug-ins of this process."""


def declare(
    kind: Kind,
    name: str,
    function: Callable[..., Any],
    needs: Iterable[str] | str = (),
    options: Any = None,
) -> Declaration:
    """Declare a plug-in of this process; see `Registry.declare`. Decorators call it."""
    return PLUGINS.declare(kind, name, function, needs, options)
