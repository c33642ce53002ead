"""Processes that answer, for the benchmarks of hand-over. They end when `over` is set and they are woken."""

from typing import Any

from valuescape.sim.shared.orders import Bell


def answer_pipe(pipe: Any, over: Any) -> None:
    """Send back each message of a pipe."""
    while (said := pipe.recv()) is not None and not over.value:
        pipe.send(said)


def answer_queues(asked: Any, answered: Any, over: Any) -> None:
    """Send back each message of a queue, through another."""
    while (said := asked.get()) is not None and not over.value:
        answered.put(said)


def answer_semaphores(asked: Any, answered: Any, over: Any) -> None:
    """Answer each release with one."""
    while asked.acquire() and not over.value:
        answered.release()


def answer_events(asked: Any, answered: Any, over: Any) -> None:
    """Answer each event with one."""
    while asked.wait() and not over.value:
        asked.clear()
        answered.set()


def answer_barrier(barrier: Any, over: Any) -> None:
    """Meet twice a round: at the beginning and the end of a tick."""
    while True:
        barrier.wait()
        if over.value:
            return
        barrier.wait()


def answer_bells(asked: Bell, answered: Bell, count: Any, over: Any) -> None:
    """Answer rounds by a ring each. count: [rounds asked for, answered]; one ring may stand for two."""
    seen = 0
    while not over.value:
        if count[0] == seen:
            asked.wait(1.0)
            continue
        seen = count[0]
        count[1] = seen
        answered.ring()


def answer_words(count: Any, over: Any) -> None:
    """Poll a word in shared memory, and answer in another, without a system call."""
    while not over.value:
        if count[1] != count[0]:
            count[1] = count[0]
