"""The selected place of the map: its card, and the way from there."""

import threading
import time

import numpy as np
import pytest
from hands import SIZE, does, pause, turn

from valuescape.render.displays.events import Action, Click, DoubleClick, Key
from valuescape.render.view.changes import Restart
from valuescape.run import cell
from valuescape.run.cell import Followed
from valuescape.sim.rollouts.plain import PlainRollouts
from valuescape.sim.rollouts.rules import RolloutRules, Rollouts

pytestmark = pytest.mark.gpu


def pixel_at(session, x, y, pane=0):
    """Return the pixel of a place of the flat map, x and y of the scene's ground."""
    plot = session.scene.plot(split=session.viewer.split)
    left = plot.left + pane * SIZE[0] // 2
    return left + (x + 1) / 2 * plot.width, plot.bottom - (y + 1) / 2 * plot.height


def card(session):
    """Wait for what is computed; return the rows of the place's card, and its note."""
    for _ in range(300):
        turn(session)
        found = [each for each in session.inspection.cards(session.viewer) if each.title == "place"]
        if not found or "…" not in found[0].note:
            turn(session)
            return (dict(found[0].rows), found[0].note) if found else None
        time.sleep(0.01)
    raise AssertionError("never finished")


def number(text):
    return float(text.split()[0].replace("−", "-"))


CAR = ["world.name=mountain_car", 'render.view="2d"']


@pytest.mark.parametrize("pane", [0, 1])
def test_a_click_tells_what_follows_from_there(at_the_picture, pane):
    session, _ = at_the_picture(*CAR, "heatmap.layer=value", "heatmap.beside=density")
    pause(session)
    does(session, Click(*pixel_at(session, -0.2, 0.3, pane)))
    rows, note = card(session)
    assert note == ""
    (x_low, y_low), (x_high, y_high) = session.scene.plane.bounds
    state = np.array([x_low + 0.4 * (x_high - x_low), y_low + 0.65 * (y_high - y_low)], np.float32)
    assert number(rows["position"]) == pytest.approx(state[0], rel=1e-3)
    assert number(rows["velocity"]) == pytest.approx(state[1], rel=1e-3)
    checkpoint, world = session.stage.checkpoint, session.engine.world
    out = Rollouts.empty(1)
    rules = RolloutRules.of(checkpoint.gamma, world.max_episode_steps)
    PlainRollouts(world, checkpoint, rules).run(state[:, None], out, slice(0, 1))
    assert number(rows["G"]) == pytest.approx(out.value[0], rel=1e-3)
    assert number(rows["steps"]) == out.steps[0]
    assert number(rows["V − G"]) == pytest.approx(number(rows["V(s)"]) - out.value[0], abs=0.01)
    assert rows["end"] == "terminated 100%"
    assert number(rows["visits"]) >= 0
    path = session.viewer.path
    assert len(path) == out.steps[0] + 1
    assert path[0] == pytest.approx(state, rel=1e-4)


def test_the_way_is_drawn_in_both_halves_and_goes_with_escape(at_the_picture):
    session, _ = at_the_picture(*CAR, "heatmap.layer=value", "heatmap.beside=density", "trails.opacity=0")
    pause(session)

    def bright():
        picture = np.frombuffer(session.scene.picture.read(components=3, alignment=1), np.uint8)
        picture = picture.reshape(SIZE[1], SIZE[0], 3)[::-1].astype(int)
        yellow = (np.abs(picture - (255, 242, 89)).max(axis=2) < 12).sum(axis=0)
        return yellow[: SIZE[0] // 2].sum(), yellow[SIZE[0] // 2 :].sum()

    turn(session, 2)
    before = bright()
    does(session, Click(*pixel_at(session, -0.2, 0.3)))
    card(session)
    turn(session, 2)
    drawn = bright()
    assert min(now - then for now, then in zip(drawn, before, strict=True)) > 30
    does(session, Key(Action.BACK), frames=2)
    assert session.viewer.cell is None
    assert card(session) is None
    assert bright() == before


def test_a_double_click_is_not_meant_for_a_place(at_the_picture):
    session, _ = at_the_picture(*CAR)
    does(session, Click(*pixel_at(session, 0, 0)))
    place = session.viewer.cell
    assert place == pytest.approx((0, 0), abs=0.01)
    does(session, Click(*pixel_at(session, 0.5, 0.5)), DoubleClick(*pixel_at(session, 0.5, 0.5)))
    assert session.viewer.cell == place
    does(session, Click(2, 2))
    assert session.viewer.cell is None


def test_drawn_actions_give_an_interval(at_the_picture):
    session, _ = at_the_picture("world.name=cartpole", 'render.view="2d"')
    does(session, Click(*pixel_at(session, 0.1, 0.1)))
    rows, _ = card(session)
    assert number(rows["G, mean of 256"].split("±")[1]) >= 0
    assert "V − G" in rows
    assert {each.name for each in session.engine.world.state} <= rows.keys()  # the slice's too
    assert len(session.viewer.path) > 2


def test_a_world_whose_parameters_are_spread_gives_an_interval(at_the_picture):
    session, _ = at_the_picture(*CAR, "world.parameters.gravity=0.002..0.003")
    does(session, Click(*pixel_at(session, 0.8, 0.1)))
    rows, _ = card(session)
    assert "G, mean of 256" in rows


def test_a_slice_that_moves_all_the_time_does_not_hide_what_follows(at_the_picture, monkeypatch):
    """The card is of a slice whose rollouts are made, all of it."""
    begun, go_on = [], threading.Semaphore(0)

    def follow(stage, state):
        begun.append(state)
        assert go_on.acquire(timeout=10)
        out = Rollouts.empty(1)
        out.value[:] = state[3]
        return Followed(out, state[None, :2])

    monkeypatch.setattr(cell, "_follow", follow)
    session, _ = at_the_picture("world.name=cartpole", 'render.view="2d"')
    pause(session)
    selected, viewer, told = session.inspection._cell, session.viewer, []
    viewer.point_at((0.1, 0.1))

    def move(speed, *, until):
        for _ in range(1000):
            session.stage.move_slice((0, 0, 0, speed))
            selected.update(viewer)
            if until():
                break
            time.sleep(0.002)
        rows = dict(selected.card().rows)
        told.append((number(rows["G"]), number(rows[session.engine.world.state[3].name])))

    selected.update(viewer)
    go_on.release(1)
    move(0.25, until=lambda: len(begun) == 2)
    move(0.5, until=lambda: True)
    go_on.release(1)
    move(0.75, until=lambda: len(begun) == 3)
    go_on.release(1)
    move(0.75, until=lambda: selected.card().note == "")
    assert [state[3] for state in begun] == [0, 0.25, 0.75]
    assert told == [(0, 0), (0, 0), (0.25, 0.25), (0.75, 0.75)]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (["world.name=mountain_car", "policy.checkpoint=random"], "no trained policy"),
    ],
)
def test_without_rollouts_the_card_says_why(at_the_picture, settings, why):
    session, _ = at_the_picture(*settings, 'render.view="2d"')
    does(session, Click(*pixel_at(session, 0, 0)))
    rows, note = card(session)
    assert why in note
    assert not [name for name in rows if name.startswith("G")]


def test_a_hidden_map_of_other_settings_tells_no_number(at_the_picture):
    """It has one again when it is shown, and the findings do without it meanwhile."""
    session, _ = at_the_picture(*CAR, "heatmap.layer=policy", "render.place=0.3, -0.02")
    fields, maps, viewer = session.scene.fields, session.stage.maps, session.viewer

    def rows():
        turn(session, 2)
        return dict(fields.numbers.all_at(0.4, 0.6))

    (title,) = rows().keys() - {"visits"}
    assert title.startswith("action")
    viewer.layer = "value"
    assert title in rows()
    maps.insight = maps.insight.model_copy(update={"time_limit": True})
    assert rows().keys() == {"visits"}
    assert fields.numbers.copy_of("policy") is None
    viewer.layer = "policy"
    assert rows()[title] != "–"
    assert fields.numbers.copy_of("policy") is not None
    fields.numbers.about = "a slice of which it is not made yet"
    assert dict(fields.numbers.all_at(0.4, 0.6))[title] == "–"


def test_another_run_has_no_place_selected(at_the_picture):
    """It may have another map, off which the place would be."""
    session, _ = at_the_picture(*CAR, "render.place=0.3, -0.02")
    assert session.viewer.path is not None  # pictures in lockstep wait for it
    before = session.viewer.value("render.place")
    does(session, Click(*pixel_at(session, 0, 0)))
    assert session.viewer.value("render.place") not in ("", before)
    session.controls.apply(Restart({"world.name": "pendulum"}))
    turn(session, 2)
    assert session.viewer.value("render.place") == session.stage.config.render.place == ""
    assert session.viewer.path is None
