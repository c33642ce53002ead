"""A folder of a training run's checkpoints: keys and the panel go through them, seed and colours stay."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from commands import SMALL
from hands import does, pause, turn
from imgui_bundle import imgui
from linear_critics import linear
from networks import checkpoint_of

import valuescape.render.panel.drawing
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.render.displays.events import Action, Button, Key, Move, Press, Release
from valuescape.render.view.changes import Set, Slice
from valuescape.run.stage import Stage
from valuescape.run.starting import UnwatchedStart
from valuescape.run.validate import validate
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError
from valuescape.sim.interrupts import Interrupts
from valuescape.sim.policy.formats import native
from valuescape.sim.policy.network import Training
from valuescape.sim.worlds import make_world
from valuescape.training_run import place_of, saved_of, value_ends, with_steps

CRITICS = {10_000: (0.5, 2.0), 200: (3.0, -1.0), 3_000: (-2.0, 0.0)}
"""Slope over the position and level of V by steps, not in their order. The position is from −4 to 4 m."""


LATER, EARLIER = Key(Action.CHECKPOINT), Key(Action.CHECKPOINT, -1)

SETTINGS = [*SMALL, "run.record=false", "agents.count=40", "workers.count=0"]


def save(folder, steps, slope, level, name=None, world="point_mass"):
    """Save a checkpoint with V = slope * first state variable + level, and an action of its own."""
    known = make_world(world)
    dims, action = len(known.obs), known.action
    actor = linear(np.zeros((len(action.low), dims)), np.full(len(action.low), steps / 20_000))
    critic = linear([slope, *[0.0] * (dims - 1)], level)
    made = replace(
        checkpoint_of(actor),
        critics=(critic,),
        world=world,
        action_low=action.low,
        action_high=action.high,
        training=Training(timesteps=steps),
    )
    native.save(made, folder / (name or f"rl_model_{steps}_steps.safetensors"))


@pytest.fixture
def folder(tmp_path):
    """Three checkpoints of a point mass and a broken file."""
    run = tmp_path / "logs"
    run.mkdir()
    for steps, (slope, level) in CRITICS.items():
        save(run, steps, slope, level)
    (run / "rl_model_9000_steps.zip").write_bytes(b"PK\x03\x04 broken")
    return run


def settings_for(folder, *more):
    return ["world.name=point_mass", f'policy.checkpoint="{folder}"', *more]


def config_for(folder, *more):
    return load_config(None, settings_for(folder, *more))


def ends():
    """The range of V over the map's 32 cells of all critics, from the closed form."""
    position = make_world("point_mass").state[0]
    cell = (position.high - position.low) / 32
    places = np.array([position.low + cell / 2, position.high - cell / 2])
    values = [slope * places + level for slope, level in CRITICS.values()]
    return np.min(values), np.max(values)


def test_the_last_checkpoint_acts_unless_another_is_named(folder):
    assert saved_of(config_for(folder)).steps == 10_000
    assert place_of(config_for(folder)).steps == (200, 3_000, 10_000)
    named = config_for(folder, "policy.steps=3000")
    assert place_of(named).said == "checkpoint 2 of 3: 3,000 steps"
    assert validate(named).training.timesteps == 3_000
    assert with_steps(config_for(folder)).policy.steps == 10_000


def test_the_scale_holds_the_values_of_all_checkpoints(folder):
    config = config_for(folder)
    assert value_ends(config, make_world("point_mass")) == pytest.approx(ends(), rel=1e-5)
    alone = config_for(folder / "rl_model_200_steps.safetensors")
    assert value_ends(alone, make_world("point_mass")) is None


def test_a_checkpoint_saved_meanwhile_is_there(folder):
    config = with_steps(config_for(folder))
    save(folder, 20_000, 0.0, 50.0)
    assert place_of(config).said == "checkpoint 3 of 4: 10,000 steps"
    assert value_ends(config, make_world("point_mass"))[1] == pytest.approx(50)


def shown(session):
    """Return V(s) at the left and the right edge of the map, and the ends of its colour scale."""
    field = session.stage.landscape.field.read()
    bar = session.scene.fields.height_bar()
    return (float(field[0, 0]), float(field[0, -1])), (bar.low, bar.high)


def steps_of(session):
    return session.stage.place.own_steps


def test_workers_end_with_a_start_whose_checkpoint_is_gone(folder):
    """It was read before they were started, and went away meanwhile."""
    config = config_for(folder, *SETTINGS, "policy.steps=200", "workers.count=1")
    checkpoint = validate(config)
    engine = Engine(config, checkpoint)
    assert engine.worker_pids
    (folder / "rl_model_200_steps.safetensors").unlink()
    with pytest.raises(UsageError, match="saved after so many steps"):
        Stage(engine, checkpoint, SimpleNamespace(gl=None), FrameMeter(), UnwatchedStart(Interrupts()))
    assert not engine.worker_pids


@pytest.mark.gpu
def test_keys_go_through_the_checkpoints(at_the_picture, folder):
    session, _ = at_the_picture(*settings_for(folder, "policy.steps=3000"))
    held = shown(session)[1]
    assert held == pytest.approx(ends(), rel=1e-5)
    seen = {}
    for number, steps in ((1, 10_000), (-1, 3_000), (-1, 200)):
        does(session, Key(Action.CHECKPOINT, number), frames=2)
        assert steps_of(session) == steps
        assert f"PPO · {steps:,} steps · 60 agents" in session.annotations().heading.left[1]
        assert session.stage.checkpoint.training.timesteps == steps
        (left, right), scale = shown(session)
        assert np.sign(right - left) == np.sign(CRITICS[steps][0])
        assert scale == held  # the same in all pictures
        seen[steps] = left
    assert len(set(seen.values())) == 3
    does(session, EARLIER)
    assert session.annotations().notice == "checkpoint 1 of 3: 200 steps, the first"
    does(session, LATER, LATER, frames=2)  # both in one frame
    assert steps_of(session) == 10_000


class Noting:
    """Dear ImGui, with a note of where the slider of checkpoints is, pixels."""

    def __getattr__(self, name):
        return getattr(imgui, name)

    def slider_int(self, label, *arguments):
        result = imgui.slider_int(label, *arguments)
        if label != "##checkpoint":
            return result
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        self.left, self.right, self.middle = low.x, high.x, (low.y + high.y) / 2
        self.said = arguments[3]
        return result


@pytest.mark.gpu
def test_the_slider_goes_through_the_checkpoints(at_the_picture, folder, monkeypatch):
    noting = Noting()
    monkeypatch.setattr(valuescape.render.panel.drawing, "imgui", noting)
    session, _ = at_the_picture(*settings_for(folder), panel=True)
    assert noting.said == "checkpoint 3 of 3: 10,000 steps"
    held = shown(session)[1]
    does(session, Move(5, 5), frames=3)  # the widgets find their places
    y, grab = noting.middle, noting.right - 8
    does(session, Move(grab, y), frames=3)
    does(session, Press(Button.LEFT, grab, y), frames=2)
    for x in np.linspace(grab, noting.left + 8, 5):
        does(session, Move(float(x), y), frames=2)
    assert noting.said == "checkpoint 1 of 3: 200 steps"
    assert steps_of(session) == 10_000  # as long as it is held
    does(session, Release(Button.LEFT, noting.left + 8, y), frames=3)
    assert steps_of(session) == 200
    assert shown(session)[1] == held
    turn(session, 5)
    assert steps_of(session) == 200


@pytest.mark.gpu
def test_a_picture_of_one_of_them_is_made_again(cli, folder):
    options = ["--headless", "--ticks", "12", "--out", "out", "--screenshot", "a.png"]
    options += [part for each in SETTINGS for part in ("--set", each)]
    assert cli("run", folder, *options)[0] == 0
    save(folder, 20_000, 40.0, 50.0)  # the training goes on: neither the last one nor the scale are the same
    status, out, errors = cli("replay", "a.png")
    assert status == 0, errors
    assert "pixels are equal" in out
    (folder / "rl_model_10000_steps.safetensors").unlink()
    status, _, errors = cli("replay", "a.png")
    assert status == 2
    assert "policy.steps = 10000" in errors


@pytest.mark.gpu
def test_agents_and_trails_go_on_under_another_checkpoint(at_the_picture, folder):
    session, _ = at_the_picture(*settings_for(folder, "policy.steps=200"))
    engine, ring, cut = session.engine, session.scene.trails.ring, session.newest_tick
    states, (trails, _) = engine.row("state", cut).copy(), ring.read()
    does(session, LATER, frames=6)
    assert [each.tick for each in engine.changes] == [cut]
    np.testing.assert_array_equal(engine.row("state", cut), states)
    now, _ = ring.read()
    np.testing.assert_array_equal(now[:-6], trails[6:])  # as many ticks as there is room for
    actions = {tick: float(np.unique(engine.row("action", tick)).item()) for tick in (cut, cut + 1)}
    assert actions[cut + 1] == pytest.approx(actions[cut] * 3_000 / 200)


@pytest.mark.gpu
def test_the_view_stays(at_the_picture, folder, tmp_path):
    run = tmp_path / "carts"
    run.mkdir()
    for steps, slope in ((100, 1.0), (200, 2.0)):
        save(run, steps, slope, 0.0, world="differential_drive")
    session, _ = at_the_picture(
        "world.name=differential_drive", f'policy.checkpoint="{run}"', 'render.view="2d"'
    )
    values = tuple(0.25 if index == 2 else each for index, each in enumerate(session.scene.plane.values))
    session.controls.apply(Slice(values))
    session.controls.apply_all([Set("heatmap.layer", "density"), Set("heatmap.beside", "value")])
    pause(session)
    viewer = session.viewer
    viewer.map_goal = viewer.map_camera = viewer.map_goal.zoomed(
        2.0, 200, 200, session.scene.plot(split=True)
    )
    viewer.point_at((0.25, 0.25))
    before = viewer.layer, viewer.beside, viewer.map_goal, viewer.cell
    does(session, EARLIER, frames=2)
    assert steps_of(session) == 100
    assert (viewer.layer, viewer.beside, viewer.map_goal, viewer.cell) == before
    assert session.scene.plane.values == pytest.approx(values)
    assert session.pace.paused


@pytest.mark.gpu
def test_a_slice_outside_the_window_stays(at_the_picture, tmp_path):
    """Such as that at the state of a selected agent, which may be anywhere."""
    run = tmp_path / "carts"
    run.mkdir()
    for steps in (100, 200):
        save(run, steps, 1.0, 0.0, world="differential_drive")
    session, _ = at_the_picture("world.name=differential_drive", f'policy.checkpoint="{run}"')
    values = tuple(9.5 if index == 2 else each for index, each in enumerate(session.scene.plane.values))
    session.controls.apply(Slice(values))
    does(session, EARLIER, frames=2)
    assert steps_of(session) == 100
    assert session.scene.plane.values == values


@pytest.mark.gpu
def test_a_key_without_a_folder_says_what_to_do(at_the_picture):
    session, _ = at_the_picture()
    engine = session.engine
    does(session, LATER)
    assert "run the folder of a training run" in session.annotations().notice
    assert session.engine is engine


@pytest.mark.gpu
def test_keys_count_while_nothing_is_drawn(at_the_picture, folder):
    session, _ = at_the_picture(*settings_for(folder))
    does(session, Key(Action.BLIND), frames=2)
    does(session, EARLIER)
    turn(session, 3)
    assert session.viewer.blind
    assert steps_of(session) == 3_000
    does(session, Key(Action.BLIND), frames=2)
    assert shown(session)[0][0] > shown(session)[0][1]  # the critic's slope is negative


@pytest.mark.gpu
def test_a_key_during_a_start_counts_after_it(at_the_picture, folder, monkeypatch):
    session, display = at_the_picture(*settings_for(folder))
    polled = iter([[EARLIER]])
    monkeypatch.setattr(display, "poll", lambda: next(polled, []))
    session.restart({"run.seed": 3})
    assert steps_of(session) == 10_000
    turn(session, 2)
    assert steps_of(session) == 3_000


@pytest.mark.gpu
def test_going_back_forgets_keys_pressed_during_a_start(at_the_picture, folder, monkeypatch):
    session, display = at_the_picture(*settings_for(folder))
    polled = iter([[EARLIER, Key(Action.BACK)]])
    monkeypatch.setattr(display, "poll", lambda: next(polled, []))
    session.restart({"run.seed": 3})
    turn(session, 3)
    assert steps_of(session) == 10_000
    assert session.annotations().notice == "cancelled; the run goes on as it was"


@pytest.mark.gpu
def test_a_checkpoint_that_went_away_changes_nothing(at_the_picture, folder):
    session, _ = at_the_picture(*settings_for(folder))
    (folder / "rl_model_3000_steps.safetensors").unlink()
    does(session, EARLIER, frames=2)
    assert steps_of(session) == 10_000
    assert "policy.steps = 3000: no checkpoint in" in session.annotations().notice
    assert session.engine.changes == []


@pytest.mark.gpu
def test_of_several_wishes_in_a_frame_the_last_counts(at_the_picture, folder):
    session, _ = at_the_picture(*settings_for(folder))
    session.controls.apply_all(Set("policy.steps", steps) for steps in (3_000, 200, 3_000))
    turn(session, 2)
    assert steps_of(session) == 3_000
    assert len(session.engine.changes) == 1


@pytest.mark.gpu
def test_a_person_s_own_ends_go_before_those_held(at_the_picture, folder):
    session, _ = at_the_picture(*settings_for(folder, "heatmap.low=-1.5"))
    low, high = shown(session)[1]
    assert low == -1.5
    assert high == pytest.approx(ends()[1], rel=1e-5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda run: [each.unlink() for each in run.iterdir()], "logs: has no checkpoints"),
        (lambda run: [each.write_bytes(b"PK") for each in run.iterdir()], "logs: no file in it can be used"),
    ],
)
def test_a_folder_without_checkpoints_is_refused(folder, cli, change, said):
    change(folder)
    status, _, errors = cli("run", folder, "--headless")
    assert status == 2
    assert said in errors
    assert len(errors.strip().splitlines()) <= 2
    assert "Traceback" not in errors


def test_steps_without_their_checkpoint_are_refused(folder):
    with pytest.raises(
        UsageError, match=r"policy\.steps = 2900: no checkpoint in .*logs was saved"
    ) as refused:
        validate(config_for(folder, "policy.steps=2900"))
    assert "200, 3000, 10000" in str(refused.value)
    with pytest.raises(UsageError, match="is no folder"):
        validate(load_config(None, ["policy.steps=5"]))


def test_a_run_of_another_world_is_refused_by_name(folder):
    config = load_config(None, ["world.name=cartpole", f'policy.checkpoint="{folder}"'])
    with pytest.raises(UsageError, match="rl_model_10000_steps"):
        validate(config)


def test_a_file_of_other_observations_is_left_out_and_told(folder, cli):
    save(folder, 5_000, 1.0, 0.0, world="differential_drive")
    small = ("agents.count=8", "workers.count=0", "features.simd=false")
    changes = [part for each in small for part in ("--set", each)]
    status, _, errors = cli("run", folder, "--ticks", 3, "--checksum", *changes)
    assert status == 0, errors
    assert "rl_model_5000_steps.safetensors: is PPO of" in errors
    assert "unlike most" in errors
    assert "rl_model_9000_steps.zip" in errors
