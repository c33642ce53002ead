"""The parts of a run, opened one after the other; a failure releases those that are there."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from valuescape import remarks
from valuescape.costs.ledger import Ledger
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.plugins.host import PluginHost
from valuescape.plugins.run_view import Asked
from valuescape.provenance.containers import as_text
from valuescape.recordings.session_recorder import SessionRecorder
from valuescape.render.displays.display import Display
from valuescape.render.displays.recorder import VideoRecorder
from valuescape.render.overlay.labels import FONT_PX, Annotations
from valuescape.render.scene.scene import Scene
from valuescape.render.view.viewer import Viewer, viewer_of
from valuescape.run.alerts import Alerts
from valuescape.run.applying import Changing
from valuescape.run.captions import Captions
from valuescape.run.follower import Follower
from valuescape.run.inspection import Inspection
from valuescape.run.length import RunLength
from valuescape.run.live_settings import RUN_SETTINGS
from valuescape.run.look import RunKind, look_at
from valuescape.run.open_display import open_display
from valuescape.run.origin import video_origin
from valuescape.run.outputs import Outputs
from valuescape.run.pace import Pace
from valuescape.run.screen import Screen
from valuescape.run.stage import Stage
from valuescape.run.starting import start_engine
from valuescape.run.touches import Touches
from valuescape.run.validate import validate
from valuescape.run_state import RunState
from valuescape.sim.config.files import Config
from valuescape.sim.config.model import settings_of
from valuescape.sim.engine import Engine
from valuescape.sim.interrupts import Interrupts
from valuescape.sim.measuring.health import RunLog
from valuescape.sim.plugins.failing import TROUBLE
from valuescape.sim.policy.network import Checkpoint

_PARAMETERS = "world.parameters."


class RunParts:
    """Display, stage, view, pace and statistics of a run; a context manager.

    Everything it starts (workers, shared memory, OpenGL context, files) ends with it, whatever happens.
    Raises UsageError if the configuration cannot be run here.
    """

    viewer: Viewer
    follower: Follower | None = None
    """Follows a training run; None without one."""
    sides = 1
    """Runs that are drawn side by side."""

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
        self.recorder: VideoRecorder | None = None
        self._touches = Touches()
        self.plugins = PluginHost(self, Asked(say=self._say, alarm=self._alarm))
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
        TROUBLE.begin(stop=config.plugins.on_error == "stop", tell=self._tell)
        self.stage = self.make_stage(config, checkpoint, "Esc: quit")
        self.inspection = self._inspect(self.stage)
        own.callback(lambda: self.stage.release())
        own.callback(lambda: self.inspection.release())
        if self.outputs.video:
            fps, origin = config.render.video_fps, self._video_origin()
            video = VideoRecorder(self.outputs.video, display.size_px, fps, origin)
            self.recorder = own.enter_context(video)
        if panel:
            self.screen.open_panel(config.render.text_px / FONT_PX)
            own.callback(self.screen.release)
        self.ledger = Ledger(self.stage, self.meter, lockstep=self.lockstep, sides=self.sides)
        if self.outputs.profile:
            self.ledger.time_gpu(display.gl)
        self.alerts = Alerts(config)
        self.viewer = viewer_of(config, self.stage.trail_colors, self.scene.plane.bounds)
        self.viewer.layers, self.viewer.choices = self.stage.layers, self.stage.scene.fields.choices()
        self.pace = self._new_pace()
        own.callback(self.plugins.close)
        self.session_recorder: SessionRecorder | None = None
        if self.outputs.session:
            self.session_recorder = own.enter_context(SessionRecorder(self.outputs.session, self.engine))

    def _tell(self, said: str) -> None:
        """Say something in the picture and in the terminal."""
        self.captions.refresh(said)
        remarks.tell([said])

    def _say(self, said: str) -> None:
        """Show what a plug-in says."""
        self.captions.refresh(said)

    def _alarm(self, said: str) -> None:
        """Raise an alarm of a plug-in."""
        self.alerts.hear(said, self.log)
        self._tell(said)

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

    def _inspect(self, stage: Stage) -> Inspection:
        """Return the inspection of a stage that is to be shown."""
        return Inspection(stage)

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

    @property
    def engine(self) -> Engine:
        """The engine that makes the ticks."""
        return self.stage.engine

    @property
    def scene(self) -> Scene:
        """The scene that is drawn."""
        return self.stage.scene

    @property
    def folder(self) -> Path:
        """The folder of the run's files; it may not be there yet."""
        return self.outputs.folder

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
        state = look_at(self.stage, self.viewer, self.pace, self.ledger, self.alerts.noticed, kind, found)
        return replace(state, training=self.follower.training()) if self.follower else state

    @property
    def tuned(self) -> Changing:
        """The run whose settings are changed: this one."""
        return self

    def tuned_state(self) -> RunState:
        """Return the state of the run whose settings the panel shows."""
        return self.state()

    def stages(self, setting: str) -> tuple[Stage, ...]:
        """Return the stages on which a new value of a live setting acts; it is checked by the first."""
        return (self.stage,)

    def setting(self, name: str) -> Any:
        """Return the value of a setting as it is now, or of `world.parameters.NAME`.

        A parameter that is spread over the agents is a text. Raises KeyError if there is no such setting.
        """
        if name.startswith(_PARAMETERS):
            own = name.removeprefix(_PARAMETERS)
            defaults = {each.name: each.default for each in self.engine.world.parameters}
            return (defaults | self.setting("world.parameters"))[own]
        declared = settings_of(type(self.stage.config))[name]
        if name in RUN_SETTINGS:
            return RUN_SETTINGS[name].value(self.stage, self.pace)
        if declared.declared.live:
            return self.viewer.value(name)
        return declared.value_in(self.engine.config)

    def annotations(self) -> Annotations:
        """Return the captions to show now; they are made anew every `stats.captions_s`."""
        return self.captions.of(self.ledger.stats, self.state, lambda: self.inspection.cards(self.viewer))
