"""Times compiled networks against the products that they are made of, in one process, on one thread.

Each figure is the best of many short turns, so that other work on the machine counts little. Run it by hand:
PYTHONPATH=tests/helpers:tests/bench .venv/bin/python tests/bench/network_kernels.py
"""

import time
from itertools import pairwise

import numpy as np
from engine.products import SUMS, TURNS, run
from networks import random_mlp

from valuescape.sim.policy.network import Activation
from valuescape.sim.stepping.compiled.columns import ColumnNetwork
from valuescape.sim.stepping.compiled.mlp import TILE_AGENTS
from valuescape.sim.stepping.compiled.vectors import LANES

TILES = 256
SHAPES = (2, 64, 64, 1), (4, 256, 256, 1)
ACTIVATIONS = Activation.IDENTITY, Activation.RELU, Activation.TANH
ROUNDS = 100


def shortest(calls):
    """Return the shortest time of each call, in seconds, in turns."""
    best = [np.inf] * len(calls)
    for _ in range(ROUNDS):
        for index, call in enumerate(calls):
            began = time.perf_counter()
            call()
            best[index] = min(best[index], time.perf_counter() - began)
    return best


def prepared(shape, hidden):
    """Return a call that evaluates a network for TILES tiles."""
    network = ColumnNetwork(random_mlp(shape, hidden))
    columns = np.random.default_rng(0).uniform(-1, 1, (shape[0], TILES * TILE_AGENTS)).astype(np.float32)
    out = np.empty((shape[-1], columns.shape[1]), np.float32)
    return lambda: network.forward(columns, out, range(TILES))


def main() -> None:
    sums = np.zeros(SUMS * LANES, np.float32)
    kinds = [(shape, hidden) for shape in SHAPES for hidden in ACTIVATIONS]
    calls = [lambda: run(sums), *(prepared(*kind) for kind in kinds)]
    calls[0]()
    alone, *times = shortest(calls)
    product_s = alone / (TURNS * SUMS * LANES)
    print("network      activation   M/s   of the rate of its products alone (goal 0.85)")
    for (shape, hidden), seconds in zip(kinds, times, strict=True):
        agents, products = TILES * TILE_AGENTS, sum(a * b for a, b in pairwise(shape))
        name = "-".join(map(str, shape))
        ratio = products * agents * product_s / seconds
        print(f"{name:12} {hidden:10} {agents / seconds / 1e6:6.2f}   {ratio:.3f}")


if __name__ == "__main__":
    main()
