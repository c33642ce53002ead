"""Kills and stops workers at random; equal hashes of the whole state prove that nothing was lost."""

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
"""Ticks of a round."""

_STRIDE = 10
"""Ticks between two moments at which a fault or an interrupt can come."""

_FAULTS = (signal.SIGKILL, signal.SIGSTOP)


@dataclass(frozen=True, slots=True)
class Round:
    """A run with faults, such as `tick 120: worker 1 killed`.

    same: whether it ended in the state of the undisturbed run.
    """

    seed: int
    faults: tuple[str, ...]
    restarts: int
    same: bool


@dataclass(slots=True)
class ChaosResult:
    """All complete rounds (`made`) and their sums. differing: indices of rounds with another end state."""

    rounds: int = 0
    killed: int = 0
    stopped: int = 0
    restarts: int = 0
    differing: list[int] = field(default_factory=list)
    made: list[Round] = field(default_factory=list)

    def add(self, made: Round) -> None:
        """Count a complete round."""
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
    """Run rounds of TICKS ticks for `seconds`, each with another seed, while workers are killed and stopped.

    Each round's state hash is compared with that of the same run without workers. A stopped worker counts as
    hung after `workers.heartbeat_timeout`, which is a second here. on_progress: gets the share of the time
    that is over, and the result so far. seed: of the faults.
    """
    result, order = ChaosResult(), random.Random(seed)  # noqa: S311 - an order, no secret
    began = time.monotonic()
    while time.monotonic() - began < seconds and not interrupts.asked:
        each = _for_round(config, result.rounds)
        try:
            expected = _undisturbed(each, checkpoint, interrupts)
            ended = _disturbed(each, checkpoint, order, interrupts)
        except KeyboardInterrupt:  # while an engine starts
            break
        if ended is None:  # incomplete, so it proves nothing
            break
        found, faults, restarts = ended
        result.add(Round(each.run.seed, faults, restarts, found == expected))
        on_progress(min((time.monotonic() - began) / seconds, 1.0), result)
    return result


def _for_round(config: Config, index: int) -> Config:
    """Return the configuration of a round: its own seed, at least one worker, and faults noticed early."""
    return changed(
        config,
        {
            "run.seed": config.run.seed + index,
            "workers.heartbeat_timeout": 1.0,
            "workers.max_restarts": 1_000,
            "features.parallel_agents": True,
            "workers.count": config.workers.count if config.workers.count not in ("auto", 0) else 2,
        },
    )


def _undisturbed(config: Config, checkpoint: Checkpoint | None, interrupts: Interrupts) -> str:
    with Engine(changed(config, {"workers.count": 0}), checkpoint) as engine:
        engine.wait_ready(interrupts.check)
        engine.advance_to(TICKS)
        return engine.state_hash()


def _disturbed(
    config: Config, checkpoint: Checkpoint | None, order: random.Random, interrupts: Interrupts
) -> tuple[str, tuple[str, ...], int] | None:
    """Run with two faults, at random ticks.

    Returns the hash of the last state, the faults in words, and the number of workers replaced; None if
    interrupted.
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
    """Kill or stop a random worker; return the fault in words."""
    fault, pids = order.choice(_FAULTS), engine.worker_pids
    pid = order.choice(pids)
    try:
        os.kill(pid, fault)
    except ProcessLookupError:
        return "a worker was gone before it could be harmed"
    return f"worker {pids.index(pid)} {'killed' if fault is signal.SIGKILL else 'stopped'}"
