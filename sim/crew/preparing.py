"""Compiles machine code in another process, so that the calling one goes on and can cancel it."""

import contextlib
import os
import threading
from collections.abc import Callable

import multiprocess
from multiprocess.connection import wait

from valuescape.sim.config.files import Config
from valuescape.sim.crew.starting import quiet_start
from valuescape.sim.crew.worker_count import tick_seconds
from valuescape.sim.interrupts import ignore_interrupts
from valuescape.sim.plugins.loading import Loads, loads, receive
from valuescape.sim.policy.network import Checkpoint

_LOOK_S = 0.02
"""Interval at which the waiting process calls `check`."""


Make = Callable[[Config, Checkpoint | None], object]


def compile_apart(
    config: Config, checkpoint: Checkpoint | None, check: Callable[[], None], make: Make = tick_seconds
) -> None:
    """Compile, in another process, the machine code that `make` needs in the calling one.

    The code is kept on disk, where the caller then finds it. Errors are not reported here: the caller runs
    into them again. check: called meanwhile; what it raises ends process and waiting. make: a function of a
    module; without one the code is compiled that an engine of `config` needs.
    """
    context = multiprocess.get_context(config.workers.start_method)
    with quiet_start():
        process = context.Process(
            target=_compile,
            args=(config, checkpoint, loads(), make),
            name="valuescape-compiler",
            daemon=True,
        )
        process.start()
    try:
        while not wait([process.sentinel], _LOOK_S):
            check()
    finally:
        process.kill()
        process.join()
        process.close()


def _compile(config: Config, checkpoint: Checkpoint | None, plugins: Loads, make: Make) -> None:
    """Compile by calling `make`; the process's entry point."""
    ignore_interrupts()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(Exception):
        receive(plugins)
        make(config, checkpoint)


def _end_with_parent() -> None:
    wait([multiprocess.parent_process().sentinel])
    os._exit(1)
