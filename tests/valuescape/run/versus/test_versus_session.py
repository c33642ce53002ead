"""A/B runs in the main process: one tick, one view, one scale for each quantity."""

import json

import numpy as np
import pytest
from crowds import hash_at
from hands import SIZE, SMALL
from pairs import act, frame

from valuescape.gpu.shader_source import read_again
from valuescape.presets import checkpoint_of
from valuescape.provenance.containers import kind_of, read_provenance
from valuescape.remake.means import Means
from valuescape.remake.remake import remake
from valuescape.render.displays.events import Action, Click, DoubleClick, Key
from valuescape.render.view.changes import Request, Restart, Set
from valuescape.render.view.panes import panes
from valuescape.render.view.picking import on_screen
from valuescape.run import stage
from valuescape.sim.config.files import load_config
from valuescape.sim.errors import UsageError
from valuescape.sim.measuring.health import measures

pytestmark = pytest.mark.gpu

HALF = SIZE[0] // 2


def halves(session):
    """Return the maps in both halves, [height, width, 3] each, without text."""
    picture = np.frombuffer(session.scene.picture.read(components=3, alignment=1), np.uint8)
    picture = picture.reshape(SIZE[1], SIZE[0], 3)[::-1].astype(int)
    plot = session.scene.plot(split=True)
    rows = slice(round(plot.top) + 2, round(plot.bottom) - 2)
    columns = slice(round(plot.left) + 2, round(plot.right) - 2)
    return picture[rows, columns], picture[rows, columns.start + HALF : columns.stop + HALF]


def ticks(session):
    return session.scene.trails.ring.newest, session.other.stage.scene.trails.ring.newest


def values(stage):
    """Return the critic's field as it is on the GPU."""
    return stage.scene.fields.read_heights()[0]


@pytest.mark.parametrize("view", ["2d", "3d"])
def test_equal_configurations_look_alike(side_by_side, view):
    session = side_by_side(f'render.view="{view}"', "trails.color_by=value")
    one, other = halves(session)
    assert len(np.unique(one)) > 50
    assert np.abs(one - other).max() <= 2
    titles = [each.title.partition(" · ") for each in session.annotations().panes]
    assert [title for title, *_ in titles] == ["A: the same configuration", "B: the same configuration"]
    assert titles[0][2] == titles[1][2]


def test_each_side_is_the_run_that_it_would_be_alone(side_by_side):
    session = side_by_side("policy.exploration=0", second=["policy.exploration=0.5"])
    first, second = ticks(session)
    assert first == second == session.pace.rest()
    configs = [load_config(None, [*SMALL, f"policy.exploration={each}"]) for each in (0, 0.5)]
    alone = [hash_at(first, each, checkpoint_of(each)) for each in configs]
    assert [session.engine.state_hash(), session.other.stage.engine.state_hash()] == alone
    assert alone[0] != alone[1]


def test_equal_colours_and_heights_are_equal_values(side_by_side):
    """The scale of a map holds the values of both sides, here of other slices of a critic."""
    world = "world.name=cartpole", "heatmap.layer=value", "trails.opacity=0"
    session = side_by_side(*world, second=['heatmap.slice="pole velocity=2"'])
    fields = [values(stage) for stage in (session.stage, session.other.stage)]
    ends = [stage.scene.fields.scales.ends()["value"] for stage in (session.stage, session.other.stage)]
    assert np.abs(fields[0] - fields[1]).max() > 10
    assert ends[0] == ends[1]
    low, high = min(each.min() for each in fields), max(each.max() for each in fields)
    assert ends[0] == pytest.approx((low, high), rel=1e-5)
    bars = [stage.scene.fields.height_bar() for stage in (session.stage, session.other.stage)]
    assert (bars[0].low, bars[0].high) == (bars[1].low, bars[1].high)


def test_scales_of_trails_hold_the_signals_of_both(side_by_side):
    session = side_by_side("trails.color_by=value", second=["policy.exploration=1"])
    session.scene.read_scales()
    trails = [stage.scene.trails for stage in (session.stage, session.other.stage)]
    assert trails[0].color_scale == trails[1].color_scale
    sampled = np.concatenate([each._sample() for each in trails])
    sampled = sampled[np.isfinite(sampled)]
    low, high = np.percentile(sampled, [10, 90])
    assert trails[0].color_scale.low <= low < high <= trails[0].color_scale.high


def test_a_selection_in_either_half_is_of_both(side_by_side):
    session = side_by_side('render.view="2d"', second=["policy.exploration=1"])
    other, plot = session.other.stage, session.scene.plot(split=True)
    positions = other.engine.row("trail_position", ticks(session)[1]).copy()
    pane = panes(SIZE, split=True)[1]
    pixels = on_screen(other.scene.points(positions), session.viewer.matrix(pane.size_px, plot), pane.size_px)
    apart = np.hypot(*(pixels[:, None] - pixels[None]).transpose(2, 0, 1)) + 1e9 * np.eye(len(pixels))
    agent = int(apart.min(axis=0).argmax())
    act(session, DoubleClick(pixels[agent, 0] + pane.left, pixels[agent, 1]), frames=2)
    assert session.viewer.selected == session.other.viewer.selected == agent
    assert list(session.scene.trails.individuals.highlighted) == [agent]
    assert list(other.scene.trails.individuals.highlighted) == [agent]
    session.captions.refresh()
    cards = [each.cards[0] for each in session.annotations().panes]
    assert cards[0].title == cards[1].title == f"agent {agent}"
    assert cards[0].rows != cards[1].rows


def test_one_pause_one_step_one_rate(side_by_side):
    session = side_by_side()
    act(session, Key(Action.PAUSE), frames=3)
    before = ticks(session)
    act(session, Key(Action.STEP), frames=2)
    assert ticks(session) == (before[0] + 1, before[1] + 1)
    session.controls.apply(Set("sim.ticks_per_s", 600.0))
    act(session, Key(Action.PAUSE), frames=2)
    assert ticks(session)[0] == ticks(session)[1] >= before[0] + 20


def test_settings_of_a_run_go_to_the_chosen_side_and_looks_to_both(side_by_side):
    session = side_by_side("world.name=cartpole", 'render.view="2d"')
    act(session, Click(HALF + 150, 200))
    assert session.viewer.side == 1
    assert [each.chosen for each in session.annotations().panes] == [False, True]
    session.controls.apply(Set("heatmap.slice", "pole velocity=1, cart velocity=0"))
    session.controls.apply(Set("insight.rollouts", 3))
    session.controls.apply(Set("heatmap.opacity", 0.5))
    session.controls.apply(Set("policy.exploration", 0.4))
    session.controls.apply(Set("agents.count", 30))
    frame(session, 3)
    first, second = session.stage, session.other.stage
    assert (first.config.policy.exploration, second.config.policy.exploration) == (0, 0.4)
    assert (first.config.agents.count, second.config.agents.count) == (60, 30)
    assert session.annotations().panes[1].title.startswith("B: 30 agents, exploration 0.4")
    assert ticks(session)[0] == ticks(session)[1]
    assert first.scene.plane.values != second.scene.plane.values
    assert first.maps.insight.rollouts == second.maps.insight.rollouts == 3
    assert session.other.viewer.looks.heatmap.opacity == 0.5
    act(session, Key(Action.SIDE))
    assert session.viewer.side == 0
    session.controls.apply(Request.UNDO)
    frame(session, 2)
    assert second.config.policy.exploration == 0.4
    act(session, Key(Action.SIDE))
    session.controls.apply(Request.UNDO)
    frame(session, 2)
    assert (first.config.agents.count, second.config.agents.count) == (60, 60)


def test_a_restart_of_one_side_begins_both_anew(side_by_side):
    """Both keep what was set on both, and colours that both have."""
    session = side_by_side(second=["policy.checkpoint=random"])
    colors = list(session.viewer.trail_colors)
    session.viewer.side = 1
    session.controls.apply(Set("insight.rollouts", 3))
    session.controls.apply(Restart({"agents.count": 40}))
    frame(session, 3)
    assert [each.maps.insight.rollouts for each in (session.stage, session.other.stage)] == [3, 3]
    assert "value" not in colors
    assert list(session.viewer.trail_colors) == colors
    assert (session.config.agents.count, session.other.stage.config.agents.count) == (60, 40)
    assert ticks(session)[0] == ticks(session)[1] < 20
    assert session.annotations().panes[1].title.startswith("B: 40 agents")


def test_a_reset_gives_each_side_what_it_started_with(side_by_side):
    session = side_by_side(second=["policy.exploration=0.5"])
    session.viewer.side = 1
    assert session.controls.past().changed == ""
    session.controls.apply(Set("policy.exploration", 0.25))
    frame(session, 2)
    assert session.controls.past().changed == "policy.exploration"
    session.controls.apply(Request.RESET)
    frame(session, 2)
    stages = session.stage, session.other.stage
    assert [each.config.policy.exploration for each in stages] == [0, 0.5]


def test_plug_ins_see_and_change_side_a_whichever_is_chosen(side_by_side):
    session = side_by_side()
    session.viewer.side = 1
    session.plugins.asked.changes.append(Set("policy.exploration", 0.3))
    frame(session, 3)
    stages = session.stage, session.other.stage
    assert [each.config.policy.exploration for each in stages] == [0.3, 0]
    assert session.setting("policy.exploration") == 0.3
    assert session.viewer.side == 1
    session.plugins.asked.say("half of them are there")
    assert session.captions.notice == "A: half of them are there"


def test_the_limit_of_draw_calls_is_for_each_side(side_by_side):
    session = side_by_side()
    drawn, health = session.ledger.counters.draw_calls, session.config.health
    assert drawn > health.draw_calls_below
    measured = measures(session.ledger.log, health)["draw_calls_per_frame"]
    assert drawn / 2 == pytest.approx(measured, abs=0.5)
    assert measured < health.draw_calls_below


def test_the_report_has_both_sides_and_their_difference(side_by_side):
    settings = "world.name=cartpole", "policy.checkpoint=random", "sim.ticks_per_s=0"
    session = side_by_side(*settings, second=["policy.exploration=0.5", "agents.count=50"], frames=150)
    report = session._settle(session.pace.rest()).report
    assert report == json.loads((session.outputs.folder / "run.json").read_text())
    pair = report["versus"]
    assert pair["a"]["mean_return"] == report["mean_return"] != pair["b"]["mean_return"]
    assert pair["b"]["config"]["agents"]["count"] == pair["b"]["agents"] == 50
    apart = pair["mean_return_b_less_a"]
    expected = pair["b"]["mean_return"] - pair["a"]["mean_return"]
    assert pair["agents_without_episode"] == 0
    assert apart["low"] < apart["value"] < apart["high"]
    assert apart["value"] == pytest.approx(expected, abs=1e-3)


def test_reloaded_shaders_draw_both_sides(side_by_side, monkeypatch):
    """Files are read once for both, so that neither side is of another version."""
    session, read = side_by_side(), []
    monkeypatch.setattr(stage, "read_again", lambda gl: read.append(gl) or read_again(gl))
    session.viewer.labels_shown = False  # a notice stands over one half
    session.controls.apply(Request.RELOAD)
    frame(session, 2)
    assert len(read) == 1
    one, other = halves(session)
    assert len(np.unique(one)) > 50
    assert np.abs(one - other).max() <= 2


def test_reloaded_shaders_draw_the_agents_that_each_side_has(side_by_side):
    session = side_by_side()
    for side, count in enumerate((90, 30)):
        session.viewer.side = side
        session.controls.apply(Set("agents.count", count))
    frame(session, 2)
    session.controls.apply(Request.RELOAD)
    frame(session, 2)
    stages = session.stage, session.other.stage
    assert [each.scene.trails.ring.agents for each in stages] == [90, 30]
    assert session.display.gl.error == "GL_NO_ERROR"


def test_a_picture_says_what_both_are_and_is_not_made_again(side_by_side, tmp_path):
    session = side_by_side(second=["policy.exploration=0.25"])
    path = session.screenshot(tmp_path / "pair.png")
    origin = read_provenance(path, kind_of(path))
    assert origin.config.policy.exploration == 0
    assert origin.made.second.policy.exploration == 0.25
    assert origin.made.tick == ticks(session)[0]
    with pytest.raises(UsageError, match=r"pair\.png: shows two configurations side by side"):
        remake(path, kind_of(path), origin, Means(), tmp_path / "again.png")


def test_no_second_map_beside_a_pair(side_by_side):
    session = side_by_side()
    act(session, Key(Action.BESIDE))
    session.controls.apply(Set("heatmap.beside", "density"))
    assert session.viewer.beside == ""
    assert "one map each" in session.captions.notice


def test_what_only_one_side_can_show_is_refused(side_by_side):
    session = side_by_side(second=["policy.checkpoint=random"])
    assert session.controls.apply(Set("trails.color_by", "value")).startswith("B: trails.color_by = 'value'")
    assert "one colour scale" in session.controls.apply(Set("heatmap.linked", False))
    assert session.viewer.trail_color == "age"
