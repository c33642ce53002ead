"""Whole pictures against references that a person has looked at.

To accept new ones: VALUESCAPE_REGENERATE_IMAGES=1 python -m pytest tests/visual, then look at each.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from pictures import MadeUpSignals, studio
from PIL import Image
from recording import Recording, spirals, with_breaks

from valuescape.gpu.context import driver_info
from valuescape.render.overlay.cards import Card
from valuescape.render.overlay.labels import Heading
from valuescape.sim.insight.signal_kinds import ACTION, OUTCOME, SPEED, TD_ERROR

pytestmark = pytest.mark.gpu

HERE = Path(__file__).parent
SIZE = (640, 360)
HEADING = Heading(
    ("point_mass: SAC, 200 agents", "return −12.3 over 512 episodes"), ("60 fps, tick 1234", "2 workers")
)

PICTURES = {
    "map-both": {"flat": True, "layer": "both"},
    "map-value": {"flat": True, "layer": "value"},
    "map-density": {"flat": True, "layer": "density"},
    "map-zoomed": {"flat": True, "layer": "value", "center_x": 0.25, "center_y": 0.1, "reach": 0.2},
    "field-both": {"flat": False, "layer": "both"},
    "field-value": {"flat": False, "layer": "value"},
    "field-density": {"flat": False, "layer": "density"},
    "field-by-agent": {"flat": False, "layer": "value", "trail_color": "agent"},
    "field-from-behind": {"flat": False, "layer": "value", "yaw": 1.0, "pitch": 0.8, "distance": 4.2},
    "help": {"flat": False, "layer": "both", "help_shown": True},
    "no-critic": {"flat": False, "layer": "value"},
    "map-crowd": {"flat": True, "layer": "value"},
    "field-crowd": {"flat": False, "layer": "value"},
}

PICTURES |= {
    "map-ends": {"flat": True, "layer": "value"},
    "field-speed": {"flat": False, "layer": "value"},
    "map-td-error": {"flat": True, "layer": "value"},
    "map-crowd-td-error": {"flat": True, "layer": "value"},
    "map-outcome": {"flat": True, "layer": "density"},
    "map-action": {"flat": True, "layer": "value"},
    "map-faint": {"flat": True, "layer": "value"},
    "map-diverging": {"flat": True, "layer": "value"},
    "field-glow": {"flat": False, "layer": "value"},
    "field-sampled": {"flat": False, "layer": "value"},
    "rising": {"flat": False, "layer": "value", "lift": 0.5},
    "selected": {"flat": True, "layer": "value", "selected": 7, "box": (-0.5, -0.2, 0.2, 0.3)},
}

CARDS = (
    Card("agent 7", (("position", "0.31 m"), ("V(s)", "−12"))),
    Card("frame time", (("median", "9 ms"),), (4.0, 9.0, 12.0, 9.0) * 20, 10.0),
)

SETTINGS = dict.fromkeys(["map-crowd", "field-crowd"], ("lod.segment_budget=200",))
"""Others than the default's; here, a trail of its own for 4 of the 60 agents."""

RMSE, MOST = 1.5, 96
"""Limits of the difference, of 255. With another version of the driver a pixel of a line may fall to its
neighbour; a missing label, a wrong colour or a shift by a pixel is beyond both."""


SETTINGS |= {
    "map-crowd-td-error": ("lod.segment_budget=200",),
    "map-faint": ("heatmap.opacity=0.3", "heatmap.contours=0", "trails.opacity=0.5"),
    "map-diverging": ("heatmap.colormap=RdBu_r", "heatmap.high=2.5"),
    "field-glow": ("render.glow=2.0", "render.tone_mapping=true", "heatmap.opacity=0.5"),
    "map-ends": ("agents.size_px=11", "trails.opacity=0.3"),
    "map-outcome": ("heatmap.opacity=0.4", "trails.width_px=2.5"),
    "field-sampled": ("render.msaa=4", "agents.size_px=9"),
}


def signals(name, source):
    """Return the signal that colours a picture's trails; None for their age or agent."""
    speed = np.linalg.norm(np.diff(source.positions, axis=0, prepend=source.positions[:1]), axis=2)
    signed = np.sin(source.positions[:, :, 0] * 3)
    made = {
        "field-speed": (SPEED, speed, {"low": 0.0}),
        "map-td-error": (TD_ERROR, np.where(signed > 0.9, np.nan, signed), {"signed": True}),
        "map-crowd-td-error": (TD_ERROR, signed, {"signed": True}),
        "map-outcome": (OUTCOME, source.endings, {"high": 2.0, "low": 0.0, "names": NAMES}),
        "map-action": (
            ACTION,
            np.arange(48)[:, None] // 8 % 3 * np.ones(60),
            {"high": 2.0, "low": 0.0, "names": ("left", "wait", "right")},
        ),
    }
    if name not in made:
        return None
    signal, rows, scale = made[name]
    return MadeUpSignals(signal, rows, **scale)


NAMES = ("running", "terminated", "truncated")


def recording(name):
    positions, strands = with_breaks(spirals(60, 48), every=80)
    endings = np.zeros(strands.shape, np.uint8)
    endings[:-1] = (np.diff(strands, axis=0) > 0) * (1 + np.arange(60) % 2)
    shown = name in ("map-ends", "map-outcome", "selected")
    return Recording(positions, strands, endings if shown else None)


def picture(gl, name):
    source = recording(name)
    field = {"field": None} if name == "no-critic" else {}
    settings = ("agents.size_px=5", *SETTINGS.get(name, ()))
    with studio(gl, source, *settings, size=SIZE, signals=signals(name, source), **field) as camera:
        if name == "selected":
            camera.scene.highlight(np.array([7, 20]))
        return camera.shoot(HEADING, CARDS if name == "selected" else (), **PICTURES[name])


def save(path, values):
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(path, optimize=True)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_its_reference(gl, name):
    if driver_info(gl).renderer.split()[0] != "llvmpipe":
        pytest.skip("references are of Mesa's software driver, llvmpipe; another may round differently")
    found, reference = picture(gl, name), HERE / "reference" / f"{name}.png"
    if os.environ.get("VALUESCAPE_REGENERATE_IMAGES"):
        save(reference, found)
    with Image.open(reference) as image:
        expected = np.asarray(image).astype(int)
    change = np.abs(found - expected)
    rmse, most = float(np.sqrt((change**2).mean())), int(change.max())
    if rmse > RMSE or most > MOST:
        save(HERE / "failed" / f"{name}.png", found)
        save(HERE / "failed" / f"{name}-difference.png", 4 * change)
    assert rmse <= RMSE, "see tests/visual/failed"
    assert most <= MOST, "see tests/visual/failed"


def test_there_is_no_reference_without_a_picture():
    assert {path.stem for path in (HERE / "reference").glob("*.png")} == set(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_differ_by_more_than_the_limits(name):
    """Else a limit could hide that one thing was drawn in place of another."""
    pictures = {}
    for each in PICTURES:
        with Image.open(HERE / "reference" / f"{each}.png") as image:
            pictures[each] = np.asarray(image).astype(int)
    others = [pictures[each] for each in PICTURES if each != name]
    assert all(np.sqrt(((pictures[name] - other) ** 2).mean()) > 2 * RMSE for other in others)
