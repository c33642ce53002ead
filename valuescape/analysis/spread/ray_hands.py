"""Processes on the nodes of a Ray cluster that make the parts of an analysis: one for each CPU."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from valuescape.analysis.spread.actor import PartActor
from valuescape.analysis.spread.hands import Lost, Outcome, Raised
from valuescape.analysis.spread.parts import Job, Part
from valuescape.sim.cluster.asking import Asking
from valuescape.sim.cluster.losses import why_lost
from valuescape.sim.cluster.probing import free_cpus
from valuescape.sim.config.sections import WorkersConfig
from valuescape.sim.crew.failures import Failure
from valuescape.sim.errors import UsageError

_LOOK_S = 0.5
"""Seconds between two questions to a process at work."""

_CALLS = 4
"""Calls that a process carries out at a time: a part, and beside it `where`, `look` and `stop`. Ray's client
knows no concurrency groups."""

_FILL_S = 1.0
"""Seconds between two looks at whether there is room for more processes."""

_SETTLED_S = 2.0
"""Seconds after a start, until which the cluster's answer about free CPUs may be from before it."""


@dataclass
class _Process:
    """A process that was asked for."""

    actor: Any
    since: float
    ready: Any = None
    """Its first answer, until that is there."""
    node: str = "a node"
    part: Any = None
    """The reference of the part at work."""
    look: Any = None
    """The reference of an answer that is awaited."""
    asked: float = 0.0
    share: float = 0.0


class RayHands:
    """`Hands` that are actors of Ray, of one CPU each, on whichever nodes have room.

    A process is given up, and another takes its place, if Ray says that it is gone, or if it does not answer
    for long. Nodes that join are used as they come.
    """

    def __init__(self, ray: Any, config: WorkersConfig) -> None:
        """Ask for processes: `workers.count`, or as many as the cluster has CPUs.

        ray: the module, connected to `workers.cluster`. A process may be silent for
        `workers.heartbeat_timeout`, and so may the head of the cluster. `workers.start_timeout` is for a
        process to start, and for a cluster without any to get some.
        """
        self._ray = ray
        self._most = 0 if config.count == "auto" else config.count
        self._silence_s, self._start_s = max(config.heartbeat_timeout, 2.0), config.start_timeout
        self._free = Asking(config.cluster, lambda: free_cpus(ray), self._silence_s)
        self._class = ray.remote(num_cpus=1, max_restarts=0, max_concurrency=_CALLS)(PartActor)
        self._job: Any = None
        self._processes: dict[int, _Process] = {}
        self._lost: list[tuple[int, Outcome]] = []
        self._next = 0
        self._filled = self._seen = time.monotonic()
        self._greeted = -_SETTLED_S
        self._fill()

    @property
    def count(self) -> int:
        """Processes that are there or have been asked for."""
        return max(len(self._processes), 1)

    def begin(self, job: Job) -> None:
        """Send a job to the cluster, whence each process fetches it; end processes that are at work still."""
        for hand, process in list(self._processes.items()):
            if process.part is not None:
                self._end(hand)
        self._lost.clear()
        self._job = self._ray.put(job)
        if not self._processes:
            self._fill()

    def idle(self) -> Sequence[int]:
        """Return the processes that wait for a part.

        Raises UsageError if there has been none for long, ClusterGoneError if the cluster's head is.
        """
        now = time.monotonic()
        if now - self._filled > _FILL_S:
            self._filled = now
            self._fill()
        self._meet(now)
        found = [hand for hand, each in self._processes.items() if each.ready is None]
        if found:
            self._seen = now
        elif now - self._seen > self._start_s:
            raise UsageError(
                f"no process has begun on the cluster within {self._start_s:g} s (workers.start_timeout)",
                "`ray status` shows its nodes and what holds their CPUs",
            )
        return [hand for hand in found if self._processes[hand].part is None]

    def give(self, hand: int, part: Part) -> None:
        """Let a process make a part."""
        process = self._processes[hand]
        process.part = process.actor.make.remote([self._job], part)
        process.share, process.look = 0.0, None
        process.asked = time.monotonic()

    def wait(self, seconds: float) -> Sequence[tuple[int, Outcome]]:
        """Return what is done, and what was lost. Raises ClusterGoneError if the cluster's head is."""
        self._free.require_sound()
        self._look()
        at_work = {each.part: hand for hand, each in self._processes.items() if each.part is not None}
        done: Sequence[Any] = ()
        if at_work:
            done, _ = self._ray.wait(list(at_work), num_returns=len(at_work), timeout=0)
            if not done:
                done, _ = self._ray.wait(list(at_work), num_returns=1, timeout=seconds)
        elif not self._lost:
            time.sleep(seconds)
        found = [(at_work[part], self._outcome(at_work[part])) for part in done]
        found += self._lost
        self._lost = []
        return found

    def shares(self) -> Sequence[float]:
        """Return how far parts at work are."""
        return [each.share for each in self._processes.values() if each.part is not None]

    def stop(self) -> None:
        """Ask processes at work to end their parts."""
        for process in self._processes.values():
            if process.part is not None:
                self._call(process, "stop")

    def end(self) -> None:
        """End all processes at once, with their parts."""
        for hand in list(self._processes):
            self._end(hand)
        self._lost.clear()

    def close(self) -> None:
        """End all processes for good."""
        self._free.close()
        self.end()
        self._job = None

    def _fill(self) -> None:
        """Ask for as many processes as there is room for; those that are not there yet hold their room."""
        starting = sum(each.ready is not None for each in self._processes.values())
        if time.monotonic() - self._greeted < _SETTLED_S:
            return
        room = int(self._free.newest) - starting
        if self._most:
            room = min(room, self._most - len(self._processes))
        for _ in range(room):
            actor = self._class.options(scheduling_strategy="SPREAD").remote()
            process = _Process(actor, time.monotonic())
            process.ready = self._call(process, "where")
            self._processes[self._next] = process
            self._next += 1

    def _meet(self, now: float) -> None:
        """Note which processes have started; end those that take too long."""
        starting = [each.ready for each in self._processes.values() if each.ready is not None]
        if not starting:
            return
        here, _ = self._ray.wait(starting, num_returns=len(starting), timeout=0)
        for hand, process in list(self._processes.items()):
            if process.ready in here:
                self._greet(hand, process)
            elif process.ready is not None and now - process.since > self._start_s:
                self._end(hand)

    def _greet(self, hand: int, process: _Process) -> None:
        """Note on which node a process has started; end one that failed."""
        self._greeted = time.monotonic()
        try:
            process.node, process.ready = self._ray.get(process.ready), None
        except self._ray.exceptions.RayError:
            self._end(hand)

    def _look(self) -> None:
        """Ask the processes at work how far they are; give up those that have not answered for long."""
        now = time.monotonic()
        for hand, process in list(self._processes.items()):
            if process.part is None:
                continue
            if process.look is None and now - process.asked > _LOOK_S:
                process.look, process.asked = self._call(process, "look"), now
            if process.look is not None:
                self._hear(hand, process, now)

    def _hear(self, hand: int, process: _Process, now: float) -> None:
        there, _ = self._ray.wait([process.look], timeout=0)
        if there:
            try:
                process.share, process.look = self._ray.get(process.look), None
            except self._ray.exceptions.RayError:
                process.look = None  # the part's own reference says what has happened
        elif now - process.asked > self._silence_s:
            why = f"on {process.node}: silent for {self._silence_s:g} s (workers.heartbeat_timeout)"
            self._lost.append((hand, Lost(why)))
            self._end(hand)

    def _outcome(self, hand: int) -> Outcome:
        """Return what became of a part that is done; a process that is gone is left out from now on."""
        process = self._processes[hand]
        try:
            made = self._ray.get(process.part, timeout=self._silence_s)
        except (self._ray.exceptions.RayError, TimeoutError) as error:
            self._end(hand)
            return Lost(f"on {process.node}: {why_lost(self._ray, error)}")
        process.part = process.look = None
        return Raised(made, f"node {process.node}") if isinstance(made, Failure) else made

    def _call(self, process: _Process, method: str) -> Any:
        """Call a method beside a part at work."""
        return getattr(process.actor, method).remote()

    def _end(self, hand: int) -> None:
        self._ray.kill(self._processes.pop(hand).actor, no_restart=True)
