"""Pictures of made-up runs, as the program would draw them."""

from contextlib import ExitStack, contextmanager
from dataclasses import fields

import numpy as np

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.layers.registry import MAPS
from valuescape.gpu.passes.uploaded_field import UploadedField
from valuescape.render.displays.display import picture_bytes
from valuescape.render.displays.recorder import pixels
from valuescape.render.overlay.labels import Annotations, Heading
from valuescape.render.scene.scene import Scene
from valuescape.render.view.camera import MapCamera, OrbitCamera
from valuescape.render.view.looks import Looks
from valuescape.render.view.viewer import Viewer
from valuescape.sim.config.files import load_config
from valuescape.sim.insight.plane import grid_states, own_plane
from valuescape.sim.insight.signals import SignalScale
from valuescape.sim.insight.subject import Subject
from valuescape.sim.worlds import make_world

WORLD = make_world("point_mass")
INIT_FIELDS = {each.name for each in fields(Viewer) if each.init}
SIZE = (480, 270)


def hills(edge):
    """A landscape over the point mass's map [edge * edge] with a hill, a hollow and a ridge."""
    x, y = grid_states(own_plane(WORLD), edge)
    return (
        3 * np.exp(-((x - 0.8) ** 2 + (y - 1) ** 2))
        - 2 * np.exp(-((x + 1) ** 2 + y**2 / 2))
        + np.cos(2 * y) / 3
    )


class MadeUpSignals:
    """A signal as a test wants it: rows [ticks, agents]."""

    decay = 0.9

    def __init__(self, signal, rows, **scale):
        self.signal, self.scale = signal, SignalScale(signal.name, **scale)
        self._rows = rows.astype(np.float32)

    def row(self, tick, agents):
        assert self._rows.shape[1] == agents
        return self._rows[tick]


class Camera:
    """A scene with its trails, to be drawn with different viewers."""

    def __init__(self, scene, meter, config):
        self.scene, self.meter, self.looks = scene, meter, Looks.of(config)

    def shoot(self, heading=Heading(), cards=(), **viewer):  # noqa: B008 - a frozen value
        """Return a picture [height, width, 3]; keywords are the viewer's, or those of its cameras."""
        view = Viewer(
            **{"flat": True, "layer": "value", "trail_color": "age", "looks": self.looks}
            | {name: value for name, value in viewer.items() if name in INIT_FIELDS}
        )
        view.lift = viewer.get("lift", view.lift)
        view.map_camera, view.orbit_camera = (
            kind(**{name: value for name, value in viewer.items() if name in kind.__dataclass_fields__})
            for kind in (MapCamera, OrbitCamera)
        )
        self.meter.clear()
        self.scene.draw(view, Annotations(heading, cards))
        return pixels(picture_bytes(self.scene.picture), self.scene.picture.size).astype(int)


@contextmanager
def studio(gl, source, *settings, field=hills, size=SIZE, signals=None, scale=1.0, world=WORLD, maps=MAPS):
    """Yield a camera on the end of a recording. field: edge -> values [edge * edge]; None for no critic.

    signals: what trails are coloured by, as `sim.insight.signals.Signals`. scale: pixels a logical pixel.
    world: any whose map is the point mass' own. maps: those that can be shown.
    """
    agents, length = source.positions.shape[1], len(source.positions)
    shape = [f"agents.count={agents}", f"trails.length={max(2, length)}", "heatmap.resolution=64"]
    # Every trail by itself, unless a test says otherwise.
    common = ["heatmap.density_resolution=64", "lod.segment_budget=0"]
    config = load_config(None, [*shape, *common, *settings])
    meter = FrameMeter()
    with ExitStack() as owned:
        critic = None
        if field is not None:
            critic = UploadedField(gl, config.heatmap.resolution, meter)
            owned.callback(critic.release)
            critic.write(field(config.heatmap.resolution))
        scene = Scene(gl, Subject(config, world), critic, meter, scale, maps)
        owned.callback(scene.release)
        scene.resize(size)
        scene.field_changed()
        scene.take_ticks(source, source.newest, signals)
        scene.read_scales()
        yield Camera(scene, meter, config)
