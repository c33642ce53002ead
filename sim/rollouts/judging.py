"""The policy and the returns that a critic is judged by: those that it learned from."""

import numpy as np

from valuescape.sim.arrays import BoolArray, Float64Array
from valuescape.sim.config.insight_section import InsightConfig
from valuescape.sim.insight.significance import significant_cells
from valuescape.sim.insight.subject import Subject
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.sampling import Sampling, reward_alpha, sampling_of
from valuescape.sim.rollouts.rules import RolloutEnd, RolloutRules
from valuescape.sim.rollouts.truth import Truth
from valuescape.sim.worlds.base import World

TOLERANCE = 0.02
"""A share of the truth's range; where rollouts do not differ a smaller error does not count as one."""


def soft_alpha(checkpoint: Checkpoint, given: float | None = None) -> float | None:
    """Return the entropy coefficient of a soft critic; None of others.

    given: in units of the world's rewards; None takes the checkpoint's. None is returned too where the file
    does not say what actions are drawn with, and where neither file nor caller knows the coefficient.
    """
    if not checkpoint.soft or sampling_of(checkpoint) is Sampling.NONE:
        return None
    return reward_alpha(checkpoint) if given is None else given


def judging_rules(
    checkpoint: Checkpoint, world: World, *, time_limit: bool, seed: int, alpha: float | None
) -> RolloutRules:
    """Return the rules of rollouts whose returns a critic is compared with: of the policy as in training.

    time_limit: keep the world's. alpha: as `soft_alpha` gives it.
    """
    return RolloutRules.of(
        checkpoint.gamma,
        world.max_episode_steps,
        time_limit=time_limit,
        seed=seed,
        sampled=True,
        alpha=alpha or 0.0,
    )


def rules_of_run(subject: Subject, insight: InsightConfig) -> RolloutRules:
    """Return the rules of the rollouts that a run's critic is compared with.

    subject: its policy, which has to be there, and its settings; of `insight` those are used that are given.
    """
    checkpoint, config = subject.checkpoint, subject.config
    assert checkpoint is not None
    given = config.policy.entropy_coefficient
    return judging_rules(
        checkpoint,
        subject.world,
        time_limit=insight.time_limit,
        seed=config.run.seed,
        alpha=soft_alpha(checkpoint, None if given == "file" else given),
    )


def rollouts_differ(checkpoint: Checkpoint, rules: RolloutRules) -> bool:
    """Return whether the policy lets rollouts from one state differ."""
    return rules.exploration > 0 or (rules.sampled and sampling_of(checkpoint) is not Sampling.NONE)


def significant_errors(error: Float64Array, truth: Truth, *, random: bool) -> BoolArray:
    """Return the cells [edge, edge] whose error V - G is beyond chance, at a false discovery rate of 5 %.

    random: whether rollouts from one state differ; if not, errors beyond TOLERANCE count. Cells without
    rollouts of their own, which show a neighbour's truth, are never among them.
    """
    known = truth.value[np.isfinite(truth.value)]
    error = np.where(truth.rollouts > 0, error, np.nan)
    tolerance = 0.0 if random or not known.size else TOLERANCE * float(np.ptp(known))
    return significant_cells(error, truth.standard_error, truth.rollouts, tolerance=tolerance)


def return_in_words(checkpoint: Checkpoint, rules: RolloutRules, rollouts: int) -> str:
    """Return a few words about the returns of `rollouts` rollouts a cell: "soft return (α = 0.2), …"."""
    kind, lack = "return", ""
    if rules.alpha > 0:
        kind = f"soft return (α = {rules.alpha:.3g})"
    elif checkpoint.soft:
        kind, lack = "plain return", " (the file lacks noise or α for a soft one)"
    count = "one rollout" if rollouts == 1 else f"{rollouts:,} rollouts"
    limit = "to the time limit" if rules.limit_end is RolloutEnd.TIME_LIMIT else "no time limit"
    return f"{kind} that follows, {count}, {limit}{lack}"
