"""A frame's work for trails of 64 ticks: with an object each, with a draw call each, with one draw call.

With an object each, as drawing libraries are often used, a ribbon is built for every agent, written into a
buffer of its own, and drawn. The other two are `features.batched_trails` off and on: a tick's row is uploaded
and placed, and trails are drawn; levels of detail, which another switch controls, are chosen once.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import moderngl
import numpy as np
import pytest
from numpy.typing import NDArray

from valuescape.benchmarks.conftest import Measure
from valuescape.benchmarks.made_up import BOUNDS, WORLD, MadeUpCrowd, hills
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.uploaded_field import UploadedField
from valuescape.gpu.shader_source import install_includes
from valuescape.render.overlay.labels import Annotations
from valuescape.render.scene.scene import Scene
from valuescape.render.view.viewer import viewer_of
from valuescape.sim.config.files import load_config
from valuescape.sim.insight.subject import Subject

COUNTS, LENGTH, FRAMES = (10, 100, 1_000), 64, 600
PICTURE = (64, 36)
"""Size so small that pixels cost nothing, on a software driver too."""

_VERTEX = """
#version 330
uniform vec2 map_low, map_high; in vec2 in_position; in float in_age; out float age;
void main() {
    age = in_age;
    gl_Position = vec4((in_position - map_low) / (map_high - map_low) * 2.0 - 1.0, 0.0, 1.0);
}"""
_FRAGMENT = """
#version 330
uniform vec3 color; in float age; out vec4 shown;
void main() { shown = vec4(color, 0.85 * age); }"""


class TrailObject:
    """The trail of one agent: a ribbon that is built anew in every frame."""

    def __init__(self, gl: Any, program: Any) -> None:
        self._program = program
        self._vertices = np.zeros((LENGTH, 2, 3), np.float32)
        self._buffer = gl.buffer(reserve=self._vertices.nbytes)
        self._vao = gl.vertex_array(program, [(self._buffer, "2f 1f", "in_position", "in_age")])

    def draw(self, path: NDArray[np.float32], color: tuple[float, float, float]) -> None:
        """Draw a path [LENGTH, 2]."""
        along = np.gradient(path, axis=0)
        across = np.column_stack([-along[:, 1], along[:, 0]])
        across *= 0.01 / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
        self._vertices[:, 0, :2], self._vertices[:, 1, :2] = path - across, path + across
        self._vertices[:, :, 2] = np.linspace(0, 1, LENGTH)[:, None]
        self._buffer.write(self._vertices)
        self._program["color"].value = color
        self._vao.render(moderngl.TRIANGLE_STRIP)

    def release(self) -> None:
        """Free the buffer."""
        self._vao.release()
        self._buffer.release()


def objects(gl: Any, own: Callable[[Any], Any], count: int) -> Callable[[], None]:
    """Return a call that draws a frame of trails, with an object each."""
    crowd, target = MadeUpCrowd(count, FRAMES), own(gl.simple_framebuffer(PICTURE))
    program = own(gl.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT))
    program["map_low"].value, program["map_high"].value = BOUNDS
    trails = [own(TrailObject(gl, program)) for _ in range(count)]
    newest = LENGTH

    def frame() -> None:
        nonlocal newest
        newest = newest + 1 if newest < FRAMES else LENGTH
        target.use()
        for agent, trail in enumerate(trails):
            trail.draw(crowd.positions[newest - LENGTH : newest, agent], (0.9, agent % 7 / 7, 0.3))
        gl.finish()

    return frame


def scene_frames(gl: Any, own: Callable[[Any], Any], count: int, *, batched: bool) -> Callable[[], None]:
    """Return a call that draws a frame of trails as the program does."""
    settings = [f"agents.count={count}", f"features.batched_trails={str(batched).lower()}"]
    config = load_config(None, [*settings, "lod.segment_budget=0", f"trails.length={LENGTH}"])
    install_includes(gl)
    meter, crowd = FrameMeter(), MadeUpCrowd(count, FRAMES)
    field = own(UploadedField(gl, 32, meter))
    field.write(hills(32).ravel())
    scene: Scene = own(Scene(gl, Subject(config, WORLD), field, meter, 1.0))
    scene.resize(PICTURE)
    scene.field_changed()
    scene.take_ticks(crowd, LENGTH)
    viewer = viewer_of(config, ("age",))
    scene.draw(viewer, Annotations())
    looks, trails = replace(viewer.looks, agent_opacity=0.0), scene.trails
    newest = LENGTH

    def frame() -> None:
        nonlocal newest
        newest += 1
        crowd_tick = Repeated(crowd, newest)
        scene.fields.bind_heights()
        trails.place(trails.take_ticks(crowd_tick, newest, None), scene.fields.height_layer)
        trails.bind()
        trails.draw(looks, scene.target.begin(), flat=True)
        gl.finish()

    return frame


class Repeated:
    """The rows of a crowd, repeated, so that every tick has one."""

    def __init__(self, crowd: MadeUpCrowd, newest: int) -> None:
        self._crowd, self._newest = crowd, newest

    def row(self, name: str, tick: int) -> NDArray[Any]:
        """Return a row of `trail_position` or `trail_strand`."""
        return self._crowd.row(name, tick % FRAMES)

    def trail_intact(self, tick: int) -> bool:
        """Return whether the tick is there: nothing is overwritten."""
        return tick <= self._newest

    def recent_row(self, name: str, tick: int) -> NDArray[Any] | None:
        """Return a row of `ending`."""
        return self._crowd.recent_row(name, tick % FRAMES)


@pytest.mark.parametrize("count", COUNTS)
def bench_object_each(measure: Measure, gl: Any, own: Callable[[Any], Any], count: int) -> None:
    """A ribbon is built, written and drawn for every agent."""
    measure("an object each", count, objects(gl, own, count))


@pytest.mark.parametrize("count", COUNTS)
def bench_draw_each(measure: Measure, gl: Any, own: Callable[[Any], Any], count: int) -> None:
    """One buffer of all trails, and a draw call a trail."""
    measure("a draw call each", count, scene_frames(gl, own, count, batched=False))


@pytest.mark.parametrize("count", COUNTS)
def bench_one_draw(measure: Measure, gl: Any, own: Callable[[Any], Any], count: int) -> None:
    """One buffer, one indirect draw."""
    measure("all in one", count, scene_frames(gl, own, count, batched=True))
