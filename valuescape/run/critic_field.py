"""The critic's landscape: its values over the map, computed on the GPU or the CPU and kept in a texture."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.critic import CriticPass
from valuescape.gpu.passes.uploaded_field import UploadedField
from valuescape.sim.arrays import Float32Array
from valuescape.sim.config.files import Config
from valuescape.sim.insight.critics import critic_of
from valuescape.sim.insight.plane import MapPlane, grid_obs, map_plane, network_inputs
from valuescape.sim.insight.signals import Critic
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.worlds import World

Compute = Callable[[MapPlane], None]
"""Fills a texture with a critic's values over a plane of states."""


class Landscape:
    """The critic's values over a plane of states, in `texture`.

    Computed when it is made, when `show` moves the plane, and when `learn` brings another critic; world, axes
    and resolution never change during its life. field: has the texture, which stays the same object.
    """

    def __init__(self, field: CriticPass | UploadedField, compute: Compute, plane: MapPlane):
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

    def learn(self, compute: Compute, plane: MapPlane) -> None:
        """Show another critic, or how the same one sees another world, from now on."""
        self._compute, self.plane = compute, plane
        compute(plane)

    def release(self) -> None:
        """Free the texture and the passes that compute it."""
        self.field.release()


def critic_and_landscape(
    gl: Any, config: Config, world: World, checkpoint: Checkpoint | None, meter: FrameMeter
) -> tuple[Critic | None, Landscape | None]:
    """Return the critic for single states, and its landscape over the map; None for both without a critic.

    Compute shaders fill the landscape; NumPy if `features.gpu_heatmap` is off (the plain path), or torch if
    the critic is not a perceptron (`policy.torchscript_critic`).
    """
    critic = _critic(config, world, checkpoint)
    if critic is None:
        return None, None
    edge, plane = config.heatmap.resolution, map_plane(config, world)
    field: CriticPass | UploadedField
    if checkpoint and config.features.gpu_heatmap and not config.policy.torchscript_critic:
        field = CriticPass(gl, checkpoint, edge, meter)
    else:
        field = UploadedField(gl, edge, meter)
    try:
        return critic, Landscape(field, _computation(field, config, critic, checkpoint, meter), plane)
    except BaseException:
        field.release()
        raise


def learn(
    landscape: Landscape,
    config: Config,
    critic: Critic,
    checkpoint: Checkpoint,
    plane: MapPlane,
    meter: FrameMeter,
) -> Critic:
    """Let a landscape show another checkpoint on a plane; return its critic.

    critic: the one so far. Of one that `policy.torchscript_critic` names only the discount changes.
    """
    field = landscape.field
    if config.policy.torchscript_critic:
        critic = replace(critic, gamma=checkpoint.gamma)
    else:
        critic = critic_of(checkpoint)
    if isinstance(field, CriticPass):
        field.take(checkpoint)
    landscape.learn(_computation(field, config, critic, checkpoint, meter), plane)
    return critic


def _critic(config: Config, world: World, checkpoint: Checkpoint | None) -> Critic | None:
    if config.policy.torchscript_critic:
        return Critic(_torchscript(config, world), checkpoint.gamma if checkpoint else None)
    return critic_of(checkpoint) if checkpoint else None


def _computation(
    field: CriticPass | UploadedField,
    config: Config,
    critic: Critic,
    checkpoint: Checkpoint | None,
    meter: FrameMeter,
) -> Compute:
    """Return what fills the texture of `field` with the critic's values."""
    if isinstance(field, CriticPass):
        networks = checkpoint
        assert networks
        return lambda plane: field.compute(network_inputs(plane, networks, field.edge))
    return partial(_upload, field, critic.value, meter)


def _upload(
    field: UploadedField, values: Callable[[Float32Array], Float32Array], meter: FrameMeter, plane: MapPlane
) -> None:
    meter.queries += 1  # the CPU waits for an inference
    field.write(values(grid_obs(plane, field.edge)))


def _torchscript(config: Config, world: World) -> Callable[[Float32Array], Float32Array]:
    from valuescape.sim.policy.formats.torchscript import load_torchscript_critic

    return load_torchscript_critic(Path(config.policy.torchscript_critic), len(world.obs))
