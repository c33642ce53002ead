"""Small crowds for the tests of this folder."""

from collections.abc import Iterator
from contextlib import contextmanager

from processes import wait_until

from valuescape.presets import find_checkpoint
from valuescape.sim.config.files import Config, load_config
from valuescape.sim.engine import Engine
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.worlds import make_world

SMALL = (
    *("agents.count=70", "trails.length=16", "sim.ticks_per_s=0", "run.seed=5"),
    *("workers.count=0", "workers.start_method=forkserver"),
)
"""Three blocks of agents, the last one not full, as fast as they can.

Workers, if there are any, are forked from one process that has loaded their code, which stays for the tests
that follow: they start in a tenth of the time.
"""


def small(*changes: str) -> Config:
    """The configuration of a small crowd, with `section.key=value` changes."""
    return load_config(None, [*SMALL, *changes])


def small_spawned(*changes: str) -> Config:
    """As `small`; each worker is a Python process that begins anew, as the program starts them by itself.

    For tests of starts, and of what may happen while Python and libraries are loaded.
    """
    return small("workers.start_method=spawn", *changes)


def shipped(config: Config) -> Checkpoint | None:
    """The checkpoint that comes with the configuration's world."""
    return find_checkpoint("auto", make_world(config.world.name))


@contextmanager
def crowd(config: Config, checkpoint: Checkpoint | None = None) -> Iterator[Engine]:
    """An engine that is ready; at tick 0."""
    with Engine(config, checkpoint) as engine:
        engine.wait_ready()
        yield engine


def hash_at(tick: int, config: Config, checkpoint: Checkpoint | None = None) -> str:
    """What a crowd comes to, made in lockstep."""
    with crowd(config, checkpoint) as engine:
        engine.advance_to(tick)
        return engine.state_hash()


def check_until(engine: Engine, condition, timeout_s: float = 20.0) -> None:
    """Look after the engine, as every frame does, until `condition()` holds."""

    def looked_after() -> bool:
        engine.check()
        return condition()

    wait_until(looked_after, timeout_s, f"tick {engine.newest_tick} at the beginning")
