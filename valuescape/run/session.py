"""A run from start to end: a session starts everything, makes frames, and leaves a report."""

import gc
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from valuescape.costs.ledger import Ledger
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.provenance.containers import as_text
from valuescape.provenance.contents import Provenance
from valuescape.render.displays.display import Display, picture_bytes
from valuescape.render.displays.recorder import VideoRecorder
from valuescape.render.overlay.labels import FONT_PX, Annotations
from valuescape.render.scene.scene import Scene
from valuescape.render.view.viewer import Viewer, viewer_of
from valuescape.run.alerts import Alerts
from valuescape.run.captions import Captions
from valuescape.run.controls import Controls
from valuescape.run.finish import finish, save_picture
from valuescape.run.inspection import Inspection
from valuescape.run.length import RunLength
from valuescape.run.look import RunKind, look_at
from valuescape.run.open_display import open_display
from valuescape.run.origin import picture_origin, video_origin
from valuescape.run.outputs import Outputs, Progress, RunResult
from valuescape.run.pace import FrameClock, Pace
from valuescape.run.restarting import restart
from valuescape.run.screen import Screen
from valuescape.run.stage import Stage
from valuescape.run.starting import start_engine
from valuescape.run.touches import Touches
from valuescape.run.validate import validate
from valuescape.run_state import RunState, recent_fps
from valuescape.sim.config.files import Config
from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.engine import Engine
from valuescape.sim.interrupts import Interrupts
from valuescape.sim.measuring.health import RunLog
from valuescape.sim.policy.network import Checkpoint

_BLIND_S = 0.02
"""Seconds between two looks for events while nothing is drawn."""


class Session:
    """A run: `with Session(config, …) as session: result = session.run()`.

    Everything it starts (workers, shared memory, OpenGL context, files) ends with it, whatever happens.
    Raises UsageError if the configuration cannot be run here.
    """

    viewer: Viewer

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
        """Start everything. interrupts: notes Ctrl-C and SIGTERM, which then end the run in good order.

        display: takes the place of a window or a headless display, and is released with the session. panel:
        whether there is one to change settings with; None means in windows only.
        """
        self.config, self.length, self.outputs, self.headless = config, length, outputs, headless
        self._interrupts = interrupts or Interrupts()
        self.meter = FrameMeter()
        self.captions = Captions()
        self.controls = Controls(self)
        self.recorder: VideoRecorder | None = None
        self._clock = FrameClock()
        self._stopped = False
        self._touches = Touches()
        self._drawn_blind: tuple[int, int] | None = None  # the window's size in the last picture if blind
        self._owned = ExitStack()
        try:
            self._open(display, not headless if panel is None else panel)
        except BaseException:
            self._owned.close()
            raise

    def _open(self, display: Display | None, panel: bool) -> None:
        """Open the display first, to show what is waited for. Workers start while shaders compile."""
        own, config, watched = self._owned, self.config, display is not None or not self.headless
        if display is not None:
            own.callback(display.release)
        checkpoint = validate(config)
        self._interrupts.check()
        if display is None:
            display = open_display(config, headless=self.headless)
            own.callback(display.release)
        self.display = display
        self.screen = Screen(display, lambda: self.viewer.labels_shown and not self.recorder, watched=watched)
        self.stage = self.make_stage(config, checkpoint, "Esc: quit")
        self.inspection = Inspection(self.stage)
        own.callback(lambda: self.stage.release())
        own.callback(lambda: self.inspection.release())
        if self.outputs.video:
            fps, origin = config.render.video_fps, self._video_origin()
            video = VideoRecorder(self.outputs.video, display.size_px, fps, origin)
            self.recorder = own.enter_context(video)
        if panel:
            self.screen.open_panel(config.render.text_px / FONT_PX)
            own.callback(self.screen.release)
        self.ledger = Ledger(self.stage, self.meter, lockstep=self.lockstep)
        if self.outputs.profile:
            self.ledger.time_gpu(display.gl)
        self.alerts = Alerts(config)
        self.viewer = viewer_of(config, self.stage.trail_colors, self.scene.plane.bounds)
        self.viewer.layers, self.viewer.choices = self.stage.layers, self.stage.scene.fields.choices()
        self.pace = self._new_pace()

    def make_stage(
        self, config: Config, checkpoint: Checkpoint | None, hint: str, behind: Any = None
    ) -> Stage:
        """Return the stage of a configuration; the display shows the steps of making it, if it is watched.

        hint: what Esc does meanwhile. behind: the picture to draw them over. Raises UsageError or
        WorkerFailedError if there can be none, CancelledError if a person cancels.
        """
        with self.screen.start(config, self._interrupts, hint, behind) as start:
            engine = start_engine(config, checkpoint, start)
            return Stage(engine, checkpoint, self.display, self.meter, start)

    def _video_origin(self) -> str:
        """Return how the video comes about, as text."""
        kind = RunKind(self.headless, True, False)
        return as_text(video_origin(self.stage, self.scene.picture.size, self.length, kind, self._touches))

    def _new_pace(self) -> Pace:
        """Return the pace that the configuration asks for."""
        render = self.config.render
        frames_per_s = render.video_fps if self.recorder else render.max_fps or 60.0
        return Pace(self.engine, self.length, lockstep=self.lockstep, frames_per_s=frames_per_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._owned.close()
        gc.unfreeze()  # else the objects of a run would stay for as long as the process

    @property
    def engine(self) -> Engine:
        """The engine that makes the ticks."""
        return self.stage.engine

    @property
    def scene(self) -> Scene:
        """The scene that is drawn."""
        return self.stage.scene

    @property
    def log(self) -> RunLog:
        """The log of the frames so far."""
        return self.ledger.log

    @property
    def newest_tick(self) -> int:
        """The newest tick shown; -1 before the first."""
        return self.scene.trails.ring.newest

    @property
    def lockstep(self) -> bool:
        """Whether ticks wait for frames: without `features.async_physics`, and in a video.

        A video shows every tick at its time, however long a frame took to make.
        """
        return self.recorder is not None or not self.config.features.async_physics

    def state(self) -> RunState:
        """Return the state of the run at this moment."""
        kind = RunKind(self.headless, self.recorder is not None, self._interrupts.asked)
        found = self.inspection.findings.listed(self.viewer)
        return look_at(self.stage, self.viewer, self.pace, self.ledger, self.alerts.noticed, kind, found)

    def annotations(self) -> Annotations:
        """Return the captions to show now; they are made anew every `stats.captions_s`."""
        return self.captions.of(self.ledger.stats, self.state, lambda: self.inspection.cards(self.viewer))

    def stop(self) -> None:
        """End the run after this frame."""
        self._stopped = True

    def run(self, on_progress: Callable[[Progress], None] = lambda _: None) -> RunResult:
        """Make frames until the run's length is reached or someone ends it; write and return the report.

        Everything written (report, last picture, last frame of a video) shows the same tick.
        """
        try:
            self.turn_frames(on_progress)
            tick = self.engine.rest()
        except WorkerFailedError:
            self._settle(self.engine.newest_tick)  # keeps what was recorded and measured until then
            raise
        return self._settle(tick)

    def _settle(self, tick: int) -> RunResult:
        """Draw the tick that the simulation rests at, with its statistics, and write the run's files."""
        origin = None
        if self.log.frame_ends:
            self.viewer.blind = False
            self._take_over(tick, waits=True, last=True)
            if self.headless:
                self.stage.maps.finish(self.scene, self.viewer.shown, lambda: not self._interrupts.asked)
            self.ledger.stats.forget("episodes", "critic", "captions")
            origin = self._draw_afresh()
            if self.recorder:
                self.recorder.replace_newest(picture_bytes(self.scene.picture))
                self.recorder.comment = self._video_origin()
        return finish(self.state(), self.outputs, self.stage, self.ledger, self.recorder, origin)

    def _draw_afresh(self) -> Provenance | None:
        """Draw the picture so that it can be made again; return how it came about, if it can be told."""
        said = self.annotations()
        self.scene.draw_afresh(self.viewer, said)
        return picture_origin(self.stage, self.pace, self.viewer, said)

    def turn_frames(self, on_progress: Callable[[Progress], None] = lambda _: None) -> None:
        """Make frames until the run's length is reached or someone ends it, and write nothing."""
        self.pace.start()
        # Takes what exists now out of all later garbage collections, which would visit it again and again.
        gc.collect()
        gc.freeze()
        self._clock = FrameClock()
        while not (self._stopped or self._interrupts.asked):
            self._frame(self._clock.begin_frame())
            self.ledger.note(self._clock.frame_began)
            if self.alerts.look(self.state()):
                self.captions.refresh()
            on_progress(self._progress())
            self._stopped = self._stopped or self._progress().done >= 1
            if not self._stopped:
                self._clock.wait(0.0 if self.recorder else self.config.render.max_fps)
        self.ledger.stats.forget("parts", "health")  # a report is about the end

    def _progress(self) -> Progress:
        """Return how far the run is. Its seconds are those of the video when recording, else of the clock."""
        frames, seconds = len(self.log.frame_ends), self._clock.seconds
        if self.recorder:
            seconds = self.recorder.frames / self.config.render.video_fps
        done = self.length.done(frames, seconds, self.newest_tick)
        return Progress(done, frames, recent_fps(self.log), self.newest_tick)

    def _frame(self, elapsed_s: float) -> None:
        """Make one frame and show it."""
        with self.ledger.frame(self.display.gl.finish):
            self._make_frame(elapsed_s)

    def _make_frame(self, elapsed_s: float) -> None:
        section, viewer = self.meter.section, self.viewer
        with section("events"):
            for event in self.screen.gestures():
                if self.recorder:
                    self._touches.note(event, self.newest_tick, split=viewer.split)
                self.controls.handle(event)
        with section("engine"):
            self.engine.check()
            newest = self.pace.newest_tick()
        if viewer.blind and self._drawn_blind == self.display.size_px:
            self.controls.apply_all(())
            time.sleep(_BLIND_S)
            return
        viewer.advance(1 / self.config.render.video_fps if self.recorder else elapsed_s)
        self._take_over(newest, waits=self.lockstep)
        self._draw()
        with section("statistics"):
            self.ledger.look()
        with section("panel"):
            changes = self.screen.draw_panel(viewer, self.state)
        with section("present"):
            self.screen.present(self.scene.picture)
        self._drawn_blind = self.display.size_px if viewer.blind else None
        self.controls.apply_all(changes)

    def _take_over(self, newest: int, *, waits: bool, last: bool = False) -> None:
        """Bring trails, fields and the selection up to tick `newest`.

        waits: for maps that take a moment. last: maps are to be of all ticks so far.
        """
        before = self.newest_tick
        self.scene.take_ticks(self.engine, newest, self.stage.signals(self.viewer.trail_color))
        ticks = range(max(before + 1, 0), self.newest_tick + 1)
        with self.meter.section("inspection"):
            self.inspection.update(self.viewer, ticks, waits=waits)
        with self.meter.section("maps"):
            self.stage.maps.update(self.scene, self.viewer.shown, ticks, waits=waits, last=last)

    def _draw(self) -> None:
        """Draw the picture, and add it to the video."""
        if not self.recorder and self.screen.picture_size != self.scene.picture.size:  # a video has one size
            self.scene.resize(self.screen.picture_size)
            self.ledger.forget_memory()
        with self.meter.section("captions"):
            said = self.annotations()
        self.scene.draw(self.viewer, said)
        if self.recorder:
            self._touches.note_frame(self.stage.maps.doing)
            with self.meter.section("video"):
                self.meter.queries += 1
                self.recorder.add(picture_bytes(self.scene.picture))

    def screenshot(self, path: Path) -> Path:
        """Write the picture that is shown as a PNG that can be made again; return its path."""
        if self.newest_tick >= 0 and not self.viewer.blind:
            # Takes over what was changed since it was drawn, such as colours, and completes maps.
            self._take_over(self.newest_tick, waits=True, last=True)
        return save_picture(self.scene.picture, path, self._draw_afresh())

    def restart(self, changes: dict[str, Any]) -> None:
        """Begin the run anew with some settings (`section.key`) changed, or say in the picture why not."""
        restart(self, changes)

    def replace_stage(self, stage: Stage) -> None:
        """Free the stage and go on with another, measured anew."""
        self.inspection.release()
        self.stage.release()
        self.config = stage.config
        self.stage, self.inspection = stage, Inspection(stage)
        self.measure_anew()
        self.pace = self._new_pace()

    def measure_anew(self) -> None:
        """Forget frame times and held keys: a start took time in which nobody looked at either.

        While nothing is drawn, the next frame shows that again in the place of the start's steps.
        """
        self._drawn_blind = None
        self.ledger.begin_again(self.stage)
        self.alerts.begin_again()
        self.screen.let_go()
        self._clock.begin_frame()
