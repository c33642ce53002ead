"""The way from a place, lifted: its breaks, and when it is lifted again."""

import numpy as np

from valuescape.render.scene.way import Way
from valuescape.render.view.viewer import Viewer


def a_way():
    lifted = []

    def lift(positions):
        lifted.append(len(positions))
        return np.column_stack([positions, np.full(len(positions), 0.5)]).astype(np.float32)

    return Way(lift), Viewer(flat=True, layer="value", trail_color="age"), lifted


def test_a_way_breaks_where_it_crosses_a_periodic_edge():
    way, viewer, _ = a_way()
    viewer.place = "0.7, 0"
    viewer.path = np.array([(0.7, 0), (0.95, 0.1), (-0.9, 0.2), (-0.6, 0.2)], np.float32)
    points = way.points(viewer, 0)
    expected = [(0.7, 0, 0.5), (0.95, 0.1, 0.5), (np.nan,) * 3, (-0.9, 0.2, 0.5), (-0.6, 0.2, 0.5)]
    np.testing.assert_allclose(points, np.array(expected), rtol=1e-6)


def test_before_the_way_is_known_there_is_the_place_alone():
    way, viewer, _ = a_way()
    assert way.points(viewer, 0) is None
    viewer.place = "0.7, -0.25"
    np.testing.assert_allclose(way.points(viewer, 0), [(0.7, -0.25, 0.5)], rtol=1e-6)
    viewer.place = ""
    assert way.points(viewer, 0) is None


def test_a_way_is_lifted_again_only_with_another_surface_or_way():
    way, viewer, lifted = a_way()
    viewer.place = "0, 0"
    first = way.points(viewer, 0)
    assert way.points(viewer, 0) is first
    way.points(viewer, 1)
    viewer.path = np.zeros((3, 2), np.float32)
    way.points(viewer, 1)
    way.points(viewer, 1)
    assert lifted == [1, 1, 3]
