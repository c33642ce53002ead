"""Parameters of the world that change while a run goes on: by their own names, spread, undone, refused."""

import pytest

from valuescape.provenance.containers import kind_of, read_provenance
from valuescape.render.view.changes import Request, Set
from valuescape.run.applying import config_now
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config

pytestmark = pytest.mark.gpu

SETTINGS = [
    *("world.name=pendulum", "agents.count=40", "workers.count=0", "trails.length=16", "run.record=false"),
    *("heatmap.resolution=16", "heatmap.density_resolution=16", "render.mesh_resolution=8"),
    *("render.width=480", "render.height=320", "features.async_physics=false", "features.simd=false"),
    "world.parameters.mass=2",
]


@pytest.fixture
def session(tmp_path):
    with Session(load_config(None, SETTINGS), RunLength(), Outputs(tmp_path), headless=True) as session:
        session.pace.start()
        frames(session, 10)
        yield session


def frames(session, count):
    for _ in range(count):
        session._frame(0.05)


def ask(session, *changes):
    """Carry out changes, and make frames until the engine has gone over to them."""
    session.controls.apply_all(changes)
    for _ in range(200):
        frames(session, 1)
        if not (session.stage.wishes.under_way or session.stage.engine.changing):
            break
    frames(session, 2)


def gravity(session):
    """Return the gravity of three agents, as the tick reads it."""
    return session.stage.engine.arena["parameter"][0, :3].tolist()


def test_a_parameter_changes_by_its_name_spreads_and_is_undone(session):
    ask(session, Set("world.parameters.gravity", 5.0))
    assert gravity(session) == [5, 5, 5]
    assert config_now(session).world.parameters == {"gravity": 5.0, "mass": 2.0}
    assert session.stage.subject.world.ranges[0].low == 5.0  # what rollouts and maps follow
    assert "gravity" not in session.viewer.trail_colors
    tick = session.stage.engine.newest_tick
    ask(session, Set("world.parameters.gravity", "8..12"))
    assert session.stage.engine.newest_tick > tick
    assert len(set(gravity(session))) == 3
    assert all(8 <= each <= 12 for each in gravity(session))
    assert "gravity" in session.viewer.trail_colors
    ask(session, Set("trails.color_by", "gravity"))
    assert session.viewer.trail_color == "gravity"
    ask(session, Request.UNDO, Request.UNDO)
    assert gravity(session) == [5, 5, 5]
    ask(session, Request.UNDO)
    assert gravity(session) == [10, 10, 10]
    assert config_now(session).world.parameters == {"mass": 2.0}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            Set("world.parameters.gravity", 80.0),
            "world.parameters.gravity = 80.0, expected a number from 0 to 50",
        ),
        (Set("world.parameters.gravty", 8.0), "'gravty' is no parameter of world pendulum"),
        (Set("world.parameters.gravity", "up"), "world.parameters.gravity = 'up', expected"),
    ],
)
def test_a_value_that_cannot_be_is_said_and_the_run_goes_on(session, change, said):
    ask(session, change)
    assert said in session.annotations().notice
    assert gravity(session) == [10, 10, 10]


def test_a_picture_during_a_change_is_of_the_values_in_force(session, tmp_path):
    session.controls.apply(Set("world.parameters.gravity", "8..12"))
    assert session.stage.wishes.under_way
    path = session.screenshot(tmp_path / "now.png")
    made = read_provenance(path, kind_of(path))
    assert made.config.world.parameters == {"mass": 2.0}
    assert "world.parameters" not in made.made.live
