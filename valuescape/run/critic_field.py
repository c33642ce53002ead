"""The critic's landscape: its values over the map, computed on the GPU or the CPU and kept in a texture."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.critic import CriticPass
from valuescape.gpu.passes.uploaded_field import UploadedField
from valuescape.sim.arrays import Float32Array
from valuescape.sim.config.files import Config
from valuescape.sim.insight.plane import MapPlane, grid_obs, map_plane, network_inputs
from valuescape.sim.insight.signals import Critic
from valuescape.sim.policy.inference import value
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.worlds import World


class Landscape:
    """The critic's values over a plane of states, in `texture`.

    Computed when it is made, and again when `show` moves the plane: checkpoint, world, axes and resolution
    never change during its life. compute: fills the texture of `field`.
    """

    def __init__(
        self, field: CriticPass | UploadedField, compute: Callable[[MapPlane], None], plane: MapPlane
    ):
        self.field, self._compute = field, compute
        self.plane = plane
        compute(plane)

    @property
    def texture(self) -> Any:
        """The field: float32, one channel."""
        return self.field.texture

    def show(self, plane: MapPlane) -> bool:
        """Show a plane; return whether it differs from the one before, and was computed."""
        if plane.values == self.plane.values:
            return False
        self.plane = plane
        self._compute(plane)
        return True

    def release(self) -> None:
        """Free the texture and the passes that compute it."""
        self.field.release()


def critic_and_landscape(
    gl: Any, config: Config, world: World, checkpoint: Checkpoint | None, meter: FrameMeter
) -> tuple[Critic | None, Landscape | None]:
    """Return the critic for single states, and its landscape over the map; None for both without a critic.

    Compute shaders fill the landscape, or torch if `features.gpu_heatmap` is off (the plain path) or the
    critic is not a perceptron (`policy.torchscript_critic`).
    """
    edge, plane = config.heatmap.resolution, map_plane(config, world)
    if config.policy.torchscript_critic:
        values = _torchscript(config, world)
        return Critic(values, checkpoint.gamma if checkpoint else None), _uploaded(
            gl, edge, values, meter, plane
        )
    if checkpoint is None:
        return None, None
    critic = critic_of(checkpoint)
    if not config.features.gpu_heatmap:
        return critic, _uploaded(gl, edge, partial(_torch_values, checkpoint), meter, plane)
    computed = CriticPass(gl, checkpoint, edge, meter)
    return critic, _landscape(
        computed, lambda plane: computed.compute(network_inputs(plane, checkpoint, edge)), plane
    )


def critic_of(checkpoint: Checkpoint) -> Critic:
    """Return the checkpoint's critic, with the discount and the scale of rewards that it learned from."""
    return Critic(
        partial(value, checkpoint),
        checkpoint.gamma,
        checkpoint.reward_normalization,
        entropy_left_out=checkpoint.soft,
    )


def _uploaded(
    gl: Any, edge: int, values: Callable[[Float32Array], Float32Array], meter: FrameMeter, plane: MapPlane
) -> Landscape:
    """Return a landscape that the CPU computes. values: of observations [obs, n] float32, gives [n]."""
    field = UploadedField(gl, edge, meter)
    return _landscape(field, partial(_upload, field, values, meter), plane)


def _landscape(
    field: CriticPass | UploadedField, compute: Callable[[MapPlane], None], plane: MapPlane
) -> Landscape:
    try:
        return Landscape(field, compute, plane)
    except BaseException:
        field.release()
        raise


def _upload(
    field: UploadedField, values: Callable[[Float32Array], Float32Array], meter: FrameMeter, plane: MapPlane
) -> None:
    meter.queries += 1  # the CPU waits for an inference
    field.write(values(grid_obs(plane, field.edge)))


def _torch_values(checkpoint: Checkpoint, obs: Float32Array) -> Float32Array:
    import torch

    from valuescape.sim.policy.reference import TorchCheckpoint

    rows = torch.from_numpy(np.ascontiguousarray(obs.T))
    values: Float32Array = TorchCheckpoint(checkpoint).value(rows).numpy().ravel()
    return values


def _torchscript(config: Config, world: World) -> Callable[[Float32Array], Float32Array]:
    from valuescape.sim.policy.formats.torchscript import load_torchscript_critic

    return load_torchscript_critic(Path(config.policy.torchscript_critic), len(world.obs))
