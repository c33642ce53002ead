"""An analysis in sentences."""

import math

from valuescape.analysis import robustness
from valuescape.analysis.analysis import Analysis
from valuescape.sim.insight.metrics import Estimate
from valuescape.sim.policy.sampling import Sampling, sampling_of
from valuescape.sim.rollouts.choose import why_no_rollouts
from valuescape.sim.rollouts.judging import TOLERANCE
from valuescape.sim.rollouts.rules import LONGEST
from valuescape.sim.worlds.base import ArrayWorld

_FAR_BELOW = -10.0
"""Explained variance below this is no share that anybody reads in per cent."""


def verdict(found: Analysis) -> list[str]:
    """Return what a reader should take away, in sentences."""
    numbers = found.numbers
    said = [_about_returns(found), _about_starts(numbers), _about_fit(numbers)]
    if found.checkpoint.soft:
        said.append(about_entropy(found))
    said += [robustness.sentence(each) for each in found.robustness if each.known]
    if found.left_out:
        said.append(
            f"{found.left_out:,} of {len(found.judged.episode):,} steps are left out: their value or their "
            "return is not finite."
        )
    if found.judged.bootstrapped > 0:
        said.append(
            f"Of {found.judged.bootstrapped:.0%} of the steps the return ends with the critic's own value, "
            f"for {_cut_off_by(found)}."
        )
    if reason := why_no_rollouts(found.world):
        name = found.world.name
        said.append(f"No truth field: agents of {name} cannot be put into a state of one's choice: {reason}.")
    elif found.maps is not None:
        said.append(_about_maps(found))
    if not found.complete:
        said.append("Interrupted: what is here was done by then.")
    return said


def _cut_off_by(found: Analysis) -> str:
    """Return what cut returns off, so that the critic's value has to go on."""
    if not found.whole_episodes:
        return "the episodes were interrupted"
    if isinstance(found.world, ArrayWorld):
        return f"gamma = {found.checkpoint.gamma:g} reaches beyond the {LONGEST:,} steps that follow"
    return "the environment was cut off there"


def _about_returns(found: Analysis) -> str:
    numbers, interrupted = found.numbers, found.episodes.interrupted
    if interrupted:
        return (
            f"{interrupted:,} of {len(found.episodes.returns):,} episodes were interrupted: what a whole one "
            "returns is left out."
        )
    return (
        f"The deterministic policy returns {told(numbers['mean_return'])} an episode; "
        f"{numbers['share_terminated'].value:.0%} of the episodes terminate."
    )


def _about_starts(numbers: dict[str, Estimate]) -> str:
    predicted, realised = numbers["start_value_predicted"], numbers["start_value_realised"]
    if math.isnan(predicted.value):
        return "At the start no value of the critic's, or no return, is finite."
    return f"At the start the critic promises {told(predicted)}; what follows is {told(realised)}."


def _about_fit(numbers: dict[str, Estimate]) -> str:
    bias = numbers["q_bias"]
    way = "shows no bias"
    if bias.low > 0 or bias.high < 0:
        way = "promises too much" if bias.low > 0 else "promises too little"
    share = numbers["explained_variance"].value
    explains = f"it explains {as_share(share)} of the variance of returns"
    if math.isnan(share):
        explains = "returns are all alike, so there is no variance to explain"
    return f"Over all steps it {way}: bias {told(bias)}; {explains}."


def about_entropy(found: Analysis) -> str:
    """Return which entropy is in the returns of a soft critic, or why none is."""
    name = found.checkpoint.algorithm.upper()
    if sampling_of(found.checkpoint) is Sampling.NONE:
        return (
            f"A critic of {name}'s predicts soft returns of drawn actions, but the file does not say what "
            "they are drawn with: actions here are deterministic, returns plain, which is not what it means."
        )
    if found.alpha is None:
        return (
            f"A critic of {name}'s predicts soft returns, but the file does not say its entropy coefficient: "
            "returns here are plain, and not what it means. Say it with --entropy-coefficient."
        )
    return (
        f"Returns are soft, as a critic of {name}'s predicts them: -{found.alpha:.4g} log π is part of each."
    )


def _about_maps(found: Analysis) -> str:
    assert found.maps is not None
    share = found.significant.mean()
    if found.maps.random:
        beyond = "beyond chance (false discovery rate 5 %)"
    else:
        beyond = f"more than {TOLERANCE:.0%} of the truth's range"
    return f"In {share:.0%} of the map's cells the error is {beyond}."


def as_share(value: float) -> str:
    """Return a share in per cent, `99.2%`; far below zero, as a number."""
    return f"{value:.1%}" if value > _FAR_BELOW else f"{value:.3g}"


def told(estimate: Estimate) -> str:
    """Return a number with its interval: `-43.6 [-43.7, -43.5]`."""
    return f"{estimate.value:.4g} [{estimate.low:.4g}, {estimate.high:.4g}]"
