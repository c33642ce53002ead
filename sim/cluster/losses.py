"""Short sentences for what Ray says of processes and nodes that are lost."""

from typing import Any

from valuescape.sim.errors import first_line


def why_lost(ray: Any, error: Exception) -> str:
    """Return in a few words what an error of Ray's says of a process; its own text has up to ten lines."""
    known = ray.exceptions
    for kind, said in (
        (known.OutOfMemoryError, "its node's memory was full, so Ray ended it"),
        (known.ActorUnavailableError, "its node does not answer"),
        (known.NodeDiedError, "its node is gone"),
        (known.ActorDiedError, _how_it_died(str(error))),
        (known.ObjectLostError, "what it made was lost with its node"),
        (TimeoutError, "what it made does not arrive"),
    ):
        if isinstance(error, kind):
            return said
    return first_line(error)


def _how_it_died(text: str) -> str:
    if "its node has died" in text:
        return "its node is gone"
    if "running low on memory" in text:
        return "its node's memory was full, so Ray ended it"
    return "it crashed, or was killed"
