"""Calls a function in another process, so that the calling one goes on while code is compiled."""

import contextlib
from collections.abc import Callable
from typing import Any

from multiprocess.connection import wait

from valuescape.sim.config.files import Config
from valuescape.sim.crew.starting import end_with_parent, quiet_start, refused, start_context
from valuescape.sim.crew.worker_count import tick_seconds
from valuescape.sim.interrupts import ignore_interrupts
from valuescape.sim.plugins.loading import loads, receive
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.shared.parcel import Parcel

_LOOK_S = 0.02
"""Interval at which the waiting process calls `check`."""


Make = Callable[[Config, Checkpoint | None], object]


class Apart:
    """Another process that calls `make(config, checkpoint)`, with the user's plug-ins loaded.

    Errors are not reported: the caller runs into them when it makes the same. make: a function of a module.
    Raises UsageError if the system refuses the process.
    """

    def __init__(self, config: Config, checkpoint: Checkpoint | None, make: Make) -> None:
        context = start_context(config.workers.start_method)
        self._result, sender = context.Pipe(duplex=False)
        self._given = Parcel((config, checkpoint, loads(), make))
        self._process = context.Process(
            target=_make, args=(self._given, sender), name="valuescape-compiler", daemon=True
        )
        try:
            with quiet_start(imports_main=False):
                self._process.start()
        except OSError as error:
            self._result.close()
            self._given.close()
            raise refused("the compiler", error) from error
        finally:
            sender.close()

    def is_done(self, wait_s: float = 0.0) -> bool:
        """Return whether the process has ended, within `wait_s`."""
        return bool(wait([self._process.sentinel], wait_s))

    def number(self) -> float | None:
        """Return the number that `make` has returned, after the end; None if it was none, or has failed."""
        with contextlib.suppress(EOFError, OSError):
            if self._result.poll():
                number: float = self._result.recv()
                return number
        return None

    def close(self) -> None:
        """End the process; a second call does nothing."""
        if vars(self):
            self._process.kill()
            self._process.join()
            self._process.close()
            self._result.close()
            self._given.close()
            vars(self).clear()


def compile_apart(
    config: Config, checkpoint: Checkpoint | None, check: Callable[[], None], make: Make = tick_seconds
) -> None:
    """Compile, in another process, the machine code that `make` needs in the calling one.

    The code is kept on disk, where the caller then finds it. Errors are not reported here: the caller runs
    into them again. check: called meanwhile; what it raises ends process and waiting. make: a function of a
    module; without one the code is compiled that an engine of `config` needs.
    """
    apart = Apart(config, checkpoint, make)
    try:
        while not apart.is_done(_LOOK_S):
            check()
    finally:
        apart.close()


def _make(given: Parcel, result: Any) -> None:
    """Call what is given, and send the number that it returns; the process's entry point."""
    ignore_interrupts()
    end_with_parent()
    with contextlib.suppress(Exception):
        config, checkpoint, plugins, make = given.open()
        receive(plugins)
        made = make(config, checkpoint)
        if isinstance(made, int | float):
            result.send(made)
