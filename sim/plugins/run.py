"""`Run`: a run as plug-ins in the main process see it, and the changes that they can ask for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class RunNumbers:
    """Numbers about a run so far.

    fps: frames a second lately. episodes: number of finished ones; terminated: of those that terminated.
    mean_return, mean_length: of finished episodes; NaN before the first. workers: processes that step agents.
    """

    fps: float
    episodes: int
    terminated: int
    mean_return: float
    mean_length: float
    workers: int


class Run(Protocol):
    """A run at one tick.

    Arrays are copies, with agents last, in the world's units. Of two runs side by side it is the first, A.
    """

    @property
    def tick(self) -> int:
        """The tick that the arrays are of."""

    @property
    def missed(self) -> int:
        """The number of ticks without a call, because their rows were overwritten before a frame came."""

    @property
    def world(self) -> Any:
        """The `World`: names and units of its variables."""

    @property
    def config(self) -> Any:
        """The configuration in force; it cannot be changed here. `run.config.agents.count`."""

    @property
    def folder(self) -> Path:
        """The folder that the run's files are written to. It may not exist yet."""

    @property
    def state(self) -> NDArray[Any]:
        """The states, [state_dim, n] float32."""

    @property
    def action(self) -> NDArray[Any]:
        """The actions of the step that led to the tick, [action_dim, n] float32."""

    @property
    def reward(self) -> NDArray[Any]:
        """The rewards of that step, [n] float32."""

    @property
    def ending(self) -> NDArray[Any]:
        """How episodes ended with this tick, [n] uint8: 0 goes on, 1 terminated, 2 truncated."""

    @property
    def episode_return(self) -> NDArray[Any]:
        """The sum of rewards of the episode so far, [n] float32."""

    @property
    def numbers(self) -> RunNumbers:
        """Numbers about the run so far."""

    def get(self, name: str) -> Any:
        """Return the value of a setting as it is now: `run.get("heatmap.layer")`. Raises KeyError."""

    def set(self, name: str, value: Any) -> None:
        """Give a live setting another value after this frame, as a key or the panel does.

        If the setting is not live, or the value does not fit, the picture says so, and the terminal once.
        """

    def uniform(self, layer: str, name: str, value: float) -> None:
        """Give a uniform variable of a shader layer another value. Raises KeyError if there is none."""

    def say(self, text: str) -> None:
        """Show a notice in the picture for a few seconds."""

    def alarm(self, text: str) -> None:
        """Raise an alarm: it is shown, printed, and kept in the run's report."""
