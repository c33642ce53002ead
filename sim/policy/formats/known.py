"""The checkpoint formats that are read; a new one is registered here."""

from valuescape.sim.policy.formats import native, sb3, torchscript
from valuescape.sim.policy.formats.registry import Registry

FORMATS = Registry()
FORMATS.register(sb3.FORMAT)
FORMATS.register(native.FORMAT)
FORMATS.register(torchscript.FORMAT)
