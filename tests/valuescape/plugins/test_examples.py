"""The examples of the guide do what they say, each against numbers that are worked out another way."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hands import pause, turn

from valuescape.gpu.layers.registry import MAPS
from valuescape.render.view.changes import Set, Touch
from valuescape.sim.engine import Engine
from valuescape.sim.insight.plane import grid_states
from valuescape.sim.insight.signal_kinds import TD_ERROR, find_signal
from valuescape.sim.insight.signals import Signals
from valuescape.sim.plugins import load_file
from valuescape.sim.worlds.registry import make_world

EXAMPLES = Path(__file__).parents[3] / "examples" / "plugins"
NAMES = {"wind", "td_lambda", "obstacles", "csv_log", "steepness", "cockpit"}


def example(name):
    return load_file(EXAMPLES / f"{name}.py")


def test_there_are_six_and_each_is_short():
    found = {path.stem: path.read_text().count("\n") for path in EXAMPLES.glob("*.py")}
    assert found.keys() == NAMES
    assert max(found.values()) < 60


def read(session, name):
    """Return the values of a map that is shown, lowest row first."""
    texture = session.scene.fields._made[name].texture.texture
    return np.frombuffer(texture.read(), np.float32).reshape(texture.height, texture.width)


@pytest.mark.gpu
def test_the_relief_is_that_of_the_critic_in_numpy(at_the_picture):
    example("steepness")
    session, _ = at_the_picture("heatmap.layer=steepness", "heatmap.beside=value")
    pause(session)
    value = read(session, "value").astype(np.float64)
    edge = len(value)
    padded = np.pad(value, 1, mode="edge")
    steps = np.full(edge, 2.0)
    steps[[0, -1]] = 1.0  # at the borders the difference is one-sided
    across = (padded[1:-1, 2:] - padded[1:-1, :-2]) / steps * edge
    up = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / steps[:, None] * edge
    normal = np.stack([-0.001 * across, -0.001 * up, np.ones_like(up)])
    light = np.array([np.cos(0.6), np.sin(0.6), 1.0])
    lit = np.tensordot(light / np.linalg.norm(light), normal / np.linalg.norm(normal, axis=0), 1)
    np.testing.assert_allclose(read(session, "steepness"), np.maximum(lit, 0), atol=2e-4)


@pytest.mark.gpu
def test_the_cockpit_turns_the_light_and_the_pace(at_the_picture):
    example("steepness")
    example("cockpit")
    session, _ = at_the_picture("heatmap.layer=steepness")
    before = read(session, "steepness").copy()
    (section,) = session.plugins.sections()
    assert [type(each).__name__ for each in section.widgets][:2] == ["Text", "Plot"]
    session.controls.apply(Touch("cockpit", "light", 2.0))
    session.controls.apply(Touch("cockpit", "slow motion", True))
    session.plugins.sections()
    turn(session, 2)
    assert np.abs(read(session, "steepness") - before).max() > 0.05
    assert session.pace.ticks_per_s == 6
    session.controls.apply(Touch("cockpit", "map", "density"))
    session.plugins.sections()
    turn(session)
    assert session.viewer.layer == "density"


class Kept:
    """All rows of a run, whenever they are asked for."""

    def __init__(self, engine, ticks):
        names = ("state", "action", "reward", "ending")
        self.rows = {}
        for tick in range(ticks):
            engine.advance_to(tick)
            self.rows |= {(name, tick): engine.recent_row(name, tick) for name in names}

    def recent_row(self, name, tick):
        return self.rows.get((name, tick))


@pytest.mark.gpu
def test_td_lambda_is_the_lambda_return_less_the_value(at_the_picture):
    """The sum over later TD errors on the GPU, against the recursion of lambda-returns in float64."""
    example("td_lambda")
    session, _ = at_the_picture("trails.color_by=td_lambda", "trails.length=64", "sim.ticks_per_s=30")
    turn(session, 40)
    stage, ring = session.stage, session.scene.trails.ring
    gamma, newest = stage.critic.gamma, ring.newest
    with Engine(session.config, stage.checkpoint) as engine:
        rows = Kept(engine, newest + 1)
        errors = Signals(TD_ERROR, engine.world, rows, (0, 1), stage.critic)
        error = np.stack([errors.row(tick, ring.agents) for tick in range(newest + 1)]).astype(np.float64)
    expected, later = np.zeros_like(error), np.zeros(ring.agents)
    for tick in range(newest, -1, -1):
        expected[tick] = error[tick] + 0.8 * gamma * later
        later = np.nan_to_num(expected[tick])
    shown = np.stack([ring.read_signal(tick) for tick in ring.ticks])
    np.testing.assert_array_equal(np.isnan(shown), np.isnan(expected[ring.oldest :]))
    np.testing.assert_allclose(shown, expected[ring.oldest :], rtol=1e-3, atol=1e-3)
    assert np.nanmax(np.abs(expected - error)) > 0.05, "later errors count"


DISCS = [(-1.2, 0.9, 0.35), (0.9, 1.3, 0.45), (1.3, -0.8, 0.3), (-0.6, -1.2, 0.4)]


def clearance(x, y):
    return np.min([np.hypot(x - disc_x, y - disc_y) - radius for disc_x, disc_y, radius in DISCS], axis=0)


@pytest.mark.gpu
def test_no_robot_drives_into_an_obstacle_and_the_map_shows_where_they_are(at_the_picture):
    example("obstacles")
    session, _ = at_the_picture("world.name=differential_drive", "heatmap.layer=clearance")
    engine, stuck = session.engine, 0
    for _ in range(60):
        turn(session)
        tick = session.newest_tick
        before, state = (engine.recent_row("state", at) for at in (tick - 1, tick))
        going = engine.recent_row("ending", tick - 1) == 0
        inside = clearance(*state[:2].astype(np.float64)) < -1e-5
        still = (before[:2] == state[:2]).all(axis=0)
        assert (still | ~inside)[going].all()
        stuck += int((still & going).sum())
    assert stuck > 20
    states = grid_states(session.scene.plane, 16).astype(np.float64)
    expected = np.maximum(clearance(states[0], states[1]), 0).reshape(16, 16)
    np.testing.assert_allclose(read(session, "clearance"), expected, atol=1e-5)


@pytest.mark.gpu
def test_the_table_has_a_row_of_each_sixtieth_tick(at_the_picture, tmp_path):
    example("csv_log")
    session, _ = at_the_picture("sim.ticks_per_s=300")
    turn(session, 20)
    session.plugins.close()
    engine = session.engine
    with (tmp_path / "returns.csv").open() as file:
        head, *rows = list(csv.reader(file))
    assert head == ["tick", "episodes", "mean return", "mean reward", "at rest"]
    assert [int(row[0]) for row in rows] == list(range(0, engine.newest_tick + 1, 60))
    with Engine(session.config, session.stage.checkpoint) as again:
        for tick, row in zip(range(0, 10_000, 60), rows, strict=False):
            again.advance_to(tick)
            assert float(row[3]) == pytest.approx(again.recent_row("reward", tick).mean(), rel=1e-3)


def test_wind_blows_in_the_worlds_that_it_names_and_can_be_set(at_the_picture):
    example("wind")
    names = [each.name for each in make_world("mountain_car").parameters]
    assert "wind" in names
    assert "wind" not in [each.name for each in make_world("pendulum").parameters]


@pytest.mark.gpu
def test_the_examples_can_be_chosen_by_key_and_panel(at_the_picture):
    for name in ("steepness", "obstacles", "td_lambda"):
        example(name)
    session, _ = at_the_picture("world.name=differential_drive")
    assert {"steepness", "clearance"} <= set(session.viewer.layers)
    assert session.viewer.trail_colors[-1] == "td_lambda"
    session.controls.apply(Set("heatmap.layer", "clearance"))
    session.controls.apply(Set("trails.color_by", "td_lambda"))
    turn(session, 3)
    assert MAPS.find("clearance").title == "clearance"
    assert session.scene.trails.signals.signal is find_signal("td_lambda", session.engine.world)
