"""Why a slice of agents failed, in words: an error's own, or those of a process that ended without any."""

import traceback
from dataclasses import dataclass
from typing import Self

from valuescape.sim.errors import UsageError


@dataclass(frozen=True, slots=True)
class Failure:
    """What a worker says before it ends, or what is found out about one that says nothing.

    summary: one line. trace: the whole traceback, if Python raised an error. usage: the error, if it is the
    user's to mend.
    """

    summary: str
    trace: str = ""
    usage: UsageError | None = None

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Return what is to be said about an error that was raised, however it was chained to others."""
        said = "".join(traceback.format_exception_only(error)).splitlines()
        summary = next((line for line in said if line and not line.startswith(" ")), type(error).__name__)
        usage = UsageError(str(error.args[0]), error.hint) if isinstance(error, UsageError) else None
        return cls(summary, "".join(traceback.format_exception(error)), usage)

    @property
    def raised(self) -> bool:
        """Whether Python raised an error."""
        return bool(self.trace)

    @property
    def world_raised(self) -> bool:
        """Whether the traceback helps: a UsageError says in its own words what to do."""
        return self.raised and self.usage is None


def report(index: int, pid: int, part: slice, tick: int, failure: Failure) -> str:
    """Return which worker failed where and why, with the traceback if that helps."""
    said = (
        f"worker {index} (pid {pid}, agents {part.start} to {part.stop - 1}) failed after tick {tick}: "
        f"{failure.summary}"
    )
    return f"{said}\n{failure.trace.rstrip()}" if failure.world_raised else said
