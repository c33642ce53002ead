"""Sessions whose display plays events that a test appends, one frame at a time."""

import pytest

from valuescape.render.displays.events import Action, Key
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.render.view.panes import panes
from valuescape.render.view.picking import on_screen
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config

SIZE = (800, 480)
SMALL = [
    "agents.count=60",
    "workers.count=0",
    "heatmap.resolution=16",
    "heatmap.density_resolution=16",
    "render.mesh_resolution=8",
    "trails.length=16",
    "features.async_physics=false",
    "features.simd=false",
    "run.record=false",
]


class Hands(HeadlessDisplay):
    """A display whose next events a test appends."""

    def __init__(self):
        super().__init__(SIZE)
        self.events = []

    def poll(self):
        events, self.events = self.events, []
        return events


@pytest.fixture
def at_the_picture(tmp_path):
    """Return a function: settings -> (session, display). Frames are made one by one, by `turn`."""
    opened = []

    def begin(*settings, panel=False):
        display = Hands()
        config = load_config(None, [*SMALL, *settings])
        session = Session(config, RunLength(), Outputs(tmp_path), headless=True, display=display, panel=panel)
        opened.append(session)
        session.pace.start()
        turn(session, 20)
        return session, display

    yield begin
    for session in opened:
        session.__exit__(None, None, None)


def turn(session, frames=1):
    for _ in range(frames):
        session._frame(0.05)


def does(session, *events, frames=1):
    session.display.events += events
    turn(session, frames)


def pixel_of(session, agent, pane=0):
    """Return where an agent is in the picture, pixels. pane: 1 for the right one of two."""
    positions = session.engine.row("trail_position", session.newest_tick).copy()
    scene, split = session.scene, session.viewer.split
    part = panes(scene.picture.size, split=split)[pane]
    matrix = session.viewer.matrix(part.size_px, scene.plot(split=split))
    x, y = on_screen(scene.points(positions), matrix, part.size_px)[agent].tolist()
    return x + part.left, y


def pause(session):
    does(session, Key(Action.PAUSE))
    assert session.pace.paused
