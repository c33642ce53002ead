"""The checkpoint formats that are read: a new one is registered here, or declared by a plug-in."""

from valuescape.sim.policy.formats import native, onnx, perceptron, sb3, torchscript
from valuescape.sim.policy.formats.plugged import plugged_formats
from valuescape.sim.policy.formats.registry import Registry

FORMATS = Registry(plugged_formats)
FORMATS.register(sb3.FORMAT)
FORMATS.register(native.FORMAT)
FORMATS.register(torchscript.FORMAT)
FORMATS.register(onnx.FORMAT)
FORMATS.register(perceptron.FORMAT)  # last: the formats of libraries are more particular
