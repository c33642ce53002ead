"""Widths of words."""

import pytest

from valuescape.render.overlay.text import CHARACTERS, Font


@pytest.mark.parametrize(("size_px", "width"), [(13, 75.0), (26, 150.0)])
def test_a_word_is_as_wide_on_every_machine(size_px, width):
    # Pillow's other layout engine, taken where libfribidi is installed, makes it 74.83 and 149.70 wide.
    assert Font(size_px).width("Valuescape") == width


def test_advances_are_whole_pixels_so_that_no_rounding_moves_a_letter():
    font = Font(13)
    assert all(float(font.glyphs[each].advance).is_integer() for each in CHARACTERS)
