"""Loads the files and modules that declare plug-ins, in this process and in the workers."""

import contextlib
import importlib
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import dill

from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.declarations import IN_WORKERS, Declaration, Kind
from valuescape.sim.plugins.installed import import_installed
from valuescape.sim.plugins.registry import PLUGINS, Key
from valuescape.sim.plugins.running import python_file, run_file, run_module

GUIDE = "docs/plugins.md has examples"


@dataclass(frozen=True, slots=True)
class Source:
    """Code that declares plug-ins. path: of a file, else None. module: the name to import it by, else "".

    content: of the file, as it was run. where: as messages name the source. option: the one that named it.
    names: of what is asked for in it, where it declares nothing itself.
    """

    path: Path | None
    module: str
    content: bytes
    where: str
    option: str
    names: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The source's key in `LOADED`."""
        return str(self.path) if self.path else self.module


@dataclass(frozen=True, slots=True)
class Loaded:
    """A source that was run.

    registered: ids of the environments that it registered with Gymnasium. beside: names of the modules from
    its file's folder that users' files had imported by then.
    """

    source: Source
    module: ModuleType
    registered: frozenset[str]
    beside: tuple[str, ...] = ()

    @property
    def declared(self) -> tuple[Declaration, ...]:
        """The plug-ins that it declares."""
        return tuple(each for each in PLUGINS if each.source == self.source.key)

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of these plug-ins."""
        return frozenset(each.kind for each in self.declared)

    @property
    def in_workers(self) -> bool:
        """Whether worker processes run it, too."""
        return bool(self.registered) or not self.kinds.isdisjoint(IN_WORKERS)


LOADED: dict[str, Loaded] = {}
"""The sources that were run in this process, by key, in that order."""

Gather = Callable[[ModuleType, Source], None]
"""Declares what a module holds without a decorator, such as the classes of worlds."""

_gatherers: list[Gather] = []


def gather_with(gather: Gather) -> None:
    """Call `gather` with every module of users' own that is run from now on."""
    _gatherers.append(gather)


def load_file(path: Path | str, option: str = "--plugin") -> Loaded:
    """Run the Python file at `path`, and register the plug-ins and worlds that it declares.

    A file that was loaded before is not run again. Worker processes that start later run it too, if they need
    it. Raises UsageError if the file is missing, fails or declares nothing, or if a name is taken; then
    nothing of it is registered.
    """
    where = f"{option} {path}"
    found, content = python_file(path, where)
    if str(found) in LOADED:
        return LOADED[str(found)]
    return run_source(Source(found, "", content, where, option))


def load_module(name: str, option: str = "[plugins] modules") -> Loaded:
    """Import an installed module that declares plug-ins, as `load_file` runs a file.

    Raises UsageError if `name` is no module's name, or names none of an installed package; modules in the
    current folder, or beside a configuration, are not found.
    """
    if name in LOADED:
        return LOADED[name]
    return run_source(Source(None, name, b"", f"{option}: {name}", option))


def run_source(source: Source) -> Loaded:
    """Run a source, and register what it declares. Raises UsageError; then nothing of it is registered."""
    before, modules = _registered(source), set(sys.modules)
    with PLUGINS.declared_by(source.key, source.where):
        if source.path and source.module:
            module = run_module(source.module, source.path, source.content, source.where)
        elif source.path:
            module = run_file(source.path, source.content, source.where, GUIDE)
        else:
            module = import_installed(source.module, source.where)
            PLUGINS.adopt(source.module, source.key, source.where)
        for gather in _gatherers:
            gather(module, source)
        loaded = Loaded(source, module, frozenset(_registered(source) - before), _beside(source, modules))
        if not loaded.declared and not loaded.registered:
            said, expected = _EMPTY.get(source.option, _EMPTY["--plugin"])
            raise UsageError(f"{source.where}: {said}", f"expected {expected}")
    LOADED[source.key] = loaded
    return loaded


_EMPTY = {
    "--plugin": (
        "declares no plug-in and defines no world",
        f"a decorator of valuescape.api, or a class of a world; {GUIDE}",
    ),
    "--env-file": (
        "has no environment",
        "a class derived from gymnasium.Env, a call of gymnasium.register, or a function and its name: "
        "--env-file FILE.py --world NAME",
    ),
}
"""Complaints about files that declare nothing, and what is expected, by the option that named the file."""


def _beside(source: Source, known: set[str]) -> tuple[str, ...]:
    """Return the names of modules in the folder of a source's file, or below it, that users' files imported.

    known: names of modules that were imported before the file was run.
    """
    if source.path is None:
        return ()
    names = set(sys.modules) - known | {name for each in LOADED.values() for name in each.beside}
    return tuple(sorted(name for name in names if _is_beside(name, source.path)))


def _is_beside(name: str, main: Path) -> bool:
    """Return whether a module is of a file below the folder of `main`, and of no installed package."""
    file = Path(getattr(sys.modules.get(name), "__file__", None) or "/")
    inside = file != main and file.is_relative_to(main.parent)
    return inside and "site-packages" not in file.relative_to(main.parent).parts


def _registered(source: Source) -> set[str]:
    """Return the ids of Gymnasium's environments; none if it is not there, or a source does not name it.

    It is imported before such a source is run, which would seem to register all of Gymnasium's own otherwise.
    """
    if b"gymnasium" in source.content:
        with contextlib.suppress(ImportError):  # which the source will say
            importlib.import_module("gymnasium")
    gymnasium = sys.modules.get("gymnasium")
    return set(gymnasium.registry) if gymnasium else set()


@dataclass(frozen=True, slots=True)
class Loads:
    """The plug-ins and worlds that a worker process loads; can be pickled.

    sources: in the order of loading. direct: declarations of a script or notebook, pickled by dill, functions
    by value. order: of all these plug-ins.
    """

    sources: tuple[Source, ...] = ()
    direct: bytes = b""
    order: tuple[Key, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.sources or self.direct)


NOTHING = Loads()
"""For a worker without plug-ins."""


def loads() -> Loads:
    """Return what workers that start now load: sources and functions of the kinds that run in workers.

    Raises UsageError if a function that a script or notebook declares cannot be pickled.
    """
    sources = tuple(each.source for each in LOADED.values() if each.in_workers)
    keys = {each.key for each in sources}
    ordered = [each for each in PLUGINS.ordered() if each.kind in IN_WORKERS]
    direct = [each for each in ordered if each.source not in keys]
    order = tuple((each.kind, each.name) for each in ordered)
    return Loads(sources, b"".join(map(_pickled, direct)), order)


def _pickled(declared: Declaration) -> bytes:
    """Return a declaration as bytes; functions of scripts and notebooks with what they read."""
    try:
        pickled: bytes = dill.dumps(declared, byref=False, recurse=True)
    except Exception as error:
        raise UsageError(
            f"{declared} cannot be sent to the workers: {type(error).__name__}: {error}",
            "put it into a file of its own and load that: valuescape.load_plugin(…)",
        ) from error
    return pickled


def receive(given: Loads) -> None:
    """Load in a worker, when it starts, what the main process has loaded.

    Plug-ins that the worker's own import of the main script declared are replaced by those.
    """
    if given.direct:
        PLUGINS.withdraw("")
    for source in given.sources:
        if source.key not in LOADED:
            run_source(source)
    stream = io.BytesIO(given.direct)
    while stream.tell() < len(given.direct):
        PLUGINS.add(dill.load(stream))  # noqa: S301 (the main process wrote it)
    if given:
        PLUGINS.take_order(given.order)
