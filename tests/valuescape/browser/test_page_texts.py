"""The texts beside a picture, as messages for pages."""

import json
import math

import pytest

from valuescape.browser.page_texts import PageTexts
from valuescape.render.overlay.cards import Card
from valuescape.render.overlay.curves import Curve
from valuescape.render.overlay.labels import Annotations


def told_curve(curve):
    """Return a curve as a page reads it."""
    card = Card("run", (("steps", "1"),), curves=(curve,), steps=1.0)
    message = PageTexts().tell(Annotations(cards=(card,)), (0.0, 1.0), help_shown=False)
    return json.loads(json.dumps(message, allow_nan=False))["cards"][0]["curves"][0]


def test_a_curve_is_told_with_the_ends_of_its_axis():
    """Those of the picture: of all values, of which a few wild ones do not flatten the rest."""
    values = [-1e6, math.nan, *map(float, range(-10, 11))]
    told = told_curve(Curve("return", tuple((float(i), v, v, v) for i, v in enumerate(values))))
    assert told["points"][1] == [1, None, None, None]
    low, high = told["ends"]
    inner = -9.0, 9.0  # without a tenth at each side
    assert low == pytest.approx(inner[0] - 2 * 18 - 0.08 * (10 - inner[0] + 2 * 18), rel=0.05)
    assert 10 < high < 15


def test_values_that_are_almost_the_same_have_an_axis():
    low, high = told_curve(Curve("return", ((0, 1e5, 1e5, 1e5), (1, 1e5 + 0.1, 1e5, 1e5))))["ends"]
    assert low < 1e5 < 1e5 + 0.1 < high < 1e5 + 1
    low, high = told_curve(Curve("return", ((0, math.nan, math.nan, math.nan),)))["ends"]
    assert low < 0 < high


def test_a_long_curve_is_thinned_and_keeps_its_end():
    told = told_curve(Curve("return", tuple((float(i), 0.0, 0.0, 0.0) for i in range(1001))))
    assert len(told["points"]) <= 400
    assert told["points"][-1][0] == 1000
