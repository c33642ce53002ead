"""Checks of a cluster before work begins on it: the same versions everywhere, and enough processors."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from valuescape.sim.cluster.facts import Facts
from valuescape.sim.errors import UsageError

_START = "ray start --address=HEAD:6379 adds a node"


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a cluster.

    name: its address. cpus: as Ray counts them. facts: None if it did not answer, or has no valuescape; then
    `problem` says why.
    """

    name: str
    cpus: float
    facts: Facts | None = None
    problem: str = ""


def require_usable(nodes: Sequence[Node], here: Facts, *, free: float, cpus: int = 1) -> None:
    """Raise UsageError, a sentence with its remedy, for a cluster that work should not begin on.

    free: CPUs that nothing holds; one has to be there. cpus: how many there have to be, free or not.
    """
    for node in nodes:
        _require_like(node, here)
    have = int(sum(node.cpus for node in nodes))
    if have < max(cpus, 1):
        asked = f"workers.count = {cpus}" if cpus > 1 else "work needs one at least"
        raise UsageError(
            f"the cluster has {_counted(have, 'CPU')} on {_counted(len(nodes), 'node')}: {asked}",
            f"{_START}; or ask for fewer" if cpus > 1 else _START,
        )
    if free < 1:
        raise UsageError(
            f"the cluster is full: other work holds its {_counted(have, 'CPU')}",
            f"wait for that to end (`ray status` shows it), or {_START}",
        )


def require_room(cores: Mapping[str, int], workers: int | Literal["auto"]) -> None:
    """Raise UsageError if a node has fewer cores to give than `workers.count` asks for on each.

    cores: those that are free, by the node's name; nodes without any are left out, as by runs.
    """
    name, least = min(cores.items(), key=lambda each: each[1] or math.inf)
    if workers != "auto" and workers > least > 0:
        raise UsageError(
            f"workers.count = {workers} worker processes on each node: node {name} has "
            f"{_counted(least, 'CPU')} that {'is' if least == 1 else 'are'} free",
            f"--set workers.count={least}, or auto: as many as each node has",
        )


def _require_like(node: Node, here: Facts) -> None:
    facts = node.facts
    if facts is None:
        raise UsageError(f"node {node.name}: {node.problem}", "install the same valuescape on every node")
    for name, has, expected in (
        ("Ray", facts.ray, here.ray),
        ("Python", _minor(facts.python), _minor(here.python)),
        ("valuescape", facts.version, here.version),
    ):
        if has != expected:
            raise UsageError(
                f"node {node.name} has {name} {has}, this machine has {expected}",
                "install the same on both",
            )
    if facts.sources != here.sources:
        raise UsageError(
            f"node {node.name} has another valuescape {facts.version}: its files hash to {facts.sources}, "
            f"those of this machine to {here.sources}",
            "install the same commit on both",
        )


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def rounding_remark(nodes: Sequence[Node], here: Facts) -> str:
    """Return a sentence if nodes round differently from this machine; empty if all are alike."""
    other = [node for node in nodes if node.facts and node.facts.arithmetic != here.arithmetic]
    if not other:
        return ""
    first = other[0]
    assert first.facts is not None
    more = f" and {_counted(len(other) - 1, 'other')}" if len(other) > 1 else ""
    return (
        f"node {first.name}{more}: its processor ({first.facts.processor}) rounds differently from this "
        f"machine's ({here.processor}), so numbers may differ in their last digits from those made here"
    )


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
