"""Optimisations change no picture: pixel for pixel, or by less than a person sees."""

import numpy as np
import pytest
from pictures import studio
from recording import Recording, spirals, with_breaks

from valuescape.sim.insight.signal_kinds import REWARD
from valuescape.sim.insight.signals import SignalScale

pytestmark = [pytest.mark.gpu, pytest.mark.regression]

VIEWS = {
    "map": {"flat": True},
    "map, zoomed": {"flat": True, "center_x": 0.35, "center_y": 0.15, "reach": 0.06},
    "height field": {"flat": False},
    "height field, near": {"flat": False, "distance": 0.5, "pitch": 1.0, "target_x": 0.4, "target_y": 0.2},
}


def crowd(agents=300, ticks=64, broken=True):
    positions = spirals(agents, ticks, seed=5)
    return Recording(*with_breaks(positions)) if broken else Recording(positions)


def pair(gl, source, switch, view, size=(480, 270)):
    """Return the pictures with a switch on and off, and the draw calls each took."""
    shots, calls = [], []
    for state in ("true", "false"):
        with studio(gl, source, f"features.{switch}={state}", size=size) as camera:
            shots.append(camera.shoot(**VIEWS[view]))
            calls.append(camera.meter.draw_calls)
    return *shots, calls


@pytest.mark.parametrize("view", VIEWS)
def test_trails_in_one_draw_are_those_drawn_one_by_one(gl, view):
    on, off, calls = pair(gl, crowd(), "batched_trails", view)
    assert calls[0] == 4
    assert calls[1] > 40
    np.testing.assert_array_equal(on, off)


@pytest.mark.parametrize("view", VIEWS)
def test_agents_in_one_draw_are_those_drawn_one_by_one(gl, view):
    on, off, calls = pair(gl, crowd(), "instanced_agents", view)
    assert calls == [4, 603]  # of each, its mark and that of its last episode's end
    np.testing.assert_array_equal(on, off)


class MadeUp:
    """A signal on a scale that follows nothing."""

    signal, decay, scale = REWARD, 0.0, SignalScale("made up", -1.0, 1.0, signed=True)

    def row(self, tick, agents):
        """Numbers, of which every eighth is unknown."""
        row = np.sin(np.arange(agents, dtype=np.float32) + tick)
        row[::8] = np.nan
        return row


@pytest.mark.parametrize("color", ["age", "agent", "reward"])
@pytest.mark.parametrize("view", ["map", "height field"])
def test_a_crowd_of_the_processor_s_cells_is_that_of_the_shaders(gl, view, color):
    """Pixel by pixel, with individuals over it, before and after other agents are drawn."""
    signals = MadeUp() if color == "reward" else None
    shots = []
    for state in ("true", "false"):
        crowd_by = f"features.binned_crowd={state}", "lod.segment_budget=900"
        settings = *crowd_by, "features.painted_map=false"  # which rounds otherwise
        with studio(gl, crowd(), *settings, size=(480, 270), signals=signals) as camera:
            scene = camera.scene
            assert scene.trails.ring.drawn == (state == "true")
            look = {**VIEWS[view], "trail_color": color}
            shots.append([camera.shoot(**look)])
            scene.keep_to_budget(scene.trails.segments_drawn, 1.0, 10.0)
            scene.highlight(np.array([7, 250]))
            shots[-1].append(camera.shoot(**look))
            shots[-1].append(scene.fields.density.read_visits())
    for on, off in zip(*shots, strict=True):
        np.testing.assert_array_equal(on, off)
    assert (shots[0][0] != shots[0][1]).any()


@pytest.mark.parametrize("view", VIEWS)
def test_trails_out_of_view_are_not_missed(gl, view):
    on, off, _ = pair(gl, crowd(), "spatial_culling", view)
    np.testing.assert_array_equal(on, off)


@pytest.mark.parametrize("view", ["map", "height field"])
def test_heights_one_by_one_change_nothing_that_is_seen(gl, view):
    """They are rounded in another order, and an edge's pixel may be a little lighter."""
    on, off, _ = pair(gl, crowd(60, 16), "vectorized_heights", view)
    rmse, share = changed(on, off)
    assert rmse < 0.2
    assert share == 0


def drawn_trails(gl, source, view, *settings):
    with studio(gl, source, *settings) as camera:
        camera.shoot(**VIEWS[view])
        return int(camera.scene.trails._lod.read_commands()["instances"].sum())


@pytest.mark.parametrize("view", ["map, zoomed", "height field, near"])
def test_in_these_views_many_trails_are_culled(gl, view):
    """Else the test above would compare a picture with itself."""
    source = crowd()
    assert drawn_trails(gl, source, view, "features.spatial_culling=false") == 300
    assert 10 < drawn_trails(gl, source, view) < 200


SEEN = 16
"""Smallest change of a pixel that can be seen, of 255."""


def changed(on, off):
    """Return the root mean square of the change, and the share of pixels where it can be seen."""
    change = np.abs(on - off)
    return float(np.sqrt((change**2).mean())), float((change.max(axis=2) > SEEN).mean())


def blurred(picture, edge=5):
    """Return the mean of every `edge` x `edge` pixels: shifts by less than a pixel all but vanish."""
    sums = np.pad(picture, ((1, 0), (1, 0), (0, 0))).cumsum(axis=0).cumsum(axis=1)
    return (sums[edge:, edge:] - sums[:-edge, edge:] - sums[edge:, :-edge] + sums[:-edge, :-edge]) / edge**2


def apart(broken):
    """Twelve trails, each in a place of its own."""
    positions, strands = spirals(12, 64, seed=2, size=0.9), None
    if broken:
        positions, strands = with_breaks(positions, every=25)
    columns, rows = np.tile(np.linspace(-2.2, 2.2, 4), 3), np.repeat([-3.3, 0.0, 3.3], 4)
    return Recording(positions + np.stack([columns, rows], axis=1), strands)


@pytest.mark.parametrize("view", ["map", "height field"])
@pytest.mark.parametrize("broken", [False, True], ids=["smooth", "broken"])
def test_a_coarser_trail_looks_the_same(gl, view, broken):
    """Nowhere is a piece missing or too much, and only 1 pixel in 1,000 changes so that it could be seen."""
    on, off, _ = pair(gl, apart(broken), "trail_lod", view, size=(1280, 720))
    rmse, share = changed(on, off)
    assert 0 < rmse < 0.6
    assert share < 0.001
    assert np.abs(blurred(on) - blurred(off)).max() < 10


@pytest.mark.parametrize("view", ["map", "map, zoomed", "height field"])
@pytest.mark.parametrize("broken", [False, True], ids=["smooth", "broken"])
def test_a_crowd_of_coarser_trails_looks_the_same(gl, view, broken):
    """Here trails of different levels also change places, where they lie on one another."""
    on, off, _ = pair(gl, crowd(broken=broken), "trail_lod", view, size=(1280, 720))
    rmse, share = changed(on, off)
    assert 0 < rmse < 2.5
    assert share < 0.01


def segments(gl, source, *settings):
    with studio(gl, source, *settings, size=(1280, 720)) as camera:
        camera.shoot(flat=True)
        return camera.scene.trails.segments_drawn


def test_coarser_trails_have_fewer_segments(gl):
    for broken, factor in ((False, 3), (True, 1.5)):
        source = crowd(broken=broken)
        all_of_them = segments(gl, source, "features.trail_lod=false")
        assert all_of_them == 300 * 63
        assert factor * segments(gl, source) < all_of_them
