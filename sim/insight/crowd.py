"""A crowd's own judgement of the critic: what it promised agents as they passed, beside what they then got.

No agent is put anywhere. Returns are those of the agents as they act: of the deterministic policy, with the
exploration that the run has.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array
from valuescape.sim.insight.cells import CellMeans, CellSums, map_cells
from valuescape.sim.insight.following import GROUP, Following, FollowRules, Passages, TickRows
from valuescape.sim.insight.kept import KeptPassages
from valuescape.sim.insight.metrics import Estimate, left_out, return_metrics, start_metrics, value_metrics
from valuescape.sim.insight.plane import MapPlane
from valuescape.sim.insight.signals import Critic
from valuescape.sim.policy.network import Checkpoint, value_critics
from valuescape.sim.shared.layout import Ending

EDGE = 64
"""Cells each way of the maps, so that each has visits."""

MOST_AGENTS = 2048
MOST_KEPT = 1 << 21
"""Values of agents by ticks that are kept until their return is known: 12 bytes each."""

FLOP_PER_S = 2e9
"""Floating-point operations a second that the critic's values may take: about 4 % of a core."""

JUDGED_EPISODES, JUDGED_STEPS = 1024, 1 << 16
"""The numbers are of the newest episodes, so many at most, with so many steps."""

RESAMPLES = 500
"""Of the bootstrap while a run goes on: the ends of intervals are good to about a tenth of their width."""


def sample_of(
    agents: int, rules: FollowRules, chunk: int, ticks_per_s: float, checkpoint: Checkpoint | None
) -> slice:
    """Return which agents are followed, evenly spaced: as many as memory and the critic's size allow.

    checkpoint: its networks say what a value takes; None counts as 100,000 weights.
    """
    per_value = 2 * (_weights(checkpoint) if checkpoint else 100_000)
    affordable = FLOP_PER_S / (per_value * (ticks_per_s or 60.0))
    most = max(1, min(MOST_AGENTS, MOST_KEPT // (rules.longest + chunk), int(affordable)))
    return slice(0, agents, math.ceil(agents / most))


def _weights(checkpoint: Checkpoint) -> int:
    """Return the number of weights that one value takes."""
    networks = list(value_critics(checkpoint))
    if checkpoint.critic_kind.takes_actions:
        networks.append(checkpoint.actor)
    return sum(layer.weight.size for network in networks for layer in network.layers)


@dataclass(frozen=True, slots=True)
class CrowdLook:
    """The maps of a crowd at one moment: mean V - G and mean TD error by cell.

    episodes: that have counted. since: the tick from which on all ticks were seen. missed: ticks that were
    not. whole: whether episodes are whole; else they are parts.
    """

    realised_error: CellMeans
    td_error: CellMeans
    episodes: int
    since: int
    missed: int
    whole: bool


@dataclass(frozen=True, slots=True)
class CrowdNumbers:
    """Numbers about a critic, from the newest of a crowd's episodes.

    estimates: keys as in `sim.insight.metrics`; those of whole episodes are missing where parts are counted.
    bootstrapped: share of the steps whose return ends with the critic's own value. left_out: steps whose
    value or return is not finite. seen: all episodes that have counted. agents: that are followed.
    """

    estimates: dict[str, Estimate]
    episodes: int
    steps: int
    bootstrapped: float
    left_out: int
    seen: int
    missed: int
    agents: int
    whole: bool


class Crowd:
    """Follows agents and adds up how wrong the critic was about them.

    plane: the map's; agents count whatever their other variables are. critic: with a known discount. agents:
    their number. chunk: ticks at most that are taken over at once. first: the tick to begin with.

    Performance: 1,250 to 2,000 agents at 60 ticks/s keep a thread at work for 7 to 15 % of the time on two
    busy cores (`tests/bench/crowd.py`): cheap enough to run beside every run with a critic.
    """

    def __init__(
        self,
        plane: MapPlane,
        critic: Critic,
        rules: FollowRules,
        agents: int,
        chunk: int,
        edge: int = EDGE,
        first: int = 0,
    ) -> None:
        self._plane, self._critic, self._agents, self._edge = plane, critic, agents, edge
        self._chunk = chunk
        self._following = Following(rules, agents, chunk, first)
        self._sums = CellSums(edge, 2)
        self._kept = KeptPassages(JUDGED_STEPS + 2 * GROUP)
        self._seen = 0

    def take(
        self, tick: int, states: Float32Array, reward: Float32Array, ending: NDArray[np.uint8]
    ) -> CrowdLook:
        """Take over ticks from `tick` on, and return the maps with them.

        states: [ticks, state_dim, agents]; reward, ending: [ticks, agents]; rows of the arena.
        """
        with np.errstate(all="ignore"):
            for found in self._following.take(tick, self._rows(states, reward, ending)):
                self._add(found)
            return self._look()

    def resample(self, columns: NDArray[np.intp], came: NDArray[np.bool_], since: int) -> None:
        """Follow other agents from now on, as `Following.resample` does; what was counted stays."""
        self._following.resample(columns, came, since)
        self._agents = len(columns)

    def rehearse(self) -> None:
        """Take the memory that following needs now, so that it does not seem a leak when episodes count.

        Spare crowds go through the most that is ever computed at a time and, three times, through as much as
        usual: allocators treat large arrays in another way. The memory stays with the process.
        """
        self._rehearse(128, (JUDGED_STEPS + 2 * GROUP) // 128, times=1)
        self._rehearse(self._chunk, self._agents, times=3)

    def _rehearse(self, ticks: int, agents: int, times: int) -> None:
        """Let a spare crowd of `agents` follow episodes of `ticks` steps."""
        rules = FollowRules(self._following.rules.gamma, ticks)
        spare = Crowd(self._plane, self._critic, rules, agents, ticks + 1, self._edge)
        states = np.zeros((ticks + 1, len(self._plane.world.state), agents), np.float32)
        reward, ending = np.zeros((ticks + 1, agents), np.float32), np.zeros((ticks + 1, agents), np.uint8)
        ending[ticks] = Ending.TRUNCATED
        for number in range(times):
            spare.take(number * len(ending), states, reward, ending)

    def _rows(self, states: Float32Array, reward: Float32Array, ending: NDArray[np.uint8]) -> TickRows:
        ticks, variables, agents = states.shape
        flat = np.ascontiguousarray(states.transpose(1, 0, 2)).reshape(variables, -1)
        obs = np.empty((len(self._plane.world.obs), flat.shape[1]), np.float32)
        self._plane.world.observe(flat, obs)
        value, cell = self._critic.value(obs), map_cells(self._plane, flat, self._edge)
        return TickRows(value.reshape(ticks, agents), reward, ending, cell.reshape(ticks, agents))

    def _add(self, found: Passages) -> None:
        errors = np.stack([found.predicted - found.realised, found.td_error])
        self._sums.add(found.cell, found.episode, errors)
        self._seen += len(found.returns)
        self._kept.add(found)
        self._kept.keep(JUDGED_EPISODES, JUDGED_STEPS)

    def _look(self) -> CrowdLook:
        following = self._following
        maps = self._sums.means(0), self._sums.means(1)
        return CrowdLook(*maps, self._seen, following.since, following.missed, not following.rules.part)

    def numbers(self, resamples: int = RESAMPLES) -> CrowdNumbers:
        """Return the numbers about the critic, from the newest episodes; NaN without one.

        Performance: 0.2 s for JUDGED_STEPS steps and 500 resamples, on a busy machine.
        """
        with np.errstate(all="ignore"):
            judged = self._kept.newest(JUDGED_EPISODES, JUDGED_STEPS)
            found = value_metrics(
                judged.predicted,
                judged.realised,
                judged.episode,
                td_errors=judged.td_error,
                resamples=resamples,
            )
            starts = judged.start
            found |= start_metrics(judged.predicted[starts], judged.realised[starts], resamples=resamples)
            if not self._following.rules.part:
                found |= return_metrics(
                    judged.returns, judged.lengths, judged.terminated, resamples=resamples
                )
            return CrowdNumbers(
                found,
                episodes=len(judged.returns),
                steps=len(judged.episode),
                bootstrapped=float(judged.bootstrapped.mean()) if len(judged.episode) else math.nan,
                left_out=left_out(judged.predicted, judged.realised),
                seen=self._seen,
                missed=self._following.missed,
                agents=self._agents,
                whole=not self._following.rules.part,
            )
