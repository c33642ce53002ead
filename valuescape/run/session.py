"""One run from start to end: starts everything, turns frames, and reports how it went."""

import gc
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from valuescape.costs.breakdown import EXACT_FRAME
from valuescape.costs.ledger import Accounts
from valuescape.gpu.context import driver_info
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.render.displays.display import Display, picture_bytes
from valuescape.render.displays.gestures import Gestures
from valuescape.render.displays.recorder import VideoRecorder, save_png
from valuescape.render.overlay.labels import FONT_PX
from valuescape.render.panel.changes import Change
from valuescape.render.scene.scene import Scene
from valuescape.render.view.viewer import viewer_of
from valuescape.run.alerts import Alerts
from valuescape.run.captions import Captions
from valuescape.run.controls import Controls
from valuescape.run.finish import finish
from valuescape.run.inspection import Inspection
from valuescape.run.length import RunLength
from valuescape.run.open_display import open_display
from valuescape.run.outputs import Outputs, Progress, RunResult
from valuescape.run.pace import Pace
from valuescape.run.restarting import restart
from valuescape.run.stage import Stage, runnable
from valuescape.run.starting import UnwatchedStart, WatchedStart, start_engine
from valuescape.sim.config.files import Config
from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.engine import Engine
from valuescape.sim.interrupts import Interrupts
from valuescape.sim.measuring.health import RunLog
from valuescape.sim.policy.network import Checkpoint

if TYPE_CHECKING:
    from valuescape.run.panel import Tuning

_BLIND_S = 0.02
"""Between two looks for events while nothing is drawn."""


class Session:
    """A run: `with Session(config, …) as session: result = session.run()`.

    Everything it starts (workers, shared memory, context, files) it ends again, whatever happens. Raises
    UsageError if the configuration cannot be run here.
    """

    def __init__(
        self,
        config: Config,
        length: RunLength,
        outputs: Outputs,
        *,
        headless: bool,
        interrupts: Interrupts | None = None,
        display: Display | None = None,
        panel: bool | None = None,
    ) -> None:
        """Start everything. interrupts: who notes Ctrl-C and SIGTERM, which then end a run in good order.

        display: where to draw instead of a window or a headless display; it is released with the session.
        panel: whether there is one to change settings with; if not said, windows have it.
        """
        self.config, self.length, self.outputs, self.headless = config, length, outputs, headless
        self._interrupts = interrupts or Interrupts()
        self.meter = FrameMeter()
        self._gestures = Gestures()
        self._stopped = False
        self._turn = 0.0  # when the next frame is due
        self._frame_began = 0.0
        self.captions = Captions()
        self.controls = Controls(self)
        self._drawn_blind: tuple[int, int] | None = None  # how large the window was then
        self._owned = ExitStack()
        try:
            self._open(display, not headless if panel is None else panel)
        except BaseException:
            self._owned.close()
            raise

    def _open(self, display: Display | None, panel: bool) -> None:
        """Open the display first: it shows what is waited for. Workers start while shaders compile."""
        own, config = self._owned, self.config
        self.recorder: VideoRecorder | None = None
        self.tuning: Tuning | None = None
        if display is not None:
            own.callback(display.release)
        checkpoint = runnable(config)
        self._interrupts.check()
        self._watched = display is not None or not self.headless
        self.display = display or open_display(config, headless=self.headless)
        if display is None:
            own.callback(self.display.release)
        self.driver = driver_info(self.display.gl)
        self.set_stage(self.make_stage(config, checkpoint, "Esc: quit"))
        own.callback(lambda: self.stage.release())
        if self.outputs.video:
            self.recorder = own.enter_context(
                VideoRecorder(self.outputs.video, self.display.size_px, config.render.video_fps)
            )
        if panel:
            self.tuning = self._open_tuning()
        self.accounts = Accounts(config, self.meter, lockstep=self.lockstep)
        if self.outputs.profile:
            self.accounts.time_gpu(self.display.gl)
        self.alerts = Alerts(config)
        self._begin_view()

    def _open_tuning(self) -> "Tuning":
        from valuescape.run.panel import Tuning  # takes 0.15 s to import

        tuning = Tuning(self.display, self.config.render.text_px / FONT_PX)
        self._owned.callback(tuning.release)
        return tuning

    def make_stage(
        self, config: Config, checkpoint: Checkpoint | None, hint: str, behind: Any = None
    ) -> Stage:
        """Return the stage of a configuration; while it is made, that is shown where somebody watches.

        hint: what Esc does meanwhile. behind: the picture that is there now. Raises UsageError or
        WorkerFailedError if there can be none, CancelledError if a person cancels.
        """
        with self._start(config, hint, behind) as start:
            engine = start_engine(config, checkpoint, start)
            return Stage(engine, checkpoint, self.display, self.meter, start)

    def _start(self, config: Config, hint: str, behind: Any) -> UnwatchedStart | WatchedStart:
        if not self._watched:
            return UnwatchedStart(self._interrupts)
        title = f"Valuescape: {config.world.name.replace('_', ' ')}"
        panel = self.tuning.picture if self.tuning and self._panel_px() else None
        return WatchedStart(self.display, self._interrupts, title, hint, panel, behind)

    def set_stage(self, stage: Stage) -> None:
        """Show this stage from now on."""
        self.stage = stage
        self.inspection = Inspection(stage)

    def _begin_view(self) -> None:
        """Look at the stage as its configuration says, at its pace."""
        config = self.config
        self.viewer = viewer_of(config, self.stage.trail_colors)
        self.begin_pace()

    def begin_pace(self) -> None:
        """Begin with the pace that the configuration asks for."""
        render = self.config.render
        frames_per_s = render.video_fps if self.recorder else render.max_fps or 60.0
        self.pace = Pace(self.engine, self.length, lockstep=self.lockstep, frames_per_s=frames_per_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._owned.close()
        gc.unfreeze()  # else what a run was made of would stay for as long as the process

    @property
    def engine(self) -> Engine:
        """Who makes the ticks."""
        return self.stage.engine

    @property
    def scene(self) -> Scene:
        """What is drawn."""
        return self.stage.scene

    @property
    def interrupted(self) -> bool:
        """Whether someone asked for an end."""
        return self._interrupts.asked

    @property
    def log(self) -> RunLog:
        """What was measured."""
        return self.accounts.log

    @property
    def newest_tick(self) -> int:
        """The tick that is shown; -1 before the first."""
        return self.scene.trails.ring.newest

    @property
    def lockstep(self) -> bool:
        """Whether ticks wait for frames: without `features.async_physics`, and in recordings.

        A video shows every tick at its time, however long a frame took to make.
        """
        return self.recorder is not None or not self.config.features.async_physics

    def stop(self) -> None:
        """End the run after this frame."""
        self._stopped = True

    def turn_frames(self, on_progress: Callable[[Progress], None] = lambda _: None) -> None:
        """Turn frames until the run's length is reached or someone ends it, and write nothing."""
        self._turn_frames(on_progress)

    def run(self, on_progress: Callable[[Progress], None] = lambda _: None) -> RunResult:
        """Turn frames until the run's length is reached or someone ends it; write and return the report.

        All that is written (report, last picture, last frame of a video) is of one tick.
        """
        try:
            self._turn_frames(on_progress)
            tick = self.engine.rest()
        except WorkerFailedError:
            self._settle(self.engine.newest_tick)
            finish(self)  # what was recorded and measured until then is kept
            raise
        self._settle(tick)
        return finish(self)

    def _settle(self, tick: int) -> None:
        """Draw the picture of a tick that the simulation rests at, with all statistics of that tick."""
        if not self.log.frame_ends:
            return
        self.viewer.blind = False
        self._take_over(tick)
        self.accounts.stats.forget("episodes", "captions")
        self.scene.read_scales()
        self.scene.draw(self.viewer, self.captions.of(self))
        if self.recorder:
            self.recorder.replace_newest(picture_bytes(self.scene.picture))

    def _turn_frames(self, on_progress: Callable[[Progress], None]) -> None:
        self.pace.start()
        # What is here now stays: without this, collections visit all of it again and again.
        gc.collect()
        gc.freeze()
        began = time.monotonic()
        previous = began
        while not (self._stopped or self._interrupts.asked):
            self._frame_began = time.monotonic()
            self._frame(self._frame_began - previous)
            previous = self._frame_began
            self.accounts.note(previous, self.stage)
            if self.alerts.look(self):
                self.captions.refresh()
            on_progress(self._progress(began))
            self._stopped = self._stopped or self._done(began) >= 1
            if not self._stopped:
                self._wait_for_turn()
        self.accounts.stats.forget("parts", "health")  # a report is of the end

    def _frame(self, elapsed_s: float) -> None:
        """Make one frame and show it."""
        profiler, exact = self.meter.profiler, self.accounts.next_is_exact
        profiler.finish = self.display.gl.finish if exact else None
        with profiler.section(EXACT_FRAME if exact else "frame"):
            self._make_frame(elapsed_s)

    def _make_frame(self, elapsed_s: float) -> None:
        self.meter.clear()
        section = self.meter.section
        with section("events"):
            self._take_events()
        with section("engine"):
            self.engine.check()
            newest, viewer = self.pace.newest_tick(), self.viewer
        if viewer.blind and self._drawn_blind == self.display.size_px:
            time.sleep(_BLIND_S)
            return
        viewer.advance(1 / self.config.render.video_fps if self.recorder else elapsed_s)
        self._take_over(newest)
        if not self.recorder and self.picture_size() != self.scene.picture.size:  # a video has one size
            self.scene.resize(self.picture_size())
            self.accounts.forget_memory()
        with section("captions"):
            said = self.captions.of(self)
        self.scene.draw(viewer, said)
        if self.recorder:
            with section("video"):
                self.meter.queries += 1
                self.recorder.add(picture_bytes(self.scene.picture))
        with section("statistics"):
            self.accounts.look(self.stage)
        with section("panel"):
            changes = self._draw_panel()
        with section("present"):
            self.display.present(
                self.scene.picture, self.tuning.picture if self.tuning and self._panel_px() else None
            )
        self._drawn_blind = self.display.size_px if viewer.blind else None
        for change in changes:
            self.controls.apply(change)

    def _take_over(self, newest: int) -> None:
        """Bring trails, fields and what is selected up to tick `newest`."""
        before = self.newest_tick
        self.scene.upload(self.engine, newest, self.stage.signals(self.viewer.trail_color))
        with self.meter.section("inspection"):
            self.inspection.update(self.viewer, range(max(before + 1, 0), self.newest_tick + 1))

    def _panel_px(self) -> int:
        """Return how many pixels of the window's width the panel has; Tab hides it."""
        shown = self.tuning is not None and self.viewer.labels_shown and not self.recorder
        return self.tuning.width_px(self.display.size_px) if shown and self.tuning else 0

    def picture_size(self) -> tuple[int, int]:
        """Width and height of the picture: the window without its panel."""
        width, height = self.display.size_px
        return width - self._panel_px(), height

    def _draw_panel(self) -> list[Change]:
        if not self.tuning or not self._panel_px():
            return []
        return self.tuning.draw(self.display.size_px, self.viewer, self.stage, self.pace, self.accounts)

    def _take_events(self) -> None:
        events = self.display.poll()
        if self.tuning and self._panel_px():
            events = self.tuning.take(events)
        elif self.tuning and events:
            self.tuning.let_go()  # it is hidden, and does not see what is let go of now
        for event in self._gestures.read(events):
            self.controls.handle(event)

    def restart(self, changes: dict[str, Any]) -> None:
        """Begin the run anew with some settings (`section.key`) changed, on the same display."""
        restart(self, changes)

    def begin_frame(self) -> None:
        """Let the frame begin now, with no key or button held."""
        self._gestures = Gestures()
        if self.tuning:
            self.tuning.let_go()
        self._frame_began = time.monotonic()

    def _wait_for_turn(self) -> None:
        """Keep to `render.max_fps`; recordings are made as fast as they can be."""
        fps = self.config.render.max_fps
        if not fps or self.recorder:
            return
        now = time.monotonic()
        # From the turn before, so that small delays even out; from now when far behind, instead of racing.
        self._turn = max(self._turn + 1 / fps, now - 2 / fps)
        if self._turn > now:
            time.sleep(self._turn - now)

    def _done(self, began: float) -> float:
        """Return the share of the run's length that is over."""
        seconds = self._run_seconds(began)
        return self.length.done(len(self.log.frame_ends), seconds, self.newest_tick)

    def _run_seconds(self, began: float) -> float:
        """Seconds of the run: of video when recording, else of the clock."""
        if self.recorder:
            return self.recorder.frames / self.config.render.video_fps
        return time.monotonic() - began

    def _progress(self, began: float) -> Progress:
        frames, ticks = len(self.log.frame_ends), self.newest_tick
        return Progress(self._done(began), frames, self.accounts.recent_fps, ticks)

    def screenshot(self, path: Path) -> Path:
        """Write the picture that is shown as a PNG."""
        save_png(path, picture_bytes(self.scene.picture), self.scene.picture.size)
        return path
