"""The files of code that a run has loaded: world files, plug-ins, and the modules beside them."""

import sys
from collections.abc import Collection
from pathlib import Path

from valuescape.run.watching import content_of
from valuescape.sim.plugins.declarations import Kind
from valuescape.sim.plugins.loading import LOADED, Loaded

_AT_ONCE = frozenset({Kind.PANEL, Kind.SYSTEM, Kind.FORMAT, Kind.LAYER})
"""Kinds whose plug-ins need no restart: they are looked up when they are used; layers, with a new scene."""


def code_files() -> dict[Path, bytes | None]:
    """Return the files of code of the user's own by path, with the content that was loaded.

    Of a module beside a file, which is imported as usual, it is what is there now.
    """
    found: dict[Path, bytes | None] = {}
    for loaded in LOADED.values():
        if loaded.source.path:
            found |= {path: content_of(path) for path in _modules_beside(loaded)}
    return found | {each.source.path: each.source.content for each in LOADED.values() if each.source.path}


def loaded_of(saved: Collection[Path]) -> list[Loaded]:
    """Return the loaded files that are among `saved`, or import a module that is."""
    return [
        each
        for each in LOADED.values()
        if each.source.path and not {each.source.path, *_modules_beside(each)}.isdisjoint(saved)
    ]


def needs_restart(kinds: Collection[Kind], loaded: Loaded) -> bool:
    """Return whether a run has to begin anew. kinds: of what a file declared before or declares now."""
    return bool(loaded.registered) or not _AT_ONCE.issuperset(kinds)


def _modules_beside(loaded: Loaded) -> list[Path]:
    """Return the files of the modules from a file's folder that were imported for it."""
    found = (getattr(sys.modules.get(name), "__file__", None) for name in loaded.beside)
    return [Path(each).resolve() for each in found if each]
