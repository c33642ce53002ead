"""Findings of a run: the list, and the way between list, map and agents."""

import time

import numpy as np
import pytest
from hands import does, turn

from valuescape.gpu.layers.registry import MAPS
from valuescape.render.displays.events import Action, Key
from valuescape.render.panel.standing import Past
from valuescape.render.view.changes import GoTo
from valuescape.run.findings import Finding, MapsNow, Row, search
from valuescape.run.panel import standing_of
from valuescape.sim.insight.signals import Critic
from valuescape.sim.shared.layout import Ending
from valuescape.sim.worlds import make_world

WORLD = make_world("point_mass")
BOUNDS = ((-1.0, -1.0), (1.0, 1.0))
NO_MAPS = MapsNow(None, None, None, None)


def rows(positions, values):
    """Rows of ticks. positions: [ticks, agents, 2]. values: of the critic, [ticks, agents]."""
    made = []
    for tick, (position, value) in enumerate(zip(positions, values, strict=True)):
        state = np.zeros((len(WORLD.state), len(value)), np.float32)
        state[0] = value
        nothing = np.zeros(len(value), np.float32)
        ending = np.full(len(value), Ending.RUNNING, np.uint8)
        made.append(Row(tick, state, position.astype(np.float32), nothing, ending))
    return made


def critic():
    """A critic whose value is the first thing that it sees."""
    return Critic(lambda obs: obs[0].copy(), 1.0)


def found(positions, values, maps=NO_MAPS):
    return search(rows(positions, values), maps, critic(), WORLD, BOUNDS, (False, False))


def test_agents_that_are_stuck_turn_or_fall_are_found():
    """Agent 0 stands still, 1 goes round, 2 falls from a cliff while it moves on, 3 makes progress."""
    ticks = np.arange(300)
    turns = 2 * np.pi * ticks / 20
    along = np.linspace(-0.9, 0.9, 300)
    zero = np.zeros(300)
    positions = np.stack(
        [
            np.stack([zero + 0.5, zero], 1),
            0.3 * np.stack([np.cos(turns), np.sin(turns)], 1),
            np.stack([along, zero], 1),
            np.stack([along, zero + 0.5], 1),
        ],
        axis=1,
    )
    rising = np.linspace(0, 3, 300)
    values = np.stack([zero + 0.1, rising, np.where(ticks < 200, rising, rising - 2), rising], axis=1)
    kinds = {(each.kind, each.agent) for each in found(positions, values)}
    assert ("stuck", 0) in kinds
    assert ("loop", 1) in kinds
    assert ("cliff", 2) in kinds
    assert not {agent for _, agent in kinds} & {3}
    loop = next(each for each in found(positions, values) if each.kind == "loop")
    assert "period 20 ticks" in loop.said
    assert loop.place == pytest.approx((0, 0), abs=0.02)


def test_regions_of_the_maps_are_found_where_they_are():
    error = np.zeros((10, 10), np.float32)
    error[7:9, 1:4] = 5
    error[0, 8] = -3
    value, visits = np.zeros((10, 10), np.float32), np.ones((10, 10), np.float32)
    value[4, 4:6], visits[4, 4] = 9, 0
    maps = MapsNow(value, visits, error, error != 0)
    still = np.zeros((2, 1, 2))
    regions = {each.kind: each for each in found(still, np.zeros((2, 1)), maps)}
    assert regions["overconfident"].box == pytest.approx((-0.8, 0.4, -0.2, 0.8))
    assert regions["overconfident"].said.startswith("V − G 5, 6.0% of the map")
    assert regions["underconfident"].box == pytest.approx((0.6, -1, 0.8, -0.8))
    assert regions["unvisited"].box == pytest.approx((-0.2, -0.2, 0, 0))
    assert all(each.holds(each.place) for each in regions.values())


def test_without_a_critic_there_are_only_regions():
    still = np.zeros((2, 1, 2))
    assert search(rows(still, np.zeros((2, 1))), NO_MAPS, None, WORLD, BOUNDS, (False, False)) == []


@pytest.mark.gpu
def test_a_key_goes_through_the_findings_and_shows_each(at_the_picture, monkeypatch):
    session, _ = at_the_picture('render.view="2d"', "heatmap.layer=value")
    does(session, Key(Action.FINDING))
    assert "looking for" in session.annotations().notice
    findings, viewer = session.inspection.findings, session.viewer
    agent = Finding("stuck", "agent 7", (0.5, 0.5, 0.5, 0.5), (0.5, 0.5), 7)
    region = Finding("overconfident", "V − G 5", (-0.5, -0.5, -0.3, -0.3), (-0.4, -0.4))
    monkeypatch.setattr(findings, "update", lambda *_: None)
    findings.list = [region, agent]
    does(session, Key(Action.FINDING))
    assert "finding 1 of 2: overconfident, V − G 5" in session.annotations().notice
    assert viewer.cell == pytest.approx((-0.4, -0.4), abs=1e-6)
    assert viewer.map_goal.center_x == pytest.approx(-0.4)
    assert viewer.map_goal.reach < 0.6
    does(session, Key(Action.FINDING))
    assert (viewer.selected, viewer.cell) == (7, None)
    assert viewer.map_goal.center_x == pytest.approx(0.5)
    does(session, Key(Action.FINDING, -1))
    assert viewer.cell == pytest.approx((-0.4, -0.4), abs=1e-6)


@pytest.mark.gpu
def test_the_panel_has_the_list_and_goes_to_a_line_as_the_key_does(at_the_picture, monkeypatch):
    session, _ = at_the_picture('render.view="2d"')
    assert standing_of(session.state(), Past(session.config), (), {}).findings is None
    does(session, Key(Action.FINDING))
    findings, viewer = session.inspection.findings, session.viewer
    monkeypatch.setattr(findings, "update", lambda *_: None)
    findings.list = [
        Finding("stuck", "agent 7", (0.5, 0.5, 0.5, 0.5), (0.5, 0.5), 7),
        Finding("overconfident", "V − G 5", (-0.5, -0.5, -0.3, -0.3), (-0.4, -0.4)),
    ]
    session.controls.apply_all([GoTo(0), GoTo(1)])
    assert "finding 2 of 2: overconfident, V − G 5" in session.annotations().notice
    assert viewer.selected is None
    assert viewer.cell == pytest.approx((-0.4, -0.4), abs=1e-6)
    standing = standing_of(session.state(), Past(session.config), (), {})
    assert standing.findings == (("stuck", "agent 7"), ("overconfident", "V − G 5"))
    assert standing.finding == 1
    session.controls.apply(GoTo(2))  # of a longer list than there is now
    assert viewer.cell == pytest.approx((-0.4, -0.4), abs=1e-6)


@pytest.mark.gpu
def test_what_is_selected_is_marked_in_the_list(at_the_picture, monkeypatch):
    session, _ = at_the_picture()
    does(session, Key(Action.FINDING))
    findings, viewer = session.inspection.findings, session.viewer
    monkeypatch.setattr(findings, "update", lambda *_: None)
    findings.list = [
        Finding("loop", "agent 3", (0, 0, 0, 0), (0, 0), 3),
        Finding("unvisited", "V 2", (-0.5, -0.5, -0.3, -0.3), (-0.4, -0.4)),
    ]

    def marked():
        card = next(each for each in session.inspection.cards(viewer) if each.title.startswith("findings"))
        return [name for name, _ in card.rows if name.startswith("→")]

    assert marked() == []
    viewer.selected = 3
    assert marked() == ["→ loop"]
    viewer.selected = None
    viewer.point_at((-0.35, -0.45))
    assert marked() == ["→ unvisited"]
    around = Finding("overconfident", "V − G 5", (-0.9, -0.9, 0, 0), (-0.4, -0.4))
    findings.list = [around, *findings.list]
    findings.go_to(viewer, 2)  # of two around a place, the one that was gone to
    assert marked() == ["→ unvisited"]


@pytest.mark.gpu
def test_a_run_is_searched_in_the_background(at_the_picture):
    session, _ = at_the_picture("world.name=mountain_car", "policy.exploration=1")
    does(session, Key(Action.FINDING))
    findings = session.inspection.findings
    for _ in range(200):
        turn(session)
        if findings.list:
            break
        time.sleep(0.01)
    assert {each.kind for each in findings.list} <= {"stuck", "loop", "cliff", "unvisited"}
    assert findings.list
    assert "value" in MAPS.names
