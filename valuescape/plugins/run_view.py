"""`RunView`: a run at one tick, as plug-ins of the main process see it (`valuescape.sim.plugins.run.Run`)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.render.view.changes import Change, Set
from valuescape.run_state import RunState
from valuescape.sim.config.files import Config
from valuescape.sim.engine import Engine
from valuescape.sim.plugins.declarations import Declaration, Kind
from valuescape.sim.plugins.main_kinds import ShaderLayer
from valuescape.sim.plugins.registry import PLUGINS
from valuescape.sim.plugins.run import RunNumbers
from valuescape.sim.worlds import World


class RowGoneError(LookupError):
    """A row that a plug-in reads is being overwritten, or was."""


class Hosted(Protocol):
    """What the host of plug-ins needs of a session."""

    meter: FrameMeter

    @property
    def engine(self) -> Engine:
        """The engine."""

    @property
    def newest_tick(self) -> int:
        """The newest tick that is shown."""

    @property
    def folder(self) -> Path:
        """The folder of the run's files."""

    def state(self) -> RunState:
        """Return the state of the run."""

    def setting(self, name: str) -> Any:
        """Return the value of a setting as it is now. Raises KeyError if there is no such setting."""


def _silent(_: str) -> None:
    pass


@dataclass(slots=True)
class Asked:
    """What plug-ins ask for. changes: to be applied after the frame. say, alarm: are called with a text."""

    changes: list[Change] = field(default_factory=list)
    say: Callable[[str], None] = _silent
    alarm: Callable[[str], None] = _silent


class RunView:
    """A run at one tick, for one plug-in. Rows are copied when they are first read."""

    def __init__(self, hosted: Hosted, asked: Asked, declared: Declaration, tick: int, missed: int) -> None:
        self._hosted, self._asked, self._declared = hosted, asked, declared
        self.tick, self.missed = tick, missed
        self._rows: dict[str, NDArray[Any]] = {}

    @property
    def is_gone(self) -> bool:
        """Whether the tick's rows are being overwritten, or were."""
        return self._hosted.engine.recent_row("reward", self.tick, slice(0, 1)) is None

    @property
    def world(self) -> World:
        """The world."""
        return self._hosted.engine.world

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self._hosted.engine.config

    @property
    def folder(self) -> Path:
        """The folder that the run's files are written to."""
        return self._hosted.folder

    @property
    def state(self) -> NDArray[Any]:
        """The states."""
        return self._row("state")

    @property
    def action(self) -> NDArray[Any]:
        """The actions of the step that led to the tick."""
        return self._row("action")

    @property
    def reward(self) -> NDArray[Any]:
        """The rewards of that step."""
        return self._row("reward")

    @property
    def ending(self) -> NDArray[Any]:
        """How episodes ended with this tick."""
        return self._row("ending")

    @property
    def episode_return(self) -> NDArray[Any]:
        """The sum of rewards of the episode so far."""
        return self._row("episode_return")

    def _row(self, name: str) -> NDArray[Any]:
        found = self._rows.get(name)
        if found is None:
            found = self._hosted.engine.recent_row(name, self.tick)
            if found is None:
                raise RowGoneError(f"{name} of tick {self.tick}")
            self._rows[name] = found
        return found

    @property
    def numbers(self) -> RunNumbers:
        """Numbers about the run so far."""
        state = self._hosted.state()
        stats = state.figures.episodes()
        return RunNumbers(
            state.recent_fps,
            stats.finished,
            stats.terminated,
            stats.mean_return,
            stats.mean_length,
            state.workers,
        )

    def get(self, name: str) -> Any:
        """Return the value of a setting as it is now. Raises KeyError if there is no such setting."""
        return self._hosted.setting(name)

    def set(self, name: str, value: Any) -> None:
        """Give a live setting another value after this frame."""
        self._asked.changes.append(Set(name, value, asker=str(self._declared)))

    def uniform(self, layer: str, name: str, value: float) -> None:
        """Give a uniform variable of a shader layer another value. Raises KeyError if there is none."""
        declared = PLUGINS.find(Kind.LAYER, layer)
        options = declared.options if declared else None
        if not isinstance(options, ShaderLayer) or name not in options.uniforms:
            raise KeyError(f"no shader layer {layer!r} has a uniform {name!r}")
        options.uniforms[name] = float(value)

    def say(self, text: str) -> None:
        """Show a notice in the picture for a few seconds."""
        self._asked.say(str(text))

    def alarm(self, text: str) -> None:
        """Raise an alarm: it is shown, printed, and kept in the run's report."""
        self._asked.alarm(str(text))
