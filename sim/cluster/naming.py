"""Names of a cluster's nodes in messages."""

import platform
from typing import Any

_SHOWN = 6
"""Characters of a node's number that names show: nodes of one machine differ in them."""


def name_of(node: dict[str, Any]) -> str:
    """Return the name of a node as `ray.nodes` describes it."""
    return _name(node["NodeManagerHostname"], node["NodeID"])


def name_here(ray: Any) -> str:
    """Return the name of the node that the calling process, an actor or a task, is on."""
    return _name(platform.node(), ray.get_runtime_context().get_node_id())


def _name(machine: str, number: str) -> str:
    return f"{machine} ({number[:_SHOWN]})"
