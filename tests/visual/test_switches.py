"""Every optimisation of the picture draws what its plain path draws."""

from dataclasses import replace

import numpy as np
import pytest
from recording import Recording, spirals, with_breaks

from gpu.meter import FrameMeter
from render.camera import MapCamera
from render.display import picture_bytes
from render.recorder import pixels
from render.scene import Heading, Scene
from render.viewer import Viewer
from sim.config import load_config
from sim.worlds import make_world
from valuescape.critic_field import make_critic_field
from valuescape.presets import find_checkpoint

pytestmark = [pytest.mark.gpu, pytest.mark.regression]

SIZE = 480, 270
AGENTS, TICKS = 300, 100  # agents of more than one work group, and a ring that has gone round
VISIBLE = 16 / 255


def recording(kind):
    if kind == "smooth":
        return Recording(spirals(AGENTS, TICKS))
    return Recording(*with_breaks(spirals(AGENTS, TICKS)))


def draw(gl, source, *switched_off, flat, camera=None):
    """Return the picture as [height, width, 3] float in 0..1, and the meter of its frame."""
    overrides = [f"features.{name}=false" for name in switched_off]
    config = load_config(None, [f"agents.count={AGENTS}", "heatmap.resolution=64", *overrides])
    world, meter = make_world("point_mass"), FrameMeter()
    critic = make_critic_field(gl, config, world, find_checkpoint("auto", world), meter)
    scene = Scene(gl, config, world, critic, meter, 1.0)
    try:
        scene.resize(SIZE)
        scene.field_changed()
        scene.upload(source, source.newest)
        viewer = Viewer(flat=flat, layer="both", trail_color="agent")
        viewer.map_camera = camera or viewer.map_camera
        meter.clear()
        scene.draw(viewer, Heading())
        drawn = replace(meter)
        return pixels(picture_bytes(scene.picture), SIZE) / 255, drawn, scene.segments_drawn
    finally:
        scene.release()
        critic.release()


@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("kind", ["smooth", "broken"])
@pytest.mark.parametrize("switch", ["batched_trails", "instanced_agents"])
def test_one_draw_or_many_make_the_same_pixels(gl, switch, kind, flat):
    source = recording(kind)
    batched, few, _ = draw(gl, source, flat=flat)
    plain, many, _ = draw(gl, source, switch, flat=flat)
    assert few.draw_calls == 4
    assert many.draw_calls > AGENTS / 2
    np.testing.assert_array_equal(batched, plain)


def test_culling_leaves_out_only_what_nobody_sees(gl):
    zoomed = MapCamera(center_x=0.3, center_y=0.2, reach=0.125)
    source = recording("broken")
    culled, _, fewer = draw(gl, source, flat=True, camera=zoomed)
    plain, _, all_of_them = draw(gl, source, "spatial_culling", flat=True, camera=zoomed)
    assert fewer < all_of_them
    # Without culling a trail out of view may be coarser or finer, but is not there to be seen.
    np.testing.assert_array_equal(culled, plain)


@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("kind", ["smooth", "broken"])
def test_levels_of_detail_are_not_seen(gl, kind, flat):
    source = recording(kind)
    levels, _, fewer = draw(gl, source, flat=flat)
    plain, _, all_of_them = draw(gl, source, "trail_lod", flat=flat)
    assert fewer < 0.6 * all_of_them
    difference = np.abs(levels - plain)
    assert np.sqrt((difference**2).mean()) < 0.012
    assert (difference.max(axis=2) > VISIBLE).mean() < 0.02
    assert np.quantile(difference, 0.999) < 0.25


def test_a_field_by_compute_shaders_is_the_one_by_torch(gl):
    source = recording("smooth")
    shaders, _, _ = draw(gl, source, flat=False)
    plain, _, _ = draw(gl, source, "gpu_heatmap", flat=False)
    # Heights differ by less than 1e-4 of the scale, which may move an edge by a part of a pixel.
    assert (np.abs(shaders - plain).max(axis=2) > VISIBLE).mean() < 0.001


@pytest.mark.parametrize("flat", [True, False])
def test_the_same_picture_twice(gl, flat):
    first, _, _ = draw(gl, recording("broken"), flat=flat)
    second, _, _ = draw(gl, recording("broken"), flat=flat)
    np.testing.assert_array_equal(first, second)
    assert first.std() > 0.05


def test_no_line_crosses_the_map_where_an_episode_ends(gl):
    """An agent that jumps from the left to the right edge leaves nothing in between."""
    positions = np.zeros((TICKS, AGENTS, 2), np.float32)
    positions[:50, :, 0], positions[50:, :, 0] = -2.5, 2.5
    positions[:, :, 1] = np.linspace(-4, 4, TICKS)[:, None]
    strands = np.repeat([0, 1], [50, 50])[:, None].repeat(AGENTS, axis=1)
    whole, _, _ = draw(gl, Recording(positions), flat=True)
    broken, _, _ = draw(gl, Recording(positions, strands), flat=True)
    empty, _, _ = draw(gl, Recording(np.full((TICKS, AGENTS, 2), 99.0)), flat=True)
    middle = np.s_[60:200, 200:260]
    assert np.abs(whole[middle] - empty[middle]).max() > 0.2
    np.testing.assert_array_equal(broken[middle], empty[middle])
