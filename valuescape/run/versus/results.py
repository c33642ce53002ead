"""What both sides of an A/B run got: numbers of each, and the difference of their mean returns."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from valuescape.run.report import results_of
from valuescape.run.versus.naming import names
from valuescape.run_state import RunState
from valuescape.sim.engine import Engine
from valuescape.sim.insight.difference import Returns, difference, mean_return
from valuescape.sim.insight.metrics import Estimate


@dataclass(frozen=True, slots=True)
class Gains:
    """Mean returns of the episodes that finished up to one tick.

    difference: B's less A's; NaN as long as `unfinished` agents of both sides have not finished an episode.
    Short episodes finish first, so before that the means are of a choice of episodes, another on each side.
    """

    first: Estimate
    second: Estimate
    difference: Estimate
    unfinished: int


def gains(first: Engine, second: Engine, tick: int) -> Gains | None:
    """Return what agents on both sides got up to `tick`; None if that is too long ago to be told.

    Performance: linear in agents; 1 ms for 10,000 on each side.
    """
    one, other = _returns(first, tick), _returns(second, tick)
    if one is None or other is None:
        return None
    unfinished = sum(int((np.asarray(each.episodes) == 0).sum()) for each in (one, other))
    unknown = Estimate(math.nan, math.nan, math.nan)
    apart = unknown if unfinished else difference(one, other)
    return Gains(mean_return(one), mean_return(other), apart, unfinished)


def _returns(engine: Engine, tick: int) -> Returns | None:
    if tick < 0 or engine.recent_row("ending", tick) is None:
        return None
    episodes = engine.episodes(tick)
    return Returns(episodes.finished_count, episodes.finished_return)


def about_pair(first: RunState, second: RunState, found: Gains | None) -> dict[str, Any]:
    """Return the entry of a report that tells both sides apart; all else in the report is of side A."""
    of_a, of_b = names(first, second)
    return {
        "versus": {
            "a": {"differs_by": of_a, **_side(first, found.first if found else None)},
            "b": {
                "differs_by": of_b,
                **_side(second, found.second if found else None),
                "config": second.config.model_dump(mode="json"),
            },
            "mean_return_b_less_a": asdict(found.difference) if found else None,
            "agents_without_episode": found.unfinished if found else None,
        }
    }


def _side(state: RunState, got: Estimate | None) -> dict[str, Any]:
    return {
        "agents": state.config.agents.count,
        "workers": state.workers,
        "worker_restarts": state.restarts,
        **results_of(state),
        "mean_return_95": got and [got.low, got.high],
    }
