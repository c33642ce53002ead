"""Checkpoints of networks in memory: models of Stable-Baselines3, and an actor and a critic of any other."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from valuescape.keywords import critic_actions, read_stated, require_known
from valuescape.library.stated import LoadOptions, given_of
from valuescape.library.worlds import require_as_registered
from valuescape.publishing.chains import NetworksError
from valuescape.publishing.meaning import Stated
from valuescape.publishing.moving import Moving
from valuescape.publishing.recipe import Recipe
from valuescape.publishing.worlds import world_of
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.loading import load_with_statistics, read_checkpoint
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.reward_units import RewardUnits
from valuescape.sim.policy.statistics import UnitsError
from valuescape.sim.worlds import World, make_world

_OF_MODULES = (
    *("algorithm", "activation", "gamma", "head", "entropy_coefficient", "obs_normalization"),
    *("reward_scale", "critic_actions"),
)


@runtime_checkable
class LiveModel(Protocol):
    """A model of Stable-Baselines3 or sb3-contrib, as `PPO("MlpPolicy", env)` makes it."""

    policy: Any
    observation_space: Any
    action_space: Any

    def save(self, path: Any, *args: Any, **kwargs: Any) -> None:
        """Write the model to a file."""

    def get_env(self) -> Any:
        """Return the vector of environments that it learns in, or None."""

    def get_vec_normalize_env(self) -> Any:
        """Return the environment that normalises, or None."""


class SavedModel:
    """A live model, written to a temporary file as it is now. A context manager."""

    def __init__(self, model: LiveModel) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="valuescape-")
        self._path = Path(self._folder.name) / "model.zip"
        self._statistics: Path | None = None
        self._model = model
        model.save(self._path)
        normalizing = model.get_vec_normalize_env()
        if normalizing is not None:
            self._statistics = Path(self._folder.name) / "vecnormalize.pkl"
            normalizing.save(self._statistics)

    def __enter__(self) -> "SavedModel":
        return self

    def __exit__(self, *error: object) -> None:
        self._folder.cleanup()

    @property
    def world(self) -> str | None:
        """The name of the world that the model learns in; None if its environment does not say.

        Raises UsageError if the environment was made with arguments or wrappers of its own.
        """
        env = self._model.get_env()
        specs = [] if env is None else [each for each in env.get_attr("spec") if each is not None]
        if not specs:
            return None
        require_as_registered(specs[0])
        return world_of(specs[0].id).name

    def spaces(self) -> Checkpoint:
        """Return the checkpoint for whichever world."""
        return read_checkpoint(self._path)

    def checkpoint(self, world: str) -> Checkpoint:
        """Return the checkpoint in a world. Raises UsageError if it does not fit."""
        given, made = Given(obs_normalization=self._statistics), make_world(world)
        try:
            return load_with_statistics(self._path, made, given, doubts=False)
        except UnitsError:  # little learned yet: as VecNormalize divides now
            on = self._model.get_vec_normalize_env().norm_reward
            units = RewardUnits.ON if on else RewardUnits.OFF
            return load_with_statistics(self._path, made, given, units, doubts=False)


def checkpoint_of_modules(actor: Any, critic: Any, world: World, options: Mapping[str, Any]) -> Checkpoint:
    """Return the checkpoint of an actor and a critic of any library, as `valuescape.publish` takes them.

    options: of `LoadOptions`; gamma is needed. obs_normalization: (mean, std), arrays, or an object that has
    them, as VecNormalize. Raises UsageError if the networks are not of a kind that is known, or do not fit.
    """
    require_known(options, LoadOptions, "load")
    for name in options:
        if name not in _OF_MODULES:
            raise UsageError(f"load: {name} is for files, not for networks in memory")
    own = read_stated(options, {"critic_actions": critic_actions})
    given = given_of({name: options[name] for name in options.keys() - {"obs_normalization", *own}})
    if given.gamma is None:
        raise UsageError("load: networks in memory do not say the discount gamma", "state it: gamma=0.99")
    stated = Stated(given.algorithm, given.gamma, given.activation, given.head, **own)
    moving = Moving(options.get("obs_normalization"), given.reward_scale, alpha=given.entropy_coefficient)
    try:
        return Recipe(actor, critic, moving, world, stated).read(actor, critic, moving, Path("load"))
    except NetworksError as error:
        raise error.told_by("load", "load") from error.__cause__
