"""The critic's landscape, a 64-64 network evaluated at every texel: NumPy, torch, compute shaders."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from valuescape.benchmarks.conftest import Measure
from valuescape.benchmarks.made_up import WORLD
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.critic import CriticPass
from valuescape.gpu.shader_source import install_includes
from valuescape.presets import find_checkpoint
from valuescape.sim.insight.plane import grid_obs, network_inputs, own_plane
from valuescape.sim.policy.inference import value
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.reference import TorchCheckpoint

EDGES = (64, 128, 256)


def critic() -> Checkpoint:
    """Return the shipped checkpoint of the point mass."""
    found = find_checkpoint("auto", WORLD)
    assert found is not None
    return found


@pytest.mark.parametrize("edge", EDGES)
def bench_numpy(measure: Measure, edge: int) -> None:
    """The plain path, `features.gpu_heatmap` off: as workers do it, in blocks that fit the cache."""
    checkpoint, obs = critic(), grid_obs(own_plane(WORLD), edge)
    measure("NumPy", edge * edge, lambda: value(checkpoint, obs))


@pytest.mark.parametrize("edge", EDGES)
def bench_torch(measure: Measure, edge: int) -> None:
    """The reference of the tests."""
    reference = TorchCheckpoint(critic())
    obs = torch.from_numpy(np.ascontiguousarray(grid_obs(own_plane(WORLD), edge).T))
    measure("torch", edge * edge, lambda: reference.value(obs))


@pytest.mark.parametrize("edge", EDGES)
def bench_shaders(measure: Measure, gl: Any, own: Callable[[Any], Any], edge: int) -> None:
    """`features.gpu_heatmap` on: inputs are uploaded, the field stays on the GPU."""
    install_includes(gl)
    checkpoint = critic()
    computed = own(CriticPass(gl, checkpoint, edge, FrameMeter()))
    inputs = network_inputs(own_plane(WORLD), checkpoint, edge)

    def call() -> None:
        computed.compute(inputs)
        gl.finish()

    measure("compute shaders", edge * edge, call)
