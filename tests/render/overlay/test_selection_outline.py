"""The lines around what is selected."""

import numpy as np
import pytest

from valuescape.render.overlay.overlay import Overlay
from valuescape.render.overlay.selection_outline import draw_selection
from valuescape.render.overlay.text import Font
from valuescape.render.view.camera import Rect
from valuescape.render.view.viewer import Viewer

SIZE = (1280, 720)
FRAME = (420.0, 250.0, 700.0, 430.0)
PLOT = Rect(80, 40, 1000, 600)


def hills(ground):
    """Two hills and a valley, as high as the scene lets them be."""
    x, y = ground.T
    z = 0.31 * (1 + np.sin(2.4 * x) * np.cos(1.9 * y + 0.4))
    return np.column_stack([x, y, z]).astype(np.float32)


def lines(viewer):
    overlay = Overlay(Font(13))
    draw_selection(overlay, viewer, SIZE, PLOT)
    return overlay.quads()


def test_what_is_chosen_is_ruled():
    viewer = Viewer(flat=False, layer="value", trail_color="age")
    assert len(lines(viewer)) == 0
    viewer.frame = FRAME
    assert len(lines(viewer)) == 4
    viewer.take_frame(SIZE, hills, PLOT)
    assert viewer.frame is None
    around = lines(viewer)
    assert len(around) > 40
    corners = around["corner"]
    assert corners[:, 0].min() == pytest.approx(FRAME[0], abs=6)
    assert corners[:, 1].max() == pytest.approx(FRAME[3], abs=6)
    viewer.flat, viewer.lift = True, 0.0
    assert len(lines(viewer)) == len(around)  # on the map it stays where it is
    viewer.box = (-0.5, -0.5, 0.5, 0.5)
    assert len(lines(viewer)) == 4
