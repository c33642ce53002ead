"""Pictures that are made again from what they say of themselves: equal, or told why not."""

import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hands import turn
from PIL import Image
from remade import BASE, change, metadata, pixels, resave, run_of

from valuescape.render.displays.events import Action, Button, Key, Move, Press, Release, Scroll
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config
from valuescape.sim.policy.formats.native import save
from valuescape.sim.policy.loading import load_checkpoint
from valuescape.sim.worlds import make_world

pytestmark = pytest.mark.gpu

SHIPPED = Path(str(files("valuescape.configs").joinpath("checkpoints/mountain_car.safetensors")))


SCENES = {
    "2-D": (["world.name=mountain_car", "render.view=2d"], ("--workers", 2)),
    "3-D": (["world.name=pendulum", "render.view=3d", "render.turn_deg_per_s=90"], ()),
    "selected": (["world.name=cartpole", "render.select=7", "render.view=2d"], ()),
    "exploring": (["world.name=mountain_car", "policy.exploration=0.5", "trails.color_by=reward"], ()),
    "held ends": (["world.name=pendulum", "heatmap.low=-500", "heatmap.high=10"], ()),
    "TD errors": (["world.name=pendulum", "trails.color_by=td_error", "heatmap.layer=value"], ()),
    "advantages": (["world.name=pendulum", "trails.color_by=advantage", "render.view=2d"], ()),
    "a crowd": (["world.name=mountain_car", "lod.segment_budget=100", "trails.color_by=outcome"], ()),
    "no critic": (["world.name=pendulum", "policy.checkpoint=random", "heatmap.density_half_life=0"], ()),
    "truth": (["world.name=mountain_car", "heatmap.layer=truth"], ()),
    "a place": (["world.name=mountain_car", "render.view=2d", "render.place=-0.7, 0.02"], ()),
    "a place in 3-D": (["world.name=pendulum", "render.place=-3, -1", "heatmap.low=-9"], ()),
    "a place of a slice": (["world.name=cartpole", "render.select=7", "render.place=0, 0.1"], ()),
    "glowing": (["world.name=pendulum", "render.glow=1", "render.tone_mapping=true"], ()),
}
"""Settings of a run without workers, and options to make it again; workers of one scene show that they do not
matter, as those of a figure and a video do."""


@pytest.mark.parametrize("scene", SCENES)
def test_a_picture_is_made_again_pixel_by_pixel(cli, tmp_path, scene):
    settings, options = SCENES[scene]
    picture = run_of(tmp_path, "workers.count=0", *settings)
    status, out, errors = cli("replay", picture, *options)
    assert (status, errors) == (0, ""), out
    again = tmp_path / "last-frame-again.png"
    assert out.splitlines()[-1] == "all 19,200 pixels are equal"
    np.testing.assert_array_equal(pixels(picture), pixels(again))
    assert len(np.unique(pixels(picture).reshape(-1, 3), axis=0)) > 50
    assert metadata(again) == metadata(picture)  # it can be made again, too


def test_a_slice_outside_the_window_is_made_again(cli, tmp_path):
    """Agents may be there, and the slice is at the state of the selected one."""
    config = load_config(None, [*BASE, "world.name=cartpole", "render.view=2d", "workers.count=0"])
    with Session(config, RunLength(), Outputs(tmp_path), headless=True) as session:
        session.pace.start()
        turn(session, 3)
        session.stage.move_slice(tuple(each.high + 1 for each in session.engine.world.state))
        picture = session.screenshot(tmp_path / "a.png")
    status, out, errors = cli("replay", picture)
    assert (status, errors) == (0, ""), out
    assert "all 19,200 pixels are equal" in out


@pytest.mark.parametrize("view", ["2d", "3d"])
def test_the_way_from_a_place_is_made_again_and_not_missed(cli, tmp_path, view):
    """The last picture of a headless run has it, and its numbers; another place gives another picture."""
    settings = "world.name=mountain_car", f"render.view={view}", "render.place=-0.7, 0.02", "workers.count=0"
    picture = run_of(tmp_path, *settings)
    (card,) = (each for each in metadata(picture)["made"]["said"]["cards"] if each["title"] == "place")
    assert {"position", "velocity", "V(s)", "G", "V − G", "end", "steps"} <= {
        name for name, _ in card["rows"]
    }
    assert card["note"] == ""
    change(picture, config__render__place="-0.2, -0.01")
    status, out, _ = cli("replay", picture)
    assert status == 1
    assert "agents are where they were, so the difference is in the drawing" in out


def test_agents_that_got_a_trail_of_their_own_later_have_it_again(cli, tmp_path):
    """Frames that draw fewer segments than they may show more agents one by one."""
    settings = "world.name=pendulum", "render.view=2d", "lod.segment_budget=250", "workers.count=0"
    picture = run_of(tmp_path, *settings, "features.async_physics=false", ticks=60)
    assert metadata(picture)["made"]["trails"]["individuals"] > 250 // 24
    status, out, _ = cli("replay", picture)
    assert status == 0, out


def pulled(button, *points, shift=False):
    """Return the events of a drag along points."""
    (x, y), *others = points
    moves = [Move(*point) for point in others]
    return [Press(button, x, y, shift), *moves, Release(button, *points[-1])]


LIVE = {
    "by keys": [[Key(Action.LAYER)], [Key(Action.TRAIL_COLOR)] * 2, [Key(Action.GLOW)]],
    "moved": [pulled(Button.LEFT, (50, 60), (90, 70), (99, 80)), [Scroll(2, 60, 60)]],
    "a box": [[Key(Action.PROJECTION)], *[[]] * 6, pulled(Button.LEFT, (40, 40), (70, 60), shift=True)],
    "a region": [pulled(Button.LEFT, (40, 40), (80, 80), shift=True)],
    "side by side": [[Key(Action.BESIDE)], [Move(60, 90)], [Key(Action.PROJECTION)], *[[]] * 4],
    "a cross": [[Key(Action.BESIDE)], [Move(80, 110)]],
    "half raised": [[Key(Action.PROJECTION)]],
    "a place": [[Press(Button.LEFT, 150, 90), Release(Button.LEFT, 150, 90)]],
    "with cards": [[Key(Action.PROFILE)], [Key(Action.HELP)]],
}


@pytest.mark.parametrize(
    ("doing", "pace"),
    [*((doing, "by the clock") for doing in LIVE), ("by keys", "too fast"), ("a region", "too fast")],
)
def test_a_screenshot_of_a_run_that_a_person_changes_is_made_again(cli, tmp_path, doing, pace):
    """Also of one whose frames miss most of its ticks."""
    fast = ["sim.ticks_per_s=0", "workers.count=1"] if pace == "too fast" else ["workers.count=0"]
    config = load_config(None, [*BASE, "world.name=mountain_car", "render.view=3d", *fast])
    script = [[], [], *LIVE[doing], *[[]] * 3, [Key(Action.SCREENSHOT)]]
    display = HeadlessDisplay((320, 200), pixel_scale=1.5)
    length = RunLength(frames=len(script) + 1)
    with Session(config, length, Outputs(tmp_path), headless=False, display=display, panel=False) as session:
        display._script = iter(script)  # not earlier: a start takes events, too
        session.run()
    (picture,) = tmp_path.glob("screenshot-*.png")
    made = metadata(picture)["made"]
    if pace == "too fast":
        assert made["moment"]["missed"]
    assert bool(made["view"]["cross"]) == (doing == "a cross")
    status, out, errors = cli("replay", picture)
    assert (status, errors) == (0, ""), out
    assert out.splitlines()[-1] == "all 64,000 pixels are equal"


@pytest.mark.parametrize(
    ("color", "world"),
    [
        ("speed", "world.name=pendulum"),
        ("td_error", "world.name=pendulum"),
        ("advantage", "world.name=pendulum"),
        ("outcome", "world.name=cartpole"),  # where random actions fail after some twenty ticks
    ],
)
def test_ticks_that_slow_frames_saw_only_in_part_are_made_again_so(cli, tmp_path, color, world):
    """States are kept for ten ticks, trails for longer: frames of about that many ticks.

    In lockstep, so that the clock makes no further ticks, however slow the machine is.
    """
    shown = "render.view=2d", "trails.width_px=4", "trails.opacity=1", "trails.length=64", "agents.count=12"
    acting = "policy.checkpoint=random" if color == "outcome" else "policy.checkpoint=auto"
    made = "workers.count=0", "features.async_physics=false"
    settings = [*BASE, world, acting, *made, *shown, f"trails.color_by={color}"]
    config = load_config(None, settings)
    ticks = iter(np.cumsum([0, 9, 10, 24, 1, 9, 18, 9, 10, 20]).tolist())
    with Session(config, RunLength(frames=10), Outputs(tmp_path), headless=True) as session:

        def jump():
            session.engine.advance_to(tick := next(ticks))
            return tick

        session.pace.newest_tick = jump
        session.run()
    moment = metadata(tmp_path / "last-frame.png")["made"]["moment"]
    assert (moment["tick"], moment["missed"]) == (110, [])
    assert moment["untold"]
    assert not {*moment["untold"]} >= {*moment["unsigned"]} or color == "outcome"
    status, out, _ = cli("replay", tmp_path / "last-frame.png")
    assert status == 0, out
    assert out.splitlines()[-1] == "all 19,200 pixels are equal"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A picture of a small run, whose checkpoint is in a file beside it; both stay as they are."""
    folder = tmp_path_factory.mktemp("kept")
    shutil.copy(SHIPPED, folder / "own.safetensors")
    settings = "world.name=mountain_car", f"policy.checkpoint={folder / 'own.safetensors'}"
    return run_of(folder, "workers.count=0", "render.view=2d", *settings, ticks=5)


@pytest.fixture
def picture(kept, tmp_path):
    """A copy of the picture, for the test to spoil."""
    return Path(shutil.copy(kept, tmp_path))


def flat(errors):
    """Return a message without the line breaks that make it fit."""
    return " ".join(errors.split())


def test_a_pixel_that_was_changed_is_found(cli, picture):
    def change_one(rgb):
        rgb[33, 44] ^= 64

    resave(picture, change_one)
    status, out, _ = cli("replay", picture)
    assert status == 1
    assert "1 of 19,200 pixels differ, by up to 64 of 255 (x 44 to 44, y 33 to 33)" in out
    assert "agents are where they were, so the difference is in the drawing" in out


def test_what_rounding_may_change_is_let_pass(cli, picture):
    def round_off(rgb):
        rgb[10:20] ^= 1

    resave(picture, round_off)
    status, out, _ = cli("replay", picture)
    assert status == 0
    assert "1,600 of 19,200 pixels differ, by up to 1 of 255" in out


def test_another_simulation_is_told_from_another_drawing(cli, picture):
    """As is another driver, and another version of a library."""
    change(picture, config__run__seed=3, driver="Mesa", versions__numpy="1.0")
    status, out, _ = cli("replay", picture)
    assert status == 1
    assert "agents are elsewhere, so the simulation went another way" in out
    assert "it was drawn by Mesa, now by " in out
    assert f"numpy was 1.0, and is {np.__version__} now" in out


def test_another_checkpoint_is_refused(cli, picture, tmp_path):
    own = Path(shutil.copy(SHIPPED, tmp_path / "own.safetensors"))
    change(picture, config__policy__checkpoint=str(own), checkpoint__name=str(own))
    status, out, _ = cli("replay", picture)
    assert status == 0
    assert f"reading the checkpoint: {own}" in out
    checkpoint = load_checkpoint(SHIPPED, make_world("mountain_car"))
    bias = checkpoint.actor.layers[0].bias
    bias.flags.writeable = True
    bias[0] += 1
    save(checkpoint, own)
    status, _, errors = cli("replay", picture)
    assert status == 2
    assert "own.safetensors has changed since" in flat(errors)
    own.unlink()
    status, _, errors = cli("replay", picture)
    assert status == 2
    assert "own.safetensors: there is no such file" in flat(errors)
    assert "--checkpoint FILE" in errors
    status, out, _ = cli("replay", picture, "--checkpoint", SHIPPED, "--out", tmp_path / "b.png")
    assert status == 0, out
    assert (tmp_path / "b.png").exists()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: resave(path, text=""), "does not say how it was made"),
        (lambda path: resave(path, text="{"), "its metadata are damaged (it is no JSON"),
        (lambda path: resave(path, text="x" * 600_000), "its metadata are larger than 512 KiB"),
        (lambda path: resave(path, text="x" * 2_000_000), "cannot be read as a picture"),
        (lambda path: resave(path, text='{"format": "valuescape-picture-9"}'), "does not make again"),
        (lambda path: change(path, config__agents__count=-1), "config.agents.count = -1"),
        (lambda path: change(path, config__agents__cuont=1), "config.agents.cuont is unknown"),
        (lambda path: change(path, made__moved=1), "made.picture.moved is unknown"),
        (lambda path: change(path, made__live={"run.seed": 1}), "is no setting that can change"),
        (lambda path: change(path, made__live={"trails.opacity": 7}), "trails.opacity = 7"),
        (lambda path: change(path, made__canvas__width=10_000), "of a picture of another size"),
        (lambda path: change(path, made__moment__plane=[0.0]), "does not fit its world"),
        (lambda path: change(path, made__moment__missed=[[3, 1]]), "ticks have to rise"),
        (lambda path: change(path, made={"kind": "video"}), "is missing"),
        (
            lambda path: change(path, config__world__name="gymnasium:antigravity:Fly-v0"),
            "the Python module antigravity has to run",
        ),
        (
            lambda path: change(path, config__policy__torchscript_critic="/tmp/a.pt"),
            "the TorchScript program /tmp/a.pt has to run",
        ),
        (lambda path: path.write_bytes(path.read_bytes()[:60]), "last-frame.png"),
    ],
)
def test_metadata_that_fit_no_picture_are_refused_in_a_sentence(cli, picture, spoil, said):
    spoil(picture)
    status, out, errors = cli("replay", picture)
    assert status == 2, out
    assert said in flat(errors)
    assert len(errors.strip().splitlines()) <= 3
    assert not picture.with_name("last-frame-again.png").exists()


@pytest.mark.parametrize(
    "name", ["config__policy__checkpoint", "config__insight__compare_with", "config__world__name"]
)
def test_names_in_a_picture_cannot_steer_the_terminal(cli, picture, name):
    change(picture, **{name: "\x1b[2Ka\x07\r.zip"})
    status, out, errors = cli("replay", picture)
    assert status == 2
    assert r"\x1b[2Ka\x07\r.zip" in out
    assert (out + errors).replace("\n", "").isprintable()


def test_a_file_of_another_kind_is_no_picture(cli, tmp_path):
    (tmp_path / "a.txt").write_text("text")
    for name in ("a.txt", "nowhere.png"):
        assert cli("replay", tmp_path / name)[0] == 2
    Image.new("RGB", (20, 20)).save(tmp_path / "plain.png")
    status, _, errors = cli("replay", tmp_path / "plain.png")
    assert status == 2
    assert "does not say how it was made" in errors


def test_the_original_is_never_written_over(cli, picture):
    before = picture.read_bytes()
    for out in (picture, picture.with_suffix(".jpg")):
        status, _, errors = cli("replay", picture, "--out", out)
        assert status == 2
        assert "expected the name of another .png file" in errors
    assert picture.read_bytes() == before
