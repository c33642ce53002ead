"""Loads a checkpoint of any format for a world, with the normalisation statistics it was trained with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from valuescape.sim.config.toml_writer import toml_value
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import check_checkpoint
from valuescape.sim.policy.doubts import doubts_about
from valuescape.sim.policy.fit import critic_fit
from valuescape.sim.policy.formats.detect import find_model, format_of
from valuescape.sim.policy.formats.given import Given, NotSaidError, head_option
from valuescape.sim.policy.formats.normalization import read_normalization
from valuescape.sim.policy.formats.registry import Format, Lack
from valuescape.sim.policy.network import Checkpoint, multiplied_rewards
from valuescape.sim.policy.reward_units import RewardUnits
from valuescape.sim.policy.statistics import FITS, statistics_beside, with_statistics
from valuescape.sim.policy.world_fit import bounds_remark, check_world, head_for, with_bounds
from valuescape.sim.worlds import World

_NOTHING = Given()


def load_checkpoint(path: Path, world: World, given: Given = _NOTHING) -> Checkpoint:
    """Return the checkpoint at `path`, of any format in `sim.policy.formats.known`, if it fits `world`.

    `path` may leave out a suffix that the format's library appends. given: what the user states because the
    file does not say it. Raises UsageError if there is no such file, if no format recognises it (naming what
    it is, and how to convert it), if it is damaged or hostile, if something is neither in the file nor
    stated (naming the option), or if it was made for another world.
    """
    with _asking_for(world):
        checkpoint = read_checkpoint(path, given)
    check_world(checkpoint, world, path)
    checkpoint, _ = with_bounds(checkpoint, world, path)
    if given.obs_normalization is not None:
        units = RewardUnits.AUTO if given.reward_scale is None else RewardUnits.OFF
        checkpoint = with_statistics(checkpoint, given.obs_normalization, world, units)
    return _with_reward_scale(checkpoint, given, format_of(find_model(path)), path)


@contextmanager
def _asking_for(world: World) -> Iterator[None]:
    """Let errors that ask for the meaning of the actor's outputs name the one of `world`'s actions."""
    try:
        yield
    except NotSaidError as error:
        raise error.with_options(head=head_option(head_for(world.action))) from None


def read_checkpoint(path: Path, given: Given = _NOTHING) -> Checkpoint:
    """Return the checkpoint at `path` for whichever world; otherwise as `load_checkpoint`.

    Action bounds that it does not say stay empty, and the stated normalisation of observations is left out.
    """
    path = find_model(path)
    return format_of(path).load(path, given)


def load_with_statistics(
    path: Path,
    world: World,
    given: Given = _NOTHING,
    units: RewardUnits = RewardUnits.AUTO,
    *,
    doubts: bool = True,
) -> Checkpoint:
    """Return the checkpoint at `path` with the statistics of observations that it was trained with.

    given: as in `load_checkpoint`; without `given.obs_normalization`, VecNormalize's file is looked for
    beside files whose format lacks statistics. doubts: whether to look for signs that the critic does not
    fit, which takes some episodes (80 ms). The checkpoint's `remarks` say which file was found, what was
    taken from the world, and what about such a checkpoint seems not to fit `world`. Raises UsageError as
    `load_checkpoint` and `with_statistics` do.
    """
    model = find_model(path)
    found = format_of(model)
    with _asking_for(world):
        checkpoint = found.load(model, given)
    check_world(checkpoint, world, path)
    remarks = list(checkpoint.remarks)
    checkpoint, said = with_bounds(checkpoint, world, path)
    remarks += [each for each in (said, _settings_remark(checkpoint, world)) if each]
    incomplete = Lack.STATISTICS in found.lacks
    units = units if given.reward_scale is None else RewardUnits.OFF
    if given.obs_normalization is not None:
        checkpoint = with_statistics(checkpoint, given.obs_normalization, world, units)
    elif incomplete and (beside := statistics_beside(model)):
        checkpoint, remark = _with_found(checkpoint, beside, world, units)
        remarks.append(remark)
    checkpoint = _with_reward_scale(checkpoint, given, found, path)
    if doubts and Lack.WORLD in found.lacks:
        found_out = doubts_about(checkpoint, world, gamma_stated=given.gamma is not None and not given.yields)
        checkpoint = replace(checkpoint, doubt=found_out.said)
        hints = (bounds_remark(checkpoint, world), found_out.remark)
        remarks += [hint for hint in hints if hint]
    return replace(checkpoint, remarks=tuple(f"{model.name}: {remark}" for remark in remarks))


def _settings_remark(checkpoint: Checkpoint, world: World) -> str:
    """Return how to make the environment of the training, if it was made with arguments of its own."""
    settings, making = checkpoint.world_settings, getattr(world, "making", None)
    env, limit = settings.get("env", {}), settings.get("max_episode_steps", 0)
    if not settings or (making and (dict(making.kwargs), making.limit) == (env, limit)):
        return ""
    options = [f"--env-kwargs {name}={toml_value(value)}" for name, value in env.items()]
    options += [f"--max-episode-steps {limit}"] if limit else []
    return f"its environment was made with arguments of its own; state them: {' '.join(options)}"


def _with_reward_scale(checkpoint: Checkpoint, given: Given, found: Format, path: Path) -> Checkpoint:
    """Return the checkpoint whose rewards were multiplied as stated, whatever the file says of rewards."""
    if given.reward_scale is None:
        return checkpoint
    silent = found.lacks & {Lack.STATISTICS, Lack.REWARDS} and checkpoint.reward_normalization is None
    if given.yields and not silent:
        return checkpoint
    norm = multiplied_rewards(given.reward_scale, checkpoint.gamma)
    return check_checkpoint(replace(checkpoint, reward_normalization=norm), path)


def _with_found(
    checkpoint: Checkpoint, path: Path, world: World, units: RewardUnits
) -> tuple[Checkpoint, str]:
    """Return the checkpoint with the statistics found at `path`, if they are its own, and a remark on that.

    They are not its own if they are of other observations, or if the critic fits the world only without them.
    """
    obs = read_normalization(path).obs
    if obs is not None and obs.mean.size != checkpoint.obs_dim:
        return checkpoint, f"{path} is of {obs.mean.size} observations, and left out"
    plain = critic_fit(checkpoint, world)
    if plain and plain.error < FITS:
        try:
            joined = critic_fit(with_statistics(checkpoint, path, world, units), world)
        except UsageError:  # asks for the critic's units, since it fits in neither
            joined = None
        if joined is None or joined.error > FITS:
            return checkpoint, f"{path} is left out: the critic fits {world.name} without it"
    return with_statistics(checkpoint, path, world, units), f"VecNormalize's statistics are from {path}"
