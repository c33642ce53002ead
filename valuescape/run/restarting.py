"""Beginning a session's run anew with other settings, or leaving it as it was."""

from typing import TYPE_CHECKING, Any

from valuescape.run.stage import runnable
from valuescape.run.starting import CancelledError
from valuescape.sim.config.files import changed
from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.errors import UsageError

if TYPE_CHECKING:
    from valuescape.run.session import Session

_HINT = "Esc: back to the run as it was"

_SAID_LINES = 3
"""Of an error, in the picture."""


def restart(session: "Session", changes: dict[str, Any]) -> None:
    """Begin the run anew with some settings (`section.key`) changed, on the same display.

    What cannot be run is said in the picture, and the run goes on as it was; so it does when a person
    cancels the start.
    """
    try:
        config = changed(session.config, changes)
        checkpoint = runnable(config)
    except UsageError as error:
        session.captions.refresh(str(error))
        return
    paused = session.pace.paused
    if not paused:
        session.pace.pause()
    try:
        stage = session.make_stage(config, checkpoint, _HINT, session.scene.picture)
    except (UsageError, WorkerFailedError, CancelledError) as error:
        _stay(session, error, paused)
        return
    session.stage.release()
    session.config = config
    session.set_stage(stage)
    _look_at_new_stage(session, paused)


def _stay(session: "Session", error: UsageError | WorkerFailedError | CancelledError, paused: bool) -> None:
    """Go on as before a start that came to nothing. paused: as the run was then."""
    if isinstance(error, CancelledError):
        said = "cancelled; the run goes on as it was"
        if error.leave:
            session.stop()
    else:
        said = "\n".join(str(error).splitlines()[:_SAID_LINES])
    if not paused:
        session.pace.pause()
    _measure_anew(session)
    session.captions.refresh(said)


def _look_at_new_stage(session: "Session", paused: bool) -> None:
    """Look at it as at the old one, as far as it has the same to show. paused: as the run was then."""
    viewer = session.viewer
    viewer.selected, viewer.box, viewer.frame, viewer.following = None, None, None, False
    viewer.trail_colors = session.stage.trail_colors
    if viewer.trail_color not in viewer.trail_colors:
        viewer.trail_color = "age"
    rate = session.pace.ticks_per_s
    _measure_anew(session)
    session.begin_pace()
    session.pace.set_ticks_per_s(rate)
    session.pace.start()
    if paused:
        session.pace.pause()
    session.captions.refresh()


def _measure_anew(session: "Session") -> None:
    """Forget what frames took and what is held: during a start nobody looked."""
    session.accounts.begin_again(session.config)
    session.alerts.begin_again()
    session.begin_frame()
