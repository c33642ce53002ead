"""Nodes of a Ray cluster: one actor a node, placed there by Ray, hosts the slices of a run."""

import contextlib
import math
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from valuescape.sim.cluster.asking import Asking
from valuescape.sim.cluster.checks import require_room, require_usable, rounding_remark
from valuescape.sim.cluster.connecting import connected
from valuescape.sim.cluster.facts import facts_here
from valuescape.sim.cluster.host import Host
from valuescape.sim.cluster.losses import why_lost
from valuescape.sim.cluster.naming import name_of
from valuescape.sim.cluster.node import Call, Node, NodeLostError, Nodes
from valuescape.sim.cluster.orphans import end_with_raylet
from valuescape.sim.cluster.probing import free_cpus_by_node, nodes_of, require_same_head
from valuescape.sim.config.sections import WorkersConfig
from valuescape.sim.crew.failures import Failure, WorkerFailedError
from valuescape.sim.errors import UsageError

_FETCH_S = 2.0
"""The longest that it may take to get what an actor has answered: Ray says so before it is here."""

_PAUSE_S = 1.0
"""Before a host is started again on a node where one was lost; doubled each time."""

_FREED_S = 2.0
"""The longest that it may take until cores of hosts that were ended are free."""


class HostActor:
    """What Ray runs on a node: a host, whose errors are values."""

    def __init__(self) -> None:
        end_with_raylet()
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
            raise NodeLostError(f"{self._name}: {why_lost(self._ray, error)}") from None


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

    Without an answer for `workers.heartbeat_timeout` the head of the cluster is gone, and so is the run:
    nothing could be placed any more.
    """

    def __init__(self, config: WorkersConfig) -> None:
        """Connect. Raises UsageError if there is no such cluster, or it is not as `require_usable` has it."""
        self._config = config
        self._owned = ExitStack()
        self._ray = self._owned.enter_context(connected(config.cluster))
        self._hosts: dict[str, RayNode] = {}
        self._losses: dict[str, int] = {}
        try:
            self._machines = Asking(config.cluster, self._alive, config.heartbeat_timeout)
            self._owned.callback(self._machines.close)
            free = {each.name: each.cpus for each in self._machines.newest}
            nodes, here = nodes_of(self._ray), facts_here()
            require_usable(nodes, here, free=sum(free.values()))
            require_room(free, config.count)
            self.remark = rounding_remark(nodes, here)
        except BaseException:
            self.close()
            raise

    def new(self) -> Sequence[RayNode]:
        """Return hosts for the nodes that have none, as far as `workers.nodes` lets them."""
        fresh = list[RayNode]()
        for machine in self._machines.newest:
            if machine.cpus and self._has_room and self._may_start(machine.key):
                node = RayNode(self._ray, machine.key, machine.name, machine.cpus)
                self._hosts[machine.key] = node
                fresh.append(node)
        return fresh

    @property
    def _has_room(self) -> bool:
        at_work = sum(each.ended_s is None for each in self._hosts.values())
        return not self._config.nodes or at_work < self._config.nodes

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
        """Raise ClusterGoneError if the head of the cluster does not answer."""
        self._machines.require_sound()

    def _alive(self) -> list[_Machine]:
        """Return the nodes that are alive, with the cores that are free, or were when a host began there."""
        require_same_head(self._ray)
        free, found = free_cpus_by_node(self._ray), []
        for each in self._ray.nodes():
            if each["Alive"]:
                key, whole = each["NodeID"], each["Resources"].get("CPU", 0.0)
                held = self._hosts.get(key)
                cpus = held.cpus if held else min(whole, free.get(key, whole))
                found.append(_Machine(key, name_of(each), math.floor(cpus)))
        return found

    def close(self) -> None:
        """End all hosts and disconnect, once the cores are free again: another run may begin at once."""
        held = {key: each.cpus for key, each in self._hosts.items() if each.ended_s is None}
        for each in self._hosts.values():
            each.end()
        end = time.monotonic() + _FREED_S
        while held and self._machines.is_fresh and time.monotonic() < end:
            free = free_cpus_by_node(self._ray)
            held = {key: cpus for key, cpus in held.items() if free.get(key, cpus) < cpus}
            time.sleep(_FREED_S / 100)
        self._owned.close()
