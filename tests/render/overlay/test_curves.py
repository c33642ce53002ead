"""Curves over training steps in a card: where points, intervals, dots and the mark are."""

import numpy as np
import pytest

from valuescape.render.overlay.cards import Card, draw_cards
from valuescape.render.overlay.curves import Curve, draw_curve
from valuescape.render.overlay.overlay import Overlay
from valuescape.render.overlay.text import Font
from valuescape.render.view.camera import Rect

FONT = Font(13)
PLACE, WIDTH = (100.0, 50.0), 300.0
BLUE, ORANGE = pytest.approx((0.34, 0.71, 0.91)), pytest.approx((0.90, 0.62, 0.0))


def drawn(curve, mark=None):
    overlay = Overlay(FONT)
    draw_curve(overlay, curve, PLACE, WIDTH, mark)
    return overlay.quads(), overlay.texts


def of_color(quads, color, alpha=None):
    chosen = [tuple(each[:3]) == color and alpha in (None, each[3]) for each in quads["color"].astype(float)]
    return quads[np.array(chosen)]


def test_a_line_goes_from_the_first_steps_to_the_last_and_up_with_the_value():
    quads, texts = drawn(Curve("return", ((0, -10, -11, -9), (50, 0, -1, 1), (100, 10, 9, 11)), said="10"))
    line = of_color(quads, BLUE, 1.0)
    starts, ends = line["corner"], line["corner"] + line["right"]
    assert starts[0, 0] == pytest.approx(PLACE[0], abs=1)
    assert ends[0, 0] == pytest.approx(starts[1, 0], abs=1.5)
    assert ends[1, 1] < starts[0, 1]  # pixels go down
    bands = of_color(quads, BLUE, 0.25)
    assert (bands["down"][:, 1] > 0).all()
    said = [each.text for each in texts]
    assert said[:2] == ["return", "10"]
    assert {"11.6", "−11.6"} <= set(said)


def test_dots_and_the_mark_are_at_their_steps():
    curve = Curve("return", ((0, 0, 0, 0), (100, 1, 1, 1)), dots=((25, 0.5), (75, 0.5)))
    quads, _ = drawn(curve, mark=50)
    dots = of_color(quads, ORANGE)["corner"][:, 0] + 1
    marks = quads[(quads["right"][:, 0] == 0) & (quads["right"][:, 1] > 5)]
    middle = marks["corner"][0, 0]
    assert dots.mean() == pytest.approx(middle, abs=1)
    assert dots[1] - dots[0] == pytest.approx(middle - PLACE[0], abs=1.5)


def test_one_wild_value_does_not_flatten_the_rest():
    values = [-1e6, *np.linspace(-10, 10, 40)]
    curve = Curve("V − G", tuple((float(i), v, v, v) for i, v in enumerate(values)))
    quads, _ = drawn(curve)
    line = of_color(quads, BLUE, 1.0)["corner"][5:, 1]
    assert np.ptp(line) > 5
    assert quads["corner"][:, 1].max() < PLACE[1] + 60


def test_a_card_leaves_curves_out_where_there_is_no_room():
    curve = Curve("return", ((0, 0, 0, 0), (1, 1, 1, 1)))
    card = Card("run", (("steps", "1"),), curves=(curve,) * 3, steps=1.0)
    heights = []
    for room in (400, 80):
        overlay = Overlay(FONT)
        draw_cards(overlay, (card,), Rect(0, 0, 600, room))
        heights.append(overlay.panels[0].height)
    assert heights[0] > 150
    assert heights[1] < 80


CURVE = Curve("return", ((0, 0, 0, 0), (50, 1, 0, 2), (100, 3, 2, 4)), said="3.1 (2 to 4)")
RUN = Card("run", (("steps", "100"),), curves=(CURVE,) * 3, steps=100.0)


def carded(area):
    overlay = Overlay(FONT)
    draw_cards(overlay, (RUN,), area)
    return overlay, overlay.panels[0]


def test_curves_are_small_where_a_card_would_cover_much_of_the_map():
    large, small = carded(Rect(0, 0, 900, 560)), carded(Rect(0, 0, 460, 300))
    assert [each.text for each in large[0].texts].count("3.1 (2 to 4)") == 3
    assert [each.text for each in small[0].texts].count("3.1") == 3
    assert small[1].width * small[1].height < 0.25 * 460 * 300 < large[1].width * large[1].height


def test_one_curve_is_left_in_a_tiny_map():
    overlay, panel = carded(Rect(0, 0, 400, 260))
    assert [each.text for each in overlay.texts].count("return") == 1
    assert panel.width * panel.height < 0.25 * 400 * 260


def test_a_small_curve_is_between_its_title_and_its_value():
    overlay, panel = carded(Rect(0, 0, 460, 300))
    titles = [each.box for each in overlay.texts if each.text == "return"]
    values = [each.box for each in overlay.texts if each.text == "3.1"]
    line = of_color(overlay.quads(), BLUE, 1.0)["corner"]
    assert len(line) == 6
    for index, (title, value) in enumerate(zip(titles, values, strict=True)):
        own = line[2 * index : 2 * index + 2]
        assert ((own[:, 0] > title.right - 1) & (own[:, 0] < value.left)).all()
        assert ((own[:, 1] > title.top - 2) & (own[:, 1] < title.bottom + 2)).all()
        assert value.right <= panel.right
