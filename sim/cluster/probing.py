"""Asks the nodes of a connected Ray cluster for their facts."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from valuescape.sim.cluster.checks import Node
from valuescape.sim.cluster.facts import Facts, facts_here
from valuescape.sim.cluster.naming import name_of
from valuescape.sim.errors import first_line

ANSWER_S = 30.0
"""Seconds for all nodes to answer; each starts a process for that."""

_HEAD_S = 5.0
"""The longest that the head may take to give a sign of life."""


def nodes_of(ray: Any) -> list[Node]:
    """Return the nodes that are there, each with its facts; those that are about to leave are left out.

    ray: the module, connected. A node that has not answered after ANSWER_S has no facts.
    """
    alive = [each for each in ray.nodes() if each["Alive"]]
    if len(alive) == 1 and alive[0]["NodeID"] == _own_node(ray):
        return [Node(name_of(alive[0]), _cpus(alive[0]), facts_here())]
    asked = [(each, _ask(ray, each["NodeID"])) for each in alive]
    end = time.monotonic() + ANSWER_S
    found = [_answered(ray, each, answer, end) for each, answer in asked]
    return [node for node in found if node is not None]


def require_same_head(ray: Any) -> None:
    """Raise an error of Ray's if the head of the cluster does not answer, or was restarted as another one.

    To be called before it is asked for nodes or resources: of another head, Ray ends the process then.
    """
    client = getattr(ray._private.worker.global_worker, "gcs_client", None)
    if client is not None:  # as there is none through Ray's server of clients
        client.check_alive([], timeout=_HEAD_S)


def free_cpus(ray: Any) -> float:
    """Return how many CPUs of the cluster nothing holds. Raises as `require_same_head`."""
    require_same_head(ray)
    return float(ray.available_resources().get("CPU", 0.0))


def free_cpus_by_node(ray: Any) -> dict[str, float]:
    """Return how many CPUs of each node nothing holds, by `NodeID`; {} through Ray's client, which can't ask.

    Ray has this as a private function alone; of the whole cluster, `free_cpus`.
    """
    with contextlib.suppress(Exception):
        found: dict[str, dict[str, float]] = ray._private.state.available_resources_per_node()
        # A resource of which nothing is left goes unmentioned.
        return {key: each.get("CPU", 0.0) for key, each in found.items()}
    return {}


def _own_node(ray: Any) -> str:
    """Return the node that this process is part of; "" of a client, whose versions may differ."""
    return "" if ray.util.client.ray.is_connected() else str(ray.get_runtime_context().get_node_id())


def _ask(ray: Any, node: str) -> Any:
    there = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)
    return ray.remote(num_cpus=0, max_retries=0, scheduling_strategy=there)(_probe()).remote()


def _probe() -> Callable[[], dict[str, Any]]:
    """Return a function that Ray sends as it is, not by name: the node need not have this module."""

    def probe() -> dict[str, Any]:
        try:
            from valuescape.sim.cluster.facts import facts_here
        except ImportError as error:
            return {"problem": f"{type(error).__name__}: {error}"}
        return asdict(facts_here())

    return probe


def _answered(ray: Any, node: dict[str, Any], answer: Any, end: float) -> Node | None:
    try:
        said = ray.get(answer, timeout=max(end - time.monotonic(), 0.1))
    except ray.exceptions.GetTimeoutError:
        return Node(name_of(node), _cpus(node), problem=f"does not answer within {ANSWER_S:g} s")
    except (ray.exceptions.TaskUnschedulableError, ray.exceptions.WorkerCrashedError):
        return None  # it is being drained, or has gone
    except ray.exceptions.RayError as error:
        return Node(name_of(node), _cpus(node), problem=first_line(error))
    if "problem" in said:
        return Node(name_of(node), _cpus(node), problem=f"valuescape cannot be imported ({said['problem']})")
    return Node(name_of(node), _cpus(node), Facts(**said))


def _cpus(node: dict[str, Any]) -> float:
    return float(node["Resources"].get("CPU", 0))
