"""Processes that answer: the other side of each hand-over. In the end `over` is set, and they are woken."""

from typing import Any

from valuescape.sim.shared.orders import Bell


def answer_pipe(pipe: Any, over: Any) -> None:
    """Send back what comes."""
    while (said := pipe.recv()) is not None and not over.value:
        pipe.send(said)


def answer_queues(asked: Any, answered: Any, over: Any) -> None:
    """The same through queues."""
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
    """Meet twice a round, as a tick with a beginning and an end needs it."""
    while True:
        barrier.wait()
        if over.value:
            return
        barrier.wait()


def answer_bells(asked: Bell, answered: Bell, count: Any, over: Any) -> None:
    """Answer each ring with one. count: rounds that were asked for; a ring may be heard for two of them."""
    seen = 0
    while not over.value:
        if count[0] == seen:
            asked.wait(1.0)
            continue
        seen = count[0]
        count[1] = seen
        answered.ring()


def answer_words(count: Any, over: Any) -> None:
    """Look at a word in shared memory again and again, and answer in another: no system call at all."""
    while not over.value:
        if count[1] != count[0]:
            count[1] = count[0]
