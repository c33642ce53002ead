"""Parameters that CleanRL's JAX scripts write with Flax, in MessagePack (`runs/*/*.cleanrl_model`).

dqn_jax.py: `params.Dense_0.kernel` [in, out] …. DDPG and TD3: the list (actor, qf1[, qf2]) of such. Neither
the actions' bounds are in the file, nor gamma; critics take actions in the world's units. C51 is refused, and
so are the scripts for Atari.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.chains import Chain, chain
from valuescape.sim.policy.formats.files import BROKEN, read_bounded
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.libraries.cleanrl import SUFFIX
from valuescape.sim.policy.formats.libraries.state_dicts import require_linear
from valuescape.sim.policy.formats.library_format import library_format
from valuescape.sim.policy.formats.msgpack_data import begins_map, read_msgpack
from valuescape.sim.policy.formats.registry import Lack, Probe
from valuescape.sim.policy.formats.torch_data import named_tensors
from valuescape.sim.policy.network import Activation, ActorHead, CriticKind

_LAYERS = ("Dense_0", "Dense_1", "Dense_2")


def recognises(probe: Probe) -> bool:
    """Return whether a file is MessagePack of one to three of the scripts' networks."""
    if not begins_map(probe.head):
        return False
    try:
        tree = read_msgpack(read_bounded(probe.path))
        return _is_c51(tree) or _kind(tree, probe.path) is not None
    except (UsageError, OSError, *BROKEN):
        return False


def read(path: Path, given: Given) -> Found:
    """Return the networks in a file of one of the scripts."""
    tree = read_msgpack(read_bounded(path))
    if _is_c51(tree):
        raise UsageError(
            f"{path}: is CleanRL's C51, whose values are sums over a softmax of returns; it is not read",
            "use a DQN of the same world",
        )
    tensors = named_tensors(tree)
    if _kind(tree, path) == "dqn":
        network = _network(path, tensors, "params")
        return Found(
            algorithm="dqn",
            actor=network,
            head=ActorHead.ARGMAX,
            critics=(network,),
            critic_kind=CriticKind.DISCRETE_ACTION_VALUE,
            tensors=tensors,
        )
    actor, *critics = (_network(path, tensors, f"{index}.params") for index in range(len(tree)))
    return Found(
        algorithm="td3" if len(critics) > 1 else "ddpg",
        actor=actor.ending(Activation.TANH),
        head=ActorHead.SQUASHED,
        critics=tuple(critics),
        critic_kind=CriticKind.ACTION_VALUE,
        critic_units_differ=True,
        tensors=tensors,
    )


def _is_c51(tree: Any) -> bool:
    return isinstance(tree, dict) and tree.keys() >= {"model_weights", "args"} and "n_atoms" in tree["args"]


def _kind(tree: Any, path: Path) -> str | None:
    """Return "dqn" or "off-policy"; None for other parameters of Flax."""
    if _is_network(tree):
        widths = tuple(int(tree["params"][name]["kernel"].shape[1]) for name in _LAYERS[:2])
        return "dqn" if path.suffix == SUFFIX or widths == (120, 84) else None
    if isinstance(tree, dict) and tree.keys() in ({"0", "1"}, {"0", "1", "2"}):
        return "off-policy" if all(_is_network(each) for each in tree.values()) else None
    return None


def _is_network(tree: Any) -> bool:
    return (
        isinstance(tree, dict)
        and tree.keys() == {"params"}
        and isinstance(tree["params"], dict)
        and tree["params"].keys() == set(_LAYERS)
    )


def _network(path: Path, tensors: Mapping[str, Any], prefix: str) -> Chain:
    names = [f"{prefix}.{name}" for name in _LAYERS]
    require_linear(path, tensors, *names)
    return chain(path, tensors, *names, hidden=Activation.RELU)


FORMAT = library_format(
    "cleanrl-jax",
    "msgpack",
    recognises,
    read,
    library="CleanRL (JAX)",
    lacks=frozenset({Lack.WORLD, Lack.STATISTICS}),
    suffixes=(SUFFIX,),
)
