"""Plug-ins: what users' own code declares, where it comes from, and in which order it runs.

`declarations` has the kinds and what is said of each plug-in, `registry` those that are known, `loading` runs
files and modules that declare them. A new kind takes a member of `Kind` and a decorator that calls `declare`.
"""

from valuescape.sim.plugins.declarations import Declaration, Kind
from valuescape.sim.plugins.loading import Loads, load_file, load_module, loads, receive
from valuescape.sim.plugins.registry import PLUGINS, declare

__all__ = [
    "PLUGINS",
    "Declaration",
    "Kind",
    "Loads",
    "declare",
    "load_file",
    "load_module",
    "loads",
    "receive",
]
