"""One run from start to end: starts everything, turns frames, and reports how it went."""

import gc
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import psutil

from gpu.context import driver_info
from gpu.meter import FrameMeter
from render.display import Display, picture_bytes
from render.headless import HeadlessDisplay
from render.recorder import VideoRecorder, save_png
from render.scene import Heading, Scene
from render.viewer import Request, Viewer
from sim.config import Config
from sim.engine import Engine
from sim.health import RunLog
from sim.interrupts import Interrupts
from sim.landscape import map_plane
from sim.layout import NO_LIMIT
from sim.policy.network import Checkpoint
from sim.supervisor import WorkerFailedError
from sim.worlds import make_world
from valuescape.critic_field import make_critic_field
from valuescape.heading import heading
from valuescape.length import RunLength
from valuescape.presets import find_checkpoint
from valuescape.report import write_report

_SAMPLE_EVERY = 15
"""Frames between two looks at numbers that live on the GPU (colour bars' ends, segments drawn)."""

_HEADING_S = 0.5
"""Seconds between two changes of the numbers in the heading: faster can't be read."""

_MEMORY_S = 0.5
"""Seconds between two looks at the memory in use: 0.3 ms each."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where a run leaves what it makes: `run.json` always, a picture when headless or asked for."""

    folder: Path
    video: Path | None = None
    screenshot: Path | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, for a progress bar."""

    done: float  # of the run's length, 0 to 1; 0 if it has no end
    frames: int
    fps: float
    ticks: int


@dataclass(slots=True)
class RunResult:
    """What a run came to: the report (as in `run.json`) and the files it wrote."""

    report: dict[str, Any]
    files: list[Path] = field(default_factory=list)
    interrupted: bool = False


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
    ) -> None:
        """Start everything. interrupts: who notes Ctrl-C and SIGTERM, which then end a run in good order."""
        self.config, self.length, self.outputs, self.headless = config, length, outputs, headless
        self._interrupts = interrupts or Interrupts()
        self.meter = FrameMeter()
        self.log = RunLog()
        self.viewer = Viewer(
            flat=config.render.view == "2d",
            layer=config.heatmap.layer,
            trail_color=config.trails.color_by,
            turn_deg_per_s=config.render.turn_deg_per_s,
        )
        self._paused = False
        self._stop = False
        self._target = 0.0  # the tick that lockstep frames have come to, with the fraction left over
        self._turn = 0.0  # when the next frame is due
        self._heading = Heading()
        self._heading_at = -1.0
        self._owned = ExitStack()
        try:
            self._open()
        except BaseException:
            self._owned.close()
            raise

    def _open(self) -> None:
        """Start the slowest first: workers come up while the context is made and shaders compile."""
        config, own = self.config, self._owned
        self.start_s = 0.0
        self.recorder: VideoRecorder | None = None
        self.checkpoint = self._find_checkpoint()
        self.engine = own.enter_context(Engine(config, self.checkpoint))
        self._interrupts.check()
        self.display = self._open_display()
        own.callback(self.display.release)
        gl = self.display.gl
        self.driver = driver_info(gl)
        world = self.engine.world
        self.critic = make_critic_field(gl, config, world, self.checkpoint, self.meter)
        if self.critic:
            own.callback(self.critic.release)
        self.scene = Scene(gl, config, world, self.critic, self.meter, self.display.pixel_scale)
        own.callback(self.scene.release)
        self._interrupts.check()
        self.scene.resize(self.display.size_px)
        self.scene.field_changed()
        if self.outputs.video:
            self.recorder = own.enter_context(
                VideoRecorder(self.outputs.video, self.display.size_px, config.render.video_fps)
            )
        self.engine.wait_ready(self._interrupts.check)

    def _find_checkpoint(self) -> Checkpoint | None:
        world = make_world(self.config.world.name, self.config)
        map_plane(self.config, world)  # refuses a map that cannot be shown before anything is started
        return find_checkpoint(self.config.policy.checkpoint, world)

    def _open_display(self) -> Display:
        render = self.config.render
        size = render.width, render.height
        if self.headless:
            return HeadlessDisplay(size, render.device)
        from render.window import WindowDisplay  # GLFW looks for a display when it is imported

        return WindowDisplay(size, "Valuescape", vsync=render.vsync)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._owned.close()

    @property
    def lockstep(self) -> bool:
        """Whether ticks wait for frames: without `features.async_physics`, and in recordings.

        A video shows every tick at its time, however long a frame took to make.
        """
        return self.recorder is not None or not self.config.features.async_physics

    def run(self, on_progress: Callable[[Progress], None] = lambda _: None) -> RunResult:
        """Turn frames until the run's length is reached or someone ends it; write and return the report."""
        try:
            self._turn_frames(on_progress)
        except WorkerFailedError:
            self._finish()  # what was recorded and measured until then is kept
            raise
        return self._finish()

    def _turn_frames(self, on_progress: Callable[[Progress], None]) -> None:
        if not self.lockstep:
            self._let_run()
        # What is here now stays: without this, collections visit all of it again and again.
        gc.collect()
        gc.freeze()
        began = time.monotonic()
        previous = began
        while not (self._stop or self._interrupts.asked):
            frame_began = time.monotonic()
            self._frame(frame_began - previous)
            previous = frame_began
            self._note(frame_began)
            on_progress(self._progress(began))
            self._stop = self._stop or self._done(began) >= 1
            if not self._stop:
                self._wait_for_turn()

    def _frame(self, elapsed_s: float) -> None:
        """Make one frame and show it."""
        self.meter.clear()
        self._take_events()
        self.engine.check()
        newest = self._newest_tick()
        self.scene.upload(self.engine, newest)
        self.viewer.advance(1 / self.config.render.video_fps if self.recorder else elapsed_s)
        if not self.recorder:  # a video has one size
            self.scene.resize(self.display.size_px)
        self.scene.draw(self.viewer, self._current_heading())
        if self.recorder:
            self.meter.queries += 1
            self.recorder.add(picture_bytes(self.scene.picture))
        self.display.present(self.scene.picture)

    def _newest_tick(self) -> int:
        if not self.lockstep:
            return self.engine.newest_tick
        if not self._paused:
            self._target += self._ticks_per_frame()
            if self.length.ticks is not None:
                self._target = min(self._target, self.length.ticks)
        self.engine.advance_to(int(self._target))
        return int(self._target)

    def _ticks_per_frame(self) -> float:
        render, ticks = self.config.render, self.config.sim.ticks_per_s
        frames = render.video_fps if self.recorder else render.max_fps or 60.0
        return ticks / frames if ticks else 1.0

    def _let_run(self) -> None:
        self.engine.run_until(NO_LIMIT if self.length.ticks is None else self.length.ticks)

    def _take_events(self) -> None:
        for event in self.display.poll():
            request = self.viewer.handle(event, self.scene.plot(), self.display.size_px[1])
            if request:
                self._do(request)

    def _do(self, request: Request) -> None:
        match request:
            case Request.QUIT:
                self._stop = True
            case Request.SCREENSHOT:
                self._screenshot(self.outputs.folder / f"screenshot-{time.strftime('%H%M%S')}.png")
            case Request.PAUSE:
                self._paused = not self._paused
                if not self.lockstep:
                    self.engine.pause() if self._paused else self._let_run()
            case Request.STEP if self._paused:
                if self.lockstep:
                    self._target += 1
                else:
                    self.engine.run_until(self.engine.furthest_tick + 1)

    def _note(self, began: float) -> None:
        """Write down what the frame cost."""
        log, now = self.log, time.monotonic()
        if not log.frame_ends:
            self.start_s = time.time() - psutil.Process().create_time()
        log.frame_ends.append(now)
        log.busy_s.append(now - began)
        log.last_tick = (now, self.scene.ring.newest)
        log.first_tick = log.first_tick or log.last_tick
        for name in ("draw_calls", "queries", "upload_bytes", "dispatches"):
            setattr(log, name, getattr(log, name) + getattr(self.meter, name))
        if len(log.frame_ends) % _SAMPLE_EVERY == 1:
            self._sample()
        if not log.memory or now - log.memory[-1][0] > _MEMORY_S:
            log.memory.append((now, self.engine.memory_bytes()))

    def _sample(self) -> None:
        """Read what is on the GPU; counted with the queries of the frame it follows.

        Raises RuntimeError if OpenGL has noted an error since: drivers skip such a call and say nothing.
        """
        error = self.display.gl.error
        if error != "GL_NO_ERROR":
            raise RuntimeError(f"OpenGL reports {error}; {self.driver.renderer}, {self.driver.version}")
        before = self.meter.queries
        self.scene.read_ranges()
        segments = self.scene.segments_drawn
        self.log.segments.append(segments)
        self.scene.keep_to_budget(segments, *self._frame_load())
        self.log.queries += self.meter.queries - before

    def _frame_load(self) -> tuple[float, float]:
        """Return what a frame takes and what it may take, ms; the same where frames may take their time.

        In lockstep a picture must not depend on how fast it was made.
        """
        may_take = 1000 / (self.config.render.max_fps or 60)
        takes = float(np.median(self.log.busy_s[-_SAMPLE_EVERY:])) * 1000
        return (0.75 * may_take if self.lockstep else takes), may_take

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
        return self.length.done(len(self.log.frame_ends), seconds, self.scene.ring.newest)

    def _run_seconds(self, began: float) -> float:
        """Seconds of the run: of video when recording, else of the clock."""
        if self.recorder:
            return self.recorder.frames / self.config.render.video_fps
        return time.monotonic() - began

    def _progress(self, began: float) -> Progress:
        frames, ticks = len(self.log.frame_ends), self.scene.ring.newest
        return Progress(self._done(began), frames, self._recent_fps(), ticks)

    def _recent_fps(self) -> float:
        ends = self.log.frame_ends[-30:]
        return (len(ends) - 1) / (ends[-1] - ends[0]) if len(ends) > 1 else 0.0

    def _current_heading(self) -> Heading:
        now = time.monotonic()
        if now - self._heading_at > _HEADING_S:
            self._heading_at = now
            state = "paused" if self._paused else f"{self._recent_fps():.0f} fps"
            self._heading = heading(
                self.engine, self.checkpoint, state, self.scene.ring.newest, self.scene.thinned
            )
        return self._heading

    def _screenshot(self, path: Path) -> Path:
        save_png(path, picture_bytes(self.scene.picture), self.scene.picture.size)
        return path

    def _finish(self) -> RunResult:
        """Write the report, the video's end and the last picture."""
        result = RunResult(
            write_report(self, self.outputs.folder / "run.json"), interrupted=self._interrupts.asked
        )
        if self.recorder:
            self.recorder.close()
            result.files.append(self.recorder.path)
        screenshot = self.outputs.screenshot
        if screenshot is None and self.headless:
            screenshot = self.outputs.folder / "last-frame.png"
        if screenshot and self.log.frame_ends:
            result.files.append(self._screenshot(screenshot))
        result.files.append(self.outputs.folder / "run.json")
        return result
