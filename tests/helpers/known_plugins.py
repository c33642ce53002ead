"""Plug-ins and worlds of a test are forgotten after it."""

import contextlib
import sys

from valuescape.sim.plugins.loading import LOADED
from valuescape.sim.plugins.registry import PLUGINS
from valuescape.sim.worlds import WORLDS


@contextlib.contextmanager
def as_before():
    """Afterwards the plug-ins and worlds are known that were before, and no others.

    One that a test declares and leaves would be sent to every worker that later tests of the process start:
    unpickling a function of a test module imports all that the module does, torch for one.
    """
    loaded, worlds, modules, folders = dict(LOADED), dict(WORLDS), set(sys.modules), list(sys.path)
    kept, order = tuple(PLUGINS), PLUGINS._order
    try:
        yield
    finally:
        PLUGINS._order = order
        if tuple(PLUGINS) != kept:
            _withdraw_all()
            for each in kept:
                PLUGINS.add(each)
        LOADED.clear()
        LOADED.update(loaded)
        WORLDS.clear()
        WORLDS.update(worlds)
        sys.path[:] = folders
        for name in set(sys.modules) - modules:
            if name.startswith("valuescape_plugin_"):
                del sys.modules[name]


@contextlib.contextmanager
def forgotten():
    """Inside, no plug-in is known at first; afterwards everything is as it was before."""
    with as_before():
        _withdraw_all()
        LOADED.clear()
        PLUGINS._order = None  # that of another process, if a test received one
        yield


def _withdraw_all():
    for each in tuple(PLUGINS):
        PLUGINS.withdraw(each.source)
