"""Calls plug-ins; if one raises, the run ends or goes on without it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from valuescape.sim.errors import UsageError, ValuescapeError
from valuescape.sim.plugins.declarations import Declaration, Kind
from valuescape.sim.plugins.running import place_of

Key = tuple[Kind, str]


class PluginFailedError(ValuescapeError):
    """A plug-in raised in a run with `plugins.on_error` = "stop"; the message has its line and the tick."""


@dataclass(slots=True)
class Trouble:
    """The plug-ins that were switched off since the run began, and the rule for those that raise.

    stop: a plug-in that raises ends the run; else it is switched off. off: the reasons, by kind and name.
    edited: those that were loaded anew since the run began; they are switched off in either case. tell: takes
    the message about a plug-in that is switched off.
    """

    stop: bool = True
    off: dict[Key, str] = field(default_factory=dict)
    edited: set[Key] = field(default_factory=set)
    tell: Callable[[str], None] = print

    def begin(self, *, stop: bool, tell: Callable[[str], None]) -> None:
        """Begin a run: every plug-in is on."""
        self.stop, self.tell = stop, tell
        self.off.clear()
        self.edited.clear()

    def is_off(self, declared: Declaration) -> bool:
        """Whether a plug-in has been switched off."""
        return (declared.kind, declared.name) in self.off

    def call(self, declared: Declaration, tick: int | None, function: Callable[..., Any], *given: Any) -> Any:
        """Return what `function` of a plug-in returns; None if the plug-in is switched off.

        tick: the tick that the call is about; None if it is about none. Raises PluginFailedError, with the
        plug-in's own error as its cause, if the plug-in raises, `stop` is set and it is not among `edited`.
        """
        if self.is_off(declared):
            return None
        try:
            return function(*given)
        except Exception as error:
            self.failed(declared, tick, error)
            return None

    def switched_off(self, declared: Declaration, said: str) -> None:
        """Note that a plug-in was switched off elsewhere, as in the workers, and tell the reason once."""
        if not self.is_off(declared):
            self.off[declared.kind, declared.name] = said
            self.tell(f"{said}; it is switched off")

    def failed(self, declared: Declaration, tick: int | None, error: Exception) -> None:
        """Deal with an error of a plug-in, as `call` does. Raises PluginFailedError."""
        key, said = (declared.kind, declared.name), describe(declared, tick, error)
        self.off[key] = said
        if key in self.edited:  # a run outlives an edit that fails only when it is called
            self.tell(f"{said}; it is switched off until its file is saved again")
        elif self.stop:
            raise PluginFailedError(f"{said}\n  --set plugins.on_error=disable goes on without it") from error
        else:
            self.tell(f"{said}; it is switched off")


def describe(declared: Declaration, tick: int | None, error: Exception) -> str:
    """Return one line that names the plug-in that failed, the line of its file, the tick and the error."""
    code = getattr(declared.function, "__code__", None)
    if isinstance(error, UsageError):
        said = str(error.args[0])
    else:
        said = place_of(error, code.co_filename if code else declared.source)
    when = "" if tick is None else f" at tick {tick}"
    return f"the {declared.kind} {declared.name!r} ({declared.where}) failed{when}: {said}"


TROUBLE = Trouble()
"""The plug-ins that failed in this process."""
