"""Which way the critic's landscape is computed, and keeping it in a texture."""

from pathlib import Path
from typing import Any

import numpy as np

from gpu.meter import FrameMeter
from gpu.passes.critic import CriticPass
from gpu.passes.uploaded_field import UploadedField
from sim.config import Config
from sim.landscape import MapPlane, grid_obs, map_plane, network_inputs
from sim.policy.network import Checkpoint
from sim.worlds import World
from sim.worlds.base import Float32Array


def make_critic_field(
    gl: Any, config: Config, world: World, checkpoint: Checkpoint | None, meter: FrameMeter
) -> CriticPass | UploadedField | None:
    """Return the computed field of the critic over the map; None if there is no critic.

    By compute shaders, unless `features.gpu_heatmap` is off (then torch computes it, the plain path) or the
    critic is no perceptron (`policy.torchscript_critic`). All that the field depends on is fixed for the life
    of a session, so it is computed once, here.
    """
    edge = config.heatmap.resolution
    plane = map_plane(config, world)
    if config.policy.torchscript_critic:
        values = _torchscript_values(Path(config.policy.torchscript_critic), plane, edge)
        return _uploaded(gl, values, edge, meter)
    if checkpoint is None:
        return None
    if not config.features.gpu_heatmap:
        return _uploaded(gl, _torch_values(checkpoint, plane, edge), edge, meter)
    field = CriticPass(gl, checkpoint, edge, meter)
    field.compute(network_inputs(plane, checkpoint, edge))
    return field


def _uploaded(gl: Any, values: Float32Array, edge: int, meter: FrameMeter) -> UploadedField:
    meter.queries += 1  # an inference that the CPU asked for
    field = UploadedField(gl, edge, meter)
    field.write(values)
    return field


def _torch_values(checkpoint: Checkpoint, plane: MapPlane, edge: int) -> Float32Array:
    import torch

    from sim.policy.reference import TorchCheckpoint

    obs = np.ascontiguousarray(grid_obs(plane, edge).T)
    values: Float32Array = TorchCheckpoint(checkpoint).value(torch.from_numpy(obs)).numpy().ravel()
    return values


def _torchscript_values(path: Path, plane: MapPlane, edge: int) -> Float32Array:
    from sim.policy.torchscript import load_torchscript_critic

    return load_torchscript_critic(path, len(plane.world.obs))(grid_obs(plane, edge))
