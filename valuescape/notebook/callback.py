"""A callback of Stable-Baselines3's that shows a model in a view while it learns."""

from typing import Any, Protocol

from valuescape.sim.errors import UsageError

try:
    from stable_baselines3.common.callbacks import BaseCallback
except ModuleNotFoundError as error:
    raise UsageError(
        f"View.callback needs {error.name}, which is not installed",
        "pip install 'valuescape[train]' (in a clone: pip install -e '.[train]')",
    ) from error


class Updated(Protocol):
    """A view, as far as models are given to it."""

    @property
    def closed(self) -> bool:
        """Whether it has ended."""

    def update(self, model: Any, step: int | None = None) -> None:
        """Show a model."""


class ViewCallback(BaseCallback):  # type: ignore[misc]  # Stable-Baselines3 is optional: not followed
    """Gives a view the model as it is, after each rollout or after so many steps.

    A view that was closed meanwhile does not end the training.
    """

    def __init__(self, view: Updated, every: int | None = None) -> None:
        super().__init__()
        if every is not None and every < 1:
            raise UsageError(f"every is {every}, expected at least 1, or None")
        self._view, self._every, self._given = view, every, 0

    def _on_training_start(self) -> None:
        self._give()

    def _on_step(self) -> bool:
        if self._every is not None and self.num_timesteps - self._given >= self._every:
            self._give()
        return True

    def _on_rollout_end(self) -> None:
        if self._every is None:
            self._give()

    def _on_training_end(self) -> None:
        self._give()

    def _give(self) -> None:
        if not self._view.closed:
            self._given = self.num_timesteps
            self._view.update(self.model, self.num_timesteps)
