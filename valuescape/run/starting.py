"""Starting an engine while a person watches, or while nobody does."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol, Self

from valuescape.render.displays.display import Display
from valuescape.render.displays.events import Action, Close, Key
from valuescape.render.scene.waiting import WaitingPicture
from valuescape.sim.codegen import notice as compiling
from valuescape.sim.config.files import Config
from valuescape.sim.crew.preparing import compile_apart
from valuescape.sim.engine import Engine
from valuescape.sim.interrupts import Interrupts
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.shared.layout import Phase

_LOOK_S, _FRAME_S = 0.02, 0.05
_COMPILING = "compiling the simulation for this machine (first time only)"


class CancelledError(KeyboardInterrupt):
    """A person did not want to wait any longer. leave: nor to go on with what was there before."""

    def __init__(self, *, leave: bool) -> None:
        super().__init__()
        self.leave = leave


class Start(Protocol):
    """How a start is gone along with."""

    def doing(self, what: str) -> None:
        """Say what is being done from now on."""

    def check(self) -> None:
        """Called often meanwhile; raises KeyboardInterrupt if the start is to end."""

    def wait_for(self, make: Callable[[], Engine]) -> Engine:
        """Return the engine that `make` makes."""


class UnwatchedStart:
    """Nobody is at the picture; `interrupts` alone end it. A context manager, as the other."""

    def __init__(self, interrupts: Interrupts) -> None:
        self.check = interrupts.check

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """There is nothing to free."""

    def doing(self, what: str) -> None:
        """There is nobody to tell."""

    def wait_for(self, make: Callable[[], Engine]) -> Engine:
        """Make the engine here and now."""
        return make()


class WatchedStart:
    """Shows what is being done on a display and takes its events; Esc and closing raise CancelledError.

    A context manager. title: of the whole; hint: what Esc does. panel, behind: pictures (framebuffers) that
    are on the display now: the one beside and the one to draw over.
    """

    def __init__(
        self,
        display: Display,
        interrupts: Interrupts,
        title: str,
        hint: str,
        panel: Any = None,
        behind: Any = None,
    ) -> None:
        self._display, self._interrupts = display, interrupts
        self._title, self._hint = title, hint
        self._panel, self._behind = panel, behind
        self._picture = WaitingPicture(display.gl, display.pixel_scale)
        self._steps: list[tuple[str, float]] = []  # and when each began
        self._presented = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._picture.release()

    def doing(self, what: str) -> None:
        """Show at once what is being done from now on."""
        if not self._steps or self._steps[-1][0] != what:
            self._steps.append((what, time.monotonic()))
            self._present()
        self.check()

    def check(self) -> None:
        """Take events, and keep the picture up to date."""
        if self._interrupts.asked:
            raise CancelledError(leave=True)
        for event in self._display.poll():
            match event:
                case Close() | Key(Action.QUIT):
                    raise CancelledError(leave=True)
                case Key(Action.BACK):
                    raise CancelledError(leave=False)
        if time.monotonic() - self._presented > _FRAME_S:
            self._present()

    def wait_for(self, make: Callable[[], Engine]) -> Engine:
        """Make the engine in a thread of its own; who cancels waits for it, and it is closed."""
        with ThreadPoolExecutor(1, "start") as pool:
            made = pool.submit(make)
            try:
                while not wait([made], _LOOK_S).done:
                    self.check()
            except BaseException:
                _close(made)
                raise
        return made.result()

    def _present(self) -> None:
        now = self._presented = time.monotonic()
        ends = [began for _, began in self._steps[1:]] + [now]
        steps = [(what, end - began) for (what, began), end in zip(self._steps, ends, strict=True)]
        size, panel = self._size()
        self._picture.draw(size, self._title, steps, self._hint, self._behind)
        self._display.present(self._picture.picture, panel)

    def _size(self) -> tuple[tuple[int, int], Any]:
        """Return how large the picture is, and the panel if it still fits beside: windows are resized."""
        width, height = self._display.size_px
        if self._panel is not None and self._panel.size[1] == height and self._panel.size[0] < width:
            return (width - self._panel.size[0], height), self._panel
        return (width, height), None


def _close(made: "Future[Engine]") -> None:
    with suppress(Exception):
        made.result().close()


def start_engine(config: Config, checkpoint: Checkpoint | None, start: Start) -> Engine:
    """Return a new engine. What takes long to compile in this process is compiled by another, at first.

    Raises UsageError if it cannot be started, KeyboardInterrupt if that is not wanted any longer.
    """
    start.doing("starting the simulation")
    if _steps_here(config):
        try:
            return start.wait_for(lambda: _from_kept_code(config, checkpoint))
        except compiling.CompilationNeededError:
            compiling.tell()
            start.doing(_COMPILING)
            compile_apart(config, checkpoint, start.check)
    return start.wait_for(lambda: Engine(config, checkpoint))


def _steps_here(config: Config) -> bool:
    """Whether this process makes ticks, be it to find out how long one takes."""
    return config.workers.count in ("auto", 0) or not config.features.parallel_agents


def _from_kept_code(config: Config, checkpoint: Checkpoint | None) -> Engine:
    with compiling.kept_only():
        return Engine(config, checkpoint)


def wait_ready(engine: Engine, start: Start) -> None:
    """Wait until every worker has made tick 0. Raises UsageError if one fails while starting."""
    phases = engine.arena["worker"]["phase"]

    def look() -> None:
        if Phase.COMPILING in phases:
            start.doing(_COMPILING)
        start.check()

    if engine.workers:
        start.doing(f"starting {engine.workers} worker process" + "es" * (engine.workers > 1))
    engine.wait_ready(look)
