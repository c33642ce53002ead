"""Statements about a checkpoint that its own file contradicts, or that take the place of the file's word."""

import difflib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.algorithms import KINDS, LIKELY, agree
from valuescape.sim.policy.formats.description import OUTPUTS
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import Given, setting_of
from valuescape.sim.policy.network import Activation, ActorHead


def refuse_contradictions(path: Path, found: Found, given: Given) -> None:
    """Raise UsageError for the first statement that cannot be true of a file, naming its setting.

    Statements that were made about another file (`Given.yields`) are not looked at.
    """
    if given.yields:
        return
    if given.names is not None and not found.by_names:
        raise UsageError(f"{path}: is of a library whose tensors' names are known", "leave out --map")
    _require_known_algorithm(path, found, given)
    for field, stated, own in _contradictions(found, given):
        raise UsageError(
            f"{path}: policy.{setting_of(field)} is stated as {stated}, but {own}", "leave it out, or mend it"
        )


def superseded(found: Found, given: Given) -> tuple[str, ...]:
    """Return a remark for each number of the file in whose place another one is stated."""
    if given.yields:
        return ()
    pairs = (
        ("gamma", found.gamma, given.gamma),
        ("entropy_coefficient", found.entropy_coefficient, given.entropy_coefficient),
        ("action_low", found.action_low, given.action_low),
        ("action_high", found.action_high, given.action_high),
    )
    return tuple(
        f"says {name} {_shown(own)}; {_shown(stated)} is stated and counts"
        for name, own, stated in pairs
        if own is not None and stated is not None and np.size(own) and not np.allclose(own, stated, rtol=1e-6)
    )


def _shown(value: object) -> str:
    return ", ".join(f"{each:g}" for each in np.ravel(np.asarray(value, np.float64))[:4])


def _require_known_algorithm(path: Path, found: Found, given: Given) -> None:
    stated = given.algorithm
    if stated in (None, found.algorithm, *KINDS):
        return
    near = difflib.get_close_matches(str(stated), KINDS, n=1)
    said = f"did you mean {near[0]}? " if near else ""
    own = f"; the file's own is {found.algorithm}" if found.algorithm else ""
    raise UsageError(
        f"{path}: policy.algorithm is {stated!r}{own}", f"{said}expected one of {', '.join(KINDS)}"
    )


def _contradictions(found: Found, given: Given) -> Iterator[tuple[str, str, str]]:
    """Yield field, stated value, and what the file has in its place."""
    kind, algorithm = found.critic_kind, given.algorithm
    known = algorithm in KINDS and algorithm != found.algorithm
    if known and not agree(algorithm or "", kind, quantiles=found.quantiles):
        outputs = f"quantiles of {OUTPUTS[kind]}" if found.quantiles else OUTPUTS[kind]
        own = (found.algorithm or LIKELY[kind]).upper()
        yield "algorithm", str(algorithm), f"its critic gives {outputs}, as that of {own} does"
    hidden = _hidden(found)
    if given.activation is not None and hidden and given.activation not in hidden:
        names = " and ".join(each.value for each in hidden)
        yield "activation", given.activation.value, f"the file says {names}"
    yield from _about_actions(found, given)


def _hidden(found: Found) -> list[Activation]:
    """Return the activations between layers, each once; none if the file does not say them all."""
    chains = (found.actor, *found.critics)
    if any(each.unknown for each in chains):
        return []
    return list(dict.fromkeys(each.layer.activation for chain in chains for each in chain.linears[:-1]))


def _about_actions(found: Found, given: Given) -> Iterator[tuple[str, str, str]]:
    head, chooses = found.head, found.head is not None and found.head.chooses
    if head and given.head and not found.actor_units_differ:
        grouped = chooses and given.head.chooses and given.choices is not None
        if given.head is not head and not grouped:
            yield "head", given.head.value, f"its actor's outputs are {head.value}"
    if found.choices and given.choices not in (None, found.choices):
        sizes, own = (",".join(map(str, each)) for each in (given.choices or (), found.choices))
        yield "choices", sizes, f"the file says {own}"
    if head and found.squashes is not None and given.squash is not None:
        own_squash = not chooses and _squashes(found)
        if given.squash is not own_squash:
            said = "its actor ends in tanh" if own_squash else "no tanh follows its actor's outputs"
            yield "squash", "yes" if given.squash else "no", said
    if given.max_action not in (None, 1.0, found.max_action) and not _takes_factor(found, given):
        yield "max_action", f"{given.max_action:g}", "its actor's outputs are multiplied by no stated factor"


def _squashes(found: Found) -> bool:
    """Return whether the actor's outputs go through a tanh, wherever that is."""
    last = found.actor.linears[-1].layer.activation
    return bool(found.squashes) or found.head is ActorHead.SQUASHED or last is Activation.TANH


def _takes_factor(found: Found, given: Given) -> bool:
    """Return whether a factor behind the actor's outputs is to be stated."""
    return found.max_action is None and (found.squashes is not None or given.squash is not False)
