"""The origin of an analysis's maps: their provenance, and the plan that makes them again."""

from collections.abc import Sequence

from valuescape.analysis.analysis import Analysis, Plan
from valuescape.analysis.several import Analysed
from valuescape.provenance.contents import AnalysisMade, Compared, Provenance
from valuescape.provenance.origin import provenance
from valuescape.recordings.checksum import checkpoint_hash
from valuescape.recordings.contents import RecordedCheckpoint
from valuescape.sim.config.files import Config, changed


def map_origin(found: Analysis, config: Config, name: str, compared: Sequence[Analysed] = ()) -> Provenance:
    """Return how a map of an analysis came about.

    config: of its world. name: of the map's file. compared: the analyses that the map shows, if it shows
    several; `found` is the first.
    """
    plan = found.plan
    planned = changed(
        config,
        {
            "run.seed": plan.seed,
            "insight.rollouts": plan.rollouts,
            "insight.time_limit": plan.time_limit,
            "insight.action": plan.action,
            "features.simd": plan.simd,
            "policy.entropy_coefficient": "file" if plan.alpha is None else plan.alpha,
        },
    )
    made = AnalysisMade(
        name=name,
        episodes=plan.episodes,
        cells=plan.cells,
        complete=found.complete and all(each.found.complete for each in compared),
        compared=[_compared(each) for each in compared],
    )
    return provenance(made, planned, found.checkpoint)


def _compared(each: Analysed) -> Compared:
    sha256 = checkpoint_hash(each.model.checkpoint)
    return Compared(label=each.label, checkpoint=RecordedCheckpoint(name=each.model.setting, sha256=sha256))


def plan_again(made: AnalysisMade, config: Config, threads: int) -> Plan:
    """Return the plan of an analysis whose map says how it came about. config: of its provenance."""
    return plan_by(config, made.episodes, made.cells, threads)


def plan_by(config: Config, episodes: int, cells: int, threads: int) -> Plan:
    """Return the plan of an analysis with the settings of `insight`, `policy` and `run`."""
    alpha = config.policy.entropy_coefficient
    return Plan(
        episodes=episodes,
        cells=cells,
        rollouts=config.insight.rollouts,
        seed=config.run.seed,
        time_limit=config.insight.time_limit,
        alpha=None if alpha == "file" else alpha,
        threads=threads,
        min_visits=config.insight.min_visits or 1.0,
        action=config.insight.action,
        simd=config.features.simd,
    )
