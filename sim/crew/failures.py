"""Why the step of a slice failed, in words: the world's own error, or how the worker process ended."""

import os
import traceback
from dataclasses import dataclass
from typing import Self

from valuescape.sim.errors import UsageError, ValuescapeError
from valuescape.sim.worlds.systems.arrays import SystemRaisedError


class WorkerFailedError(ValuescapeError):
    """A world raised, or workers failed beyond what `workers.max_restarts` allows; holds the report.

    Where a world raised, the report ends with the traceback; where a plug-in did, its cause has that.
    """


_GOES_ON = "  --set plugins.on_error=disable goes on without it"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a worker failed: sent by the worker itself before it ends, or deduced from how it ended.

    summary: one line. trace: the whole traceback, if Python raised an error. usage: the error, if the user
    can mend it. of_plugin: whether an array system of a plug-in raised it.
    """

    summary: str
    trace: str = ""
    usage: UsageError | None = None
    of_plugin: bool = False

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Return the failure that a raised error is, with all errors it was chained to in `trace`."""
        lines = "".join(traceback.format_exception_only(error)).splitlines()
        if isinstance(error, SystemRaisedError):  # its message says all but what the system itself did
            cause = "".join(traceback.format_exception(error.__cause__))
            return cls(str(error).splitlines()[0], cause, of_plugin=True)
        summary = next((line for line in lines if line and not line.startswith(" ")), type(error).__name__)
        usage = UsageError(str(error.args[0]), error.hint) if isinstance(error, UsageError) else None
        return cls(summary, "".join(traceback.format_exception(error)), usage)

    @property
    def raised(self) -> bool:
        """Whether Python raised an error."""
        return bool(self.trace)

    @property
    def world_raised(self) -> bool:
        """Whether the traceback helps: the message of a UsageError or a plug-in says what to do."""
        return self.raised and self.usage is None and not self.of_plugin


def report(index: int, pid: int, agents: slice, tick: int, failure: Failure) -> str:
    """Return which worker failed where and why, with the traceback or a hint if that helps.

    agents: their numbers in the run.
    """
    line = (
        f"worker {index} (pid {pid}, agents {agents.start} to {agents.stop - 1}) failed after tick {tick}: "
        f"{failure.summary}"
    )
    if failure.of_plugin:
        return f"{line}\n{_GOES_ON}"
    return f"{line}\n{failure.trace.rstrip()}" if failure.world_raised else line


def failed_here(agents: slice, tick: int, error: Exception) -> WorkerFailedError:
    """Return what a crew raises when `error` was raised, in the calling process, by the step after `tick`."""
    return WorkerFailedError(report(0, os.getpid(), agents, tick, Failure.of(error)))
