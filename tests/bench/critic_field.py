"""Times the critic's landscape by compute shaders, by machine code and by torch, and compares their values.

Run it by hand: PYTHONPATH=tests/helpers .venv/bin/python tests/bench/critic_field.py
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from networks import twin_critics

from valuescape.gpu.context import create_headless_context, driver_info
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.critic import CriticPass
from valuescape.sim.arrays import Float32Array
from valuescape.sim.fields import CompiledCritic
from valuescape.sim.policy.reference import TorchCheckpoint

REPEATS = 5


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
    print("critics           texels   GLSL ms   machine code ms   torch ms   largest relative errors")
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
            compiled = CompiledCritic(checkpoint)

            def by_code(critic: CompiledCritic = compiled, obs: np.ndarray = obs) -> Float32Array:
                evaluation = critic.begin(obs)
                evaluation.go_on(60)
                return evaluation.values()

            machine = median_ms(by_code)
            expected = reference.value(batch).numpy().ravel()
            errors = [
                np.abs(found - expected).max() / np.abs(expected).max()
                for found in (field.read().ravel(), by_code())
            ]
            print(
                f"2x(4-{width}-{width}-1)".ljust(16)
                + f"{edge:6}²  {glsl:8.1f}   {machine:15.1f}   {plain:8.1f}   "
                + ", ".join(f"{error:.1e}" for error in errors)
            )
            field.release()


if __name__ == "__main__":
    main()
