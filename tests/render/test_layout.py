"""Where text is in pictures of all sizes: nothing is cut, no line is over another, what matters is there."""

import math
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu.meter import FrameMeter
from render.axes import HEIGHT, MapAxis
from render.backing import box_corners, reaches
from render.camera import MapCamera, OrbitCamera, Rect
from render.cards import Card
from render.labels import Annotations, Heading, Scales, Writing
from render.layout import Layout, overlap, shortened, wrapped
from render.legends import ColorBar
from render.text import Font
from render.viewer import Viewer
from sim.health import RunLog
from valuescape.captions import profile_card

SIZES = [(400, 300), (640, 360), (700, 500), (1280, 720), (1920, 1080), (3840, 2160)]
"""Of windows, in logical pixels."""

RATIOS = [1, 1.5, 2, 3]
WORLD = "gymnasium:MountainCarContinuous-v0"
NOTICE = (
    "configs/other.toml: world.name = 'moutain_car' is unknown; the run goes on as it was\n"
    "hint: did you mean mountain_car? known worlds: point_mass, mountain_car, mountain_car_continuous, pendulum"
)
PATH = "/home/somebody/" + "x" * 150
LAMPS = tuple(
    (title, True)
    for title in ("FPS, deviation", "frame time P95 (ms)", "GPU queries a frame", "draw calls a frame")
) + (("memory growth (MB/min)", None), ("trails_ms > 12", False))
PARTS = [
    (name, 1.5)
    for name in ("surface", "trails", "labels", "level of detail", "place", "upload", "crowd", "panel", "x")
]


def f3_card():
    log = RunLog(frame_ends=[0.02 * frame for frame in range(200)], segments=[12_345_678])
    return profile_card(
        log,
        FrameMeter(),
        (14.0, 17.5, 16.0) * 40,
        16.7,
        parts=PARTS,
        lamps=LAMPS,
        loads=(0.5, 0.25, 0.125, 0.75),
        thinned=1_234_567,
        restarts=3,
        cached=0.97,
        advice="trails take 9.1 ms of 16.7: fewer of them, lod.segment_budget = 20000, would make it fit",
    )


AGENT = Card(
    "agent 123,456, followed",
    (
        *((f"variable number {index}", "−0.123 rad/s") for index in range(8)),
        ("action", "−0.123 rad/s, 0.456 m/s, 0.789 m/s, 0.012 m/s"),
        ("return so far", "−1,234"),
    ),
)
BOX = Card("box", (("agents inside", "12"), ("inside now", "1, 2, 3, 4, 5, 6, 7, 8, …")))
CONTENTS = {
    "plain": {},
    "notice": {"notice": NOTICE},
    "long word": {"notice": PATH},
    "costs": {"cards": (f3_card(),)},
    "selection": {"cards": (AGENT, BOX)},
    "everything": {"cards": (AGENT, BOX, f3_card()), "notice": NOTICE},
    "help": {"cards": (AGENT,), "notice": NOTICE, "help_shown": True},
}
SCALES = {
    "both": Scales(
        (
            ColorBar("V(s)", 0, -1234.5, -0.25, meaning="the return that the critic expects"),
            ColorBar("visits", 1, 0.0, 19.0, exponential=True, meaning="how often agents come by"),
        ),
        ColorBar("age (ticks)", 2, -4095.0, 0.0),
        ColorBar("V(s)", 0, -1234.5, -0.25),
    ),
    "names": Scales(
        (ColorBar("V(s), in units of √(variance of returns)", 0, -1.2e-5, 3.4e-5),),
        ColorBar("action", 3, 0.0, 3.0, names=("accelerate to the left", "none", "right", "up and away")),
        ColorBar("visits", 1, 0.0, 12.0, exponential=True),
    ),
    "signed": Scales(
        (ColorBar("visits", 0, 0.0, 2.0, exponential=True),),
        ColorBar("TD error", 3, -123.456, 123.456, meaning="red is better than expected, blue is worse"),
    ),
}
HEADING = Heading(
    (
        f"{WORLD} · goal: reach the flag at position 0.45 · Valuescape",
        "SAC · 1,000,000 agents · 12 worker processes",
        "17,000 agents drawn one by one, the others' last 12 ticks as a crowd",
        "slice: a fairly long name of a variable = −0.123, another one = 0.456, and one more = 0.5",
    ),
    (
        "H: help · 50 fps · tick 12,345,678",
        "1,234,567 episodes · mean return −1,234.5",
        "12 workers replaced",
    ),
)
AXES = (MapAxis("obs[0], the position of the cart (m)", -0.003, 0.003), MapAxis("velocity (m/s)", -5e6, 5e6))
VIEWS = {
    "map": {"map_camera": MapCamera()},
    "map, zoomed": {"map_camera": MapCamera(0.3, 0.1, 0.005)},
    **{
        f"orbit {yaw}° at {distance}, {pitch}°": {
            "orbit_camera": OrbitCamera(math.radians(yaw), math.radians(pitch), distance, *target)
        }
        for yaw in range(-180, 180, 30)
        for distance, pitch, target in ((4.15, 34, ()), (0.4, 34, (0.9, -0.9)), (1.4, 10, ()), (12.0, 89, ()))
    },
}


@cache
def font(px):
    return Font(px)


def written(size, ratio, view, contents="plain", scales="both", text_px=13):
    """Return all overlays of a picture, in the order that they found their places."""
    writing = Writing(font(round(text_px * ratio)), AXES, "goal")
    settings = dict(CONTENTS[contents])
    said = Annotations(HEADING, settings.pop("cards", ()), settings.pop("notice", ""))
    viewer = Viewer(flat="map_camera" in view, layer="both", trail_color="age", **view, **settings)
    for line in (SCALES[scales].meaning(),):
        said = said.also(line)
    size = round(size[0] * ratio), round(size[1] * ratio)
    fixed = writing.say(viewer, size, said, SCALES[scales])
    return size, [*fixed, writing.rule(viewer, size, fixed[0], SCALES[scales].height)]


def texts(overlays):
    return [each for overlay in overlays for each in overlay.texts]


def flaws(size, found):
    """Return what overlaps or is cut."""
    cut = [
        each.text
        for each in found
        if each.box.left < 0
        or each.box.top < 0
        or each.box.right > size[0] + 0.5
        or each.box.bottom > size[1] + 0.5
    ]
    boxes = np.array([(b.left, b.top, b.right, b.bottom) for b in (each.box for each in found)])
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    over = np.triu((high - low > 0.5).all(axis=2), 1)
    return cut + [(found[i].text, found[j].text) for i, j in np.argwhere(over)]


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("contents", CONTENTS)
@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_no_text_is_cut_or_over_another(size, ratio, contents, scales):
    views = VIEWS if contents in ("plain", "everything") else dict(list(VIEWS.items())[::7])
    for name, view in views.items():
        pixels, overlays = written(size, ratio, view, contents, scales)
        found = texts(overlays)
        assert found
        assert flaws(pixels, found) == [], name


@pytest.mark.parametrize("contents", CONTENTS)
@pytest.mark.parametrize("size", [(160, 120), (133, 100), (3000, 130), (130, 3000)], ids=str)
def test_nor_in_pictures_smaller_than_any_window(size, contents):
    for view in list(VIEWS.values())[::5]:
        pixels, overlays = written(size, 1, view, contents)
        assert flaws(pixels, texts(overlays) or []) == [] if texts(overlays) else True


@pytest.mark.parametrize("text_px", [8, 20, 32, 48])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_nor_with_larger_text(size, text_px):
    for contents in CONTENTS:
        pixels, overlays = written(size, 1, VIEWS["map"], contents, text_px=text_px)
        assert flaws(pixels, texts(overlays)) == []


def test_the_check_finds_what_overlaps_and_what_is_cut():
    _, (overlay, *_) = written((1280, 720), 1, VIEWS["map"])
    overlay.text(20, 12, "over the heading")
    overlay.text(1270, 300, "cut")
    found = flaws((1280, 720), overlay.texts)
    assert "cut" in found
    assert any(pair[1] == "over the heading" for pair in found if isinstance(pair, tuple))
