"""Undo and redo in a run: notes which settings a change has changed, and gives them their values again."""

from collections.abc import Callable, Mapping
from typing import Any

from valuescape.render.panel.standing import Past
from valuescape.render.view.changes import Change, Request, Restart, Set, Slice
from valuescape.run.applying import Tuned, changes_to, live_values
from valuescape.run.history import History, step_of
from valuescape.sim.config.files import Config
from valuescape.sim.config.model import settings_of
from valuescape.sim.errors import UsageError

_LOOKING = frozenset({"render.select", "render.place", "render.follow", "heatmap.slice"})
"""Settings that change while a person looks around; they are noted only if a change names them."""


class Undoing:
    """The history of a run, and what is done with it.

    carry_out: carries out a change without noting it; returns why not, "" if it did.
    """

    def __init__(self, run: Tuned, carry_out: Callable[[Change], str]) -> None:
        self._run, self._carry_out = run, carry_out
        self._histories: dict[int, History] = {}

    @property
    def history(self) -> History:
        """The history of what is tuned: each side of an A/B run has one."""
        return self._histories.setdefault(self._run.viewer.side, History())

    def values(self) -> dict[str, Any]:
        """Return the value of every setting as it is now, by name. It takes 0.03 ms."""
        run = self._run.tuned
        fixed = {name: each.value_in(run.stage.config) for name, each in settings_of().items()}
        return fixed | live_values(run.stage, run.pace, run.viewer)

    def note(self, before: Mapping[str, Any], change: Change | None = None) -> None:
        """Note which settings differ from `before`, after a change or a key of the view (None)."""
        if change in (Request.UNDO, Request.REDO, Request.RESET):
            return  # it moves along the history, or has noted its own changes
        named = _named(change)
        after = {
            name: value for name, value in self.values().items() if name in named or name not in _LOOKING
        }
        if isinstance(change, Set):
            after[change.name] = change.value  # it may take a moment to be in force
        self.history.note(step_of(before, after, getattr(change, "gesture", 0)))

    def undo(self, started: Config) -> str:
        """Undo the newest step; return what is said of it. started: as for `_give`."""
        step = self.history.undo
        if step is None:
            return "nothing to undo"
        problem = self._give(step.before, started)
        if problem is None:
            self.history.step_back()
            return f"undone: {step.back}"
        return problem

    def redo(self, started: Config) -> str:
        """Do the step again that was undone last; return what is said of it. started: as for `_give`."""
        step = self.history.redo
        if step is None:
            return "nothing to do again"
        problem = self._give(step.after, started)
        if problem is None:
            self.history.step_forth()
            return f"done again: {step.forth}"
        return problem

    def reset(self, started: Config) -> str:
        """Give all live settings the values that the session started with; return what is said of it."""
        before, wanted = self.values(), self._to_reset(started)
        problem = self._give(wanted, started)
        if problem is not None:
            return problem
        self.history.note(step_of(before, wanted))
        return "all live settings are as the run started"

    def past(self, started: Config) -> Past:
        """Return the past of the settings in words. It takes 0.04 ms."""
        undo, redo = self.history.undo, self.history.redo
        changed = self._to_reset(started)
        return Past(started, undo.back if undo else "", redo.forth if redo else "", ", ".join(changed))

    def _to_reset(self, started: Config) -> dict[str, Any]:
        """Return the live settings that are not as the session started, with the values they had then."""
        now = self.values()
        first = {name: each.value_in(started) for name, each in settings_of().items() if each.declared.live}
        return {name: value for name, value in first.items() if name not in _LOOKING and value != now[name]}

    def _give(self, values: Mapping[str, Any], started: Config) -> str | None:
        """Give settings these values; return None if that went well, else why not, or "" if that was said.

        started: has the values of settings that belong to another world.
        """
        try:
            changes = changes_to(self._run.tuned, values, started)
        except UsageError as error:
            return str(error)
        return "" if any(map(self._carry_out, changes)) else None


def _named(change: Change | None) -> frozenset[str]:
    """Return the names of the settings that a change is meant for."""
    match change:
        case Set(name):
            return frozenset({name})
        case Restart(changes):
            return frozenset(changes)
        case Slice():
            return frozenset({"heatmap.slice"})
    return frozenset()
