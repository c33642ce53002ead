"""Measures a step without the engine: a numba kernel on private arrays, one thread for each core.

A step clips the action, applies dynamics, reward, done flags and time limit, observes unless the observation
is the state, and restarts agents that are done. Agents lie in blocks with rows at fixed distances, which
suits LLVM best, and are stepped in place. Threads share nothing.
"""

import threading
import time

import numpy as np
from measuring import answer, arguments

from valuescape.sim.codegen.compiler import compiled, compiled_whole
from valuescape.sim.codegen.machine import BLOCK_AGENTS, load_elements, store_elements, store_flag
from valuescape.sim.stepping.stepper import observes_state
from valuescape.sim.worlds import WORLDS
from valuescape.sim.worlds.base import full_dynamics
from valuescape.sim.worlds.parameters import middle_values

THREADS = 2
TICKS = 20  # in a call, between two readings of the clock
STATE, ACTION, REWARD, OBS = 0, 2, 3, 4
ACTION_AT, REWARD_AT, OBS_AT = (4 * BLOCK_AGENTS * row for row in (ACTION, REWARD, OBS))


def make_kernel(world):
    """Return run(blocks, done, steps, n, low, high, limit): TICKS ticks of all blocks."""
    dynamics, start = compiled_whole(full_dynamics(world)), compiled_whole(world.start)
    values, none = tuple(middle_values(world.ranges)[:, 0]), ()
    observation, sees_state = compiled_whole(world.observation), observes_state(world)
    draws = world.reset_draws

    @compiled
    def step(block, done, n, low, high):
        for i in range(n):
            action = load_elements(block + ACTION_AT, i, 1)[0]
            action = action if action > low else low
            action = action if action < high else high
            state, reward, over = dynamics(load_elements(block, i, 2), (action,), values, none)
            store_elements(block, i, state)
            store_elements(block + REWARD_AT, i, (reward,))
            if not sees_state:
                store_elements(block + OBS_AT, i, observation(state))
            store_flag(done, i, over)

    @compiled
    def count(done, steps, limit):
        for i in range(len(done)):
            steps[i] += np.uint32(1)
            late = np.uint8(2) if steps[i] >= limit else np.uint8(0)
            done[i] = done[i] if done[i] else late

    @compiled
    def any_done(done):
        found = np.uint8(0)
        for i in range(len(done)):
            found |= done[i]
        return found != np.uint8(0)

    @compiled
    def restart(block, done, steps, noise):
        for i in range(len(done)):
            if done[i]:
                for row in range(draws):
                    noise[row, 0] = np.float32(np.random.random())  # noqa: NPY002 - numba's own
                store_elements(block, i, start(load_elements(noise.ctypes.data, 0, draws)))
                steps[i] = np.uint32(0)

    @compiled
    def run(blocks, done, steps, noise, n, low, high, limit):
        for _ in range(TICKS):
            for b in range(len(blocks)):
                size = min(BLOCK_AGENTS, n - b * BLOCK_AGENTS)
                address, flags = blocks[b].ctypes.data, done[b, :size]
                step(address, flags.ctypes.data, size, low, high)
                count(flags, steps[b, :size], limit)
                if any_done(flags):
                    restart(address, flags, steps[b, :size], noise)

    return run


def make_share(world, agents):
    """Return the arguments of the kernel for one thread's agents."""
    rng = np.random.default_rng(0)
    number = -(-agents // BLOCK_AGENTS)
    blocks = np.zeros((number, OBS + len(world.obs), BLOCK_AGENTS), np.float32)
    blocks[:, STATE] = rng.uniform(-0.6, -0.4, (number, BLOCK_AGENTS))
    blocks[:, ACTION] = rng.uniform(-1, 1, (number, BLOCK_AGENTS))
    done = np.zeros((number, BLOCK_AGENTS), np.uint8)
    steps = rng.integers(0, world.max_episode_steps, done.shape).astype(np.uint32)
    noise = np.zeros((4, BLOCK_AGENTS), np.float32)
    bounds = world.action.low[0], world.action.high[0]
    return blocks, done, steps, noise, agents, *bounds, np.uint32(world.max_episode_steps)


def main() -> None:
    args = arguments()
    world = WORLDS[args["world"]]()
    run = make_kernel(world)
    shares = [make_share(world, args["agents"] // THREADS) for _ in range(THREADS)]
    run(*shares[0])
    rates = [0.0] * THREADS

    def work(index: int) -> None:
        began, calls = time.perf_counter(), 0
        while (elapsed := time.perf_counter() - began) < args["seconds"]:
            run(*shares[index])
            calls += 1
        rates[index] = calls * TICKS * shares[index][4] / elapsed

    threads = [threading.Thread(target=work, args=(index,)) for index in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answer(sum(rates))


if __name__ == "__main__":
    main()
