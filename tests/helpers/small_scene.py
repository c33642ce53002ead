"""A small scene, drawn and presented on any display."""

import numpy as np

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.uploaded_field import UploadedField
from valuescape.render.displays.display import picture_bytes
from valuescape.render.overlay.labels import Annotations, Heading
from valuescape.render.scene.scene import Scene
from valuescape.render.view.viewer import Viewer
from valuescape.sim.config.files import load_config
from valuescape.sim.insight.subject import Subject
from valuescape.sim.worlds import make_world


def a_viewer(**changes):
    """Return a view of the flat map, with changes."""
    return Viewer(**{"flat": True, "layer": "value", "trail_color": "age", **changes})


def hills(edge=32):
    x, y = np.meshgrid(*[np.linspace(-3, 3, edge)] * 2)
    return (np.sin(x) * np.cos(y)).astype(np.float32)


def drawn(display, viewer, size=None):
    """Present a small scene on a display; returns its picture's bytes, top row first."""
    config = load_config(None, ["agents.count=1", "render.mesh_resolution=16"])
    meter = FrameMeter()
    field = UploadedField(display.gl, 32, meter)
    field.write(hills().ravel())
    scene = Scene(display.gl, Subject(config, make_world("point_mass")), field, meter, display.pixel_scale)
    try:
        scene.resize(size or display.size_px)
        scene.field_changed()
        scene.draw(viewer, Annotations(Heading(("A scene",), ("for a test",))))
        display.present(scene.picture)
        assert display.gl.error == "GL_NO_ERROR"
        return picture_bytes(scene.picture)
    finally:
        scene.release()
        field.release()
