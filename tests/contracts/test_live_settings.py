"""Settings that are declared live: each can be changed through a session's controls, and is seen to be."""

import time
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from valuescape.presets import find_checkpoint
from valuescape.render.view.changes import Set
from valuescape.render.view.looks import Looks
from valuescape.run.length import RunLength
from valuescape.run.live_settings import RUN_SETTINGS, current_values
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config
from valuescape.sim.config.model import LIVE, settings_of
from valuescape.sim.config.setting import Live
from valuescape.sim.policy.formats import native
from valuescape.sim.policy.network import Mlp, Training
from valuescape.sim.worlds import make_world

pytestmark = pytest.mark.gpu

SETTINGS = [
    "world.name=cartpole",
    "policy.exploration=1",  # poles fall, so that there are marks of ends
    "agents.count=60",
    "workers.count=0",
    "heatmap.resolution=16",
    "heatmap.density_resolution=16",
    "render.mesh_resolution=8",
    "render.width=480",
    "render.height=320",
    "trails.length=32",
    "features.async_physics=false",
    "features.simd=false",
    "run.record=false",
    "insight.rollouts=2",
]

SHOWN = {
    "insight.action": "advantage",
    "insight.over": "advantage",
    "insight.marginal": "policy",
    "insight.rollouts": "truth",
    "insight.time_limit": "truth",
}
"""The map in which a setting is to be seen, where the run's own does not show it."""

VALUES = {
    "agents.count": 40,
    "agents.size_px": 20.0,
    "flock.cohere_factor": 0.3,
    "flock.extent": 30.0,
    "flock.match_factor": 0.5,
    "flock.separate_factor": 0.15,
    "flock.separation": 4.0,
    "flock.speed": 0.5,
    "flock.visual_distance": 9.0,
    "heatmap.colormap": "magma",
    "heatmap.density_colormap": "gray",
    "heatmap.low": 3.5,
    "heatmap.high": 4.5,
    "heatmap.opacity": 0.3,
    "heatmap.contours": 3,
    "heatmap.layer": "density",
    "heatmap.beside": "value",
    "heatmap.linked": False,
    "heatmap.slice": "cart velocity=0.5, pole velocity=-0.25",
    "insight.action": "push left",
    "insight.marginal": True,
    "insight.min_visits": 3.0,
    "insight.over": "push right",
    "insight.rollouts": 3,
    "insight.time_limit": True,
    "lod.segment_budget": 64,
    "policy.exploration": 0.0,
    "policy.steps": 100,
    "render.view": "2d",
    "render.glow": 1.5,
    "render.tone_mapping": True,
    "render.turn_deg_per_s": 30.0,
    "render.select": 7,
    "render.place": "0.5, -0.1",
    "render.follow": True,
    "sim.ticks_per_s": 120.0,
    "trails.color_by": "speed",
    "trails.end_marks": False,
    "trails.opacity": 0.2,
    "trails.width_px": 6.0,
    "world.parameters": {"gravity": 30.0},
    "workers.count": 1,
}
"""Another value than the default of every live setting."""


def training_run(folder):
    """Save two checkpoints of one training run, of which the first is less hopeful; return the settings."""
    shipped = find_checkpoint("auto", make_world("cartpole"))
    head = shipped.critics[0].layers[-1]
    early = Mlp((*shipped.critics[0].layers[:-1], replace(head, bias=head.bias / 2)))
    for steps, critics in ((100, (early,)), (200, shipped.critics)):
        file = folder / f"model_{steps}_steps.safetensors"
        native.save(replace(shipped, critics=critics, training=Training(timesteps=steps)), file)
    return [f'policy.checkpoint="{folder}"', "policy.steps=200"]


@contextmanager
def paused_run(folder, *more):
    """A run in lockstep with its frames, paused after 40 of them."""
    config = load_config(None, [*SETTINGS, *more])
    with Session(config, RunLength(), Outputs(folder), headless=True) as session:
        session.pace.start()
        turn(session, 40)
        session.pace.pause()
        turn(session, 2)
        yield session


@pytest.fixture
def session(tmp_path, request):
    """A run of the test's own."""
    changes = getattr(request.node, "callspec", None)
    more = training_run(tmp_path) if changes and changes.params.get("name") == "policy.steps" else []
    with paused_run(tmp_path, *more) as session:
        yield session


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    """A run of the tests at the end of this file, which change nothing."""
    folder = tmp_path_factory.mktemp("unchanged")
    with paused_run(folder, *training_run(folder)) as session:
        yield session


def turn(session, frames):
    for _ in range(frames):
        session._frame(0.05)


def settle(session):
    """Make frames until no map is being computed, and a few more."""
    until = time.monotonic() + 20
    while session.stage.maps.doing and time.monotonic() < until:
        turn(session, 1)
        time.sleep(0.02)  # the threads that compute have a low priority
    assert not session.stage.maps.doing
    turn(session, 12)


def picture(session):
    return np.frombuffer(session.scene.picture.read(components=3, alignment=1), np.uint8)


def now(session, name):
    """Return the value of a live setting as it is now."""
    if settings_of()[name].declared.live is Live.RUN:
        return current_values(session.stage, session.pace)[name]
    return session.viewer.value(name)


def test_every_live_setting_is_tried():
    assert VALUES.keys() == LIVE
    assert {name for name in LIVE if settings_of()[name].declared.live is Live.RUN} == RUN_SETTINGS.keys()


FLOCK = {name for name in LIVE if name.startswith("flock.")}
APART = FLOCK | {"sim.ticks_per_s", "render.follow", "policy.exploration"}


@pytest.mark.parametrize("name", sorted(LIVE - APART))
def test_a_live_setting_changes_the_picture(session, name):
    if name in SHOWN:
        session.controls.apply(Set("heatmap.layer", SHOWN[name]))
    if name == "heatmap.linked":  # two maps of one quantity, each with a scale of its own
        session.controls.apply(Set("heatmap.beside", "marginal_value"))
    turn(session, 2)
    settle(session)
    before = picture(session)
    turn(session, 2)
    np.testing.assert_array_equal(picture(session), before)  # nothing else changes it
    assert now(session, name) != VALUES[name]
    session.controls.apply(Set(name, VALUES[name]))
    turn(session, 2)
    settle(session)
    assert now(session, name) == VALUES[name]
    assert not np.array_equal(picture(session), before)


def test_live_settings_of_the_flock_change_how_birds_fly(tmp_path):
    config = load_config(None, [*SETTINGS, "world.name=flock", "policy.checkpoint=random"])
    with Session(config, RunLength(), Outputs(tmp_path), headless=True) as session:
        session.pace.start()
        turn(session, 2)
        for name in sorted(FLOCK):
            rules = session.engine.world.rules
            session.controls.apply(Set(name, VALUES[name]))
            turn(session, 2)
            assert now(session, name) == VALUES[name]
            assert session.engine.world.rules != rules
        tick = session.newest_tick
        before, after = (session.engine.row("state", each)[:2] for each in (tick - 1, tick))
        way = np.abs(after - before)
        way = np.minimum(way, VALUES["flock.extent"] - way)  # the short one, across the edge
        assert np.hypot(*way) == pytest.approx(VALUES["flock.speed"], abs=1e-4)


def test_a_live_rate_changes_the_ticks_a_frame(session):
    session.pace.pause()
    ticks = []
    for rate in (60.0, 120.0):
        session.controls.apply(Set("sim.ticks_per_s", rate))
        at = session.newest_tick
        turn(session, 10)
        ticks.append(session.newest_tick - at)
    assert ticks == [10, 20]


def test_live_exploration_changes_what_agents_do(session):
    session.pace.pause()

    def ended(frames):
        before = session.engine.episode_stats().finished
        turn(session, frames)
        return session.engine.episode_stats().finished - before

    assert ended(40) > 20
    session.controls.apply(Set("policy.exploration", 0.0))
    turn(session, 80)  # poles that are falling fall
    assert now(session, "policy.exploration") == 0
    assert ended(40) == 0


def test_a_selected_agent_is_followed_live(session):
    session.controls.apply(Set("render.follow", True))
    assert not session.viewer.following  # nobody is selected
    session.controls.apply(Set("render.select", 7))
    turn(session, 12)
    before = session.viewer.orbit_goal
    session.controls.apply(Set("render.follow", True))
    turn(session, 12)
    assert session.viewer.following
    assert session.viewer.orbit_goal != before


def test_the_ends_of_the_colour_scale_do_not_cross(session):
    session.controls.apply_all([Set("heatmap.low", 3.0), Set("heatmap.high", 2.0)])
    assert "heatmap.low = 3, expected less than heatmap.high = 2" in session.annotations().notice
    assert (session.viewer.looks.heatmap.low, session.viewer.looks.heatmap.high) == (3.0, "auto")


def test_looks_are_the_live_part_of_a_configuration():
    config = load_config(None, ["render.glow=0.5", "render.width=640", "trails.width_px=3"])
    looks = Looks.of(config)
    assert (looks.render.glow, looks.trails.width_px) == (0.5, 3.0)
    assert looks == Looks.of(load_config(None, ["render.glow=0.5", "trails.width_px=3"]))
    assert Looks().differences(looks) == {"render.glow": 0.5, "trails.width_px": 3.0}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("world.name", "pendulum", "world.name cannot change during a run"),
        ("agents.count", 0, "agents.count = 0, expected"),
        ("policy.steps", 5, "policy.steps = 5: no checkpoint in"),
        ("nonsense.key", 5, "nonsense.key cannot change during a run"),
        ("render.glow", 9.0, "render.glow = 9.0, expected a number from 0 to 2"),
        ("heatmap.layer", "errors", "heatmap.layer: 'errors' is unknown"),
        ("heatmap.layer", "difference", "insight.compare_with names no other checkpoint"),
        ("insight.action", "push up", "insight.action = 'push up': cartpole has no such action"),
        ("heatmap.slice", "nonsense=1", "'nonsense' is no state variable of cartpole"),
        ("render.place", "0.5", "render.place = '0.5', expected two numbers"),
        ("render.place", "0.5, 99", "pole angle is 99, expected from"),
        ("render.select", 60, "render.select = 60, expected less than agents.count = 60"),
    ],
)
def test_a_value_that_does_not_fit_is_said_and_changes_nothing(unchanged, name, value, said):
    before = {each: now(unchanged, each) for each in LIVE}
    unchanged.controls.apply(Set(name, value))
    assert said in unchanged.annotations().notice
    assert {each: now(unchanged, each) for each in LIVE} == before
