"""Times networks, and whole ticks with them, against their products alone: in one process, on one thread.

Each figure is the best of many short turns, one of each in rotation, so that other work on the machine counts
little. Run it by hand: PYTHONPATH=tests/helpers:tests/bench .venv/bin/python tests/bench/network_kernels.py
"""

import time
from contextlib import ExitStack
from itertools import pairwise

import numpy as np
from engine.ours import config, random_network, running
from engine.products import PRODUCTS, SUMS, TURNS, run
from engine.rows import OPTIONS_GOAL, POLICY_GOAL, TABLE_CELLS
from networks import random_mlp

from valuescape.sim.policy.network import Activation
from valuescape.sim.stepping.compiled.columns import ColumnNetwork
from valuescape.sim.stepping.compiled.mlp import TILE_AGENTS
from valuescape.sim.stepping.compiled.vectors import HAS_BFLOAT16, LANES

TILES = 256
SHAPES = (2, 64, 64, 1), (4, 256, 256, 1)
ACTIVATIONS = Activation.IDENTITY, Activation.RELU, Activation.TANH
PRECISIONS = ("float32", "bfloat16") if HAS_BFLOAT16 else ("float32",)
AGENTS = 10_240
ROUNDS = 300


def shortest(calls):
    """Return the shortest time of each call, in seconds."""
    best = dict.fromkeys(calls, np.inf)
    for _ in range(ROUNDS):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - began)
    return best


def evaluation(shape, hidden):
    """Return a call that evaluates a network for TILES tiles."""
    network = ColumnNetwork(random_mlp(shape, hidden))
    columns = np.random.default_rng(0).uniform(-1, 1, (shape[0], TILES * TILE_AGENTS)).astype(np.float32)
    out = np.empty((shape[-1], columns.shape[1]), np.float32)
    return lambda: network.forward(columns, out, range(TILES))


def tick(opened, hidden, **options):
    """Return a call that makes a tick of AGENTS mountain cars with a 2-64-64-1 policy, in this process."""
    settings = config("mountain_car_continuous", AGENTS, 0, **options)
    engine = opened.enter_context(running(settings, random_network(hidden)))
    engine.advance_to(5)
    return lambda: engine.advance_to(engine.newest_tick + 1)


def main() -> None:
    sums = np.zeros(SUMS * LANES, np.float32)
    run(sums)
    work, calls = {}, {"products": lambda: run(sums)}
    for shape in SHAPES:
        for hidden in ACTIVATIONS:
            name = f"network {'-'.join(map(str, shape))} {hidden}"
            work[name] = TILES * TILE_AGENTS, sum(a * b for a, b in pairwise(shape))
            calls[name] = evaluation(shape, hidden)
    with ExitStack() as opened:
        for hidden in ACTIVATIONS:
            for precision in PRECISIONS:
                name = f"tick 2-64-64-1 {hidden} {precision}"
                work[name] = AGENTS, PRODUCTS
                calls[name] = tick(opened, hidden, precision=precision)
        name = f"tick, {TABLE_CELLS} x {TABLE_CELLS} cells"
        work[name] = AGENTS, PRODUCTS
        calls[name] = tick(opened, Activation.TANH, tabulated=TABLE_CELLS)
        best = shortest(calls)
    products_per_s = TURNS * SUMS * LANES / best["products"]
    print(f"{'':34} M agents/s   of the rate of the float32 products alone")
    print(f"{'':34} (goal: ticks {POLICY_GOAL}; options with 2 threads {OPTIONS_GOAL} M)")
    for name, (agents, products) in work.items():
        rate = agents / best[name]
        print(f"{name:34} {rate / 1e6:10.2f}   {rate * products / products_per_s:.3f}")


if __name__ == "__main__":
    main()
