"""Actions as `insight.action` and `insight.over` name them."""

import difflib
import math
from dataclasses import dataclass

from valuescape.sim.config.insight_section import InsightConfig
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds.base import (
    ActionSpace,
    ContinuousAction,
    DiscreteAction,
    MultiDiscreteAction,
    Variable,
    World,
)

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

    Of several choices at once it is the policy's own: they have no mean.

    Raises UsageError if the world has no such action.
    """
    usual = {DiscreteAction: MEAN, ContinuousAction: MIDDLE}.get(type(world.action), POLICY)
    return _choice("insight.over", insight.over or usual, world)


def require_actions(insight: InsightConfig, world: World) -> None:
    """Raise UsageError if `insight.action` or `insight.over` names no action of the world."""
    judged_action(insight, world)
    action_below(insight, world)


def _choice(key: str, text: str, world: World) -> Choice:
    space, text, where = world.action, text.strip(), f"{key} = {text.strip()!r}"
    if isinstance(space, DiscreteAction):
        return _discrete(text, space, where, world)
    if isinstance(space, MultiDiscreteAction):
        return _several(text, space, where, world)
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


def _several(text: str, space: MultiDiscreteAction, where: str, world: World) -> Choice:
    """Return the policy's own choices; the name of one of them says which a map shows."""
    names = [part.name for part in space.parts]
    if text in (POLICY, *names):
        return Choice(shown=names.index(text) if text in names else 0)
    near = difflib.get_close_matches(text, names, n=1)
    hint = f"did you mean {near[0]}?" if near else _known(space)
    raise UsageError(f"{where}: {world.name} has no such action", hint)


def _continuous(text: str, space: ContinuousAction, where: str, world: World) -> Choice:
    """Return the choice of "0.5, -1", of "force=0.5", or of "force", which leaves the part to the policy."""
    numbers = dict[int, float | None]()
    for place, said in enumerate(text.split(",")):
        index, number = _part(said, place, space)
        if index is None:
            raise UsageError(f"{where}: {world.name} has no such action", _known(space))
        if index in numbers:
            raise UsageError(f"{where}: {space.variables[index].name} is given twice")
        numbers[index] = None if number is None else _number(number, space.variables[index], where)
    parts = tuple(numbers.get(index) for index in range(space.dim))
    left_to_policy = all(part is None for part in parts)
    return Choice(POLICY if left_to_policy else text, parts=parts, shown=next(iter(numbers)))


def _part(said: str, place: int, space: ContinuousAction) -> tuple[int | None, str | None]:
    """Return which part of an action is meant, None if there is none, and its number's text, None without."""
    name, equals, number = (each.strip() for each in said.partition("="))
    names = [variable.name for variable in space.variables]
    if name in names:
        return names.index(name), number if equals else None
    return (place, name) if place < space.dim and not equals and _is_number(name) else (None, None)


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
    if isinstance(space, MultiDiscreteAction):
        return f"known actions: {', '.join((*(part.name for part in space.parts), POLICY))}"
    parts = ", ".join(f"{each.name} from {each.low:.4g} to {each.high:.4g}" for each in space.variables)
    return f"expected a number for each of {parts}; or {POLICY}, {MIDDLE}" if parts else "leave it empty"
