"""The priority of a viewer beside a trainer: what processor time it takes from it."""

import os
from contextlib import suppress
from enum import StrEnum

_NICE = 10


class Priority(StrEnum):
    """The share of a core that the viewer gets while others want it."""

    IDLE = "idle"  # hardly any: Linux's SCHED_IDLE
    LOW = "low"  # a tenth: niceness 10
    NORMAL = "normal"  # as much as they


def take_priority(priority: Priority) -> None:
    """Give this process, and those that it starts from now on, a priority: never a higher one than they have.

    Where that is refused, nothing is changed.
    """
    with suppress(OSError, AttributeError):
        if priority is Priority.IDLE:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        elif priority is Priority.LOW:
            os.setpriority(os.PRIO_PROCESS, 0, max(_NICE, os.getpriority(os.PRIO_PROCESS, 0)))


def leave_cores(priority: Priority, cores: int) -> None:
    """Have Mesa's software driver use fewer threads than there are cores, unless it was told how many.

    To be called before the driver is loaded. A thread that draws shares cache and arithmetic units with the
    trainer, whatever its priority.
    """
    if priority is not Priority.NORMAL:
        os.environ.setdefault("LP_NUM_THREADS", str(max(1, cores // 2)))
