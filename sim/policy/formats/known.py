"""The checkpoint formats that are read: a new one is registered here, or declared by a plug-in."""

from valuescape.sim.policy.formats import native, onnx, perceptron, sb3, torchscript
from valuescape.sim.policy.formats.libraries import (
    brax,
    cleanrl,
    cleanrl_jax,
    d3rlpy,
    pufferlib,
    rl_games,
    rllib,
    rsl_rl,
    sample_factory,
    sbx,
    sbx_zip,
    skrl,
    tianshou,
    torchrl,
)
from valuescape.sim.policy.formats.plugged import plugged_formats
from valuescape.sim.policy.formats.registry import Registry

FORMATS = Registry(plugged_formats)
FORMATS.register(sbx_zip.FORMAT)  # before those whose zips it resembles
FORMATS.register(sb3.FORMAT)
FORMATS.register(native.FORMAT)
FORMATS.register(torchscript.FORMAT)
FORMATS.register(skrl.FORMAT)
FORMATS.register(rsl_rl.FORMAT)
FORMATS.register(rl_games.FORMAT)
FORMATS.register(sample_factory.FORMAT)
FORMATS.register(brax.FORMAT)
FORMATS.register(brax.FOLDER)
FORMATS.register(rllib.FORMAT)
FORMATS.register(rllib.FOLDER)
FORMATS.register(torchrl.FORMAT)
FORMATS.register(torchrl.FOLDER)
FORMATS.register(cleanrl.FORMAT)
FORMATS.register(cleanrl_jax.FORMAT)
FORMATS.register(d3rlpy.FORMAT)
FORMATS.register(pufferlib.FORMAT)
FORMATS.register(sbx.FORMAT)
FORMATS.register(tianshou.FORMAT)
FORMATS.register(onnx.FORMAT)
FORMATS.register(perceptron.FORMAT)  # last: the formats of libraries are more particular
