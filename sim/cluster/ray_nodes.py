"""Nodes of a Ray cluster: one actor a node, placed there by Ray, hosts the slices of a run."""

import contextlib
import math
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from valuescape.sim.cluster.checks import require_usable
from valuescape.sim.cluster.connecting import connected
from valuescape.sim.cluster.facts import facts_here
from valuescape.sim.cluster.host import Host
from valuescape.sim.cluster.node import Call, Node, NodeLostError, Nodes
from valuescape.sim.cluster.probing import nodes_of
from valuescape.sim.cluster.reaching import SETTING
from valuescape.sim.config.sections import WorkersConfig
from valuescape.sim.crew.failures import Failure, WorkerFailedError
from valuescape.sim.errors import UsageError

_POLL_S = 0.5
"""Interval at which the cluster is asked for its nodes."""

_FETCH_S = 2.0
"""The longest that it may take to get what an actor has answered: Ray says so before it is here."""

_PAUSE_S = 1.0
"""Before a host is started again on a node where one was lost; doubled each time."""


class HostActor:
    """What Ray runs on a node: a host, whose errors are values."""

    def __init__(self) -> None:
        self._host = Host()

    def answer(self, method: str, *arguments: Any) -> tuple[Exception | None, Any]:
        """Return the error that a method of the host raised, or None, and what it returned."""
        try:
            return None, getattr(self._host, method)(*arguments)
        except (UsageError, WorkerFailedError) as error:
            return error, None
        except Exception as error:
            return WorkerFailedError(Failure.of(error).trace), None


class RayCall(Call):
    """A call of an actor. answer: refers to what it returned, for calls that have it as argument."""

    def __init__(self, ray: Any, name: str, error: Any, answer: Any) -> None:
        self._ray, self._name, self._error, self.answer = ray, name, error, answer

    def is_done(self) -> bool:
        """Return whether the actor has answered, or is gone."""
        done, _ = self._ray.wait([self._error], timeout=0)
        return bool(done)

    def require_sound(self) -> None:
        """Raise what the method raised."""
        error = self._get(self._error, _FETCH_S)
        if error is not None:
            raise error

    def result(self, timeout_s: float) -> Any:
        """Return what the method returned; arrays are read-only."""
        error = self._get(self._error, timeout_s)
        if error is not None:
            raise error
        return self._get(self.answer, timeout_s)

    def _get(self, reference: Any, timeout_s: float) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference, timeout=timeout_s)
        except errors.GetTimeoutError:
            raise TimeoutError(f"{self._name}: no answer within {timeout_s:g} s") from None
        except errors.RayError as error:
            raise NodeLostError(f"{self._name}: {_first_line(error)}") from None


class RayNode(Node):
    """An actor on one node of the cluster."""

    def __init__(self, ray: Any, key: str, name: str, cpus: int) -> None:
        self.key, self.name, self.cpus = key, name, float(cpus)
        self.ended_s: float | None = None
        self._ray = ray
        there = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(key, soft=False)
        made = ray.remote(num_cpus=cpus, max_restarts=0, scheduling_strategy=there)(HostActor)
        self._actor = made.remote()

    def ask(self, method: str, *arguments: Any) -> RayCall:
        """Call a method of the host."""
        given = [each.answer if isinstance(each, RayCall) else each for each in arguments]
        error, answer = self._actor.answer.options(num_returns=2).remote(method, *given)
        return RayCall(self._ray, self.name, error, answer)

    def end(self) -> None:
        """Kill the actor; its workers end with it."""
        if self.ended_s is None:
            self.ended_s = time.monotonic()
            with contextlib.suppress(Exception):  # the cluster may be gone
                self._ray.kill(self._actor, no_restart=True)


@dataclass(frozen=True, slots=True)
class _Machine:
    """A node of the cluster that is alive."""

    key: str
    name: str
    cpus: int


class RayNodes(Nodes):
    """The nodes of a Ray cluster that have a core to give: each gets one host with all cores that are free.

    A thread asks the cluster for its nodes. If it gets no answer for `workers.heartbeat_timeout`, the head of
    the cluster is gone, and so is the run: nothing could be placed any more.
    """

    def __init__(self, config: WorkersConfig) -> None:
        """Connect. Raises UsageError if there is no such cluster, or it is not as `require_usable` has it."""
        self._config = config
        self._owned = ExitStack()
        self._ray = self._owned.enter_context(connected(config.cluster))
        self._hosts: dict[str, RayNode] = {}
        self._losses: dict[str, int] = {}
        self._machines: list[_Machine] = []
        self._asked_s = self._heard_s = time.monotonic()
        self._over = threading.Event()
        self._poll = threading.Thread(target=self._ask_again, name="cluster-nodes", daemon=True)
        try:
            self._machines = self._alive()
            free = sum(each.cpus for each in self._machines)
            require_usable(nodes_of(self._ray), facts_here(), free=free)
            self._heard_s = time.monotonic()
            self._poll.start()
        except BaseException:
            self.close()
            raise

    def new(self) -> Sequence[RayNode]:
        """Return hosts for the nodes that have none."""
        fresh = []
        for machine in self._machines:
            if machine.cpus and self._may_start(machine.key):
                node = RayNode(self._ray, machine.key, machine.name, machine.cpus)
                self._hosts[machine.key] = node
                fresh.append(node)
        return fresh

    def _may_start(self, key: str) -> bool:
        before = self._hosts.get(key)
        if before is None:
            return True
        if before.ended_s is None:
            return False
        losses = self._losses.get(key, 0)
        if time.monotonic() - before.ended_s < _PAUSE_S * 2 ** min(losses, 5):
            return False
        self._losses[key] = losses + 1
        return True

    def require_sound(self) -> None:
        """Raise WorkerFailedError if the head of the cluster does not answer."""
        silent = time.monotonic() - self._heard_s
        if silent > self._config.heartbeat_timeout + _POLL_S:
            said = f"{SETTING} = {self._config.cluster!r}: the head of the cluster has not answered for"
            raise WorkerFailedError(f"{said} {silent:.0f} s; the run cannot go on without it")

    def _ask_again(self) -> None:
        while not self._over.wait(_POLL_S):
            with contextlib.suppress(Exception):  # the next answer counts
                self._machines = self._alive()
                self._heard_s = time.monotonic()

    def _alive(self) -> list[_Machine]:
        """Return the nodes that are alive, with the cores that are free, or were when a host began there."""
        free, found = self._free(), []
        for each in self._ray.nodes():
            if each["Alive"]:
                key, whole = each["NodeID"], each["Resources"].get("CPU", 0.0)
                # A resource of which nothing is left goes unmentioned.
                left = free[key].get("CPU", 0.0) if key in free else whole
                held = self._hosts.get(key)
                cpus = held.cpus if held else min(whole, left)
                found.append(_Machine(key, _name(each), math.floor(cpus)))
        return found

    def _free(self) -> dict[str, dict[str, float]]:
        """Return the resources of each node that are free, as far as Ray says."""
        with contextlib.suppress(Exception):  # through Ray's client there is no such question
            found: dict[str, dict[str, float]] = self._ray._private.state.available_resources_per_node()
            return found
        return {}

    def close(self) -> None:
        """End all hosts and disconnect."""
        self._over.set()
        for each in self._hosts.values():
            each.end()
        self._owned.close()


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _name(node: dict[str, Any]) -> str:
    """Return a node's name for messages; several of one machine differ in their keys."""
    return f"{node['NodeManagerHostname']} ({node['NodeID'][:6]})"
