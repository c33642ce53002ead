"""A run from start to end: a session starts everything, makes frames, and leaves a report."""

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from valuescape.provenance.contents import Provenance
from valuescape.render.displays.display import Display, picture_bytes
from valuescape.render.overlay.labels import Annotations
from valuescape.render.view.changes import Change
from valuescape.run.controls import Controls
from valuescape.run.finish import finish, save_picture
from valuescape.run.length import RunLength
from valuescape.run.origin import picture_origin
from valuescape.run.outputs import Outputs, Progress, RunResult
from valuescape.run.pace import FrameClock
from valuescape.run.reloading import Reloading
from valuescape.run.restarting import restart
from valuescape.run.stage import Stage
from valuescape.run.turning import TurningEngines
from valuescape.run.unchanged import Due, Unchanged, picture_key
from valuescape.run_state import recent_fps
from valuescape.sim.config.files import Config
from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.interrupts import Interrupts
from valuescape.sim.plugins.failing import PluginFailedError
from valuescape.sim.plugins.widgets import Section

_BLIND_S, _STILL_S = 0.02, 0.05
"""Seconds between two looks for events while nothing is drawn: if blind, and if nothing changes."""

_COLORS_PER_S = 6.0
"""How often in a second of the simulation the colours of visits follow, if every tick would change them."""


class Session(TurningEngines):
    """A run: `with Session(config, …) as session: result = session.run()`.

    Everything it starts (workers, shared memory, OpenGL context, files) ends with it, whatever happens.
    Raises UsageError if the configuration cannot be run here.
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
        """Start everything, as `RunParts` takes it."""
        super().__init__(
            config, length, outputs, headless=headless, interrupts=interrupts, display=display, panel=panel
        )
        self.controls = Controls(self, self._begun_with())
        self._clock = FrameClock()
        self._unchanged = Unchanged()
        self._at_rest = False  # whether the last frame was not drawn, as it would have changed nothing
        self._drawn_blind: tuple[int, int] | None = None  # the window's size in the last picture if blind
        self.reloading = Reloading(self)
        self._owned.callback(self.reloading.close)

    def _begun_with(self) -> Sequence[Config]:
        """Return the configurations that the run begins with, one for each side."""
        return (self.config,)

    def stop(self) -> None:
        """End the run after this frame."""
        self._stopped = True

    def run(self, on_progress: Callable[[Progress], None] = lambda _: None) -> RunResult:
        """Make frames until the run's length is reached or someone ends it; write and return the report.

        Everything written (report, last picture, last frame of a video) shows the same tick.
        """
        try:
            self.turn_frames(on_progress)
            self._require_sound()
            tick = self.pace.rest()
            if self.session_recorder:
                self.session_recorder.end(self.engine)
        except WorkerFailedError:
            self._settle(self.pace.last_tick)  # keeps what was recorded and measured until then
            raise
        except PluginFailedError:
            self._settle(self.pace.rest())
            raise
        return self._settle(tick)

    def _settle(self, tick: int) -> RunResult:
        """Draw the tick that the simulation rests at, with its statistics, and write the run's files."""
        origin = None
        self.plugins.step(tick)
        if self.log.frame_ends:
            self.viewer.blind = False
            for side in self._sides():
                side.stage.finish_field()
            self._take_over(tick, waits=True, last=True)
            if self.headless:
                self.stage.maps.finish(self.scene, self.viewer.shown, lambda: not self._interrupts.asked)
            self.ledger.stats.forget("episodes", "critic", "captions")
            origin = self._draw_afresh()
            if self.recorder:
                self.recorder.replace_newest(picture_bytes(self.scene.picture))
                self.recorder.comment = self._video_origin()
        return self._finish(origin)

    def _finish(self, origin: Provenance | None) -> RunResult:
        """Write the run's files. origin: of the last picture."""
        more = {"training": self.follower.report()} if self.follower else {}
        return finish(self.state(), self.outputs, self.stage, self.ledger, self.recorder, origin, more)

    def _draw_afresh(self) -> Provenance | None:
        """Draw the picture so that it can be made again; return how it came about, if it can be told."""
        said = self.annotations()
        self.scene.draw_afresh(self.viewer, said)
        return picture_origin(self.stage, self.pace, self.viewer, said)

    def turn_frames(self, on_progress: Callable[[Progress], None] = lambda _: None) -> None:
        """Make frames until the run's length is reached or someone ends it, and write nothing."""
        self.pace.start()
        self._keep_out_of_collections()
        self._clock = FrameClock()
        while not (self._stopped or self._interrupts.asked):
            self._frame(self._clock.begin_frame())
            self._judge(self._clock.frame_began)
            on_progress(self._progress())
            self._stopped = self._stopped or self._progress().done >= 1
            if not self._stopped:
                self._wait_for_frame(0.0 if self.recorder else self.config.render.max_fps)
        self.ledger.stats.forget("parts", "health")  # a report is about the end

    def _wait_for_frame(self, fps: float) -> None:
        """Wait until the next frame is due. fps: frames a second at most; 0: as many as there can be."""
        self._clock.wait(fps)

    def _keep_out_of_collections(self) -> None:
        """Take what exists now out of all later garbage collections, which would visit it again and again.

        At the end it is let in again, else the objects of a run would stay for as long as the process. A
        process that has taken objects out itself is left as it is: they could only be let in all at once.
        """
        gc.collect()
        if not gc.get_freeze_count():
            gc.freeze()
            self._owned.callback(gc.unfreeze)

    def _judge(self, began: float) -> None:
        """Log the frame that began at this time, and say what is wrong with it if it was drawn."""
        self._note(began)
        if not self._at_rest and self.alerts.look(self.state()):
            self.captions.refresh()

    def _note(self, began: float) -> None:
        """Log the frame that began at this time."""
        self.ledger.note(began)

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
        happened = False
        with section("events"):
            for event in self.screen.gestures():
                happened = True
                if self.recorder:
                    self._touches.note(event, self.newest_tick, split=viewer.split)
                self.controls.handle(event)
        with section("engine"):
            self._turn_engines()
            newest = self.pace.newest_tick()
        asked = self.plugins.step(newest)
        if viewer.blind and self._drawn_blind == self.display.size_px:
            self._carry_out(asked, ())
            time.sleep(_BLIND_S)
            return
        viewer.advance(1 / self.config.render.video_fps if self.recorder else elapsed_s)
        self._hold_colors()
        self._take_over(newest, waits=self.lockstep)
        due = self._unchanged.due(self._picture_key(), happened=happened)
        self._at_rest = due is not Due.DRAW
        if self._at_rest:
            if due is Due.SHOW:
                self.screen.present(self.scene.picture)
            self._carry_out(asked, ())
            self.display.wait(_STILL_S)
            return
        self._draw()
        with section("statistics"):
            self._look()
        with section("panel"):
            past, sections = self.controls.past, self.plugin_sections
            changes = self.screen.draw_panel(viewer, self.tuned_state, past, sections)
        with section("present"):
            self.screen.present(self.scene.picture)
        if self.follower:
            self.follower.note_shown()
        self._drawn_blind = self.display.size_px if viewer.blind else None
        self._carry_out(asked, changes)

    def _hold_colors(self) -> None:
        """Let the colours of visits follow a few times a second, where ticks do not wait for frames."""
        ticks_per_s = self.config.sim.ticks_per_s or 60.0
        hold = 0 if self.lockstep else round(ticks_per_s / _COLORS_PER_S)
        for side in self._sides():
            side.stage.scene.fields.hold_ticks = hold

    def _picture_key(self) -> object:
        """Return what the picture depends on; None where each frame is to be drawn."""
        if self.recorder or not self.config.features.still_background:
            return None
        said, size = self.annotations(), self.screen.picture_size
        return size, said, *(picture_key(each.stage.scene, each.viewer) for each in self._sides())

    def _carry_out(self, asked: Iterable[Change], changes: Iterable[Change]) -> None:
        """Carry out changes and apply files that were saved. asked: by plug-ins; changes: by a person."""
        self.controls.apply_all([*asked, *changes])
        self.reloading.look()

    def plugin_sections(self) -> tuple[Section, ...]:
        """Return the sections of the panel that plug-ins describe."""
        return self.plugins.sections()

    def _look(self) -> None:
        """Read figures of the picture just drawn, as far as they are due."""
        self.ledger.look()

    def _take_over(self, newest: int, *, waits: bool, last: bool = False) -> None:
        """Bring trails, fields and the selection up to tick `newest`.

        waits: for maps that take a moment. last: maps are to be of all ticks so far.
        """
        ticks = self.stage.take_ticks(newest, self.viewer.trail_color)
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
        self._paint(said)
        if self.recorder:
            self._touches.note_frame(self.stage.maps.doing)
            with self.meter.section("video"):
                self.meter.queries += 1
                self.recorder.add(picture_bytes(self.scene.picture))

    def _paint(self, said: Annotations) -> None:
        """Draw the picture with its texts."""
        self.scene.draw(self.viewer, said)

    def screenshot(self, path: Path) -> Path:
        """Write the picture that is shown as a PNG that can be made again; return its path."""
        if self.newest_tick >= 0 and not self.viewer.blind:
            # Takes over what was changed since it was drawn, such as colours, and completes maps.
            self._take_over(self.newest_tick, waits=True, last=True)
        return save_picture(self.scene.picture, path, self._draw_afresh())

    def restart(self, changes: dict[str, Any]) -> str:
        """Begin the run anew with some settings (`section.key`) changed, or say in the picture why not.

        Returns why not; "" if it began.
        """
        return restart(self, changes)

    def go_live(self) -> str:
        """Show the newest checkpoint of a training run that is followed; return what is to be said of it."""
        if self.follower:
            return self.follower.go_live()
        return "no training run is followed: valuescape attach follows one"

    def reload_shaders(self) -> str:
        """Read the shaders again, or say in the picture why not; return why not, "" if that is done."""
        return self.reloading.reload_shaders()

    def note_file(self, name: str) -> None:
        """Note that a file was applied, which changes a video that is being made."""
        if self.recorder:
            self._touches.note_file(name, self.newest_tick)

    def take_preset(self, name: str) -> str:
        """Go over to a preset or a configuration file, or say in the picture why not.

        Returns why not; "" if that is done.
        """
        return self.reloading.take_preset(name)

    def replace_stage(self, stage: Stage) -> None:
        """Free the stage and go on with another, measured anew."""
        self.inspection.release()
        self.stage.release()
        self.config = stage.config
        self.plugins.begin_again()
        self.stage, self.inspection = stage, self._inspect(stage)
        self.measure_anew()
        self.pace = self._new_pace()
        if self.session_recorder:
            self.session_recorder.begin(self.engine)

    def measure_anew(self) -> None:
        """Forget frame times and held keys: a start took time in which nobody looked at either.

        While nothing is drawn, the next frame shows that again in the place of the start's steps.
        """
        self._drawn_blind = None
        self._unchanged.forget()
        self.ledger.begin_again(self.stage)
        self.alerts.begin_again(self.config)
        self.screen.let_go()
        self._clock.begin_frame()
