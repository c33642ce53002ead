"""Everything that is made on the GPU is released."""

import ctypes

import numpy as np
import pytest
from recording import Recording, spirals

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.uploaded_field import UploadedField
from valuescape.presets import find_checkpoint
from valuescape.render.overlay.labels import Annotations, Heading
from valuescape.render.scene.scene import Scene
from valuescape.render.view.viewer import Viewer
from valuescape.run.critic_field import critic_and_landscape
from valuescape.sim.config.files import load_config
from valuescape.sim.insight.subject import Subject
from valuescape.sim.worlds import make_world

pytestmark = pytest.mark.gpu


KINDS = ("Buffer", "Texture", "Renderbuffer", "Framebuffer", "Program", "Shader", "VertexArray")


def live_objects(gl):
    """Return how many objects of each kind there are: OpenGL is asked for every name up to the next."""
    egl = ctypes.CDLL("libEGL.so.1")
    egl.eglGetProcAddress.restype = ctypes.c_void_p
    is_kind = ctypes.CFUNCTYPE(ctypes.c_ubyte, ctypes.c_uint)
    ask = {kind: is_kind(egl.eglGetProcAddress(f"glIs{kind}".encode())) for kind in KINDS}
    # A program that was released while it was in use is there until another takes its place.
    ctypes.CFUNCTYPE(None, ctypes.c_uint)(egl.eglGetProcAddress(b"glUseProgram"))(0)
    probes = [gl.buffer(reserve=4), gl.compute_shader(NOTHING), gl.texture((1, 1), 4)]
    highest = max(each.glo for each in probes)
    for each in probes:
        each.release()
    return {kind: sum(ask[kind](name) for name in range(1, highest + 1)) for kind in KINDS}


NOTHING = "#version 430\nlayout(local_size_x = 1) in;\nvoid main() {}"


def use_a_scene(gl, *settings):
    """Make everything that a run makes, draw in two sizes, release it."""
    small = ["agents.count=20", "heatmap.resolution=16", "heatmap.density_resolution=16"]
    config = load_config(None, [*small, *settings])
    world, meter = make_world("point_mass"), FrameMeter()
    checkpoint = find_checkpoint(config.policy.checkpoint, world)
    _, critic = critic_and_landscape(gl, config, world, checkpoint, meter)
    scene = Scene(gl, Subject(config, world, checkpoint), critic, meter, 1.0)
    viewer = Viewer(flat=False, layer="both", trail_color="age")
    source = Recording(spirals(20, 4))
    for tick, size in enumerate([(160, 120), (200, 160)]):
        scene.resize(size)
        scene.field_changed()
        scene.take_ticks(source, tick)
        scene.draw(
            viewer, Annotations(Heading(("x" * 600 * tick,)))
        )  # so long that the labels' buffer has to grow
    scene.release()
    if critic:
        critic.release()


@pytest.mark.parametrize(
    "settings",
    [
        (),
        ("features.gpu_heatmap=false", "features.batched_trails=false", "features.instanced_agents=false"),
        ("policy.checkpoint=random",),
        ("lod.segment_budget=64",),
    ],
    ids=["fast", "plain", "no critic", "crowd"],
)
def test_scenes_leave_no_objects(gl, settings):
    use_a_scene(gl, *settings)
    before = live_objects(gl)
    for _ in range(20):
        use_a_scene(gl, *settings)
    assert live_objects(gl) == before


def test_the_counting_itself_sees_every_kind(gl):
    before = live_objects(gl)
    made = [gl.buffer(reserve=4), gl.texture((1, 1), 4), gl.depth_renderbuffer((1, 1))]
    made += [gl.framebuffer(made[1]), gl.compute_shader(NOTHING)]
    made.append(gl.program(vertex_shader="#version 430\nvoid main() { gl_Position = vec4(gl_VertexID); }"))
    made.append(gl.vertex_array(made[-1], []))
    more = {kind: count - before[kind] for kind, count in live_objects(gl).items()}
    for each in reversed(made):
        each.release()
    assert all(more[kind] >= 1 for kind in KINDS if kind != "Shader"), more
    assert live_objects(gl) == before


def test_a_scene_that_cannot_be_made_leaves_no_objects(gl, monkeypatch):
    before = live_objects(gl)

    def fail(*_):
        raise RuntimeError("no labels")

    monkeypatch.setattr("valuescape.render.overlay.labels.OverlayRenderer", fail)
    with pytest.raises(RuntimeError, match="no labels"):
        use_a_scene(gl, "policy.checkpoint=random")
    after = live_objects(gl)
    assert all(after[kind] <= before[kind] for kind in KINDS)  # fewer, if one was still in use before


def test_a_scene_changes_its_size_without_an_error(gl):
    """After a framebuffer was released that was in use: a window that is resized does so."""
    config, world = load_config(None, ["agents.count=1"]), make_world("point_mass")
    field = UploadedField(gl, 8, FrameMeter())
    field.write(np.arange(64, dtype=np.float32))
    scene = Scene(gl, Subject(config, world), field, FrameMeter(), 1.0)
    for size in ((300, 200), (200, 300), (200, 300), (500, 400)):
        scene.resize(size)
        assert scene.picture.size == size
        scene.draw(Viewer(flat=True, layer="value", trail_color="age"), Annotations())
        assert gl.error == "GL_NO_ERROR"
    scene.release()
    field.release()
