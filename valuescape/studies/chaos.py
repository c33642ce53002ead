"""Workers killed and stopped at random, and the proof that nothing was lost: the hash of the whole state."""

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from valuescape.sim.config.files import Config, changed
from valuescape.sim.engine import Engine
from valuescape.sim.interrupts import Interrupts
from valuescape.sim.policy.network import Checkpoint

TICKS = 600
"""Of a round."""

_STRIDE = 10
"""Ticks between two looks at the clock."""

_FAULTS = (signal.SIGKILL, signal.SIGSTOP)


@dataclass(frozen=True, slots=True)
class Round:
    """A run with faults in it, as `tick 120: worker 1 killed`. same: as an undisturbed run in the end."""

    seed: int
    faults: tuple[str, ...]
    restarts: int
    same: bool


@dataclass(slots=True)
class ChaosResult:
    """What the rounds came to. differing: rounds whose end was not that of an undisturbed run."""

    rounds: int = 0
    killed: int = 0
    stopped: int = 0
    restarts: int = 0
    differing: list[int] = field(default_factory=list)
    made: list[Round] = field(default_factory=list)

    def add(self, made: Round) -> None:
        """Count a round that was made to its end."""
        if not made.same:
            self.differing.append(self.rounds)
        self.made.append(made)
        self.rounds += 1
        self.killed += sum(fault.endswith("killed") for fault in made.faults)
        self.stopped += sum(fault.endswith("stopped") for fault in made.faults)
        self.restarts += made.restarts


def disturb(
    config: Config,
    checkpoint: Checkpoint | None,
    seconds: float,
    interrupts: Interrupts,
    on_progress: Callable[[float, ChaosResult], None] = lambda done, result: None,
    seed: int = 0,
) -> ChaosResult:
    """Run rounds of TICKS ticks with another seed each for so long, while workers are killed and stopped.

    Each round's hash is compared with that of the same run without workers, whom nobody can kill. A worker
    that is stopped counts as hung after `workers.heartbeat_timeout`, which is a second here.
    """
    result, order = ChaosResult(), random.Random(seed)  # noqa: S311 - an order, no secret
    began = time.monotonic()
    while time.monotonic() - began < seconds and not interrupts.asked:
        each = changed(
            config,
            {
                "run.seed": config.run.seed + result.rounds,
                "workers.heartbeat_timeout": 1.0,
                "workers.max_restarts": 1_000,
                "features.parallel_agents": True,
                "workers.count": config.workers.count if config.workers.count not in ("auto", 0) else 2,
            },
        )
        try:
            expected = _undisturbed(each, checkpoint, interrupts)
            ended = _disturbed(each, checkpoint, order, interrupts)
        except KeyboardInterrupt:  # while an engine starts
            break
        if ended is None:  # it was not made to its end, and proves nothing
            break
        found, faults, restarts = ended
        result.add(Round(each.run.seed, faults, restarts, found == expected))
        on_progress(min((time.monotonic() - began) / seconds, 1.0), result)
    return result


def _undisturbed(config: Config, checkpoint: Checkpoint | None, interrupts: Interrupts) -> str:
    with Engine(changed(config, {"workers.count": 0}), checkpoint) as engine:
        engine.wait_ready(interrupts.check)
        engine.advance_to(TICKS)
        return engine.state_hash()


def _disturbed(
    config: Config, checkpoint: Checkpoint | None, order: random.Random, interrupts: Interrupts
) -> tuple[str, tuple[str, ...], int] | None:
    """Make the run with two faults in it, at ticks that chance chooses.

    Returns the hash that it ended in, the faults in words, and how many workers were replaced; None if it was
    cut short.
    """
    faults, said = sorted(order.sample(range(_STRIDE, TICKS, _STRIDE), 2)), []
    with Engine(config, checkpoint) as engine:
        engine.wait_ready(interrupts.check)
        for tick in range(_STRIDE, TICKS + 1, _STRIDE):
            engine.advance_to(tick)
            if tick in faults:
                said.append(f"tick {tick}: {_do_harm(engine, order)}")
            if interrupts.asked:
                return None
        return engine.state_hash(), tuple(said), engine.restarts


def _do_harm(engine: Engine, order: random.Random) -> str:
    """Kill or stop a worker, whichever chance chooses; return what was done."""
    fault, pids = order.choice(_FAULTS), engine.worker_pids
    pid = order.choice(pids)
    try:
        os.kill(pid, fault)
    except ProcessLookupError:
        return "a worker was gone before it could be harmed"
    return f"worker {pids.index(pid)} {'killed' if fault is signal.SIGKILL else 'stopped'}"
