"""Runs whose workers are killed or stopped, and the undisturbed runs they are compared with."""

import os
import signal

from crowds import check_until

from valuescape.sim.engine import Engine

TWO = ("workers.count=2", "policy.exploration=0.2")
"""Two workers that step the shipped policy of the small crowd, with noise."""

TICKS = 3000

LONG = ("agents.count=20000", "world.name=acrobot", "policy.checkpoint=random", "trails.length=4")
"""Ticks of several milliseconds: a worker that is killed at any moment is killed in the middle of one."""

LONG_TICKS = 300


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to a process."""
    os.kill(pid, number)


def finish(engine: Engine, tick: int = TICKS) -> str:
    """Let the engine run to `tick`; return its state hash there."""
    engine.run_until(tick)
    check_until(engine, lambda: engine.newest_tick == tick, 60)
    return engine.state_hash()


def wait_for_progress(engine: Engine) -> None:
    """Return when all workers have completed another tick."""
    tick = engine.newest_tick
    check_until(engine, lambda: engine.newest_tick > tick)


def wait_for_restarts(engine: Engine, count: int) -> None:
    """Return when `count` workers have been replaced since the run began; the successors may be starting."""
    check_until(engine, lambda: engine.restarts == count)
