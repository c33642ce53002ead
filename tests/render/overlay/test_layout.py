"""Text in pictures of all sizes: none is cut off, no line lies over another, the important ones are there."""

import math
from functools import cache
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_states import run_state

from valuescape.costs.card import profile_card
from valuescape.render.displays.events import KEYS
from valuescape.render.overlay.axes import HEIGHT, MapAxis
from valuescape.render.overlay.cards import Card
from valuescape.render.overlay.help import GLOSSARY
from valuescape.render.overlay.labels import Annotations, Heading, Scales, Writing
from valuescape.render.overlay.layout import Layout, overlap, shortened, wrapped
from valuescape.render.overlay.legends import ColorBar
from valuescape.render.overlay.overlay import PANEL
from valuescape.render.overlay.text import Font
from valuescape.render.view.camera import MapCamera, OrbitCamera, Rect
from valuescape.render.view.panes import Pane
from valuescape.render.view.viewer import Viewer
from valuescape.run_state import Noticed, Part
from valuescape.sim.measuring.health import Limit, RunLog

SIZES = [(400, 300), (640, 360), (700, 500), (1280, 720), (1920, 1080), (3840, 2160)]
"""Sizes of windows in logical pixels."""

RATIOS = [1, 1.5, 2, 3]
WORLD = "gymnasium:MountainCarContinuous-v0"
NOTICE = (
    "configs/other.toml: world.name = 'moutain_car' is unknown; the run goes on as it was\n"
    "hint: did you mean mountain_car? known worlds: point_mass, mountain_car, mountain_car_continuous"
)
PATH = "/home/somebody/" + "x" * 150
LIMITS = [
    Limit(title, title, measured, 5.0)
    for title, measured in (
        ("FPS standard deviation", 1.0),
        ("frame time P95 (ms)", 1.0),
        ("GPU queries a frame", 1.0),
        ("draw calls a frame", 1.0),
        ("memory growth (MB/min)", math.nan),
    )
]
PARTS = [
    Part(name, 1.5)
    for name in ("surface", "trails", "labels", "level of detail", "place", "upload", "crowd", "panel", "x")
]
ADVICE = "trails take 9.1 ms of 16.7: fewer of them, lod.segment_budget = 20000, would make it fit"


def f3_card():
    return profile_card(
        run_state(
            log=RunLog(frame_ends=[0.02 * frame for frame in range(200)], segments=[12_345_678]),
            busy_ms=(14.0, 17.5, 16.0) * 40,
            segments_left_out=1_234_567,
            restarts=3,
            noticed=Noticed(notes=(ADVICE,), lamps=(("trails_ms > 12", False),)),
            figures={
                "all_parts": PARTS,
                "all_limits": LIMITS,
                "loads": (0.5, 0.25, 0.125, 0.75),
                "hit_rate": 0.97,
            },
        )
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
    "at the left": {"cards": (AGENT, BOX), "notice": NOTICE, "at_left": True},
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
POSES = [
    *((4.15, 34, ()), (0.4, 34, (0.9, -0.9)), (1.4, 10, ()), (12.0, 89, ())),
    *((3.0, 80, ()), (2.5, 50, ()), (2.0, 20, ())),
]
VIEWS = {
    "map": {"map_camera": MapCamera()},
    "map, zoomed": {"map_camera": MapCamera(0.3, 0.1, 0.005)},
    **{
        f"orbit {yaw}° at {distance}, {pitch}°": {
            "orbit_camera": OrbitCamera(math.radians(yaw), math.radians(pitch), distance, *target)
        }
        for yaw in range(-180, 180, 30)
        for distance, pitch, target in POSES
    },
}


@cache
def font(px):
    return Font(px)


def written(size, ratio, view, contents="plain", scales="both", text_px=13):
    """Return all overlays of a picture, in the order that they found their places."""
    writing = Writing(font(round(text_px * ratio)), AXES, "goal")
    settings = dict(CONTENTS[contents])
    at_left = settings.pop("at_left", False)
    said = Annotations(HEADING, settings.pop("cards", ()), settings.pop("notice", ""))
    viewer = Viewer(flat="map_camera" in view, layer="both", trail_color="age", **view, **settings)
    for line in (SCALES[scales].meaning(),):
        said = said.also(line)
    size = round(size[0] * ratio), round(size[1] * ratio)
    fixed = writing.say(viewer, size, said, SCALES[scales], at_left=at_left)
    return size, [*fixed, writing.rule(viewer, Pane(0, size), fixed[0], SCALES[scales].height)]


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


@pytest.mark.parametrize("contents", CONTENTS)
@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_no_text_is_cut_or_over_another(size, ratio, contents):
    """With everything each view meets each size, and each ratio, but not each pair of these."""
    turn = (SIZES.index(size) + RATIOS.index(ratio)) % 3
    views = list(VIEWS.items())[turn::3] if contents == "everything" else list(VIEWS.items())[::7]
    for name, view in views:
        for scales in SCALES if contents in ("plain", "help") else ("both",):
            pixels, overlays = written(size, ratio, view, contents, scales)
            found = texts(overlays)
            assert found
            assert flaws(pixels, found) == [], (name, scales)


@pytest.mark.parametrize("contents", CONTENTS)
@pytest.mark.parametrize("size", [(160, 120), (133, 100), (3000, 130), (130, 3000)], ids=str)
def test_nor_in_pictures_smaller_than_any_window(size, contents):
    for view in list(VIEWS.values())[::5]:
        pixels, overlays = written(size, 1, view, contents)
        assert flaws(pixels, texts(overlays)) == []


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


def lines(*picture, **settings):
    return [each.text for each in texts(written(*picture, **settings)[1])]


ORBIT = "orbit -120° at 4.15, 34°"


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
class TestWhatMattersIsThere:
    """In windows of every size; what has no room is left out by priority."""

    @pytest.mark.parametrize("view", ["map", ORBIT])
    def test_world_axes_scale_and_hint(self, size, ratio, view):
        found = lines(size, ratio, VIEWS[view])
        assert any(line.startswith(WORLD) for line in found)
        assert any(line.startswith("H: help") for line in found)
        assert {"V(s)", "visits"} <= set(found)
        assert any("age (ticks)" in line for line in found)
        assert any(line.startswith("velo") for line in found)

    def test_what_frames_cost(self, size, ratio):
        found = lines(size, ratio, VIEWS["map"], "costs")
        assert {"frame time", "frames a second", "50.0", "median (ms)", "16.0 of 16.7"} <= set(found)

    def test_the_state_of_the_agent_selected(self, size, ratio):
        found = lines(size, ratio, VIEWS["map"], "selection")
        assert {"variable number 0", "variable number 1"} <= set(found)

    def test_a_notice(self, size, ratio):
        found = lines(size, ratio, VIEWS["map"], "notice")
        assert "moutain_car' is unknown" in " ".join(found)

    def test_keys(self, size, ratio):
        found = lines(size, ratio, VIEWS["map"], "help")
        assert {"Space", "R", "F9"} <= set(found)


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("size", [(980, 720), (1280, 720), (1920, 1080)], ids=str)
def test_in_an_ordinary_window_everything_is_there(size, ratio):
    """980 is the width that the panel leaves of 1280."""
    costs = set(lines(size, ratio, VIEWS["map"], "costs"))
    assert {*(limit.title for limit in LIMITS), "trails_ms > 12"} <= costs
    assert {part.name for part in PARTS[:7]} <= costs
    quads = written(size, ratio, VIEWS["map"], "costs")[1][0].quads()
    assert ((quads["right"] == (2, 0)).all(axis=1) & (quads["kind"] == 0)).sum() > 60, "no graph"
    helped = set(lines(size, ratio, VIEWS["map"], "help"))
    assert {word for word, _ in GLOSSARY} | {key for key, _, _ in KEYS} <= helped
    for yaw in range(-180, 180, 30):
        found = lines(size, ratio, VIEWS[f"orbit {yaw}° at 4.15, 34°"])
        assert {found.count("V(s)"), any(line.startswith("obs") for line in found)} == {2, True}
        assert any(line.startswith("velocity") for line in found)
    assert " ".join(NOTICE.split()) in " ".join(lines(size, ratio, VIEWS["map"], "notice"))


def test_cards_are_at_the_left_while_the_selected_place_is_at_the_right():
    writing, pane = Writing(font(13), AXES, "goal"), Pane(0, (1280, 720))

    def at_right(view, x):
        viewer = Viewer(flat=view == "map", layer="both", trail_color="age", **VIEWS[view])
        way = np.array([(x, 0.1, 0.0), (0.0, 0.0, 0.0)], np.float32)
        return writing.at_right(viewer, pane, way)

    assert (at_right("map", 0.5), at_right("map", -0.5)) == (True, False)
    assert at_right(ORBIT, 0.8) != at_right(ORBIT, -0.8)
    usual, moved = (
        next(
            each
            for each in texts(written((1280, 720), 1, VIEWS["map"], contents)[1])
            if "agent 1" in each.text
        )
        for contents in ("selection", "at the left")
    )
    assert moved.box.right < usual.box.left


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_no_text_is_under_a_panel_of_another(size):
    """Headings, axes and numbers keep off cards, the notice and the help, axes off what has a backing.

    Each view is drawn in every second size.
    """
    for view in list(VIEWS.values())[SIZES.index(size) % 2 :: 2]:
        for contents in ("plain", "everything", "help"):
            _, (fixed, help_panel, ruled) = written(size, 1, view, contents)
            for each in texts([fixed, help_panel, ruled]):
                for panel in (*fixed.panels, *help_panel.panels):
                    inside = panel.left <= each.box.left and each.box.right <= panel.right
                    assert inside or not overlap(each.box, panel), each.text
            for each, panel in product(ruled.texts, ruled.panels):
                assert not overlap(each.box, panel), each.text


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("distance", [0.4, 1.4, 4.15])
def test_what_the_height_field_reaches_has_a_backing(ratio, distance):
    size = SIZES[0][0] * ratio, SIZES[0][1] * ratio
    plot = Writing(font(round(13 * ratio)), AXES, "goal").plot(size)
    for yaw in range(-180, 180, 30):
        camera = OrbitCamera(math.radians(yaw), math.radians(34), distance)
        _, (said, _, ruled) = written(SIZES[0], ratio, {"orbit_camera": camera})
        matrix = camera.matrix(size, plot)
        assert np.isclose(ruled.quads()["color"], PANEL).all(axis=1).sum() == len(ruled.panels)
        for block in said.blocks:
            assert block_is_reached(matrix, size, block) <= (block in ruled.panels)


def block_is_reached(matrix, size, block):
    """Return whether any of many points in the scene's box is drawn inside a block."""
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, 41)] * 2, np.linspace(0, HEIGHT, 9))
    points = np.stack([x.ravel(), y.ravel(), z.ravel(), np.ones(x.size)]).T @ matrix.T
    points = points[points[:, 3] > 0.05]
    across = (points[:, 0] / points[:, 3] + 1) / 2 * size[0]
    down = (1 - points[:, 1] / points[:, 3]) / 2 * size[1]
    inside = (across > block.left) & (across < block.right) & (down > block.top) & (down < block.bottom)
    return bool(inside.any())


texts_of = st.text("abc ·de fgh", max_size=60)


@given(texts_of, st.floats(0, 400))
def test_a_shortened_text_fits_and_begins_as_before(text, width):
    short = shortened(font(13), text, width)
    assert font(13).width(short) <= width
    assert text.startswith(short.removesuffix("…"))
    if font(13).width(text) <= width:
        assert short == text


def test_parts_go_before_letters():
    whole = "point mass · goal: come to rest · Valuescape"
    width = font(13).width
    assert shortened(font(13), whole, width(whole) - 1) == "point mass · goal: come to rest"
    assert shortened(font(13), whole, width("point mass")) == "point mass"
    assert shortened(font(13), whole, width("point mass") - 1) == "point ma…"


@given(texts_of, st.floats(20, 400), st.integers(1, 6))
def test_wrapped_lines_fit_and_say_all_unless_there_are_too_many(text, width, most):
    found = wrapped(font(13), text, width)
    assert all(font(13).width(line) <= width for line in found)
    assert "".join(found).replace(" ", "") == text.replace(" ", "")
    few = wrapped(font(13), text, width, most)
    assert len(few) <= most
    assert few == found or few[-1].endswith("…")


@given(st.lists(st.tuples(*[st.integers(0, 90)] * 2, *[st.integers(1, 30)] * 2), max_size=30))
def test_a_layout_gives_away_no_place_twice(wanted):
    layout = Layout((100, 100), gap_px=2)
    got = [box for box in (Rect(*each) for each in wanted) if layout.claim(box)]
    for box in got:
        assert box.right <= 100
        assert box.bottom <= 100
    for one, other in combinations(got, 2):
        assert not overlap(one, other, 2)
    for each in wanted:
        if Rect(*each) not in got:
            assert not layout.fits(Rect(*each))
