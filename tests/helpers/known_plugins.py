"""Plug-ins and worlds of a test are forgotten after it."""

import contextlib
import sys

from valuescape.sim.plugins.loading import LOADED
from valuescape.sim.plugins.registry import PLUGINS
from valuescape.sim.worlds import WORLDS


@contextlib.contextmanager
def forgotten():
    """Inside, no plug-in is known at first; afterwards everything is as it was before."""
    loaded, worlds, modules, folders = dict(LOADED), dict(WORLDS), set(sys.modules), list(sys.path)
    kept = tuple(PLUGINS)
    for each in kept:
        PLUGINS.withdraw(each.source)
    LOADED.clear()
    order, PLUGINS._order = PLUGINS._order, None  # that of another process, if a test received one
    try:
        yield
    finally:
        for each in tuple(PLUGINS):
            PLUGINS.withdraw(each.source)
        PLUGINS._order = order
        LOADED.clear()
        LOADED.update(loaded)
        for each in kept:
            PLUGINS.add(each)
        WORLDS.clear()
        WORLDS.update(worlds)
        sys.path[:] = folders
        for name in set(sys.modules) - modules:
            if name.startswith("valuescape_plugin_"):
                del sys.modules[name]
