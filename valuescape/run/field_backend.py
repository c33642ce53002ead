"""Where the critic's field is computed: by compute shaders, or by machine code on the CPU."""

import time
from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np

from valuescape.gpu.context import driver_info
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.critic import CriticPass
from valuescape.sim.config.files import Config
from valuescape.sim.fields import CompiledCritic, can_compile_critic
from valuescape.sim.policy.network import Checkpoint, value_critics

_TRIAL_EDGE = 32
"""Both ways are tried with so many texels along each edge."""


class Backend(Enum):
    """A way to compute the field."""

    GPU = "gpu"
    CPU = "cpu"


_faster: dict[tuple[object, ...], Backend] = {}
"""The way that was faster in this process, by driver and shapes of networks, which are all it depends on."""


def by_machine_code(config: Config, checkpoint: Checkpoint) -> bool:
    """Return whether the CPU computes this critic by machine code; by NumPy otherwise."""
    features = config.features
    return features.gpu_heatmap and features.simd and can_compile_critic(checkpoint)


def backend_of(gl: Any, config: Config, checkpoint: Checkpoint) -> Backend:
    """Return where the field of a checkpoint is computed.

    `heatmap.backend` decides; "auto" means shaders on every GPU, and the faster way where OpenGL runs on the
    CPU too. That is measured once for each shape of networks.
    """
    wanted = config.heatmap.backend
    if not config.features.gpu_heatmap or config.policy.torchscript_critic:
        return Backend.CPU
    if wanted != "auto":
        return Backend(wanted)
    driver = driver_info(gl)
    if not driver.software or not by_machine_code(config, checkpoint):
        return Backend.GPU
    nets = (checkpoint.actor, *value_critics(checkpoint))
    shapes = tuple(layer.weight.shape for net in nets for layer in net.layers)
    key = driver.renderer, checkpoint.critic_kind, shapes
    if key not in _faster:
        _faster[key] = _measured(gl, checkpoint)
    return _faster[key]


def _measured(gl: Any, checkpoint: Checkpoint) -> Backend:
    """Return the way that is faster here, with a field of _TRIAL_EDGE."""
    obs = np.zeros((checkpoint.obs_dim, _TRIAL_EDGE**2), np.float32)
    compiled, field = CompiledCritic(checkpoint), CriticPass(gl, checkpoint, _TRIAL_EDGE, FrameMeter())

    def by_shaders() -> None:
        field.compute(obs)
        gl.finish()

    try:
        shaders_s = _second_s(by_shaders)
    finally:
        field.release()
    return Backend.CPU if _second_s(lambda: compiled.begin(obs).go_on(60)) < shaders_s else Backend.GPU


def _second_s(compute: Callable[[], object]) -> float:
    """Return the seconds of a second call: the first may compile."""
    compute()
    began = time.perf_counter()
    compute()
    return time.perf_counter() - began
