"""The two parts of an analysis that take time, episodes and rollouts, made by threads of this process."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from valuescape.analysis.episodes import Episodes, Step, run_episodes
from valuescape.sim.insight.plane import MapPlane, grid_states
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.rollouts.choose import has_chance, state_rollouts
from valuescape.sim.rollouts.field import TruthField
from valuescape.sim.rollouts.judging import rollouts_differ
from valuescape.sim.rollouts.rules import RolloutRules
from valuescape.sim.rollouts.truth import Truth
from valuescape.sim.worlds.base import World

OnLook = Callable[[float], bool]
"""Told the share that is done, ten times a second; returns whether to go on."""

LOOK_S = 0.1
"""Seconds between two looks at how far work is."""


@dataclass(frozen=True, slots=True)
class EpisodesAsked:
    """Episodes to run, as `run_episodes` takes them."""

    checkpoint: Checkpoint
    world: World
    episodes: int
    seed: int
    alpha: float | None = None


@dataclass(frozen=True, slots=True)
class TruthAsked:
    """Rollouts to make from every cell of an `edge` x `edge` grid over a plane.

    rollouts: from each cell, where they differ. simd: `features.simd`.
    """

    checkpoint: Checkpoint
    plane: MapPlane
    edge: int
    rules: RolloutRules
    rollouts: int
    simd: bool = True

    @property
    def random(self) -> bool:
        """Whether rollouts from one state differ, by the policy or by the world."""
        return rollouts_differ(self.checkpoint, self.rules) or has_chance(self.plane.world)


class Makers(Protocol):
    """Makes episodes and rollouts. All makers make the same, bit by bit."""

    def episodes(self, asked: EpisodesAsked, on_step: Step) -> Episodes:
        """Return the episodes; where `on_step` says no, what is there by then. Raises as `run_episodes`."""

    def truth(self, asked: TruthAsked, on_look: OnLook) -> Truth:
        """Return the estimates of all cells; where `on_look` says no, what is there by then.

        Raises UsageError for a world whose agents cannot be put into a state.
        """


class Here:
    """Makes everything in this process, rollouts in `threads` threads."""

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def episodes(self, asked: EpisodesAsked, on_step: Step) -> Episodes:
        """Return the episodes, run side by side."""
        return run_episodes(
            asked.checkpoint, asked.world, asked.episodes, asked.seed, alpha=asked.alpha, on_step=on_step
        )

    def truth(self, asked: TruthAsked, on_look: OnLook) -> Truth:
        """Return the estimates of all cells."""
        made_by = state_rollouts(asked.plane.world, asked.checkpoint, asked.rules, simd=asked.simd)
        states = grid_states(asked.plane, asked.edge)
        with TruthField(made_by, states, asked.rollouts, random=asked.random, threads=self._threads) as field:
            while not field.wait(LOOK_S):
                if not on_look(field.progress):
                    break
            return field.look()
