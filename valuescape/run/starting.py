"""The start of an engine, with its steps shown on the display if a person may watch."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, Protocol, Self

from valuescape.render.displays.display import Display
from valuescape.render.displays.events import Action, Close, Event, Key
from valuescape.render.scene.waiting import WaitingPicture
from valuescape.sim.cluster.choose import make_engine
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
    """A person cancelled a start. leave: the whole program is to end, not only the start."""

    def __init__(self, *, leave: bool) -> None:
        super().__init__()
        self.leave = leave


class Start(Protocol):
    """Accompanies a start: hears of its steps, and may end it."""

    def doing(self, what: str) -> None:
        """Name the step that begins now."""

    def check(self) -> None:
        """Raise KeyboardInterrupt if the start is to end; called often."""

    def wait_for(self, make: Callable[[], Engine]) -> Engine:
        """Return the result of `make`, calling `check` meanwhile if that is possible."""


class UnwatchedStart:
    """A start that nobody watches; only `interrupts` end it. A context manager, as WatchedStart is."""

    def __init__(self, interrupts: Interrupts) -> None:
        self.check = interrupts.check

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to free."""

    def doing(self, what: str) -> None:
        """Nothing to show."""

    def wait_for(self, make: Callable[[], Engine]) -> Engine:
        """Return the result of `make`, called in this thread."""
        return make()


class WatchedStart:
    """Shows the steps of a start on a display and takes its events; Esc and closing raise CancelledError.

    A context manager. title: the heading. hint: what Esc does. panel, behind: the pictures (framebuffers) on
    the display now: the one that stays beside the steps, and the one they are drawn over. missed: takes the
    keys that ask for another checkpoint, which count once the start is over.
    """

    def __init__(
        self,
        display: Display,
        interrupts: Interrupts,
        title: str,
        hint: str,
        panel: Any = None,
        behind: Any = None,
        missed: list[Event] | None = None,
    ) -> None:
        self._display, self._interrupts = display, interrupts
        self._title, self._hint = title, hint
        self._panel, self._behind = panel, behind
        self._missed = [] if missed is None else missed
        self._picture = WaitingPicture(display.gl, display.pixel_scale)
        self._steps: list[tuple[str, float]] = []  # (name, when it began)
        self._presented = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._picture.release()

    def doing(self, what: str) -> None:
        """Show the step that begins now, at once."""
        if not self._steps or self._steps[-1][0] != what:
            self._steps.append((what, time.monotonic()))
            self._present()
        self.check()

    def check(self) -> None:
        """Take events, and draw the picture again every 50 ms; raise CancelledError if a person cancels."""
        if self._interrupts.asked:
            raise CancelledError(leave=True)
        for event in self._display.poll():
            match event:
                case Close() | Key(Action.QUIT):
                    raise CancelledError(leave=True)
                case Key(Action.CHECKPOINT):
                    self._missed.append(event)
                case Key(Action.BACK):
                    self._missed.clear()
                    raise CancelledError(leave=False)
        if time.monotonic() - self._presented > _FRAME_S:
            self._present()

    def wait_for(self, make: Callable[[], Engine]) -> Engine:
        """Return the result of `make`, called in another thread; if a person cancels, it is closed."""
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
        """Return the size of the picture, and the panel if it still fits beside it after a resize."""
        width, height = self._display.size_px
        if self._panel is not None and self._panel.size[1] == height and self._panel.size[0] < width:
            return (width - self._panel.size[0], height), self._panel
        return (width, height), None


def _close(made: "Future[Engine]") -> None:
    with suppress(Exception):
        made.result().close()


def start_engine(config: Config, checkpoint: Checkpoint | None, start: Start) -> Engine:
    """Return a new engine. If this process lacks machine code, another process compiles it first.

    That way the display goes on meanwhile, and a person can cancel. Raises UsageError if the engine cannot
    start, KeyboardInterrupt if the start is cancelled.
    """
    if config.workers.cluster:
        start.doing(f"connecting to the cluster {config.workers.cluster}")
        return start.wait_for(lambda: make_engine(config, checkpoint))
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
    """Return whether this process makes ticks, if only to measure how long one takes."""
    return config.workers.count in ("auto", 0) or not config.features.parallel_agents


def _from_kept_code(config: Config, checkpoint: Checkpoint | None) -> Engine:
    with compiling.kept_only():
        return Engine(config, checkpoint)


def wait_ready(engine: Engine, start: Start) -> None:
    """Wait until every worker has made tick 0. Raises UsageError if one of them fails."""
    phases = engine.arena["worker"]["phase"]

    def look() -> None:
        if Phase.COMPILING in phases:
            start.doing(_COMPILING)
        start.check()

    if engine.config.workers.cluster:
        start.doing("starting on the nodes of the cluster")
    elif engine.workers:
        start.doing(f"starting {engine.workers} worker process" + "es" * (engine.workers > 1))
    engine.wait_ready(look)
