"""A/B sessions whose displays play events that a test appends, one frame at a time."""

import time

import pytest
from hands import SMALL, Hands

from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.versus.session import VersusSession
from valuescape.sim.config.files import load_config


@pytest.fixture
def side_by_side(tmp_path):
    """Return a function: settings of both, settings of B -> session. Frames are made one by one."""
    opened = []

    def begin(*settings, second=(), frames=20, panel=False):
        first = load_config(None, [*SMALL, *settings])
        other = load_config(None, [*SMALL, *settings, *second])
        how = {"headless": True, "display": Hands(), "panel": panel}
        session = VersusSession(first, other, RunLength(), Outputs(tmp_path), **how)
        opened.append(session)
        session.pace.start()
        frame(session, frames)
        return session

    yield begin
    for session in opened:
        session.__exit__(None, None, None)


def frame(session, frames=1):
    """Make frames as a run makes them."""
    for _ in range(frames):
        session._frame(0.05)
        session._note(time.monotonic())


def act(session, *events, frames=1):
    """Let the display report events, in the next frame."""
    session.display.events += events
    frame(session, frames)
