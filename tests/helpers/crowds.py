"""Small crowds for the tests of this folder."""

from collections.abc import Iterator
from contextlib import contextmanager

from processes import wait_until

from valuescape.presets import find_checkpoint
from valuescape.sim.config.files import Config, load_config
from valuescape.sim.engine import Engine
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.worlds import make_world

SMALL = ("agents.count=70", "trails.length=16", "workers.count=0", "sim.ticks_per_s=0", "run.seed=5")
"""Three blocks of agents, the last one not full, as fast as they can."""


def small(*changes: str) -> Config:
    """The configuration of a small crowd, with `section.key=value` changes."""
    return load_config(None, [*SMALL, *changes])


def small_forked(*changes: str) -> Config:
    """As `small`; workers are forked from one process that has loaded their code, in a third of the time.

    For tests whose claim is not how workers start. The process stays for the tests that follow.
    """
    return small("workers.start_method=forkserver", *changes)


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
