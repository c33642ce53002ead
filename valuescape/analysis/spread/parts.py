"""The parts of an analysis that processes share among them, and how one process makes a part."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from valuescape.analysis.episodes import Episodes, run_episodes
from valuescape.sim.arrays import Float32Array, Float64Array
from valuescape.sim.config.files import Config
from valuescape.sim.plugins.carrying import CarriedCode, receive_carried
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.resources import one_blas_thread
from valuescape.sim.rollouts.choose import StateRollouts, state_rollouts
from valuescape.sim.rollouts.rules import RolloutRules, Rollouts
from valuescape.sim.rollouts.truth import one_rollout
from valuescape.sim.worlds import make_world
from valuescape.sim.worlds.base import World

OnShare = Callable[[float], bool]
"""Told the share of a part that is made; returns whether to go on."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The world of a job: its configuration, and the users' code that it needs."""

    config: Config
    code: CarriedCode

    def world(self) -> World:
        """Load the code, and return the world. Raises UsageError if something of it is missing here."""
        receive_carried(self.code)
        return make_world(self.config.world.name, self.config)


@dataclass(frozen=True, slots=True)
class EpisodesJob:
    """Episodes of a policy, as `run_episodes` takes them."""

    setting: Setting
    checkpoint: Checkpoint
    seed: int
    alpha: float | None


@dataclass(frozen=True, slots=True)
class CellsJob:
    """Rollouts from states [state_dim, n]."""

    setting: Setting
    checkpoint: Checkpoint
    rules: RolloutRules
    states: Float32Array
    simd: bool


Job = EpisodesJob | CellsJob


@dataclass(frozen=True, slots=True)
class EpisodesPart:
    """The episodes from number `begin` to `end`."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class CellsPart:
    """Rollouts `first` to `last` from the states `begin` to `end`.

    sums: [SUMS, states], of the rollouts before; None of the first. Two parts are equal whatever it has.
    """

    begin: int
    end: int
    first: int
    last: int
    sums: Float64Array | None = field(default=None, compare=False)


Part = EpisodesPart | CellsPart


@dataclass(frozen=True, slots=True)
class Made:
    """A part that was made: episodes, or the sums with the part's rollouts added; None if it was stopped.

    seconds: that it took.
    """

    result: Episodes | Float64Array | None
    seconds: float


class PartMaker:
    """Makes the parts of one job in this process."""

    def __init__(self, job: Job) -> None:
        """Make the job's world; compile its machine code, or find it compiled. Raises as making it there."""
        self._job, self._world = job, job.setting.world()
        self._rollouts: StateRollouts | None = None
        if isinstance(job, CellsJob):
            self._rollouts = state_rollouts(self._world, job.checkpoint, job.rules, simd=job.simd)
            self._out = Rollouts.empty(job.states.shape[1])

    def close(self) -> None:
        """Give back what parts were made with."""
        if self._rollouts is not None:
            self._rollouts.close()

    def make(self, part: Part, on_share: OnShare) -> Made:
        """Return a part, made as far as `on_share` lets it; rollouts that it stops are of no use."""
        began = time.perf_counter()
        with one_blas_thread(), np.errstate(all="ignore"):
            result: Episodes | Float64Array | None
            if isinstance(part, CellsPart):
                result = self._cells(part, on_share)
            else:
                result = self._episodes(part, on_share)
        return Made(result, time.perf_counter() - began)

    def _episodes(self, part: EpisodesPart, on_share: OnShare) -> Episodes:
        job = self._job
        assert isinstance(job, EpisodesJob)
        return run_episodes(
            job.checkpoint,
            self._world,
            part.end - part.begin,
            job.seed,
            alpha=job.alpha,
            # one step at least, or there is nothing to judge
            on_step=lambda step, most: on_share(step / most) or step == 0,
            first=part.begin,
        )

    def _cells(self, part: CellsPart, on_share: OnShare) -> Float64Array | None:
        """Add the rollouts one after another, in order of their numbers, as one process alone would."""
        job, cells = self._job, slice(part.begin, part.end)
        assert isinstance(job, CellsJob)
        assert self._rollouts is not None
        sums = None if part.sums is None else part.sums.copy()
        for number in range(part.first, part.last):
            if not on_share((number - part.first) / (part.last - part.first)):
                return None
            self._rollouts.run(job.states, self._out, cells, number)
            more = one_rollout(self._out, cells)
            sums = 0.0 + more if sums is None else sums + more
        return sums
