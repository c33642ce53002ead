"""Pictures that are made again from what they say of themselves: equal, or told why not."""

import json

import numpy as np
import pytest
from commands import SMALL
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from valuescape.provenance.containers import KEYWORD
from valuescape.render.displays.events import Action, Button, Key, Move, Press, Release, Scroll
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config

pytestmark = pytest.mark.gpu

BASE = [*SMALL, "run.record=false", "agents.count=40", "trails.length=24"]


def run_of(folder, *settings, ticks=30):
    """Make a headless run in this process; returns its last picture."""
    config = load_config(None, [*BASE, *settings])
    with Session(config, RunLength(ticks=ticks), Outputs(folder), headless=True) as session:
        session.run()
    return folder / "last-frame.png"


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def metadata(path):
    with Image.open(path) as image:
        return json.loads(image.info[KEYWORD])


def resave(path, change_pixels=lambda rgb: None, text=None):
    """Save a picture anew, with other pixels or another text in its metadata."""
    with Image.open(path) as image:
        rgb, info = np.array(image.convert("RGB")), PngInfo()
        info.add_itxt(KEYWORD, image.info[KEYWORD] if text is None else text, zip=True)
    change_pixels(rgb)
    Image.fromarray(rgb).save(path, pnginfo=info)


SCENES = {
    "2-D": (["world.name=mountain_car", "render.view=2d"], ("--workers", 2)),
    "3-D": (["world.name=pendulum", "render.view=3d", "render.turn_deg_per_s=90"], ()),
    "selected": (["world.name=cartpole", "render.select=7", "render.view=2d"], ()),
    "exploring": (["world.name=mountain_car", "policy.exploration=0.5", "trails.color_by=reward"], ()),
    "held ends": (["world.name=pendulum", "heatmap.low=-500", "heatmap.high=10"], ("--workers", 1)),
    "TD errors": (["world.name=pendulum", "trails.color_by=td_error", "heatmap.layer=value"], ()),
    "advantages": (["world.name=pendulum", "trails.color_by=advantage", "render.view=2d"], ()),
    "a crowd": (["world.name=mountain_car", "lod.segment_budget=100", "trails.color_by=outcome"], ()),
    "no critic": (["world.name=pendulum", "policy.checkpoint=random", "heatmap.density_half_life=0"], ()),
    "glowing": (["world.name=pendulum", "render.glow=1", "render.tone_mapping=true"], ()),
}


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
    "half raised": [[Key(Action.PROJECTION)]],
    "with cards": [[Key(Action.PROFILE)], [Key(Action.HELP)]],
}


@pytest.mark.parametrize("doing", LIVE)
@pytest.mark.parametrize("pace", ["by the clock", "too fast"])
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
    status, out, errors = cli("replay", picture)
    assert (status, errors) == (0, ""), out
    assert out.splitlines()[-1] == "all 64,000 pixels are equal"
