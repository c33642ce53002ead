"""A callback of Stable-Baselines3's that publishes the model while it learns."""

import weakref
from pathlib import Path
from typing import Any

from valuescape.publishing.place import fitting_name
from valuescape.publishing.policies import PolicyReading
from valuescape.publishing.publisher import Publisher, publish
from valuescape.publishing.segment import TakenError
from valuescape.publishing.worlds import changing_vectors, changing_wrappers, id_of
from valuescape.sim.errors import UsageError

try:
    from stable_baselines3.common.callbacks import BaseCallback
except ModuleNotFoundError as error:
    raise UsageError(
        f"valuescape.ValuescapeCallback needs {error.name}, which is not installed",
        "pip install 'valuescape[train]' (in a clone: pip install -e '.[train]')",
    ) from error


_MOST = 100
"""The most models of one algorithm and environment that are published at once without names of their own."""

_OPEN: "weakref.WeakValueDictionary[str, Publisher]" = weakref.WeakValueDictionary()
"""The publications of callbacks in this process, by their names."""


class ValuescapeCallback(BaseCallback):  # type: ignore[misc]  # Stable-Baselines3 is optional: not followed
    """Publishes a model while it learns: `model.learn(…, callback=valuescape.ValuescapeCallback())`.

    Of Stable-Baselines3 and SB3-Contrib: PPO, A2C, SAC, TD3, DDPG, DQN, TRPO, MaskablePPO, TQC and QR-DQN
    with MlpPolicy; with VecNormalize, gamma, alpha and the mean return of the last episodes. The publication
    ends with `learn`, and the next `learn` begins another.
    """

    def __init__(
        self,
        name: str | None = None,
        every: int | None = None,
        *,
        world: Any = None,
        history: Path | str | None = "auto",
        quiet: bool = False,
        verbose: int = 0,
    ) -> None:
        """Take what `valuescape.publish` takes.

        name: None for algorithm and environment, as `ppo-Pendulum-v1`, or `ppo-Pendulum-v1-2` if that is
        taken. every: steps of the environments between updates; None for an update after each rollout. world:
        None for the model's environment.
        """
        super().__init__(verbose)
        if every is not None and every < 1:
            raise UsageError(f"ValuescapeCallback: every is {every}, expected at least 1, or None")
        self.run: Publisher | None = None
        """The publication, while the model learns."""
        self._name, self._every, self._world = name, every, world
        self._history, self._quiet = history, quiet
        self._reading: PolicyReading | None = None
        self._sent_at = 0

    def _on_training_start(self) -> None:
        self._end()
        world = self._world if self._world is not None else _world_in(self.training_env)
        self.run = self._published(world)
        self._reading = PolicyReading(self.model, self.run.world, self.run.name)
        self._send()

    def _published(self, world: Any) -> Publisher:
        """Return a publication by the name that was given, or by the first free one of the model's own."""
        title = world if isinstance(world, str) else id_of(world)
        own = fitting_name(f"{type(self.model).__name__.lower()}-{title}")
        names = [self._name] if self._name else [own, *(f"{own}-{count}" for count in range(2, _MOST + 1))]
        for name in names:
            if name in _OPEN:  # `learn` ended by an exception, whose traceback keeps the callback alive
                _OPEN.pop(name).close()
            try:
                run = publish(name, world=world, history=self._history, quiet=self._quiet)
            except TakenError:
                if name == names[-1]:
                    raise
                continue
            _OPEN[name] = run
            return run
        raise AssertionError("the last name returns or raises")

    def _on_step(self) -> bool:
        if self._every is not None and self.num_timesteps - self._sent_at >= self._every:
            self._send()
        return True

    def _on_rollout_end(self) -> None:
        if self._every is None:
            self._send()

    def _on_training_end(self) -> None:
        self._send()
        self._end()

    def _send(self) -> None:
        if self.run is not None and self._reading is not None:
            self._sent_at = self.num_timesteps
            self.run.update_by(self._reading, self.num_timesteps)

    def _end(self) -> None:
        if self.run is not None:
            self.run.close()
            self.run = None


def _world_in(env: Any) -> Any:
    """Return the `EnvSpec` of the environments of a VecEnv, or the VecEnv itself where they have none.

    Raises UsageError for wrappers that viewers, which make the environment by its id, would not have.
    """
    specs = [each for each in env.get_attr("spec") if each is not None]
    if not specs:
        return env
    own = [*changing_wrappers(specs[0]), *changing_vectors(env)]
    if own:
        raise UsageError(
            f"ValuescapeCallback: {specs[0].id} is wrapped in {', '.join(own)}, which viewers do not know of",
            f'name a function that makes it, world="my_module:make"; world="{specs[0].id}" shows it without',
        )
    return specs[0]
