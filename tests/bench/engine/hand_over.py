"""Measures the hand-over of a tick between the main process and two workers, and the cost of waiting.

Spawned workers import their parent's main module, this file, so they know the empty world too.
"""

import multiprocessing
import time

import psutil
from empty_world import Empty
from measuring import answer, arguments, calls_per_s
from ours import config, running

from valuescape.sim.worlds import WORLDS

WORLDS[Empty.name] = Empty
WORKERS, AGENTS, IDLE_S = 2, 64, 2.0


def empty_engine():
    """Open an engine with the empty world."""
    return running(config(Empty.name, AGENTS, WORKERS), given_actions=True)


def measure_engine(args) -> None:
    with empty_engine() as engine:
        pace = calls_per_s(lambda: engine.advance_to(engine.newest_tick + 1), args["seconds"])
        answer(1e6 / pace)


def attend(barrier) -> None:
    while True:
        barrier.wait()
        barrier.wait()


def measure_barrier(args) -> None:
    """Time two waits for each tick: begin, and done."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(WORKERS + 1)
    workers = [context.Process(target=attend, args=(barrier,), daemon=True) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    barrier.wait()
    barrier.wait()
    pace = calls_per_s(lambda: (barrier.wait(), barrier.wait()), args["seconds"])
    for worker in workers:
        worker.kill()
    answer(1e6 / pace)


def measure_idle(args) -> None:
    """Measure the processor time of all workers while no tick is asked for."""
    with empty_engine() as engine:
        engine.advance_to(1000)
        time.sleep(0.2)
        workers = [psutil.Process(pid) for pid in engine.worker_pids]
        before = [sum(worker.cpu_times()[:2]) for worker in workers]
        switches = sum(sum(worker.num_ctx_switches()) for worker in workers)
        time.sleep(IDLE_S)
        used = sum(sum(worker.cpu_times()[:2]) for worker in workers) - sum(before)
        woken = sum(sum(worker.num_ctx_switches()) for worker in workers) - switches
        answer(100 * used / IDLE_S, wakes_per_s=woken / IDLE_S)


if __name__ == "__main__":
    asked = arguments()
    globals()[f"measure_{asked['kind']}"](asked)
