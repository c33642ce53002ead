"""A worker process: steps its slice of the arena until it is told to stop or its parent is gone.

Imports neither torch nor OpenGL: a worker is to start in a fraction of a second and stay small.
"""

import os
import time
import traceback
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from sim.arena import Arena
from sim.control import Bell, Orders, read_orders
from sim.interrupts import ignore_interrupts
from sim.layout import NO_LIMIT, Phase
from sim.policy.inference import BatchPolicy
from sim.policy.network import Checkpoint
from sim.stepper import Stepper
from sim.worlds import make_world

HEARTBEAT_S = 0.2
"""A worker that waits shows at least this often that it is alive."""


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """All that a worker needs; pickled once, when its process is started."""

    index: int
    part: slice
    world: str
    checkpoint: Checkpoint | None
    seed: int
    exploration: float
    max_lead: int
    arena: Arena
    bells: tuple[Bell, ...]  # one per worker, rung to wake it
    main_bell: Bell  # rung when a worker reaches its limit
    parent_pid: int


def make_stepper(spec: WorkerSpec) -> Stepper:
    """Return the stepper for the slice `spec` names; also used without processes."""
    world = make_world(spec.world)
    size = spec.part.stop - spec.part.start
    policy = BatchPolicy(spec.checkpoint, world.action, size) if spec.checkpoint else None
    return Stepper(spec.arena, spec.part, world, policy, spec.seed, spec.exploration)


def worker_main(spec: WorkerSpec, last_words: Any) -> None:
    """Run a worker; the process's entry point. What goes wrong is sent through the pipe `last_words`."""
    ignore_interrupts()  # Ctrl-C reaches the whole group; the main process decides
    record = spec.arena["worker"][spec.index]
    record["pid"] = os.getpid()
    record["heartbeat_ns"] = time.monotonic_ns()
    try:
        with threadpool_limits(1):  # workers are the parallelism; BLAS threads would fight them
            _Loop(spec, make_stepper(spec)).run()
    except BaseException:
        record["phase"] = Phase.FAILED
        last_words.send(traceback.format_exc())
        raise SystemExit(1) from None


class _Loop:
    """Step, publish, and wait for whatever comes first: orders, the slowest worker, or the clock."""

    def __init__(self, spec: WorkerSpec, stepper: Stepper) -> None:
        self.spec = spec
        self.stepper = stepper
        self.arena = spec.arena
        self.records = spec.arena["worker"]
        self.record = self.records[spec.index]
        self.bell = spec.bells[spec.index]

    def run(self) -> None:
        if self.record["tick"] < 0:
            self.stepper.initialise()
            self._publish(0)
        self.record["phase"] = Phase.RUNNING
        while os.getppid() == self.spec.parent_pid:
            self.record["heartbeat_ns"] = time.monotonic_ns()
            orders = read_orders(self.arena)
            if orders.stop:
                return
            wait = self._wait_s(orders, int(self.record["tick"]))
            if wait > 0:
                self.bell.wait(min(wait, HEARTBEAT_S))
            else:
                self._step(orders)

    def _wait_s(self, orders: Orders, tick: int) -> float:
        """Return how long there is nothing to do; 0 to step now."""
        if tick >= orders.limit:
            return HEARTBEAT_S
        behind = tick + 1 - self.spec.max_lead
        if self._slowest() < behind:
            self.record["waits_for"] = behind
            if self._slowest() < behind:  # look again: it may have published before it could see us wait
                return HEARTBEAT_S
        self.record["waits_for"] = NO_LIMIT
        return max(0.0, (orders.due_ns(tick + 1) - time.monotonic_ns()) * 1e-9)

    def _slowest(self) -> int:
        return int(self.records["tick"].min())

    def _step(self, orders: Orders) -> None:
        tick = int(self.record["tick"])
        self.stepper.step(tick)
        self._publish(tick + 1)
        if tick + 1 >= orders.limit:
            self.spec.main_bell.ring()

    def _publish(self, tick: int) -> None:
        """Name the tick complete, after all of it is written; wake workers that waited for it."""
        self.record["tick"] = tick
        waits = self.records["waits_for"]
        if waits.min() < NO_LIMIT:
            reached = np.flatnonzero(waits <= self._slowest())
            for index in reached:
                self.spec.bells[index].ring()
