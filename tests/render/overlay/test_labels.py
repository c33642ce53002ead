"""Ticks and labels of axes and colour bars, and text as rectangles."""

import math
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import ImageFont

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.render.displays.events import KEYS, MOUSE
from valuescape.render.overlay import labels
from valuescape.render.overlay.axes import HEIGHT, Height, MapAxis, draw_map_axes, draw_orbit_axes, plot_rect
from valuescape.render.overlay.help import GLOSSARY, draw_help
from valuescape.render.overlay.layout import Layout
from valuescape.render.overlay.legends import ColorBar, draw_color_bars, draw_heading
from valuescape.render.overlay.overlay import INK, QUAD, Overlay
from valuescape.render.overlay.text import CHARACTERS, Font
from valuescape.render.overlay.ticks import label, nice_step, ticks
from valuescape.render.view.camera import MapCamera, OrbitCamera
from valuescape.render.view.viewer import Viewer

FONT = Font(13)
AXES = (MapAxis("position (m)", -3, 3), MapAxis("velocity (m/s)", -5, 5))


@st.composite
def intervals(draw):
    """Intervals of any width down to a millionth of their middle."""
    middle = draw(st.floats(-1e6, 1e6))
    span = 10 ** draw(st.floats(-5, 7))
    assume(span > 1e-6 * abs(middle))
    return middle - span / 2, middle + span / 2


def step_of(numbers):
    return min(np.diff(numbers), default=math.inf)


@given(intervals(), st.integers(2, 12))
def test_ticks_are_round_and_inside_and_as_many_as_can_be(interval, most):
    low, high = interval
    found = [number for number, _ in ticks(low, high, most)]
    assert max(1, most // 3) <= len(found) <= most
    slack = 1e-8 * (high - low) + 1e-12 * max(abs(low), abs(high))
    assert all(low - slack <= tick <= high + slack for tick in found)
    if len(found) > 1:
        step = nice_step(0.999 * step_of(found))
        assert step == pytest.approx(step_of(found), rel=1e-4)
        assert all(abs(tick / step - round(tick / step)) < 1e-3 for tick in found)
        # None is left out: at both ends there is less than a step to the next.
        assert max(found[0] - low, high - found[-1]) < step * 1.001


@given(intervals(), st.integers(2, 12))
def test_labels_tell_ticks_apart_and_say_where_they_are(interval, most):
    found = ticks(*interval, most)
    labels = [text for _, text in found]
    step = step_of([number for number, _ in found])
    assert len(set(labels)) == len(labels)
    assert "-" not in "".join(labels)
    for tick, text in found:
        assert float(text.replace("−", "-")) == pytest.approx(tick, abs=0.01 * min(step, 1e9))


@pytest.mark.parametrize(
    ("value", "step", "text"),
    [
        (0.0, 1, "0"),
        (-0.0, 0.5, "0"),
        (2.0, 1, "2"),
        (2.0, 0.5, "2.0"),
        (-0.06, 0.02, "−0.06"),
        (1200.0, 200, "1200"),
        (99_000.0, 1000, "99000"),
        (200_000.0, 100_000, "2e5"),
        (123_420.0, 20, "1.2342e5"),
        (0.00003, 0.00001, "3e−5"),
        (0.07001, 0.00001, "7.001e−2"),
    ],
)
def test_labels_read_well(value, step, text):
    assert label(value, step) == text


def test_nice_steps():
    assert [nice_step(each) for each in (1, 1.1, 2.5, 5, 6, 0.03, 700)] == [1, 2, 5, 5, 10, 0.05, 1000]


def test_an_interval_of_one_number_has_one_tick():
    assert ticks(3.0, 3.0, 5) == [(3.0, "3")]


def test_a_bar_labels_its_scale():
    labels = ColorBar("V(s)", 0, -30.0, 10.0).labels(6)
    assert labels == [(0, "−30"), (0.25, "−20"), (0.5, "−10"), (0.75, "0"), (1, "10")]


def test_an_exponential_bar_labels_counts():
    """The field is log2(1 + visits)."""
    labels = ColorBar("visits", 1, 0.0, math.log2(1 + 100), exponential=True).labels(9)
    assert [text for _, text in labels] == ["0", "1", "3", "10", "30", "100"]
    for place, text in labels:
        assert place == pytest.approx(math.log2(1 + float(text)) / math.log2(101))


@given(st.floats(0, 3), st.floats(0.01, 24), st.integers(3, 12))
def test_an_exponential_bar_s_labels_are_on_it(low, span, most):
    labels = ColorBar("visits", 1, low, low + span, exponential=True).labels(most)
    assert len(labels) <= most
    assert all(-0.001 <= place <= 1.001 for place, _ in labels)
    assert len({text for _, text in labels}) == len(labels)


def test_a_bar_without_a_span_says_its_number():
    assert ColorBar("V(s)", 0, 4.0, 4.0).labels(6) == [(0.0, "4")]


def test_an_axis_maps_to_the_scene_and_back():
    axis = MapAxis("x", -3, 5)
    assert [axis.scene(each) for each in (-3, 1, 5)] == [-1, 0, 1]
    assert [axis.value(each) for each in (-1, 0, 1)] == [-3, 1, 5]


@pytest.mark.parametrize("text", ["velocity (m/s)", "−0.5", "Wave", "°²³·×±–—…←→↑↓αβγ"])
def test_the_pen_moves_as_pillow_s(text):
    """To a quarter of a pixel a character, for Pillow kerns pairs of letters."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    pillow_s = ImageFont.truetype(str(path), 13, layout_engine=ImageFont.Layout.BASIC)
    assert FONT.width(text) == pytest.approx(pillow_s.getlength(text), abs=0.25 * len(text) + 1)


def test_every_character_has_its_own_glyph():
    boxes = [
        (each.left, each.top, each.width, each.height)
        for character, each in FONT.glyphs.items()
        if character != " "
    ]
    taken = np.zeros(FONT.atlas.shape, int)
    for left, top, width, height in boxes:
        assert width > 0
        assert height > 0
        taken[top : top + height, left : left + width] += 1
        assert FONT.atlas[top : top + height, left : left + width].max() > 100, "nothing is drawn there"
    assert taken.max() == 1, "two glyphs overlap"
    assert FONT.atlas[taken == 0].max() == 0, "a glyph is larger than its box"


def test_all_that_is_written_can_be_written():
    texts = "".join(key + text for key, _, text in KEYS) + "".join(map("".join, [*MOUSE, *GLOSSARY]))
    assert set(texts) <= set(CHARACTERS)


def test_an_unknown_character_is_a_question_mark():
    assert FONT.width("漢") == FONT.width("?")


def boxes(quads):
    """Return the bounding boxes of quads in pixels, [n, 4]: x0, y0, x1, y1."""
    corners = np.stack(
        [
            quads["corner"],
            quads["corner"] + quads["right"],
            quads["corner"] + quads["down"],
            quads["corner"] + quads["right"] + quads["down"],
        ]
    )
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)], axis=1)


def drawn(draw, *arguments, layout=None):
    overlay = Overlay(FONT, layout)
    draw(overlay, *arguments)
    return overlay.quads()


def test_quads_are_what_was_asked_for():
    overlay = Overlay(FONT)
    assert len(overlay.quads()) == 0
    overlay.rect(10, 20, 30, 40, (0.1, 0.2, 0.3, 0.4))
    overlay.gradient(100, 200, 10, 50, 2)
    overlay.line((0, 10), (20, 10), 2, INK)
    rect, gradient, line = quads = overlay.quads()
    assert quads.dtype == QUAD
    assert boxes(quads).tolist() == [[10, 20, 40, 60], [100, 200, 110, 250], [0, 9, 20, 11]]
    assert [int(each["kind"]) for each in quads] == [0, 4, 0]
    assert rect["color"] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert gradient["corner"].tolist() == [100, 250]  # low at the bottom
    assert gradient["right"].tolist() == [0, -50]
    assert line["right"].tolist() == [20, 0]


@pytest.mark.parametrize("anchor", [(0, 0), (0.5, 0.5), (1, 1)])
@pytest.mark.parametrize("upright", [False, True])
def test_text_is_where_its_anchor_says(anchor, upright):
    overlay = Overlay(FONT)
    overlay.text(200, 100, "HxH", anchor=anchor, upright=upright)
    x0, y0 = boxes(overlay.quads())[:, :2].min(axis=0)
    x1, y1 = boxes(overlay.quads())[:, 2:].max(axis=0)
    along, across = FONT.width("HxH"), FONT.ascent + FONT.descent
    left, top = 200 - anchor[0] * along, 100 - anchor[1] * across
    if upright:  # its line starts at the bottom and reads upwards
        left, top = 200 - anchor[1] * across, 100 - (1 - anchor[0]) * along
        along, across = across, along
    assert left - 2 <= x0 < x1 <= left + along + 2
    assert top - 2 <= y0 < y1 <= top + across + 2


def test_glyphs_are_pixel_for_pixel():
    """At whole pixels and as large as in the atlas, or they would be blurred."""
    quads = drawn(lambda overlay: overlay.text(10.3, 7.8, "Value", anchor=(0.5, 0.5)))
    height, width = FONT.atlas.shape
    assert (boxes(quads) == np.round(boxes(quads))).all()
    np.testing.assert_allclose(quads["texels"][:, 2] * width, quads["right"][:, 0], atol=1e-3)
    np.testing.assert_allclose(quads["texels"][:, 3] * height, quads["down"][:, 1], atol=1e-3)


BARS = [ColorBar("V(s)", 0, -1234.5, -0.25), ColorBar("visits", 1, 0.0, 19.0, exponential=True)]


class Noting(Overlay):
    """An overlay that notes its labels."""

    def __init__(self):
        super().__init__(FONT)
        self.said = []

    def label(self, x, y, text, *rest, **options):
        self.said.append(text)
        return super().label(x, y, text, *rest, **options)


@pytest.mark.parametrize(
    ("size", "end", "shown"), [((1280, 720), 1.01, False), ((1280, 720), 1.9, True), ((480, 270), 1.01, True)]
)
def test_no_height_is_numbered_right_above_another_axis_number_where_others_have_room(size, end, shown):
    """As one column they would be read as one axis."""
    overlay = Noting()
    axes = (AXES[0], MapAxis("y", -end, end))
    height = Height("V(s)", ((0.1, "lowest"), (0.5, "middle"), (0.9, "highest")), HEIGHT)
    draw_orbit_axes(overlay, OrbitCamera(), size, axes, height)
    assert ("lowest" in overlay.said) == shown
    assert {"middle", "highest"} <= set(overlay.said)


@pytest.mark.parametrize("size", [(480, 270), (640, 360), (1280, 720), (3840, 2160)])
def test_nothing_is_cut_off(size):
    plot = plot_rect(size, FONT.line_px)
    parts = {
        "map axes": (draw_map_axes, MapCamera(), plot, AXES),
        "map axes, zoomed": (draw_map_axes, MapCamera(0.3, 0.1, 0.005), plot, AXES),
        "orbit axes": (draw_orbit_axes, OrbitCamera(), size, AXES),
        "bars": (draw_color_bars, BARS, size, plot),
        "heading": (draw_heading, ["Valuescape", "point_mass"], ["60 fps"], size),
        "help": (draw_help, size),
    }
    for name, (draw, *arguments) in parts.items():
        area = boxes(drawn(draw, *arguments, layout=Layout(size)))
        assert area[:, :2].min() >= 0, name
        assert (area[:, 2:].max(axis=0) <= size).all(), name


@pytest.mark.parametrize("size", [(640, 360), (1280, 720)])
@pytest.mark.parametrize("bars", [BARS, BARS[:1]], ids=["both", "one"])
def test_bars_and_their_titles_do_not_overlap(size, bars):
    quads = drawn(draw_color_bars, bars, size, plot_rect(size, FONT.line_px))
    area = boxes(quads)
    gradients = area[quads["kind"] >= 2]
    assert len(gradients) == len(bars)
    assert (gradients[:, 3] - gradients[:, 1] > 20).all()
    glyphs = area[quads["kind"] == 1]
    for x0, y0, x1, y1 in gradients:
        apart = (glyphs[:, 2] <= x0) | (glyphs[:, 0] >= x1) | (glyphs[:, 3] <= y0) | (glyphs[:, 1] >= y1)
        assert apart.all()


def test_the_map_s_ticks_say_what_is_visible():
    """Zoomed in on a corner, its labels are of the visible part."""
    plot = plot_rect((1280, 720), FONT.line_px)
    written = []

    class Listening(Overlay):
        def label(self, x, y, text, *args, **kwargs):
            written.append(text)
            return True

    draw_map_axes(Listening(FONT), MapCamera(0.9, 0.9, 0.05), plot, AXES)
    assert written[-2:] == ["position (m)", "velocity (m/s)"]
    numbers = [float(each) for each in written[:-2]]
    horizontal, vertical = (
        [each for each in numbers if low <= each <= high] for low, high in ((2.55, 2.85), (4.25, 4.75))
    )
    assert min(len(horizontal), len(vertical)) > 2
    assert horizontal + vertical == numbers


@pytest.mark.gpu
def test_a_camera_on_its_way_moves_the_axes_alone(gl, monkeypatch):
    """Texts are laid out when they change, not with every frame of a turning view."""
    written = []
    monkeypatch.setattr(labels, "draw_heading", lambda *_: written.append("heading"))
    monkeypatch.setattr(labels, "draw_orbit_axes", lambda *_: written.append("axes"))
    made = labels.Labels(gl, AXES, 1.0, FrameMeter())
    viewer, scales = Viewer(flat=False, layer="value", trail_color="age"), labels.Scales(())
    for turn in range(3):
        viewer.orbit_camera = OrbitCamera(yaw=0.1 * turn)
        made.update(viewer, (640, 360), labels.Annotations(), scales)
    assert written == ["heading", "axes", "axes", "axes"]
    made.update(viewer, (640, 360), labels.Annotations(), scales)
    assert len(written) == 4
    made.update(viewer, (640, 360), labels.Annotations(labels.Heading(("new",))), scales)
    assert written.count("heading") == 2
    made.release()
