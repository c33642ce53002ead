"""Agents, workers and exploration change while a run goes on: the picture follows, and says so."""

import numpy as np
import pytest
from hands import SMALL, does, turn

from valuescape import remarks
from valuescape.gpu.live_objects import live_objects
from valuescape.render.displays.events import Action, Key
from valuescape.render.view.changes import Request, Restart, Set
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import changed, load_config
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError
from valuescape.sim.succession import Succession

pytestmark = pytest.mark.gpu

BOX = (-1.0, -1.0, 1.0, 1.0)


def change(session, frames=1, **values):
    session.controls.apply_all(Set(name.replace("__", "."), value) for name, value in values.items())
    turn(session, frames)


def trails(session):
    """Return positions [tick, agent, 2] of the ring, by tick."""
    ring = session.scene.trails.ring
    return dict(zip(ring.ticks, ring.read()[0], strict=True))


def test_agents_come_and_go_and_the_others_keep_their_trails(at_the_picture):
    session, _ = at_the_picture()
    with Engine(session.config, session.stage.checkpoint) as never_changed:
        for count in (150, 33, 90):
            cut = session.newest_tick
            change(session, 6, agents__count=count)
            never_changed.advance_to(session.newest_tick)
            stay, now = min(count, 33 if count == 90 else 60), trails(session)
            assert len(now) == session.config.trails.length
            for tick, row in now.items():
                np.testing.assert_array_equal(
                    row[:stay], never_changed.row("trail_position", tick)[:stay], strict=True
                )
                assert np.isnan(row[stay:]).any() == (tick < cut and count > stay)
            assert f"{count} agents" in session.annotations().heading.left[1]
            assert session.scene.trails.individuals.agents == session.config.agents.count == count
    assert session.display.gl.error == "GL_NO_ERROR"


def test_reloaded_shaders_draw_the_agents_that_there_are(at_the_picture):
    session, _ = at_the_picture()
    for count in (150, 33):
        change(session, 6, agents__count=count)
        kept, present = trails(session), session.scene.trails.ring.present(session.newest_tick - 6)
        session.controls.apply(Request.RELOAD)
        turn(session)
        ring, now = session.scene.trails.ring, trails(session)
        assert (ring.agents, ring.present(session.newest_tick - 7)) == (count, present)
        assert session.scene.trails.individuals.agents == count
        both = sorted(kept.keys() & now.keys())
        assert len(both) == session.config.trails.length - 1
        for tick in both:
            np.testing.assert_array_equal(now[tick], kept[tick], strict=True)
    assert session.display.gl.error == "GL_NO_ERROR"


def test_what_a_person_looks_at_stays(at_the_picture):
    """But an agent that is gone is selected no more."""
    session, _ = at_the_picture("render.view=2d")
    viewer, view = session.viewer, session.viewer.map_goal.zoomed(3.0, 200, 200, session.scene.plot())
    viewer.map_goal = viewer.map_camera = view
    viewer.point_at((0.25, 0.5))
    session.controls.apply_all([Set("render.select", 20), Set("render.follow", True)])
    change(session, 3, agents__count=100, heatmap__layer="value")
    assert (viewer.selected, viewer.following, viewer.layer) == (20, True, "value")
    assert session.scene.trails.individuals.highlighted.tolist() == [20]
    viewer.following = False
    view, cell = viewer.map_goal, viewer.cell
    change(session, 3, agents__count=12)
    assert (viewer.selected, viewer.following) == (None, False)
    assert (viewer.map_goal, viewer.cell) == (view, cell)
    assert {card.title for card in session.annotations().cards} == {"place"}


def test_visits_and_the_critic_s_numbers_go_on(at_the_picture):
    session, _ = at_the_picture("world.name=cartpole", "heatmap.density_half_life=0")
    before, counted = session.scene.fields.density.read_visits().sum(), session.stage.maps.crowd
    change(session, 10, agents__count=20)
    added = session.scene.fields.density.read_visits().sum() - before
    assert 0 < added <= 10 * 20
    assert session.stage.maps.crowd is counted
    crowd = counted._crowd
    assert (len(counted._agents), crowd._agents, crowd._following.missed) == (20, 20, 0)
    change(session, 1, policy__exploration=0.5)  # another policy acts: what was counted is of the one before
    assert counted._crowd is not crowd


def test_a_box_counts_those_that_are_there(at_the_picture):
    session, _ = at_the_picture()
    session.viewer.box = BOX
    turn(session)
    for count in (80, 7):
        change(session, 3, agents__count=count)
        rows = dict(next(card for card in session.annotations().cards if card.title == "box").rows)
        assert rows["agents inside"] == str(count)


def test_changes_leave_nothing_on_the_gpu(at_the_picture):
    session, _ = at_the_picture("trails.color_by=td_error")
    seen = []
    for count in (90, 30) * 4:
        change(session, 3, agents__count=count)
        seen.append(live_objects())
    assert all(each == seen[1] for each in seen[2:])


@pytest.fixture
def slow(monkeypatch):
    """Let a crew be ready only when a test says so; returns the switch."""
    ready, switch = Succession.is_ready, {"ready": False}
    monkeypatch.setattr(Succession, "is_ready", lambda one, *at: ready(one, *at) and switch["ready"])
    return switch


@pytest.fixture
def running(tmp_path):
    """A run beside its frames, not in step with them."""
    config = load_config(None, [*SMALL, "features.async_physics=true", "sim.ticks_per_s=500"])
    with Session(config, RunLength(), Outputs(tmp_path), headless=True) as session:
        session.pace.start()
        turn(session, 5)
        yield session


def test_the_picture_goes_on_while_a_crew_is_made_and_says_so(running, slow):
    session, before = running, running.newest_tick
    session.controls.apply(Set("agents.count", 1_500))
    for _ in range(20):
        turn(session)
    assert session.engine.changing
    assert session.newest_tick > before
    assert "changing agents.count 60 → 1,500 …" in session.annotations().heading.right
    assert session.state().live["agents.count"] == 1_500
    assert session.config.agents.count == 60
    session.controls.apply(Request.RELOAD)
    turn(session, 2)
    assert session.scene.trails.ring.agents == 60
    slow["ready"] = True
    turn(session, 4)
    assert session.scene.trails.ring.agents == 1_500
    assert not session.engine.changing
    assert session.config.agents.count == 1_500
    assert not any("changing" in line for line in session.annotations().heading.right)


def test_settings_of_one_frame_take_effect_at_one_tick(at_the_picture, monkeypatch):
    """The terminal of a run without a window names it."""
    told = []
    monkeypatch.setattr(remarks, "_listeners", [told.append])
    session, _ = at_the_picture()
    change(session, 6, agents__count=70, policy__exploration=0.25)
    (made,) = session.engine.changes
    assert told == [f"tick {made.tick}: agents.count 60 → 70, policy.exploration 0.0 → 0.25"]
    assert (made.config.agents.count, made.config.policy.exploration) == (70, 0.25)


def test_a_change_that_fails_is_told_and_changes_nothing(running, monkeypatch, capsys):
    def refuse(*_):
        raise UsageError("agents.count = 70: no memory for it", "take fewer")

    monkeypatch.setattr("valuescape.sim.formation.Formation.reserve", refuse)
    told = []
    monkeypatch.setattr("valuescape.remarks._listeners", [told.append])
    change(running, 30, agents__count=70)
    assert "agents.count = 70: no memory for it" in running.annotations().notice
    assert any("no memory for it" in said for said in told)
    assert running.state().live["agents.count"] == running.config.agents.count == 60
    assert running.engine.changes == []
    before = running.newest_tick
    turn(running, 5)
    assert running.newest_tick > before


def test_a_change_the_engine_refuses_is_told(running, monkeypatch):
    def refuse(*_):
        raise UsageError("cannot be")

    monkeypatch.setattr(Engine, "change", refuse)
    change(running, 2, agents__count=70)
    assert running.annotations().notice == "cannot be"
    assert running.state().live["agents.count"] == 60


def test_a_crowd_of_birds_has_room_for_those_that_come(at_the_picture):
    """The square of a flock grows with it, so the map's window does."""
    session, _ = at_the_picture("world.name=flock", "policy.checkpoint=random")
    bounds = session.viewer.bounds
    change(session, 4, agents__count=240)
    assert session.viewer.bounds == session.scene.plane.bounds
    assert np.ptp(session.viewer.bounds, axis=0) == pytest.approx(2 * np.ptp(bounds, axis=0))
    assert session.scene.trails.ring.agents == 240


def test_undo_gives_agents_back(at_the_picture):
    session, _ = at_the_picture()
    change(session, 2, agents__count=25)
    does(session, Key(Action.UNDO), frames=2)
    assert session.config.agents.count == 60


def test_a_picture_after_changes_is_made_again(tmp_path, cli):
    """With the trails of agents that came and the visits of those that left."""
    config = load_config(None, [*SMALL, "world.name=cartpole", "trails.color_by=td_error"])
    with Session(config, RunLength(), Outputs(tmp_path), headless=True) as session:
        session.pace.start()
        turn(session, 8)
        change(session, 5, agents__count=90)
        change(session, 4, agents__count=75, policy__exploration=0.25)
        session.controls.apply(Set("render.select", 70))
        turn(session, 4)
        picture = session.screenshot(tmp_path / "changed.png")
    status, out, errors = cli("replay", picture)
    assert status == 0, errors + out
    assert "pixels are equal" in out


def test_the_report_is_of_the_agents_and_workers_at_the_end(tmp_path):
    config = load_config(None, SMALL)
    with Session(config, RunLength(frames=12), Outputs(tmp_path), headless=True) as session:
        report = session.run(lambda done: change_once(session, done)).report
    assert (report["agents"], report["config"]["agents"]["count"]) == (25, 25)
    assert report["workers"] == 0


def change_once(session, progress):
    if progress.frames == 5:
        session.controls.apply(Set("agents.count", 25))


def test_a_restart_keeps_what_was_tuned_also_in_the_same_frame(at_the_picture):
    session, _ = at_the_picture()
    change(session, insight__rollouts=3)
    changes = Set("agents.count", 30), Restart({"trails.length": 40})
    session.controls.apply_all(changes)
    turn(session, 2)
    config = session.config
    assert (config.trails.length, config.agents.count, session.stage.maps.insight.rollouts) == (40, 30, 3)


def test_another_world_begins_without_what_belonged_to_the_one_before(at_the_picture):
    session, _ = at_the_picture("world.name=cartpole", "insight.action=1")
    change(session, 2, world__parameters={"gravity": 8.0})
    assert session.controls.apply(Restart({"world.name": "point_mass"})) == ""
    now = session.config
    assert (now.world.name, now.world.parameters, now.insight.action) == ("point_mass", {}, "")


def test_agents_that_went_and_came_again_between_two_frames_are_new(at_the_picture):
    session, _ = at_the_picture()
    engine, ring, tick = session.engine, session.scene.trails.ring, session.newest_tick
    for count in (20, 60):
        engine.change(changed(engine.config, {"agents.count": count}))
        engine.finish_change()
    turn(session)
    assert (ring.agents, ring.present(tick - 1)) == (60, 20)


def test_a_scene_made_anew_tells_no_tick_twice(at_the_picture):
    """What follows the agents goes on, and another policy is judged from its own ticks on."""
    session, _ = at_the_picture("world.name=cartpole")
    crowd, told = session.stage.maps.crowd, []
    read = crowd._read
    crowd._read = lambda tick: told.append(tick) or read(tick)
    first = session.newest_tick + 1
    session.controls.apply(Request.RELOAD)
    change(session, 5, policy__exploration=0.5)
    assert told == list(range(first, session.newest_tick + 1))
    assert (crowd._crowd._following.since, crowd._crowd._following.missed) == (first, 0)


def test_every_step_of_agents_that_come_has_a_value(at_the_picture):
    session, _ = at_the_picture("world.name=cartpole", "policy.exploration=1", "sim.ticks_per_s=480")
    change(session, 70, agents__count=90)
    crowd = session.stage.maps.crowd
    crowd.count()
    numbers = crowd.numbers
    assert (numbers.agents, numbers.missed, numbers.left_out) == (90, 0, 0)
    assert numbers.seen > 90
