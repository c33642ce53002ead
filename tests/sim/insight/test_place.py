"""Places of the map as text."""

import math

import pytest

from valuescape.sim.errors import UsageError
from valuescape.sim.insight.place import ground_of, place_of, place_text, require_place
from valuescape.sim.insight.plane import own_plane
from valuescape.sim.worlds import make_world


def test_two_numbers_are_a_place_and_nothing_is_none():
    assert place_of(" 0.3,-2e-2 ") == (0.3, -0.02)
    assert place_of(" ") is None


@pytest.mark.parametrize("text", ["1", "1, 2, 3", "a, 1", "nan, 0", "0, inf", "1; 2", ","])
def test_anything_else_is_refused(text):
    with pytest.raises(UsageError, match="expected two numbers with a comma between them"):
        place_of(text)


def test_a_place_has_to_be_on_the_map():
    plane = own_plane(make_world("mountain_car"))
    require_place("", plane)
    require_place("-1.2, 0.07", plane)
    with pytest.raises(UsageError, match=r"position is -1\.3, expected from -1.2 to 0.6"):
        require_place("-1.3, 0", plane)
    with pytest.raises(UsageError, match=r"velocity is 0.3, expected from -0.07 to 0.07"):
        require_place("0, 0.3", plane)


@pytest.mark.parametrize(
    "bounds",
    [((-1.2, -0.07), (0.6, 0.07)), ((-math.pi, -8), (math.pi, 8)), ((1e4, 0), (1e4 + 1e-3, 0.69813170079))],
)
@pytest.mark.parametrize("ground", [(-1, 1), (1, -1), (0, 0), (0.123456789, -0.987654321)])
def test_a_point_of_the_ground_comes_back_from_its_text(ground, bounds):
    text = place_text(ground, bounds)
    place = place_of(text)
    assert all(low <= at <= high for at, low, high in zip(place, *bounds, strict=True))
    assert ground_of(place, bounds) == pytest.approx(ground, abs=1.01e-6)
    assert place_text(ground_of(place, bounds), bounds) == text


def test_texts_are_short():
    assert place_text((-0.2, 1e-9), ((-1.2, -0.07), (0.6, 0.07))) == "-0.48, 0.0"
