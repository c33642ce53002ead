"""ONNX files of perceptrons: an actor and a critic among the values of one graph, read as data.

The outputs' names are looked at for words, as `perceptron` does; the map of names (`Given.names`) may name
any value of the graph.
"""

from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import frozen
from valuescape.sim.policy.formats.chains import Chain, Linear
from valuescape.sim.policy.formats.files import read_bounded
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import Given, asked_for
from valuescape.sim.policy.formats.library_format import library_format
from valuescape.sim.policy.formats.names_map import incomplete, read_names, require_names
from valuescape.sim.policy.formats.onnx_graph import Graph, Traced, read_graph, traced
from valuescape.sim.policy.formats.perceptron import kind_of, words_of
from valuescape.sim.policy.formats.registry import Lack, Probe
from valuescape.sim.policy.network import Activation, ActorHead, CriticKind, Layer, ObsNormalization

_PRODUCERS = (b"pytorch", b"onnx", b"skl2onnx", b"tf2onnx", b"keras", b"jax")
_ROLES = {
    "actor": {"actor", "action", "actions", "policy", "mu", "mean", "pi", "logits"},
    "critic": {"critic", "value", "values", "v", "q", "qf", "vf"},
}


def recognises(probe: Probe) -> bool:
    """Return whether a file begins with the version and the producer of an ONNX model."""
    head = probe.head
    return head[:1] == b"\x08" and (
        probe.path.suffix.lower() == ".onnx" or any(each in head.lower() for each in _PRODUCERS)
    )


def read(path: Path, given: Given) -> Found:
    """Return the networks that end in the graph's outputs, or in the values that a map names."""
    graph = read_graph(read_bounded(path))
    if not graph.nodes:
        raise UsageError(f"{path}: is an ONNX file without operators, or it is damaged", "get it again")
    names = _stated(given.names) if given.names else _by_words(graph)
    if given.names:
        known = [*graph.outputs, *(each for node in graph.nodes for each in node.outputs)]
        require_names(given.names, path, {role: [name] for role, name in names.items()}, known)
    if "critic" not in names:
        if given.names:
            raise incomplete(given.names, names)
        outputs = ", ".join(graph.outputs[:6]) or "none"
        raise asked_for(path, ["names"], f" (the graph's outputs: {outputs}); an actor alone has no values")
    networks = {role: _traced(path, graph, name) for role, name in names.items() if role != "log_std"}
    critics = [networks[role] for role in ("critic", "twin") if role in networks]
    actor = networks.get("actor", critics[0])
    _require_inputs(path, graph, [actor, *critics], names.get("actor", ""))
    _require_plain(path, critics)
    chains = [_frozen(path, each.chain) for each in critics]
    own = chains[0] if actor is critics[0] else _frozen(path, actor.chain)
    kind = kind_of(given.algorithm, own, chains)
    return Found(
        algorithm=given.algorithm or "",
        by_names=True,
        actor=own,
        head=_head(actor, kind),
        critics=tuple(chains if kind.takes_actions else chains[:1]),
        critic_kind=kind,
        obs_normalization=_normalization(path, [actor, *critics]),
        action_low=actor.low,
        action_high=actor.high,
        tensors={name: each for name, each in graph.constants.items() if each.ndim and each.size},
        version=graph.producer,
    )


def _stated(path: Path) -> dict[str, str]:
    return {role: each[0] for role, each in read_names(path).items()}


def _by_words(graph: Graph) -> dict[str, str]:
    found = {}
    for role, words in _ROLES.items():
        names = [name for name in graph.outputs if words_of(name) & words]
        if len(names) == 1:
            found[role] = names[0]
    return found


def _traced(path: Path, graph: Graph, name: str) -> Traced:
    try:
        return traced(graph, name)
    except ValueError as error:
        raise UsageError(
            f"{path}: {name} is the output of no perceptron: {error}",
            "only chains of Gemm, MatMul, Add and activations are read; --map names other values",
        ) from error


def _require_inputs(path: Path, graph: Graph, networks: list[Traced], action: str) -> None:
    """Raise UsageError unless all take one input of the graph, and critics perhaps the actions behind it."""
    obs = networks[0].inputs[0]
    for each in networks:
        first, *rest = each.inputs
        behind = all(name in (action, *graph.inputs) for name in rest)
        if first != obs or obs not in graph.inputs or len(rest) > 1 or not behind:
            raise UsageError(f"{path}: a network takes {', '.join(each.inputs)}, expected {obs} and actions")


def _require_plain(path: Path, critics: list[Traced]) -> None:
    """Raise UsageError if a critic's outputs are clipped or go through a softmax: a chain has neither."""
    if any(each.scores or each.low is not None or each.high is not None for each in critics):
        raise UsageError(
            f"{path}: a critic ends in Clip, Softmax or ArgMax, and has no values behind them",
            "export the values before, and name them with --map",
        )


def _head(actor: Traced, kind: CriticKind) -> ActorHead | None:
    if kind is CriticKind.DISCRETE_ACTION_VALUE or actor.scores:
        return ActorHead.ARGMAX
    last: Layer = actor.chain.linears[-1].layer
    if last.activation is Activation.TANH:
        return ActorHead.SQUASHED
    return None if actor.low is None or actor.high is None else ActorHead.CLIPPED


def _frozen(path: Path, chain: Chain) -> Chain:
    return Chain(
        tuple(
            Linear(
                each.name,
                Layer(
                    frozen(path, each.name, each.layer.weight),
                    frozen(path, each.name, each.layer.bias),
                    each.layer.activation,
                ),
            )
            for each in chain.linears
        )
    )


def _normalization(path: Path, networks: list[Traced]) -> ObsNormalization | None:
    """Return the normalisation of observations that all networks begin with; None if none does."""
    first = networks[0]
    for each in networks:
        if not (_same(each.mean, first.mean) and _same(each.std, first.std)):
            raise UsageError(f"{path}: its networks normalise observations differently")
    if first.mean is None and first.std is None:
        return None
    size = first.chain.in_dim
    mean = np.zeros(size) if first.mean is None else np.broadcast_to(np.ravel(first.mean), (size,))
    std = np.ones(size) if first.std is None else np.broadcast_to(np.ravel(first.std), (size,))
    return ObsNormalization(frozen(path, "mean", mean), frozen(path, "std", std), float("inf"))


def _same(one: Any, other: Any) -> bool:
    return (one is None and other is None) or (
        one is not None and other is not None and np.array_equal(one, other)
    )


FORMAT = library_format(
    "onnx",
    "ONNX",
    recognises,
    read,
    library="ONNX",
    lacks=frozenset({Lack.WORLD, Lack.STATISTICS}),
    suffixes=(".onnx",),
)
