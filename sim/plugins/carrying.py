"""Carries the modules that users' files import from their own folder to processes on other machines.

A worker on this machine imports them from that folder. Another machine has no such folder, so it gets their
texts, and imports them from memory.
"""

import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType

from valuescape.sim.errors import UsageError
from valuescape.sim.paths import read_plain
from valuescape.sim.plugins.loading import LOADED, NOTHING, Loaded, Loads, loads, receive

_MOST_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class CarriedModule:
    """A module's text. path: of its file on the machine that it is from, for tracebacks."""

    name: str
    path: str
    content: bytes
    is_package: bool


@dataclass(frozen=True, slots=True)
class CarriedCode:
    """The users' code that a process on another machine runs; can be pickled."""

    loads: Loads = NOTHING
    modules: tuple[CarriedModule, ...] = ()


def carried_code() -> CarriedCode:
    """Return what processes on other machines load: sources and functions, and the modules beside them.

    Raises UsageError, naming it, for a module beside a source that is not written in Python, and as `loads`.
    """
    found: dict[str, CarriedModule] = {}
    for loaded in LOADED.values():
        if loaded.in_workers:
            found |= {name: _carried(name, loaded) for name in (*_parents(loaded), *loaded.beside)}
    return CarriedCode(loads(), tuple(found.values()))


def receive_carried(code: CarriedCode) -> None:
    """Load what another machine has sent. Raises UsageError as loading it there would."""
    sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, _FromMemory)]
    if code.modules:
        sys.meta_path.insert(0, _FromMemory(code.modules))
    receive(code.loads)


def _parents(loaded: Loaded) -> list[str]:
    """Return the names of the packages that a source is in, unless they are installed."""
    parts = loaded.source.module.split(".")[:-1]
    names = [".".join(parts[: end + 1]) for end in range(len(parts))]
    return [name for name in names if not _is_installed(_file_of(name))]


def _file_of(name: str) -> str:
    return getattr(sys.modules.get(name), "__file__", None) or ""


def _is_installed(file: str) -> bool:
    return not file or "site-packages" in Path(file).parts


def _carried(name: str, loaded: Loaded) -> CarriedModule:
    path = Path(_file_of(name))
    if path.suffix != ".py":
        raise UsageError(
            f"{loaded.source.where}: imports {name}, whose file {path.name} is no Python text that other "
            "machines could be sent",
            "install it on every node as a package, or leave --cluster out",
        )
    return CarriedModule(name, str(path), read_plain(path, _MOST_BYTES), path.name == "__init__.py")


class _FromMemory(importlib.abc.MetaPathFinder, importlib.abc.ExecutionLoader):
    """Finds and loads carried modules."""

    def __init__(self, modules: Sequence[CarriedModule]) -> None:
        self._modules = {each.name: each for each in modules}

    def find_spec(
        self, name: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a carried module; None for others."""
        if (found := self._modules.get(name)) is None:
            return None
        spec = importlib.util.spec_from_loader(name, self, origin=found.path, is_package=found.is_package)
        if spec is not None:
            spec.has_location = True
        return spec

    def get_filename(self, name: str) -> str:
        """Return the path that the module has on its own machine."""
        return self._modules[name].path

    def get_source(self, name: str) -> str:
        """Return the module's text, for tracebacks."""
        return importlib.util.decode_source(self._modules[name].content)

    def get_code(self, name: str) -> CodeType:
        """Return the module's code."""
        found = self._modules[name]
        code: CodeType = self.source_to_code(found.content, found.path)
        return code

    def is_package(self, name: str) -> bool:
        """Return whether a module is a package."""
        return self._modules[name].is_package
