"""Any perceptron: tensors in a torch file, safetensors or .npz, whose names tell actor and critic apart.

The names of layers are looked at for words: "actor", "policy", "pi", "mu" …; "critic", "value", "q", "vf" …;
layers of neither are a trunk that both share. Copies with "target" in their names are left out. A TOML file
(`Given.names`) states the names where they are of another kind.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import MAX_CRITICS
from valuescape.sim.policy.formats.algorithms import KINDS, OF_QUANTILES
from valuescape.sim.policy.formats.chains import Chain, chain, constant_layer, layer, layer_names
from valuescape.sim.policy.formats.contents import Contents, Lacking
from valuescape.sim.policy.formats.description import described, entry
from valuescape.sim.policy.formats.files import sound
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import OPTIONS, Given, asked_for
from valuescape.sim.policy.formats.libraries.state_dicts import other_observations, require_no_others
from valuescape.sim.policy.formats.library_format import library_format
from valuescape.sim.policy.formats.names_map import incomplete, read_names, require_names
from valuescape.sim.policy.formats.native import MARK
from valuescape.sim.policy.formats.registry import Lack, Probe
from valuescape.sim.policy.formats.tensor_files import is_npz, read_tensors
from valuescape.sim.policy.network import ActionNoise, Activation, ActorHead, CriticKind, Layer

_ACTOR = {"actor", "pi", "policy", "mu", "mean", "action", "actions", "logits"}
_CRITIC = {"critic", "critics", "value", "values", "v", "vf", "q", "qf", "qnet", "qs", "baseline"}
_ASIDE = {"target", "targ", "old", "ema", "optimizer", "optim", "optimizers"}
_OPTIMIZER = re.compile(
    r"(^|\.)(exp_avg|exp_avg_sq|max_exp_avg_sq|momentum_buffer|square_avg|param_groups|step)(\.|$)"
)
_LOG_STD = re.compile(r"(^|[._])log_?std(_linear|_layer|_head)?$|(^|[._])log_?std[._]", re.IGNORECASE)

_SQUASHED = tuple(name for name, kind in KINDS.items() if kind.takes_actions)
_OF_ACTIONS = tuple(name for name, kind in KINDS.items() if kind is CriticKind.DISCRETE_ACTION_VALUE)
_CRITICS = ("critic", "twin", *(f"critic{index}" for index in range(3, MAX_CRITICS + 1)))
_LIBRARY = "tensors by name"
_NOTHING = Given()


def recognises(probe: Probe) -> bool:
    """Return whether a file has linear layers by name; formats of libraries are asked before."""
    if probe.safetensors is not None:
        return bool(probe.safetensors.get("__metadata__", {}).get("format") != MARK)
    if is_npz(probe.members):
        return True
    return bool(probe.names)


def read(path: Path, given: Given) -> Found:
    """Return the networks in a file. Raises UsageError that asks for names if words do not tell them."""
    return networks(path, _tensors(path), given)


def networks(path: Path, tensors: dict[str, Any], given: Given) -> Found:
    """Return the networks among tensors by name, as `read` does."""
    names = _names(path, tensors, given)
    if not _told(names, given):
        raise _unknown(path, tensors, given)
    if given.names is not None:
        require_names(given.names, path, names, _modules(tensors))
    require_no_others(path, tensors if given.names is None else _within(tensors, names))
    critics = [chain(path, tensors, *names[role]) for role in _CRITICS if role in names]
    actor = chain(path, tensors, *names["actor"]) if "actor" in names else critics[0]
    if "actor" not in names and given.names is not None and actor.out_dim == 1:
        raise incomplete(given.names, names)
    kind = kind_of(given.algorithm, actor, critics)
    noise = _noise(path, tensors, names, actor)
    squashed = kind.takes_actions
    head = ActorHead.SQUASHED if squashed else ActorHead.CLIPPED if noise else None
    if kind is CriticKind.DISCRETE_ACTION_VALUE:
        actor, noise, head = critics[0], None, ActorHead.ARGMAX
    return Found(
        algorithm=given.algorithm or "",
        by_names=True,
        actor=actor.ending(Activation.TANH) if squashed else actor,
        head=head,
        critics=tuple(critics if squashed else critics[:1]),
        critic_kind=kind,
        quantiles=given.algorithm in OF_QUANTILES,
        noise=noise,
        refusal=_misfit(path, kind, actor, critics),
        tensors=tensors,
    )


def contents(path: Path, given: Given = _NOTHING) -> Contents:
    """Return what is in a file, also if words do not tell which tensors are which network."""
    with sound(path):
        tensors = _tensors(path)
        if _told(_names(path, tensors, given), given):
            return described("perceptron", _LIBRARY, read(path, given), given, FORMAT.lacks)
        if given.names is not None:
            raise _unknown(path, tensors, given)
    why, layers = "the layers' names have no word for an actor or a critic", layer_names(tensors)
    return Contents(
        format="perceptron",
        library=_LIBRARY,
        algorithm=given.algorithm or "",
        tensors=tuple(entry(name, each) for name, each in tensors.items()),
        lacking=(Lacking("names", why, needed=True, option=OPTIONS["names"]),) if layers else (),
        remarks=() if layers else (_without_layers(tensors),),
    )


def _tensors(path: Path) -> dict[str, Any]:
    return {name: each for name, each in read_tensors(path).items() if not words_of(name) & _ASIDE}


def _within(tensors: dict[str, Any], names: dict[str, list[str]]) -> dict[str, Any]:
    """Return the tensors of the modules that a TOML file names."""
    prefixes = tuple(f"{prefix}." for each in names.values() for prefix in each)
    return {name: tensor for name, tensor in tensors.items() if name.startswith(prefixes)}


def _names(path: Path, tensors: dict[str, Any], given: Given) -> dict[str, list[str]]:
    return read_names(given.names) if given.names else _by_words(tensors)


def _modules(tensors: dict[str, Any]) -> list[str]:
    """Return the names of the linear layers, and of the modules that they are in."""
    parts = [name.split(".") for name in layer_names(tensors)]
    return list(dict.fromkeys(".".join(each[:end]) for each in parts for end in range(1, len(each) + 1)))


def _misfit(path: Path, kind: CriticKind, actor: Chain, critics: list[Chain]) -> UsageError | None:
    """Return the error for critics that take other inputs than the actor's; None if all fit."""
    if kind.takes_actions:
        wrong = next((each for each in critics if each.in_dim != actor.in_dim + actor.out_dim), None)
        return (
            None
            if wrong is None
            else UsageError(
                f"{path}: its critic takes {wrong.in_dim} numbers, expected {actor.in_dim} observations and "
                f"{actor.out_dim} actions",
                "its networks are of no kind that is read",
            )
        )
    if actor is critics[0] and actor.out_dim == 1:
        return UsageError(f"{path}: has a critic of one value, and no actor", "save the actor with it")
    return other_observations(path, actor, critics[0])


def _told(names: dict[str, list[str]], given: Given) -> bool:
    """Return whether critic and actor are known; an algorithm that acts by its critic has no other actor."""
    return "critic" in names and ("actor" in names or given.algorithm in (None, *_OF_ACTIONS))


def kind_of(algorithm: str | None, actor: Chain, critics: list[Chain]) -> CriticKind:
    """Return the kind of the critics: of the algorithm, or as far as their inputs tell it."""
    if algorithm in _OF_ACTIONS or (algorithm is None and actor is critics[0]):
        return CriticKind.DISCRETE_ACTION_VALUE
    if algorithm in _SQUASHED or (algorithm is None and critics[0].in_dim == actor.in_dim + actor.out_dim):
        return CriticKind.MEAN_ACTION_VALUE if algorithm == "tqc" else CriticKind.ACTION_VALUE
    return CriticKind.STATE_VALUE


def _noise(
    path: Path, tensors: dict[str, Any], names: dict[str, list[str]], actor: Chain
) -> ActionNoise | None:
    (name,) = names.get("log_std", [""])
    last: Layer = actor.linears[-1].layer
    if name and name in tensors:
        return ActionNoise(constant_layer(path, name, tensors[name], last.weight.shape[1]))
    if name and layer_names(tensors, name) == [name]:
        return ActionNoise(layer(path, tensors, name))
    return None


def _by_words(tensors: dict[str, Any]) -> dict[str, list[str]]:
    """Return the names of layers by role: those of a trunk, then the role's own."""
    trunk: list[str] = []
    actor: list[str] = []
    critics: dict[str, list[str]] = {}
    for name in layer_names(tensors):
        words = words_of(name)
        if _LOG_STD.search(name):
            continue
        if words & _CRITIC:
            critics.setdefault(_critic_key(name), []).append(name)
        elif words & _ACTOR:
            actor.append(name)
        else:
            trunk.append(name)
    behind = (_behind(tensors, trunk, own) for own in critics.values())
    found = dict(zip(_CRITICS, behind, strict=False))
    if actor:
        found["actor"] = _behind(tensors, trunk, actor)
    log_std = [name for name in tensors if _LOG_STD.search(name)]
    if log_std:
        layers = [name for name in layer_names(tensors) if _LOG_STD.search(name)]
        found["log_std"] = (layers or log_std)[:1]
    return found


def _behind(tensors: dict[str, Any], trunk: list[str], own: list[str]) -> list[str]:
    """Return the layers of a head behind those of the trunk, if it takes the trunk's outputs."""
    if trunk and tensors[f"{trunk[-1]}.weight"].shape[0] == tensors[f"{own[0]}.weight"].shape[1]:
        return [*trunk, *own]
    return own


def _critic_key(name: str) -> str:
    """Return the part of a layer's name that tells critics apart: `critics.0` of `critics.0.2`, `qf1`."""
    parts = name.split(".")
    at = max(index for index, part in enumerate(parts) if words_of(part) & _CRITIC)
    numbers = [part for part in parts[at + 1 :] if part.isdecimal()]
    if len(numbers) > 1 and parts[at + 1].isdecimal():
        at += 1
    return ".".join(parts[: at + 1])


def words_of(name: str) -> set[str]:
    """Return the words of a name, without numbers: {"critic", "qf"} of critic.qf1.0."""
    return {word.lower() for word in re.findall(r"[A-Za-z]+", name)}


def _unknown(path: Path, tensors: dict[str, Any], given: Given) -> UsageError:
    layers = layer_names(tensors)
    if not layers:
        return UsageError(f"{path}: {_without_layers(tensors)}", "name a file of networks")
    if given.names is not None:
        return incomplete(given.names, _names(path, tensors, given))
    fields = ("names", "algorithm", "activation", "gamma")
    needed = [field for field in fields if getattr(given, field) is None]
    return asked_for(
        path, needed or ["names"], f" (layers: {', '.join(layers[:4])}{', …' if layers[4:] else ''})"
    )


def _without_layers(tensors: dict[str, Any]) -> str:
    """Return what a file without linear layers has."""
    if tensors and all(_OPTIMIZER.search(name) for name in tensors):
        return "has the state of an optimizer, and no networks"
    return "has no linear layers (NAME.weight)"


FORMAT = replace(
    library_format(
        "perceptron",
        "torch",
        recognises,
        read,
        library=_LIBRARY,
        lacks=frozenset({Lack.WORLD, Lack.STATISTICS}),
        suffixes=(".pt", ".pth", ".npz"),
    ),
    contents=contents,
)
