"""Signs that a checkpoint does not fit a world, in words: what was measured, and what may be the cause."""

import math
from dataclasses import dataclass

from valuescape.sim.policy.fit import CriticFit, critic_fit
from valuescape.sim.policy.formats.given import OPTIONS
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.worlds import World

_MISFIT = 0.75
"""The error of a critic (`CriticFit.error`) from which on it is doubted; a share of the returns."""

_WORSE = 0.3
"""The share of the mean return in training by which a return is far below it."""

_SCALED = 0.3
"""The error of a critic after one division (`CriticFit.factor_error`) up to which it counts as scaled."""

_FACTORS = 0.008, 1000.0
"""The least and greatest factor of rewards that is believed; values of untrained critics are smaller."""

_NEAR = 0.15
"""The share by which a factor that was measured may be off the one that was chosen."""

_LITTLE = 0.2
"""The size of values, as a share of the returns, below which a critic may have learned little yet."""

_BEYOND = 0.5
"""The share of states with an observation far from those in training from which on they are doubted."""

_SPREADS = 0.03, 10.0
"""The least and greatest `CriticFit.spread` among models that are known to fit their world."""

_SCALE_OPTION, _GAMMA_OPTION = (OPTIONS[name].split()[0] for name in ("reward_scale", "gamma"))


@dataclass(frozen=True, slots=True)
class Doubts:
    """What is odd about a checkpoint in a world; "" and None if nothing is, or nothing can be measured.

    said: the signs, for a picture. remark: the same with possible causes, and what to do.
    """

    said: str = ""
    remark: str | None = None


def doubts_about(checkpoint: Checkpoint, world: World, *, gamma_stated: bool = False) -> Doubts:
    """Return the doubts about a checkpoint, from some episodes (80 ms).

    gamma_stated: whether its gamma is the user's word, which may be wrong. Signs are values that differ from
    the returns by about as much as the returns are large; returns far below those that the file says of the
    training; sums of the first layer that hardly differ between states, or lie where activations are flat;
    normalised observations far from 0. None is proof: a critic may be poor, and a wrong one may pass.
    """
    fit = critic_fit(checkpoint, world)
    if fit is None:
        return Doubts()
    values, cause = _of_values(fit, checkpoint, gamma_stated=gamma_stated)
    others = _of_agents(fit, checkpoint)
    if not values and not others:
        return Doubts()
    early = bool(values) and fit.size < _LITTLE and not cause
    begins = f"may have learned little {_so_far(checkpoint)}, or not fit" if early else "seems not to fit"
    signs = "; ".join([*values, *others])
    causes = cause if cause and not others else _causes(checkpoint, gamma_stated=gamma_stated)
    after = "; where episodes are cut short, returns go on with V" if values and fit.cut else ""
    return Doubts(f"{begins} this world: {signs}", f"{begins} {world.name}: {signs}{after} ({causes})")


def _so_far(checkpoint: Checkpoint) -> str:
    steps = checkpoint.training.timesteps
    return f"in {steps:,} steps" if steps else "yet"


def _of_values(fit: CriticFit, checkpoint: Checkpoint, *, gamma_stated: bool) -> tuple[list[str], str]:
    """Return the signs in the values, and the cause if they show one."""
    fits_another = gamma_stated and fit.gamma is not None
    if fit.error <= _MISFIT and not fits_another:
        return [], ""
    said = [
        f"V(s) of starts is {fit.value:.3g} on average, returns discounted by {checkpoint.gamma:g} are "
        f"{fit.realised:.3g}"
    ]
    if fits_another:
        return [*said, f"V fits {_GAMMA_OPTION} {fit.gamma:g}"], f"another gamma than {checkpoint.gamma:g}?"
    if _is_scaled(fit):
        stated = f"{_SCALE_OPTION} {_round(_stated(fit, checkpoint))}"
        said.append(f"V is {fit.factor:.2g} of the returns: {stated}?")
        return said, "rewards that were multiplied in training, or a poor critic?"
    return said, ""


def _of_agents(fit: CriticFit, checkpoint: Checkpoint) -> list[str]:
    """Return the signs in what agents get, and in what they observe."""
    said = []
    if (low := _least_return(checkpoint)) is not None and fit.gained is not None and fit.gained < low:
        in_training = f"{checkpoint.training.mean_return:.4g} at the end of the training"
        said.append(f"agents get {fit.gained:.4g} an episode, and got {in_training}")
    if not _SPREADS[0] <= fit.spread <= _SPREADS[1]:
        low, high = _SPREADS
        said.append(f"first layer's sums spread by {fit.spread:.2g}, usual are {low:g} to {high:g}")
    if fit.beyond > _BEYOND:
        said.append(
            f"an observation is 10 standard deviations off those in training in {fit.beyond:.0%} of states"
        )
    return said


def _is_scaled(fit: CriticFit) -> bool:
    """Return whether values are those of the returns after one division, and only then."""
    low, high = _FACTORS
    return low <= fit.factor <= high and fit.factor_error <= min(_SCALED, fit.error / 2)


def _stated(fit: CriticFit, checkpoint: Checkpoint) -> float:
    """Return the scale of rewards that would make V fit, whatever is assumed of it now."""
    norm = checkpoint.reward_normalization
    return fit.factor if norm is None else fit.factor / norm.scale


def _round(factor: float) -> str:
    """Return a factor as people choose it: 1, 2 or 5 times a power of ten if it is near one."""
    power = 10.0 ** math.floor(math.log10(factor))
    near = min((power * each for each in (1, 2, 5, 10)), key=lambda each: abs(each - factor))
    return f"{near if abs(near - factor) < _NEAR * factor else factor:.2g}"


def _least_return(checkpoint: Checkpoint) -> float | None:
    """Return the return of an episode below which agents do worse than in training; None if not known."""
    mean, std = checkpoint.training.mean_return, checkpoint.training.std_return
    if mean is None:
        return None
    return mean - max(3 * (std or 0.0), _WORSE * abs(mean))


def _causes(checkpoint: Checkpoint, *, gamma_stated: bool) -> str:
    """Return what may be the cause of signs that show none by themselves, and what to do."""
    gamma = f"another gamma than {checkpoint.gamma:g}, " if gamma_stated else ""
    if checkpoint.obs_normalization or checkpoint.reward_normalization:
        return f"a poor critic, {gamma}other statistics, or another world?"
    return (
        f"a poor critic, {gamma}another world, or observations that were normalised in training? "
        f"Their statistics are given by {OPTIONS['obs_normalization']}, for example VecNormalize's pickle"
    )
