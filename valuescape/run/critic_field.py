"""The critic's landscape: its values over the map, computed on the GPU or the CPU and kept in a texture."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.critic import CriticPass
from valuescape.gpu.passes.uploaded_field import UploadedField
from valuescape.run.field_backend import Backend, backend_of, by_machine_code
from valuescape.sim.arrays import Float32Array
from valuescape.sim.config.files import Config
from valuescape.sim.fields import CompiledCritic
from valuescape.sim.insight.critics import critic_of
from valuescape.sim.insight.plane import MapPlane, grid_obs, map_plane, network_inputs
from valuescape.sim.insight.signals import Critic
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.worlds import World

GoOn = Callable[[float], bool]
"""Computes a field for about so many seconds; returns whether its texture has all of it now."""

Begin = Callable[[MapPlane], GoOn]
"""Begins to compute a critic's values over a plane of states."""


class Landscape:
    """The critic's values over a plane of states, in `texture`.

    Computed when it is made, when `show` moves the plane, and when `learn` brings another critic; world, axes
    and resolution never change during its life. field: has the texture, which stays the same object. plane:
    the newest that was asked for.

    Each call may compute for `budget_s` seconds, by default until all is done. A field that takes longer is
    completed by calls of `go_on`, and the texture has the one before until it is ready. What is asked for
    meanwhile waits until then; of several the last.
    """

    def __init__(self, field: CriticPass | UploadedField, begin: Begin, plane: MapPlane):
        self.field, self._begin = field, begin
        self.plane = plane
        self._waits = False
        begin(plane)(math.inf)
        self._work: GoOn | None = None

    @property
    def texture(self) -> Any:
        """The field: float32, one channel."""
        return self.field.texture

    def show(self, plane: MapPlane, budget_s: float = math.inf) -> bool:
        """Show a plane; return whether the texture has another field now."""
        return plane.values != self.plane.values and self._want(plane, budget_s)

    def learn(self, begin: Begin, plane: MapPlane, budget_s: float = math.inf) -> bool:
        """Show another critic, or how the same one sees another world; return whether the texture has it."""
        self._begin = begin
        return self._want(plane, budget_s)

    def _want(self, plane: MapPlane, budget_s: float) -> bool:
        self.plane, self._waits = plane, True
        return self.go_on(budget_s)

    def go_on(self, budget_s: float = math.inf) -> bool:
        """Go on computing; return whether the texture has another field now."""
        came, end = False, time.perf_counter() + budget_s
        while self._work or self._waits:
            if self._work is None:
                self._work, self._waits = self._begin(self.plane), False
            if not self._work(end - time.perf_counter()):
                break
            self._work, came = None, True
        return came

    def release(self) -> None:
        """Free the texture and the passes that compute it."""
        self.field.release()


def critic_and_landscape(
    gl: Any, config: Config, world: World, checkpoint: Checkpoint | None, meter: FrameMeter
) -> tuple[Critic | None, Landscape | None]:
    """Return the critic for single states, and its landscape over the map; None for both without a critic.

    Compute shaders or machine code on the CPU fill the landscape, as `heatmap.backend` says; NumPy if
    `features.gpu_heatmap` is off (the plain path), or torch if the critic is not a perceptron
    (`policy.torchscript_critic`).
    """
    critic = _critic(config, world, checkpoint)
    if critic is None:
        return None, None
    edge, plane = config.heatmap.resolution, map_plane(config, world)
    field: CriticPass | UploadedField
    if checkpoint and backend_of(gl, config, checkpoint) is Backend.GPU:
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
    budget_s: float,
) -> Critic:
    """Let a landscape show another checkpoint on a plane; return its critic.

    critic: the one so far. budget_s: as for `Landscape`. Of a critic that `policy.torchscript_critic` names
    only the discount changes.
    """
    field = landscape.field
    if config.policy.torchscript_critic:
        critic = replace(critic, gamma=checkpoint.gamma)
    else:
        critic = critic_of(checkpoint)
    landscape.learn(_computation(field, config, critic, checkpoint, meter), plane, budget_s)
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
) -> Begin:
    """Return what fills the texture of `field` with the critic's values."""
    if isinstance(field, CriticPass):
        assert checkpoint
        return partial(_by_shaders, field, checkpoint)
    if checkpoint and not config.policy.torchscript_critic and by_machine_code(config, checkpoint):
        return partial(_by_machine_code, field, CompiledCritic(checkpoint), meter)
    return partial(_by_function, field, critic.value, meter)


def _by_shaders(field: CriticPass, checkpoint: Checkpoint, plane: MapPlane) -> GoOn:
    field.take(checkpoint)
    field.compute(network_inputs(plane, checkpoint, field.edge))
    return lambda seconds: True


def _by_machine_code(
    field: UploadedField, critic: CompiledCritic, meter: FrameMeter, plane: MapPlane
) -> GoOn:
    evaluation = critic.begin(grid_obs(plane, field.edge))

    def go_on(seconds: float) -> bool:
        meter.queries += 1  # the CPU waits for an inference
        if not evaluation.go_on(seconds):
            return False
        field.write(evaluation.values())
        return True

    return go_on


def _by_function(
    field: UploadedField, values: Callable[[Float32Array], Float32Array], meter: FrameMeter, plane: MapPlane
) -> GoOn:
    meter.queries += 1  # the CPU waits for an inference
    field.write(values(grid_obs(plane, field.edge)))
    return lambda seconds: True


def _torchscript(config: Config, world: World) -> Callable[[Float32Array], Float32Array]:
    from valuescape.sim.policy.formats.torchscript import load_torchscript_critic

    return load_torchscript_critic(Path(config.policy.torchscript_critic), len(world.obs))
