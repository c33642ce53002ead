"""Finds modules of installed packages without running anything, and imports them from those packages alone.

A configuration may name such a module. It must not be able to name a file: not one beside it, nor one in the
current folder, which `python -m` and PYTHONPATH put on the path that modules are searched on.
"""

import contextlib
import importlib
import re
import site
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.running import hint_of, place_of

GROUP = "valuescape.plugins"
"""The group of entry points with which an installed package announces modules that declare plug-ins."""

_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_HINT = (
    "a configuration names modules of installed packages; name a file on the command line: --plugin FILE.py"
)


def require_module_name(name: str, where: str) -> None:
    """Raise UsageError unless `name` is a dotted name of a module, and of no module of Python's own."""
    if not _NAME.fullmatch(name) or len(name) > 200:
        raise UsageError(f"{where}: is no name of a module", _HINT)
    if name.partition(".")[0] in sys.stdlib_module_names:
        raise UsageError(f"{where}: is a module of Python's own library", _HINT)


@cache
def announced() -> tuple[EntryPoint, ...]:
    """Return the entry points of installed packages in GROUP, sorted by name; imports none of them."""
    with _installed_alone():
        return tuple(sorted(entry_points(group=GROUP), key=lambda each: (each.name, each.value)))


def find_installed(name: str) -> ModuleSpec | None:
    """Return where an installed module is; None if no package has it. Runs nothing."""
    folders: list[str] | None = None
    spec: ModuleSpec | None = None
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        with _installed_alone():
            spec = _spec(".".join(parts[:count]), folders)
        if spec is None or (count < len(parts) and spec.submodule_search_locations is None):
            return None
        folders = list(spec.submodule_search_locations or [])
    return spec


def _spec(name: str, folders: list[str] | None) -> ModuleSpec | None:
    """Return what the import system would find: editable installs have finders of their own."""
    if folders is not None:
        return PathFinder.find_spec(name, folders)
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find(name, None) if find else None
        if spec is not None:
            return spec
    return None


def import_installed(name: str, where: str) -> ModuleType:
    """Import an installed module. Raises UsageError if there is none of that name, or if it fails."""
    require_module_name(name, where)
    spec = find_installed(name)
    if spec is None or spec.origin is None:
        raise UsageError(f"{where}: no installed package has this module", _HINT)
    _require_not_hidden(name, where)
    try:
        with _installed_alone():
            return importlib.import_module(name)
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        hint = hint_of(error, "docs/plugins.md has examples")
        raise UsageError(f"{where}: {place_of(error, spec.origin)}", hint) from error


def _require_not_hidden(name: str, where: str) -> None:
    """Raise UsageError if the module, or a package that it is in, is loaded from elsewhere already.

    The import system would look for the rest there, which a file named with --plugin may have brought in.
    """
    parts = name.split(".")
    for each in (".".join(parts[:count]) for count in range(1, len(parts) + 1)):
        held, found = sys.modules.get(each), find_installed(each)
        if held is not None and getattr(held.__spec__, "origin", None) != (found and found.origin):
            place = getattr(held, "__file__", None) or "elsewhere"
            raise UsageError(f"{where}: another module {each} is loaded, from {place}", _HINT)


@contextlib.contextmanager
def _installed_alone() -> Iterator[None]:
    """Inside, modules are searched in the folders of installed packages and of Python alone."""
    before = sys.path
    allowed = _folders()
    sys.path = [each for each in before if each and Path(each).resolve() in allowed]
    try:
        yield
    finally:
        sys.path = before


@cache
def _folders() -> frozenset[Path]:
    """Return the folders of Python and of installed packages, with those that their .pth files add."""
    own = [Path(sysconfig.get_path(each)) for each in ("stdlib", "platstdlib", "purelib", "platlib")]
    own += [own[1] / "lib-dynload", *map(Path, site.getsitepackages())]
    if site.ENABLE_USER_SITE:
        own.append(Path(site.getusersitepackages()))
    found = [*own, *(Path(line) for folder in own for line in _added_by(folder))]
    zipped = [
        Path(each) for each in sys.path if each.endswith(".zip") and Path(each).name.startswith("python")
    ]
    return frozenset(each.resolve() for each in [*found, *zipped])


def _added_by(folder: Path) -> Iterator[str]:
    """Yield the folders that the .pth files in a folder of packages add to the path."""
    for file in sorted(folder.glob("*.pth")):
        with contextlib.suppress(OSError):
            for line in file.read_text("utf-8", "replace").splitlines():
                if line.strip() and not line.startswith(("#", "import ", "import\t")):
                    yield str(folder / line.strip())
