"""A request and an answer between two processes, by each means of synchronisation."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import multiprocess

from valuescape.benchmarks import partners
from valuescape.benchmarks.conftest import Measure
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine
from valuescape.sim.shared.orders import Bell

_SPAWN = multiprocess.get_context("spawn")


@contextmanager
def answering(
    partner: Callable[..., None], *shared: Any, wake: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Run a partner in another process. wake: ends its last wait, so that it sees that `over` is set."""
    over = _SPAWN.Value("b", 0, lock=False)
    process = _SPAWN.Process(target=partner, args=(*shared, over), daemon=True)
    process.start()
    try:
        yield
    finally:
        over.value = 1
        wake()
        process.join(2)
        process.kill()
        process.join()


def bench_queues(measure: Measure) -> None:
    """Two queues, each with a thread that feeds a pipe."""
    asked, answered = _SPAWN.Queue(), _SPAWN.Queue()

    def call() -> None:
        asked.put(1)
        answered.get()

    with answering(partners.answer_queues, asked, answered, wake=lambda: asked.put(1)):
        measure("queues", 1, call)
    for queue in (asked, answered):
        queue.close()
        queue.join_thread()


def bench_pipe(measure: Measure) -> None:
    """A pipe, as in Gymnasium's AsyncVectorEnv for every worker."""
    ours, theirs = _SPAWN.Pipe()

    def call() -> None:
        ours.send(1)
        ours.recv()

    with answering(partners.answer_pipe, theirs, wake=lambda: ours.send(1)):
        measure("a pipe", 1, call)
    ours.close()
    theirs.close()


def bench_events(measure: Measure) -> None:
    """Two events."""
    asked, answered = _SPAWN.Event(), _SPAWN.Event()

    def call() -> None:
        asked.set()
        answered.wait()
        answered.clear()

    with answering(partners.answer_events, asked, answered, wake=asked.set):
        measure("events", 1, call)


def bench_barrier(measure: Measure) -> None:
    """A barrier, met twice."""
    barrier = _SPAWN.Barrier(2)

    def call() -> None:
        barrier.wait()
        barrier.wait()

    with answering(partners.answer_barrier, barrier, wake=barrier.wait):
        measure("a barrier", 1, call)


def bench_semaphores(measure: Measure) -> None:
    """Two semaphores."""
    asked, answered = _SPAWN.Semaphore(0), _SPAWN.Semaphore(0)

    def call() -> None:
        asked.release()
        answered.acquire()

    with answering(partners.answer_semaphores, asked, answered, wake=asked.release):
        measure("semaphores", 1, call)


def bench_bells(measure: Measure) -> None:
    """Words in shared memory, and an eventfd for a partner that sleeps: the engine's way."""
    asked, answered, count = Bell(), Bell(), _SPAWN.Array("q", 2, lock=False)

    def call() -> None:
        count[0] += 1
        asked.ring()
        while count[1] != count[0]:
            answered.wait(1.0)

    with answering(partners.answer_bells, asked, answered, count, wake=asked.ring):
        measure("words, and eventfd to wake", 1, call)
    asked.close()
    answered.close()


def bench_words(measure: Measure) -> None:
    """Words in shared memory that both sides poll: the fastest way, at the cost of a core each."""
    count = _SPAWN.Array("q", 2, lock=False)

    def call() -> None:
        count[0] += 1
        while count[1] != count[0]:
            pass

    with answering(partners.answer_words, count):
        measure("words, both keep looking", 1, call)


def bench_engine(measure: Measure) -> None:
    """A whole tick of 64 mountain cars by one worker, which polls, then sleeps on an eventfd."""
    settings = ["world.name=mountain_car", "agents.count=64", "workers.count=1", "policy.checkpoint=random"]
    with Engine(load_config(None, settings), None) as engine:
        engine.wait_ready()
        engine.advance_to(100)
        measure("a tick of the engine", 1, lambda: engine.advance_to(engine.newest_tick + 1))
