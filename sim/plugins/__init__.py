"""Plug-ins: users' own code, its declarations, the files it comes from, and the order in which it runs.

`declarations` defines the kinds and the declaration of one plug-in, `registry` keeps those that are known,
`loading` runs the files and modules that declare them. A new kind takes a member of `Kind` and a decorator
that calls `declare`; CONTRIBUTING.md has the steps.
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
