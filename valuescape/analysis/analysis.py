"""The analysis of one checkpoint: episodes, maps, numbers, places; from a file to values in memory."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from valuescape.analysis.coverage import Coverage, coverage_of
from valuescape.analysis.episodes import Episodes
from valuescape.analysis.making import EpisodesAsked, Here, Makers, TruthAsked
from valuescape.analysis.maps import Maps, critic_maps, visits_of
from valuescape.analysis.robustness import Robustness, robustness_of
from valuescape.sim.arrays import BoolArray, Float64Array
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.finders import (
    Cliff,
    Loop,
    Stuck,
    loops,
    overconfident_regions,
    stuck,
    underconfident_regions,
    unvisited_but_promised,
    value_cliffs,
)
from valuescape.sim.insight.metrics import Estimate, left_out, return_metrics, start_metrics, value_metrics
from valuescape.sim.insight.plane import MapPlane
from valuescape.sim.insight.regions import MOST, Region
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.sampling import Sampling, sampling_of
from valuescape.sim.rollouts.choose import why_no_rollouts
from valuescape.sim.rollouts.judging import judging_rules, significant_errors, soft_alpha
from valuescape.sim.worlds.base import World

Progress = Callable[[str, float], bool]
"""Told what is being done and the share that is done; returns whether to go on."""

SATISFIED = 0.9
"""Quantile of the values met; an agent without progress above it is where it wants to be."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings of an analysis.

    episodes: how many. cells: of the maps, each way. rollouts: a cell, where rollouts differ. seed: of starts
    and draws. time_limit: whether rollouts keep the world's. alpha: SAC's entropy coefficient, in units of
    the world's rewards; None takes the checkpoint's. min_visits: steps that a cell needs not to be faded.
    action: `insight.action`, whose part the map of the policy shows. simd: `features.simd`.
    """

    episodes: int = 512
    cells: int = 256
    rollouts: int = 64
    seed: int = 0
    time_limit: bool = False
    alpha: float | None = None
    threads: int = 2
    min_visits: float = 1.0
    action: str = ""
    simd: bool = True


@dataclass(frozen=True, slots=True)
class Places:
    """Regions and episodes to look at, the most important first."""

    overconfident: list[Region]
    underconfident: list[Region]
    unvisited: list[Region]
    cliffs: list[Cliff]
    """Falls in value along episodes; agents are episodes, ticks count from their start."""
    stuck: list[Stuck]
    loops: list[Loop]


@dataclass(frozen=True, slots=True)
class Analysis:
    """The results of an analysis."""

    checkpoint: Checkpoint
    world: World
    plan: Plan
    alpha: float | None
    """The entropy coefficient that returns are soft by; None where they are not."""
    episodes: Episodes
    """Episodes of the deterministic policy."""
    judged: Episodes
    """Episodes that the critic is judged by: those of the policy as it acts in training."""
    numbers: dict[str, Estimate]
    coverage: Coverage | None
    """Of the critic's quantiles, over `judged`; None if it has none."""
    maps: Maps | None
    """None where agents cannot be put into a state."""
    significant: BoolArray
    """Cells [edge, edge] whose error is beyond chance, at a false discovery rate of 5 %."""
    places: Places
    complete: bool
    """Whether nothing was cut short."""
    whole_episodes: bool
    """Whether no episode was: the numbers are what they would be."""

    @property
    def robustness(self) -> list[Robustness]:
        """Returns of the deterministic policy against each parameter that is spread; computed anew."""
        return robustness_of(self.world, self.episodes, self.plan.seed)

    @property
    def left_out(self) -> int:
        """Number of steps that no number counts, since their value or their return is not finite."""
        return left_out(self.judged.predicted, self.judged.realised)


def analyze(
    checkpoint: Checkpoint,
    plane: MapPlane,
    plan: Plan,
    on_progress: Progress = lambda *_: True,
    made_by: Makers | None = None,
) -> Analysis:
    """Return the analysis of a checkpoint over a plane of its world.

    on_progress: if it says no, what is there so far is judged. made_by: makes episodes and rollouts; None:
    this process, in `plan.threads` threads. Raises UsageError if episodes cannot be run in the world, or if
    no value or no return is finite.
    """
    with np.errstate(all="ignore"):  # a critic that has diverged is told in words
        return _analysis(checkpoint, plane, plan, on_progress, made_by or Here(plan.threads))


def _analysis(
    checkpoint: Checkpoint, plane: MapPlane, plan: Plan, on_progress: Progress, made_by: Makers
) -> Analysis:
    world, alpha = plane.world, soft_alpha(checkpoint, plan.alpha)
    stochastic = sampling_of(checkpoint) is not Sampling.NONE
    going = _Going(on_progress, 3 if stochastic else 2)
    asked = EpisodesAsked(checkpoint, world, plan.episodes, plan.seed)
    episodes = judged = made_by.episodes(asked, going.on_step("episodes"))
    if stochastic:
        asked = replace(asked, alpha=alpha or 0.0)
        judged = made_by.episodes(asked, going.on_step("episodes as in training"))
    whole = going.on
    maps = _maps(_truth_asked(checkpoint, plane, plan, alpha), going, made_by)
    if maps is not None:
        maps = replace(maps, visits=visits_of(plane, judged))
    significant = significant_of(maps)
    coverage = coverage_of(checkpoint, judged, plan.seed)
    return Analysis(
        checkpoint,
        world,
        plan,
        alpha,
        episodes,
        judged,
        _numbers(episodes, judged, coverage, plan.seed),
        coverage,
        maps,
        significant,
        places_of(maps, significant, judged, plane, checkpoint.gamma),
        going.on,
        whole,
    )


class _Going:
    """Whether to go on, and how far the whole is: its parts count alike."""

    def __init__(self, on_progress: Progress, parts: int) -> None:
        self._tell, self._parts, self._part = on_progress, parts, 0
        self.on = True

    def on_step(self, what: str) -> Callable[[int, int], bool]:
        """Return what a run of episodes asks before each step."""
        self.begin_part()

        def ask(step: int, most: int) -> bool:
            return (
                self.tell(what, step / most) or step == 0
            )  # one step at least, or there is nothing to judge

        return ask

    def begin_part(self) -> None:
        """Go on to the next part."""
        self._part += 1

    def tell(self, what: str, share: float) -> bool:
        """Tell how far a part is; return whether to go on."""
        self.on = self.on and self._tell(what, (self._part - 1 + share) / self._parts)
        return self.on


def _truth_asked(checkpoint: Checkpoint, plane: MapPlane, plan: Plan, alpha: float | None) -> TruthAsked:
    rules = judging_rules(checkpoint, plane.world, time_limit=plan.time_limit, seed=plan.seed, alpha=alpha)
    return TruthAsked(checkpoint, plane, plan.cells, rules, plan.rollouts, plan.simd)


def _maps(asked: TruthAsked, going: _Going, made_by: Makers) -> Maps | None:
    if why_no_rollouts(asked.plane.world) or not going.on:
        return None
    going.begin_part()
    maps = critic_maps(asked, made_by, lambda share: going.tell("rollouts from every cell", share))
    return maps if maps.truth.rollouts.any() else None  # interrupted before the first


def _numbers(
    episodes: Episodes, judged: Episodes, coverage: Coverage | None, seed: int
) -> dict[str, Estimate]:
    if left_out(judged.predicted, judged.realised) == len(judged.predicted):
        raise UsageError(
            "no step has both a value and a return that are finite: the critic has diverged, or the world "
            "gives NaN"
        )
    first = judged.first
    whole = return_metrics(episodes.returns, episodes.lengths, episodes.terminated, seed=seed)
    if episodes.interrupted:  # those that ended by then are the short ones
        whole = dict.fromkeys(whole, Estimate(math.nan, math.nan, math.nan))
    return {
        **whole,
        **start_metrics(judged.predicted[first], judged.realised[first], seed=seed),
        **value_metrics(
            judged.predicted, judged.realised, judged.episode, td_errors=judged.td_error, seed=seed
        ),
        **({"quantile_coverage_error": coverage.error} if coverage else {}),
    }


def significant_of(maps: Maps | None) -> BoolArray:
    """Return the cells whose error is beyond chance; of deterministic rollouts, beyond TOLERANCE."""
    if maps is None:
        return np.zeros((0, 0), np.bool_)
    return significant_errors(maps.error, maps.truth, random=maps.random)


def places_of(
    maps: Maps | None,
    significant: BoolArray,
    episodes: Episodes,
    plane: MapPlane,
    gamma: float,
) -> Places:
    """Return where to look: on the maps, if there are any, and along the episodes."""
    cliffs, still, turning = _along(episodes, plane, gamma)
    if maps is None:
        return Places([], [], [], cliffs, still, turning)
    x, y = maps.centres(len(significant))
    wraps = (maps.plane.variables[0].periodic, maps.plane.variables[1].periodic)
    over = overconfident_regions(maps.error, significant, x=x, y=y, periodic=wraps)
    under = underconfident_regions(maps.error, significant, x=x, y=y, periodic=wraps)
    unvisited: list[Region] = []
    if maps.visits is not None:
        edge = len(maps.visits.count)
        x, y = maps.centres(edge)
        unvisited = unvisited_but_promised(maps.value_at(edge), maps.visits.count, x=x, y=y, periodic=wraps)
    return Places(over, under, unvisited, cliffs, still, turning)


def _along(episodes: Episodes, plane: MapPlane, gamma: float) -> tuple[list[Cliff], list[Stuck], list[Loop]]:
    """Return what is found along the episodes, which are put side by side with their ends at the last row."""
    longest = int(episodes.lengths.max())
    begins = longest - episodes.lengths
    step = np.arange(len(episodes.episode)) - episodes.first[episodes.episode]
    at = begins[episodes.episode] + step, episodes.episode

    def rows(values: Float64Array) -> Float64Array:
        table = np.full((longest, len(episodes.returns), *values.shape[1:]), np.nan)
        table[at] = values
        return table

    values = rows(episodes.predicted)
    high = float(np.nanquantile(values, SATISFIED))
    wrap = tuple((v.low, v.high) if v.periodic else None for v in plane.variables)
    cliffs = value_cliffs(values, rows(episodes.reward), gamma=gamma)
    still = stuck(values, satisfied=high)[:MOST]
    turning = loops(rows(episodes.state[:, plane.axes].astype(np.float64)), wrap=(wrap[0], wrap[1]))[:MOST]
    return (
        [replace(each, tick=each.tick - int(begins[each.agent])) for each in cliffs],
        [_from(each, int(begins[each.agent])) for each in still],
        turning,
    )


def _from(each: Stuck, begin: int) -> Stuck:
    return replace(each, first=each.first - begin, last=each.last - begin)
