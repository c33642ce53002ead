"""Undo and redo in a run: keys, panel and files are noted alike, and each step goes back and forth."""

import pytest
from hands import SMALL, does, turn

from valuescape.render.displays.events import Action, DoubleClick, Key
from valuescape.render.view.changes import Preset, Request, Restart, Set, Slice, new_gesture, together
from valuescape.run.history import MOST_STEPS, History, step_of
from valuescape.sim.config.files import load_config
from valuescape.sim.config.toml_writer import config_toml

pytestmark = pytest.mark.gpu

UNDO, REDO = Key(Action.UNDO), Key(Action.REDO)


def values(session, *names):
    now = session.controls.undoing.values()
    return tuple(now[name] for name in names)


def notice(session):
    return session.annotations().notice


@pytest.fixture
def session(at_the_picture):
    session, _ = at_the_picture("world.name=cartpole", "trails.color_by=speed")
    session.pace.pause()
    return session


def test_every_change_goes_back_and_forth(session):
    """Changes by keys, by `Set`s of anybody, and of the slice; the newest first."""
    names = (
        "heatmap.layer",
        "render.glow",
        "render.view",
        "trails.opacity",
        "sim.ticks_per_s",
        "heatmap.slice",
    )
    states = [values(session, *names)]
    for asked in (
        *(Key(Action.LAYER), Key(Action.GLOW), Key(Action.PROJECTION), Key(Action.FASTER)),
        *(Set("trails.opacity", 0.25), Slice((0.0, 0.5, 0.0, 0.0)), Set("insight.rollouts", 7)),
    ):
        if isinstance(asked, Key):
            does(session, asked)
        else:
            session.controls.apply(asked)
        states.append(values(session, *names, "insight.rollouts")[: len(names)])
    assert len(set(states)) == len(states) - 1  # the rollouts are not among them
    for state in reversed(states[:-1]):
        does(session, UNDO)
        assert values(session, *names) == state
    assert notice(session).startswith("undone: heatmap.layer ")
    does(session, UNDO)
    assert notice(session) == "nothing to undo"
    for state in states[1:]:
        does(session, REDO)
        assert values(session, *names) == state
    assert values(session, "insight.rollouts") == (7,)
    does(session, REDO)
    assert notice(session) == "nothing to do again"


def test_a_caption_says_what_was_undone(session):
    session.controls.apply(Set("trails.opacity", 0.25))
    does(session, UNDO)
    assert notice(session) == "undone: trails.opacity 0.25 → 0.85"
    does(session, REDO)
    assert notice(session) == "done again: trails.opacity 0.85 → 0.25"


def test_a_gesture_is_one_step_and_a_new_change_ends_what_could_be_done_again(session):
    drag = new_gesture()
    for opacity in (0.8, 0.6, 0.4):
        session.controls.apply(Set("trails.opacity", opacity, drag))
    session.controls.apply_all(together([Set("render.glow", 1.0), Set("trails.width_px", 3.0)]))
    does(session, UNDO)
    assert values(session, "render.glow", "trails.width_px", "trails.opacity") == (0.0, 1.6, 0.4)
    assert notice(session) == "undone: render.glow, trails.width_px"
    does(session, UNDO)
    assert values(session, "trails.opacity") == (0.85,)
    session.controls.apply(Set("trails.opacity", 0.5, drag))  # undone, so nothing is joined to it
    does(session, REDO)
    assert notice(session) == "nothing to do again"
    does(session, UNDO)
    assert values(session, "trails.opacity") == (0.85,)


def test_looking_around_and_what_was_refused_are_no_steps(session):
    session.controls.apply(Set("render.glow", 9.0))
    does(session, DoubleClick(100, 100), Key(Action.HELP), Key(Action.FIT), Key(Action.PAUSE))
    assert session.controls.undoing.history.undo is None


def test_a_restart_is_undone_by_a_restart_and_what_was_tuned_stays(session):
    session.controls.apply(Set("insight.rollouts", 7))
    session.controls.apply(Restart({"agents.count": 20, "trails.length": 8}))
    assert session.config.agents.count == 20
    stage = session.stage
    does(session, UNDO)
    turn(session, 3)
    assert session.stage is not stage
    assert (session.config.agents.count, session.config.trails.length) == (60, 16)
    assert notice(session).startswith("undone: agents.count, trails.length")
    does(session, REDO)
    assert session.config.agents.count == 20


def test_an_undo_that_cannot_be_says_why_and_stays_to_be_undone(session):
    session.controls.apply(Set("insight.action", "push left"))
    session.controls.apply(
        Restart({"world.name": "point_mass", "heatmap.axes": "auto", "insight.action": ""})
    )
    does(session, UNDO)
    assert session.config.world.name == "cartpole"
    assert values(session, "insight.action") == ("push left",)


def test_all_is_reset_in_one_step(session):
    session.controls.apply(Set("trails.opacity", 0.25))
    session.controls.apply(Set("trails.color_by", "age"))
    does(session, Key(Action.GLOW))
    assert session.controls.past().changed == "trails.color_by, trails.opacity, render.glow"
    session.controls.apply(Request.RESET)
    assert values(session, "trails.opacity", "trails.color_by", "render.glow") == (0.85, "speed", 0.0)
    assert session.controls.past().changed == ""
    does(session, UNDO)
    assert values(session, "trails.opacity", "trails.color_by", "render.glow") == (0.25, "age", 0.7)


def test_a_history_forgets_its_oldest_steps_and_a_gesture_that_ends_where_it_began():
    history = History()
    for number in range(MOST_STEPS + 5):
        history.note(step_of({"a": number}, {"a": number + 1}))
    steps = 0
    while history.undo:
        history.step_back()
        steps += 1
    assert steps == MOST_STEPS
    history = History()
    history.note(step_of({"a": 1}, {"a": 2}, gesture=5))
    history.note(step_of({"a": 2}, {"a": 1}, gesture=5))
    assert history.undo is None


def test_a_preset_is_one_step_and_marks_compare_with_it_from_then_on(session, tmp_path):
    path = tmp_path / "other.toml"
    path.write_text(config_toml(load_config(None, [*SMALL, "trails.length=8", "trails.width_px=3"])))
    session.controls.apply(Set("trails.opacity", 0.25))
    assert session.controls.apply(Preset(str(path))) == ""
    turn(session, 3)
    names = "world.name", "trails.length", "trails.width_px", "trails.opacity"
    assert values(session, *names) == ("point_mass", 8, 3.0, 0.25)
    assert session.controls.past().changed == "trails.opacity"
    does(session, UNDO, frames=3)
    assert values(session, *names) == ("cartpole", 16, 1.6, 0.25)


def test_agents_that_came_or_went_do_so_again(session):
    session.pace.pause()
    for count in (20, 90):
        session.controls.apply(Set("agents.count", count))
        turn(session, 10)
    assert session.engine.config.agents.count == 90
    for key, count in ((UNDO, 20), (UNDO, 60), (REDO, 20)):
        does(session, key, frames=10)
        assert session.engine.config.agents.count == count


def test_a_caption_names_the_parameter_that_came_back(session):
    session.controls.apply(Set("world.parameters.gravity", 12.0))
    session.controls.apply(Set("world.parameters.force", 8.0))
    does(session, UNDO)
    assert notice(session) == "undone: world.parameters.force 8.0 → default"
    assert values(session, "world.parameters") == ({"gravity": 12.0},)
