"""How long the critic's landscape takes: compute shaders against torch, and how far apart they are.

Run it by hand: .venv/bin/python tests/bench/critic_field.py
"""

import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch

from gpu.context import create_headless_context, driver_info
from gpu.meter import FrameMeter
from gpu.passes.critic import CriticPass
from sim.policy.network import Activation, ActorHead, Checkpoint, CriticKind, Layer, Mlp
from sim.policy.reference import TorchCheckpoint

REPEATS = 5


def network(sizes: tuple[int, ...], last: Activation, rng: np.random.Generator) -> Mlp:
    layers = []
    for index, (inputs, units) in enumerate(pairwise(sizes)):
        weight = (rng.standard_normal((units, inputs)) / np.sqrt(inputs)).astype(np.float32)
        bias = rng.standard_normal(units).astype(np.float32)
        layers.append(Layer(weight, bias, last if index == len(sizes) - 2 else Activation.RELU))
    return Mlp(tuple(layers))


def twin_critics(width: int) -> Checkpoint:
    """A pendulum's SAC: an actor, and twin critics of its observation and action."""
    rng = np.random.default_rng(width)
    critics = tuple(network((4, width, width, 1), Activation.IDENTITY, rng) for _ in range(2))
    return Checkpoint(
        algorithm="sac",
        world="",
        obs_dim=3,
        actor=network((3, width, width, 1), Activation.TANH, rng),
        actor_head=ActorHead.SQUASHED,
        critics=critics,
        critic_kind=CriticKind.ACTION_VALUE,
        action_low=np.array([-1], np.float32),
        action_high=np.array([1], np.float32),
        obs_normalization=None,
        gamma=0.99,
    )


def median_ms(run: Callable[[], object]) -> float:
    run()
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return float(np.median(times)) * 1e3


def main() -> None:
    gl = create_headless_context()
    print(f"{driver_info(gl).renderer}; torch {torch.__version__}, {torch.get_num_threads()} threads")
    print("critics         texels   GLSL ms   torch ms   largest relative error")
    for width in (64, 256):
        for edge in (128, 256):
            checkpoint = twin_critics(width)
            obs = np.random.default_rng(0).standard_normal((3, edge * edge)).astype(np.float32)
            reference, batch = TorchCheckpoint(checkpoint), torch.from_numpy(np.ascontiguousarray(obs.T))
            field = CriticPass(gl, checkpoint, edge, FrameMeter())

            def on_gpu(field: CriticPass = field, obs: np.ndarray = obs) -> None:
                field.compute(obs)
                gl.finish()

            glsl = median_ms(on_gpu)
            plain = median_ms(lambda reference=reference, batch=batch: reference.value(batch))
            expected = reference.value(batch).numpy().ravel()
            error = np.abs(field.read().ravel() - expected).max() / np.abs(expected).max()
            print(f"2x(4-{width}-{width}-1)  {edge:4}²  {glsl:8.1f}   {plain:8.1f}   {error:.1e}")
            field.release()


if __name__ == "__main__":
    main()
