"""The origin of an analysis's maps: their provenance, and the plan that makes them again."""

from valuescape.analyze.analysis import Analysis, Plan
from valuescape.provenance.contents import AnalysisMade, Provenance
from valuescape.provenance.origin import provenance
from valuescape.sim.config.files import Config, changed


def map_origin(found: Analysis, config: Config, name: str) -> Provenance:
    """Return how a map of an analysis came about. config: of its world. name: of the map's file."""
    plan = found.plan
    planned = changed(
        config,
        {
            "run.seed": plan.seed,
            "insight.rollouts": plan.rollouts,
            "insight.time_limit": plan.time_limit,
            "policy.entropy_coefficient": "file" if plan.alpha is None else plan.alpha,
        },
    )
    made = AnalysisMade(name=name, episodes=plan.episodes, cells=plan.cells, complete=found.complete)
    return provenance(made, planned, found.checkpoint)


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
    )
