"""Runs another version of a loaded file, and goes back to the version before if that fails."""

import contextlib
import importlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from valuescape.sim.plugins.failing import TROUBLE
from valuescape.sim.plugins.loading import LOADED, Loaded, run_source
from valuescape.sim.plugins.registry import PLUGINS


@contextlib.contextmanager
def replaced(path: Path, content: bytes) -> Iterator[Loaded]:
    """Run `content` in place of a loaded file's content; yields the file as it is loaded now.

    Modules beside it are imported anew, and its plug-ins that were switched off are on again. If one raises
    later, the run goes on without it. Raises UsageError as `load_file` does; then, or if the block raises,
    the declarations from before are registered again. Running workers keep what they have loaded.
    """
    before, order = LOADED[str(path)], list(LOADED)
    declared, edited = before.declared, set(TROUBLE.edited)
    modules, environments = _forget(before)
    try:
        now = run_source(replace(before.source, content=content))
        PLUGINS.ordered()  # raises if it needs what is not there, or other plug-ins needed what is gone
        _switch_on(now)
        yield now
        TROUBLE.edited.update((each.kind, each.name) for each in now.declared)
    except BaseException:
        if before.source.key in LOADED:
            _switch_on(LOADED[before.source.key])
            _forget(LOADED[before.source.key])
        sys.modules.update(modules)
        _environments().update(environments)
        LOADED[before.source.key] = before
        for each in declared:
            PLUGINS.add(each)
        TROUBLE.edited = edited
        raise
    finally:
        for key in order:  # in the order of loading, as before
            LOADED[key] = LOADED.pop(key)
        PLUGINS.arrange(order)


def _switch_on(loaded: Loaded) -> None:
    for each in loaded.declared:
        TROUBLE.off.pop((each.kind, each.name), None)
        TROUBLE.edited.discard((each.kind, each.name))  # while it is tried, an error refuses it


def _forget(loaded: Loaded) -> tuple[dict[str, ModuleType], dict[str, Any]]:
    """Remove a source with all that it declared; return its modules, and its environments of Gymnasium."""
    PLUGINS.withdraw(loaded.source.key)
    del LOADED[loaded.source.key]
    names = (loaded.module.__name__, *loaded.beside)
    known = _environments()
    importlib.invalidate_caches()
    return (
        {name: sys.modules.pop(name) for name in names if name in sys.modules},
        {name: known.pop(name) for name in loaded.registered if name in known},
    )


def _environments() -> dict[str, Any]:
    """Return Gymnasium's registry; an empty one if Gymnasium is not imported."""
    gymnasium: Any = sys.modules.get("gymnasium")
    found: dict[str, Any] = gymnasium.registry if gymnasium else {}
    return found
