"""Keys, pointer and panel change a run: sessions with a display that plays a script of events."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hands import SIZE, SMALL, does, pause, pixel_of, turn

import valuescape.run.controls
from valuescape.gpu.shader_source import ShaderError
from valuescape.render.displays.events import (
    Action,
    Button,
    Close,
    DoubleClick,
    Drag,
    DragEnd,
    Edit,
    Key,
    Move,
    Press,
    Release,
    Text,
)
from valuescape.render.panel import tips
from valuescape.render.view.changes import Request, Restart, Set, Slice
from valuescape.render.view.looks import Looks
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config
from valuescape.sim.errors import UsageError

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("view", ["2d", "3d"])
def test_a_double_click_opens_an_agent_s_card(at_the_picture, view):
    session, _ = at_the_picture(f'render.view="{view}"')
    pause(session)
    agent = 17
    does(session, DoubleClick(*pixel_of(session, agent)))
    assert session.viewer.selected is not None
    # Another agent may be in the same place; the one that is selected is there, too.
    assert np.allclose(pixel_of(session, session.viewer.selected), pixel_of(session, agent), atol=1)
    card = session.inspection.cards(session.viewer)[0]
    said = dict(card.rows)
    state = session.engine.row("state", session.newest_tick)[:, session.viewer.selected]
    assert said["position"] == f"{state[0]:.3g} m".replace("-", "−")
    assert {"velocity", "action", "reward", "return so far", "step"} <= set(said)
    assert {"V(s), no entropy", "TD error, no entropy"} <= set(said)  # SAC counts it, these numbers do not
    does(session, DoubleClick(2, 2))
    assert session.viewer.selected is None


def test_the_one_selected_is_followed(at_the_picture):
    session, _ = at_the_picture('render.view="2d"')
    does(session, DoubleClick(*pixel_of(session, 3)))
    does(session, Key(Action.FOLLOW))
    turn(session, 30)
    plot = session.scene.plot()
    x, y = pixel_of(session, session.viewer.selected)
    assert abs(x - plot.left - plot.width / 2) < 0.2 * plot.width
    assert abs(y - plot.top - plot.height / 2) < 0.2 * plot.height


def test_a_box_lists_who_passes(at_the_picture):
    session, _ = at_the_picture('render.view="2d"')
    plot = session.scene.plot()
    left, top, right, bottom = plot.left + 100, plot.top + 60, plot.right - 150, plot.bottom - 80
    does(session, Drag(Button.LEFT, right - left, bottom - top, right, bottom, box=True), DragEnd(box=True))
    ticks = range(max(0, session.newest_tick - 15), session.newest_tick + 1)
    x_low, y_low, x_high, y_high = session.viewer.box
    ground = np.stack([session.engine.row("trail_position", tick) for tick in ticks])
    low, high = np.array(session.scene.plane.bounds)
    ground = (ground - low) / (high - low) * 2 - 1
    within = ((ground >= (x_low, y_low)) & (ground <= (x_high, y_high))).all(axis=2)
    card = dict(session.inspection.cards(session.viewer)[0].rows)
    assert card["agents inside"] == str(within[-1].sum())
    assert card["passed in 16 ticks"] == str(within.any(axis=0).sum())
    assert 0 < within.any(axis=0).sum() < 60
    lit = session.scene.trails.individuals.highlighted
    np.testing.assert_array_equal(lit, np.flatnonzero(within.any(axis=0)))
    does(session, Key(Action.BACK))
    assert not len(session.scene.trails.individuals.highlighted)


def test_shift_and_drag_over_the_height_field_choose_what_was_dragged_over(at_the_picture):
    """Compared with where every agent is on the screen; agents at the edge may count or not."""
    session, _ = at_the_picture('render.view="3d"', "agents.count=400")
    pause(session)
    pixels = np.array([pixel_of(session, agent) for agent in range(400)])
    (left, top), (right, bottom) = np.percentile(pixels, [20, 75], axis=0)
    does(session, Press(Button.LEFT, left, top, shift=True), frames=2)
    for share in (0.2, 0.7, 1.0):
        does(session, Move(left + share * (right - left), top + share * (bottom - top)))
    assert session.viewer.frame == pytest.approx((left, top, right, bottom))
    does(session, Release(Button.LEFT, right, bottom))
    outside = np.max(
        [left - pixels[:, 0], pixels[:, 0] - right, top - pixels[:, 1], pixels[:, 1] - bottom], 0
    )
    surely_in, maybe_in = (outside < -3).sum(), (outside < 3).sum()
    card = dict(session.inspection.cards(session.viewer)[0].rows)
    assert surely_in <= int(card["agents inside"]) <= maybe_in
    assert surely_in > 20
    assert maybe_in < 380
    assert session.viewer.orbit_goal == session.viewer.orbit_camera  # nothing was turned
    does(session, Key(Action.BACK))
    assert session.viewer.box is None


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Key(Action.FOLLOW), "no agent is selected: double-click one"),
        (Key(Action.VIEW, 4), "no view 4 is saved: Ctrl+4 saves one"),
        (Key(Action.SAVE_VIEW, 4), "view 4 saved: 4 goes back to it"),
        (Key(Action.BACK), "Esc again to quit"),
    ],
)
def test_a_key_says_what_it_did_or_lacks(at_the_picture, event, said):
    session, _ = at_the_picture()
    does(session, event)
    assert session.annotations().notice == said
    assert not session._stopped


def test_a_second_escape_soon_after_quits(at_the_picture, monkeypatch):
    session, _ = at_the_picture()
    now = [100.0]
    monkeypatch.setattr(valuescape.run.controls, "time", SimpleNamespace(monotonic=lambda: now[0]))
    for at, ends in ((100.0, False), (103.0, False), (104.5, True)):
        now[0] = at
        does(session, Key(Action.BACK))
        assert session._stopped is ends
    session._stopped = False
    does(session, Key(Action.QUIT))
    assert session._stopped


def test_the_view_fits_the_agents(at_the_picture):
    session, _ = at_the_picture('render.view="2d"')
    pause(session)
    does(session, Key(Action.FIT), frames=40)
    plot = session.scene.plot()
    inside = [pixel_of(session, agent) for agent in range(60)]
    xs = np.array(inside)[:, 0]
    assert plot.left - 20 < xs.min()
    assert xs.max() < plot.right + 20
    assert session.viewer.map_camera.reach != 1


def test_the_landscape_is_cut_at_the_selected_agent_s_state(at_the_picture):
    session, _ = at_the_picture('world.name="cartpole"', 'render.view="2d"')
    before, own = session.stage.landscape.field.read().copy(), session.scene.plane
    pause(session)
    does(session, DoubleClick(*pixel_of(session, 5)))
    agent = session.viewer.selected
    turn(session)
    state = session.engine.row("state", session.newest_tick)[:, agent]
    held = [index for index in range(4) if index not in own.axes]
    assert [session.scene.plane.values[i] for i in held] == pytest.approx([float(state[i]) for i in held])
    assert not np.array_equal(session.stage.landscape.field.read(), before)
    does(session, Key(Action.BACK), frames=2)
    np.testing.assert_array_equal(session.stage.landscape.field.read(), before)


def test_keys_change_the_pace(at_the_picture):
    session, _ = at_the_picture("sim.ticks_per_s=120")
    at = session.newest_tick
    turn(session, 10)
    assert session.newest_tick - at == pytest.approx(20, abs=1)
    does(session, Key(Action.FASTER), Key(Action.FASTER))
    assert session.pace.ticks_per_s == pytest.approx(240)
    at = session.newest_tick
    turn(session, 10)
    assert session.newest_tick - at == pytest.approx(40, abs=1)
    pause(session)
    at = session.newest_tick
    turn(session, 5)
    assert session.newest_tick == at
    does(session, Key(Action.STEP))
    assert session.newest_tick == at + 1


def test_the_simulation_goes_on_while_nothing_is_drawn(at_the_picture):
    session, _ = at_the_picture()
    does(session, Key(Action.BLIND))
    at = session.engine.newest_tick
    session.meter.clear()
    turn(session, 5)
    assert session.engine.newest_tick > at
    assert session.meter.draw_calls == 0
    does(session, Key(Action.BLIND))
    assert session.newest_tick == session.engine.newest_tick
    assert session.meter.draw_calls == 4


def test_trails_are_coloured_by_what_was_chosen(at_the_picture):
    session, _ = at_the_picture("policy.checkpoint=random")
    assert list(session.viewer.trail_colors) == ["age", "agent", "speed", "reward", "action", "outcome"]
    seen = set()
    for _ in session.viewer.trail_colors:
        does(session, Key(Action.TRAIL_COLOR), frames=20)
        signals = session.scene.trails.signals
        seen.add(signals.signal.name if signals else session.viewer.trail_color)
        if signals:
            assert np.isfinite(session.scene.trails.ring.read_signal(session.newest_tick)).any()
    assert seen == set(session.viewer.trail_colors)


def test_a_colour_that_needs_a_critic_is_refused_without():
    config = load_config(None, [*SMALL, "policy.checkpoint=random", "trails.color_by=td_error"])
    with pytest.raises(UsageError, match="there is no critic"):
        Session(config, RunLength(), Outputs("unused"), headless=True)


def test_a_torchscript_critic_has_no_td_errors_without_its_discount(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch advises torch.export
        torch.jit.script(torch.nn.Linear(2, 1)).save(tmp_path / "critic.pt")
    critic = f"policy.torchscript_critic={tmp_path / 'critic.pt'}"
    settings = [*SMALL, "world.name=mountain_car", critic, "trails.color_by=td_error"]
    with pytest.raises(UsageError, match=r"discount \(gamma\) the critic learned is unknown"):
        Session(
            load_config(None, [*settings, "policy.checkpoint=random"]),
            RunLength(),
            Outputs("unused"),
            headless=True,
        )


def test_shaders_are_reloaded_and_broken_ones_are_not(at_the_picture, monkeypatch):
    session, _ = at_the_picture()
    before = session.scene
    does(session, Key(Action.RELOAD))
    assert session.scene is not before
    turn(session, 3)
    now = session.scene

    def broken(*_, **__):
        raise ShaderError("gpu/shaders/surface/surface.frag:3:1: syntax error")

    monkeypatch.setattr("valuescape.run.stage.Scene", broken)
    does(session, Key(Action.RELOAD))
    assert session.scene is now
    assert "syntax error" in session.annotations().notice
    turn(session, 3)


def test_a_run_begins_anew_with_other_settings(at_the_picture):
    session, _ = at_the_picture()
    session.controls.apply(Restart({"agents.count": 90, "run.seed": 5, "trails.length": 8}))
    turn(session, 5)
    assert session.scene.trails.individuals.agents == 90
    assert 0 <= session.newest_tick < 20
    assert session.config.run.seed == 5
    session.controls.apply(Restart({"world.name": "pendulum"}))
    turn(session, 5)
    assert session.engine.world.name == "pendulum"


def test_maps_that_the_new_run_lacks_give_way(at_the_picture):
    """To the map that its configuration names, and without that to the visits; key 0 does the same."""
    session, _ = at_the_picture("world.name=pendulum")
    viewer, first = session.viewer, Key(Action.CHOOSE_LAYER, 0)
    session.controls.apply_all([Set("heatmap.layer", "td_error"), Set("heatmap.beside", "value")])
    session.controls.apply(Restart({"policy.checkpoint": "random"}))
    turn(session)
    assert viewer.shown == ("density",)
    does(session, first)
    assert viewer.shown == ("density",)
    session.controls.apply(Restart({"policy.checkpoint": "auto", "heatmap.layer": "td_error"}))
    turn(session)
    assert viewer.shown == ("density",)
    does(session, first)
    assert viewer.shown == ("td_error",)


@pytest.mark.parametrize(
    "changes",
    [{"agents.count": 0}, {"world.name": "nowhere"}, {"heatmap.axes": "a, b"}],
    ids=["bounds", "world", "axes"],
)
def test_what_cannot_be_run_is_said_and_the_run_goes_on(at_the_picture, changes):
    session, _ = at_the_picture()
    config, at = session.config, session.newest_tick
    session.controls.apply(Restart(changes))
    turn(session, 2)
    assert session.config == config
    assert session.newest_tick > at
    said = session.annotations().notice
    assert any(str(value).split(",")[0] in said for value in changes.values())


def test_settings_change_while_the_run_goes_on(at_the_picture):
    session, _ = at_the_picture('world.name="cartpole"')
    session.controls.apply(Set("sim.ticks_per_s", 30.0))
    session.controls.apply(Set("lod.segment_budget", 64))
    values = tuple(0.1 * index for index in range(4))
    session.controls.apply(Slice(values))
    turn(session, 2)
    assert session.pace.ticks_per_s == 30
    assert session.scene.trails.budget.segments == 64
    session.controls.apply(Request.QUIT)
    assert session._stopped


PAUSE = (28.0, 110.0)
"""Pixel of the panel's button, at a scale of 1."""


def test_the_panel_takes_what_is_meant_for_it(at_the_picture):
    session, display = at_the_picture(panel=True)
    width = session.screen.panel.picture.size[0]
    assert session.scene.picture.size == (SIZE[0] - width, SIZE[1])
    for events in ([Move(*PAUSE)], [Press(Button.LEFT, *PAUSE)], [Release(Button.LEFT, *PAUSE)], [], []):
        display.events += events
        turn(session, 3)
    assert session.pace.paused
    assert session.viewer.orbit_goal == session.viewer.orbit_camera  # nothing was dragged
    yaw = session.viewer.orbit_goal.yaw
    does(session, Press(Button.LEFT, width + 50, 200), Move(width + 90, 200), frames=2)
    assert session.viewer.orbit_goal.yaw != yaw


def test_the_panel_can_be_hidden(at_the_picture):
    session, _ = at_the_picture(panel=True)
    does(session, Key(Action.INTERFACE), frames=2)
    assert session.scene.picture.size == SIZE
    does(session, Key(Action.INTERFACE), frames=2)
    assert session.scene.picture.size[0] < SIZE[0]


def test_a_panel_that_is_hidden_holds_nothing(at_the_picture):
    session, _ = at_the_picture(panel=True)
    before = session.pace.paused
    does(session, Move(*PAUSE), Press(Button.LEFT, *PAUSE), frames=3)
    does(session, Key(Action.INTERFACE), frames=2)
    does(session, Move(400, 300), Release(Button.LEFT, 400, 300), frames=2)
    does(session, Key(Action.INTERFACE), frames=2)
    does(session, Move(*PAUSE), frames=3)
    assert session.pace.paused is before
    for events in ([Press(Button.LEFT, *PAUSE)], [Release(Button.LEFT, *PAUSE)], []):
        does(session, *events, frames=3)
    assert session.pace.paused is not before


def test_typed_settings_come_with_the_restart(at_the_picture):
    """From the first key to the new run, through the panel itself."""
    session, _ = at_the_picture("render.height=900", panel=True)
    length, again = (60.0, 294.0), (60.0, 64.0)
    events = [[Move(*length)], [Press(Button.LEFT, *length)], [Release(Button.LEFT, *length)]]
    events += [[Edit("ctrl", True)], [Edit("a", True)], [Edit("a", False)], [Edit("ctrl", False)]]
    events += [[Text("7")], [Text("5")], [Edit("enter", True)], [Edit("enter", False)]]
    events += [[Move(*again)], [Press(Button.LEFT, *again)], [Release(Button.LEFT, *again)]]
    for each in events:
        does(session, *each, frames=2)
    turn(session, 4)
    assert session.config.trails.length == session.engine.config.trails.length == 75
    assert session.viewer.looks == Looks.of(session.config)  # and nothing else


def test_the_panel_shows_settings_of_every_world(at_the_picture):
    session, _ = at_the_picture("world.name=acrobot", panel=True)
    turn(session, 5)
    picture = np.frombuffer(session.screen.panel.picture.read(components=3, alignment=1), np.uint8)
    assert len(np.unique(picture)) > 50
    assert session.display.gl.error == "GL_NO_ERROR"


def test_settings_explain_themselves_where_the_pointer_rests(at_the_picture, monkeypatch):
    monkeypatch.setattr(tips, "_RESTS_S", 0.0)
    session, _ = at_the_picture(panel=True)
    contents, found = session.screen.panel._panel._contents, set()
    for y in range(4, SIZE[1], 8):
        does(session, Move(60, y), frames=3)
        found.add(contents.tip)
    keys = {said.split(":")[0] for said in found if said}
    assert {"sim.ticks_per_s", "world.name", "agents.count", "run.seed", "trails.length"} <= keys
    assert "agents.count: agents alive at once" in found
    assert "run.seed: all randomness follows from it; counts after a restart" in found
    assert "" in found  # not over what changes no setting
    does(session, Move(SIZE[0] - 10, 10), frames=3)
    assert contents.tip == ""


def test_the_help_is_pointed_to_until_it_was_open(at_the_picture):
    session, _ = at_the_picture()
    assert not said_of(session)[0].startswith("H: help")  # nobody can press a key
    session.headless = False
    assert said_of(session)[0].startswith("H: help · ")
    does(session, Key(Action.HELP))
    does(session, Key(Action.HELP))
    assert not session.viewer.help_shown
    assert not said_of(session)[0].startswith("H: help")


def said_of(session):
    session.captions.refresh()
    return session.annotations().heading.right


def test_a_notice_is_not_of_the_heading(at_the_picture):
    session, _ = at_the_picture()
    session.captions.refresh("view 1 saved")
    said = session.annotations()
    assert said.notice == "view 1 saved"
    assert "view 1" not in str(said.heading)


def test_text_has_the_size_that_was_asked_for(at_the_picture):
    """Of the picture and of the panel."""
    plots, widths = [], []
    for size in (13, 26):
        session, _ = at_the_picture(f"render.text_px={size}", "render.width=1600", panel=True)
        plots.append(session.scene.plot().left)
        widths.append(session.screen.panel.width_px((3000, 2000)))
    assert plots[1] > 1.5 * plots[0]
    assert widths == [300, 600]


def test_closing_ends_the_run(at_the_picture):
    session, _ = at_the_picture()
    session.display.events += [Close()]
    result = session.run()
    assert result.report["frames"] <= 2
