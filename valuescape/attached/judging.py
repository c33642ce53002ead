"""Numbers about checkpoints, from episodes of their policies, made by a process of low priority."""

import contextlib
import functools
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from valuescape.analysis.episodes import Episodes, run_episodes
from valuescape.attached.priority import Priority, take_priority
from valuescape.sim.config.files import Config
from valuescape.sim.crew.starting import end_with_parent, quiet_start, start_context
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.metrics import Estimate, return_metrics, value_metrics
from valuescape.sim.interrupts import ignore_interrupts
from valuescape.sim.plugins.loading import loads, receive
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.shared.parcel import Parcel
from valuescape.sim.worlds import World, make_world
from valuescape.sim.worlds.gym_making import GYMNASIUM
from valuescape.sim.worlds.gymnasium_world import GymnasiumWorld

EPISODES, OF_ENVIRONMENTS = 64, 8
"""Episodes of each checkpoint; fewer of Gymnasium's environments, which are slow."""

RESAMPLES = 200

_LONGEST_S = 5.0
"""Seconds of a core after which the steps made so far count."""

_SHARE = 0.25
"""The most of a core's time that judging takes: the process rests in between."""

NUMBERS = {
    "mean_return": "return, undiscounted",
    "q_bias": "V − G, discounted",
    "explained_variance": "explained variance",
}
"""The numbers about a checkpoint, by their names in reports, as they are read. G is discounted, as critics
learn it; the return is the sum of rewards, as trainers report it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The numbers of the checkpoint after so many steps, by the names of `NUMBERS`, with intervals."""

    steps: int
    numbers: dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be judged. run: the count of training runs; load: returns the checkpoint."""

    run: int
    steps: int
    load: Callable[[], Checkpoint]


class Judge:
    """Has checkpoints judged, the newest that was asked for first; those in between may be left out.

    All have the same starts and draws, which depend on `run.seed` alone. Nothing here waits.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._changed = threading.Condition()
        self._wanted: _Asked | None = None
        self._run = 0
        self._judged: list[Judged] = []
        self._over = False
        self.idle = True
        self.failed = ""
        """Why nothing can be judged; "" while it can."""
        self._process: Any = None
        self._thread = threading.Thread(target=self._work, name="judging", daemon=True)
        self._thread.start()

    def ask(self, steps: int, load: Callable[[], Checkpoint]) -> None:
        """Have a checkpoint judged next, in the place of any that waits. load: returns it, in a thread."""
        with self._changed:
            self._wanted, self.idle = _Asked(self._run, steps, load), False
            self._changed.notify()

    def begin_again(self) -> None:
        """Forget what was asked for, and what is judged now: another training run began."""
        with self._changed:
            self._run += 1
            self._wanted, self._judged = None, []

    def judged(self) -> list[Judged]:
        """Return what was judged since the last call."""
        with self._changed:
            judged, self._judged = self._judged, []
        return judged

    def close(self) -> None:
        """End the process."""
        with self._changed:
            self._over = True
            self._changed.notify()
            if self._process:
                self._process.kill()
        self._thread.join()

    def _work(self) -> None:
        """Send checkpoints and take answers, which takes as long as it takes."""
        try:
            while (asked := self._next()) and not self.failed:
                self._note(asked, self._answer(asked))
        except (EOFError, OSError):
            if not self._over:
                self.failed = "the process that judges checkpoints has ended"
        except UsageError as error:
            self.failed = str(error)
        finally:
            with self._changed:
                process, self._process = self._process, None
            if process:
                process.kill()
                process.join()
                process.close()

    def _next(self) -> _Asked | None:
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._wanted)
            wanted, self._wanted = self._wanted, None
            return None if self._over else wanted

    def _answer(self, asked: _Asked) -> Any:
        try:
            checkpoint = asked.load()
        except UsageError:  # a file that went away, which others say
            return {}
        if self._process is None:
            self._start()
        self._pipe.send(checkpoint)
        return self._pipe.recv()

    def _note(self, asked: _Asked, answer: Any) -> None:
        with self._changed:
            if isinstance(answer, str):
                self.failed = answer
            elif asked.run == self._run:
                self._judged.append(Judged(asked.steps, answer))
            self.idle = self._wanted is None

    def _start(self) -> None:
        context = start_context("spawn")
        self._pipe, other = context.Pipe()
        given = Parcel((self._config, loads()))
        process = context.Process(target=_judge, args=(given, other), name="valuescape-judge", daemon=True)
        try:
            with quiet_start(imports_main=self._config.world.name.startswith(GYMNASIUM)):
                process.start()
        finally:
            other.close()
            given.close()
        with self._changed:
            self._process = process
            if self._over:
                process.kill()


def _judge(given: Parcel, pipe: Any) -> None:
    """Answer checkpoints with their numbers until the pipe is closed; the process's entry point."""
    ignore_interrupts()
    end_with_parent()  # with little of a core, an answer and the rest behind it take minutes
    take_priority(Priority.LOW)  # or the viewer's, if that is less
    config, plugins = given.open()
    receive(plugins)
    world = functools.cache(lambda: make_world(config.world.name, config))
    with contextlib.suppress(EOFError, OSError):
        while True:
            checkpoint, began = pipe.recv(), time.perf_counter()
            pipe.send(_answer(checkpoint, world, config.run.seed))
            time.sleep((time.perf_counter() - began) * (1 / _SHARE - 1))
    os._exit(0)


def _answer(checkpoint: Checkpoint, world: Callable[[], World], seed: int) -> dict[str, Estimate] | str:
    """Return the numbers of a checkpoint, or why there are none."""
    try:
        return numbers_of(checkpoint, world(), seed)
    except UsageError as error:
        return str(error)
    except Exception as error:  # of an environment of the user's own
        return f"{type(error).__name__}: {error}"


def numbers_of(checkpoint: Checkpoint, world: World, seed: int) -> dict[str, Estimate]:
    """Return the numbers of a checkpoint in a world. Raises UsageError if agents cannot live alone there.

    Performance: 0.3 s for 64 episodes of the pendulum with 64-64 networks; _LONGEST_S at most.
    """
    episodes = OF_ENVIRONMENTS if isinstance(world, GymnasiumWorld) else EPISODES
    end = time.process_time() + _LONGEST_S
    made = run_episodes(checkpoint, world, episodes, seed, on_step=lambda *_: time.process_time() < end)
    found = value_metrics(made.predicted, made.realised, made.episode, resamples=RESAMPLES)
    return {name: each for name, each in (found | _returns(made)).items() if name in NUMBERS}


def _returns(made: Episodes) -> dict[str, Estimate]:
    return return_metrics(made.returns, made.lengths, made.terminated, resamples=RESAMPLES)
