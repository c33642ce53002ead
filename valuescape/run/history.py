"""The history of a run's settings: steps that can be undone and done again."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from valuescape.sim.config.toml_writer import toml_value

MOST_STEPS = 1000
"""Steps that are kept; older ones cannot be undone."""

_LONGEST = 24
"""Characters of a value in a sentence."""


@dataclass(frozen=True, slots=True)
class Step:
    """Settings that changed together: their values before and after, by name. gesture: as of `Set`."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    gesture: int = 0

    @property
    def back(self) -> str:
        """The step undone, in words: `trails.opacity 0.2 → 0.85`, or the names of several settings."""
        return _said(self.after, self.before)

    @property
    def forth(self) -> str:
        """The step done, in words."""
        return _said(self.before, self.after)

    def then(self, later: "Step") -> "Step":
        """Return both steps as one, without settings that are as before again."""
        return step_of({**later.before, **self.before}, {**self.after, **later.after}, later.gesture)


def step_of(before: Mapping[str, Any], after: Mapping[str, Any], gesture: int = 0) -> Step:
    """Return the step from some values to others; settings that have no other value are left out."""
    names = [name for name in after if name in before and before[name] != after[name]]
    return Step({name: before[name] for name in names}, {name: after[name] for name in names}, gesture)


class History:
    """The steps of a run, of which the newest can be undone and, until another one is noted, done again."""

    def __init__(self) -> None:
        self._done: deque[Step] = deque(maxlen=MOST_STEPS)
        self._undone: list[Step] = []
        self._growing = False  # whether another change of its gesture joins the newest step

    @property
    def undo(self) -> Step | None:
        """The step that can be undone."""
        return self._done[-1] if self._done else None

    @property
    def redo(self) -> Step | None:
        """The step that can be done again."""
        return self._undone[-1] if self._undone else None

    def note(self, step: Step) -> None:
        """Note that settings have changed. Steps of one gesture (not 0) that follow each other become one."""
        if not step.after:
            return
        self._undone.clear()
        if step.gesture and self._growing and self._done and self._done[-1].gesture == step.gesture:
            step = self._done.pop().then(step)
        self._growing = True
        if step.after:
            self._done.append(step)

    def step_back(self) -> None:
        """Count the newest step as undone."""
        self._undone.append(self._done.pop())
        self._growing = False

    def step_forth(self) -> None:
        """Count the step that was undone last as done again."""
        self._done.append(self._undone.pop())
        self._growing = False


def _said(now: Mapping[str, Any], then: Mapping[str, Any]) -> str:
    now, then = _entries(now, then), _entries(then, now)
    if len(then) == 1:
        (name,) = then
        return f"{name} {_short(now[name])} → {_short(then[name])}"
    first, second, *more = then
    return f"{first}, {second}" + (f" and {len(more)} more" if more else "")


def _entries(values: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with the entries of tables that differ, by their names; None for one that is missing."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            keys = dict.fromkeys([*value, *others[name]])
            differing = [key for key in keys if value.get(key) != others[name].get(key)]
            found |= {f"{name}.{key}": value.get(key) for key in differing}
        else:
            found[name] = value
    return found


def _short(value: Any) -> str:
    if value is None:
        return "default"
    text = toml_value(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
