"""Restarting a run with other settings, or leaving it as it was."""

from typing import Any, Protocol

from valuescape.gpu.layers.density import DENSITY
from valuescape.gpu.shader_source import ShaderError
from valuescape.render.view.viewer import Viewer
from valuescape.run.captions import Captions
from valuescape.run.pace import Pace
from valuescape.run.stage import Stage
from valuescape.run.starting import CancelledError
from valuescape.run.validate import validate
from valuescape.sim.config.files import Config, changed
from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.failing import PluginFailedError
from valuescape.sim.policy.network import Checkpoint

_HINT = "Esc: back to the run as it was"

_SAID_LINES = 3
"""Lines of an error that the picture has room for."""


class Restartable(Protocol):
    """A run, as far as a restart acts on it."""

    config: Config
    stage: Stage
    viewer: Viewer
    pace: Pace
    captions: Captions

    def make_stage(
        self, config: Config, checkpoint: Checkpoint | None, hint: str, behind: Any = None
    ) -> Stage:
        """Return the stage of a configuration. behind: the picture that is shown now."""

    def replace_stage(self, stage: Stage) -> None:
        """Go on with this stage, at the pace of its configuration."""

    def measure_anew(self) -> None:
        """Forget frame times and held keys."""

    def stop(self) -> None:
        """End the run after this frame."""


def restart(run: Restartable, changes: dict[str, Any]) -> str:
    """Begin a run anew with some settings (`section.key`) changed, in the same view and at the same rate.

    If it cannot be run, or a person cancels the start, the picture says so and the run goes on as it was.
    Returns what it says, "" after a restart.
    """
    try:
        config = changed(run.config, {"render.place": "", **changes})  # it may be off another map
        checkpoint = validate(config)
    except (UsageError, PluginFailedError) as error:
        run.captions.refresh(str(error))
        return str(error)
    paused, ticks_per_s = run.pace.paused, run.pace.ticks_per_s
    if not paused:
        run.pace.pause()
    try:
        stage = run.make_stage(config, checkpoint, _HINT, run.stage.scene.picture)
    except (UsageError, WorkerFailedError, ShaderError, PluginFailedError, CancelledError) as error:
        return _stay(run, error, paused)
    run.replace_stage(stage)
    _keep_view(run.viewer, stage)
    run.pace.set_ticks_per_s(ticks_per_s)
    run.pace.start()
    if paused:
        run.pace.pause()
    run.captions.refresh()
    return ""


def _stay(run: Restartable, error: Exception | CancelledError, paused: bool) -> str:
    """Go on after a start that failed; return what is said. paused: whether the run was paused before it."""
    said = "\n".join(str(error).splitlines()[:_SAID_LINES])
    if isinstance(error, CancelledError):
        said = "cancelled; the run goes on as it was"
        if error.leave:
            run.stop()
    if not paused:
        run.pace.pause()
    run.measure_anew()
    run.captions.refresh(said)
    return said


def _keep_view(viewer: Viewer, stage: Stage) -> None:
    """Keep a view for another stage, without what that stage does not have."""
    viewer.place, viewer.path, viewer.cross = "", None, None
    viewer.selected, viewer.box, viewer.frame, viewer.following = None, None, None, False
    keep_up(viewer, stage)


def keep_up(viewer: Viewer, stage: Stage) -> None:
    """Keep maps and colours of a view where the stage has them, after it was made or has changed."""
    viewer.bounds = stage.scene.plane.bounds
    _keep_maps(viewer, stage)
    viewer.trail_colors = stage.trail_colors
    if viewer.trail_color not in viewer.trail_colors:
        viewer.trail_color = "age"


def _keep_maps(viewer: Viewer, stage: Stage) -> None:
    """Keep the maps of a view; where the stage lacks them, take the one that its configuration names."""
    own = stage.config.heatmap.layer
    viewer.layers, viewer.choices = stage.layers, stage.scene.fields.choices()
    viewer.first_layer = own if own in viewer.layers else DENSITY.name
    if viewer.layer not in viewer.layers:
        viewer.layer = viewer.first_layer
    if viewer.beside not in viewer.layers or viewer.beside == viewer.layer:
        viewer.beside = ""
