"""The state that a session gives of itself."""

import pytest
from commands import SMALL

from valuescape.render.displays.events import Action, Key
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config

pytestmark = pytest.mark.gpu

SETTINGS = [
    *SMALL,
    "world.name=pendulum",
    "agents.count=30",
    "workers.count=0",
    "features.async_physics=false",
]


class Scripted(HeadlessDisplay):
    """A display that gives the events that a test appends."""

    def __init__(self):
        super().__init__((320, 200))
        self.events = []

    def poll(self):
        events, self.events = self.events, []
        return events


@pytest.fixture
def session(tmp_path):
    display = Scripted()
    config = load_config(None, SETTINGS)
    with Session(
        config, RunLength(frames=5), Outputs(tmp_path), headless=True, display=display, panel=False
    ) as session:
        yield session


def test_a_state_is_of_the_moment_it_was_made(session):
    before = session.state()
    assert (before.tick, before.busy_ms, before.paused) == (-1, (), False)
    session.turn_frames()
    after = session.state()
    assert after.tick == session.newest_tick > 0
    assert len(after.busy_ms) == len(after.log.frame_ends) == 5
    assert after.counters.draw_calls == 4
    assert before.tick == -1


def test_a_state_knows_what_a_person_changed(session):
    before = session.state().settings
    session.display.events += [
        Key(Action.PAUSE),
        Key(Action.PROJECTION),
        Key(Action.PROFILE),
        Key(Action.FASTER),
    ]
    session.turn_frames()
    state = session.state()
    assert state.paused
    assert (state.settings.flat, state.settings.profile) == (not before.flat, True)
    assert state.settings.ticks_per_s > before.ticks_per_s
    assert state.live["sim.ticks_per_s"] == state.settings.ticks_per_s
    assert state.settings.picture == (320, 200)


def test_a_state_is_of_the_new_run_after_a_restart(session):
    session.turn_frames()
    assert session.state().checkpoint.algorithm == "sac"
    session.restart({"world.name": "mountain_car", "agents.count": 12, "policy.checkpoint": "random"})
    state = session.state()
    assert (state.world.name, state.checkpoint, state.individuals) == ("mountain_car", None, 12)
    assert state.plane.world is state.world
    assert (state.config.agents.count, state.tick, state.busy_ms) == (12, -1, ())
    assert state.figures.parts() == []


def test_a_lockstep_run_without_a_critic_says_so(session):
    assert session.state().lockstep
    assert session.state().sliceable
    session.restart({"policy.checkpoint": "random"})
    assert not session.state().sliceable
