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
