"""Actions as `insight.action` and `insight.over` name them."""

import difflib
import math
from dataclasses import dataclass, replace

from valuescape.sim.config.insight_section import InsightConfig
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds.base import ActionSpace, ContinuousAction, DiscreteAction, Variable, World

POLICY, MEAN, MIDDLE = "policy", "mean", "middle"
"""Words for actions: the policy's own; the mean over all discrete ones; the middle of a continuous range."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An action, for every state the same unless the policy has a part in it.

    name: as titles say it. index: of a discrete one. parts: the numbers of a continuous one, in their units;
    None where the policy decides. shown: the part that a map of the policy shows. mean: over all discrete
    ones. Without index, parts and mean it is the policy's own.
    """

    name: str = POLICY
    index: int | None = None
    parts: tuple[float | None, ...] = ()
    shown: int = 0
    mean: bool = False


def judged_action(insight: InsightConfig, world: World) -> Choice:
    """Return the action that `insight.action` names; the policy's own where it is empty.

    Raises UsageError if the world has no such action.
    """
    return _choice("insight.action", insight.action or POLICY, world)


def action_below(insight: InsightConfig, world: World) -> Choice:
    """Return the action that `insight.over` names; the mean or the middle where it is empty.

    Raises UsageError if the world has no such action.
    """
    usual = MEAN if isinstance(world.action, DiscreteAction) else MIDDLE
    return _choice("insight.over", insight.over or usual, world)


def require_actions(insight: InsightConfig, world: World) -> None:
    """Raise UsageError if `insight.action` or `insight.over` names no action of the world."""
    judged_action(insight, world)
    action_below(insight, world)


def _choice(key: str, text: str, world: World) -> Choice:
    space, text, where = world.action, text.strip(), f"{key} = {text.strip()!r}"
    if isinstance(space, DiscreteAction):
        return _discrete(text, space, where, world)
    if text in (POLICY, MIDDLE):
        middle = tuple((each.low + each.high) / 2 for each in space.variables)
        return Choice(text, parts=middle if text == MIDDLE else ())
    return _continuous(text, space, where, world)


def _discrete(text: str, space: DiscreteAction, where: str, world: World) -> Choice:
    if text in space.names:
        return Choice(text, index=space.names.index(text))
    if text in (POLICY, MEAN):
        return Choice(text, mean=text == MEAN)
    if text.isdecimal() and int(text) < space.n:
        return Choice(space.names[int(text)], index=int(text))
    near = difflib.get_close_matches(text, space.names, n=1)
    hint = f"did you mean {near[0]}?" if near else _known(space)
    raise UsageError(f"{where}: {world.name} has no such action", hint)


def _continuous(text: str, space: ContinuousAction, where: str, world: World) -> Choice:
    """Return the choice of "0.5, -1", of "force=0.5", or of "force", which leaves the part to the policy."""
    given = [each.strip() for each in text.split(",")]
    if len(given) > max(space.dim, 1):
        raise UsageError(f"{where}: {world.name} has {space.dim} parts of an action", _known(space))
    choice = Choice(text, parts=(None,) * space.dim)
    names = [variable.name for variable in space.variables]
    for place, part in enumerate(given):
        name, equals, number = (each.strip() for each in part.partition("="))
        named = name in names
        if not named and (equals or not _is_number(part)):
            raise UsageError(f"{where}: {world.name} has no such action", _known(space))
        index = names.index(name) if named else place
        said = number if named else part
        value = _number(said, space.variables[index], where) if said else None
        parts = tuple(value if each == index else old for each, old in enumerate(choice.parts))
        choice = replace(choice, parts=parts, shown=choice.shown if place else index)
    return choice if any(each is not None for each in choice.parts) else replace(choice, name=POLICY)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _number(text: str, variable: Variable, where: str) -> float:
    if _is_number(text) and variable.low <= float(text) <= variable.high:
        return float(text)
    expected = f"a number from {variable.low:.4g} to {variable.high:.4g} {variable.unit}".rstrip()
    raise UsageError(f"{where}: {variable.name} is {text!r}, expected {expected}")


def _known(space: ActionSpace) -> str:
    if isinstance(space, DiscreteAction):
        return f"known actions: {', '.join((*space.names, POLICY, MEAN))}"
    parts = ", ".join(f"{each.name} from {each.low:.4g} to {each.high:.4g}" for each in space.variables)
    return f"expected a number for each of {parts}; or {POLICY}, {MIDDLE}" if parts else "leave it empty"
