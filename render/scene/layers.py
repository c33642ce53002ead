"""Draw calls of the scene: surface, trails, marks. Each draws what the passes prepared."""

from enum import Enum
from typing import Any

import moderngl
import numpy as np

from valuescape.gpu.dispatch import set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.individuals import Individuals
from valuescape.gpu.owner import Owner
from valuescape.gpu.passes.lod import LodPass
from valuescape.gpu.passes.splat import SplatPass
from valuescape.gpu.shader_source import draw_program
from valuescape.gpu.structs import DRAW_COMMAND, TRAIL_INSTANCE


class SurfaceFill(Enum):
    """What the map is painted with. Values are the fragment shaders of the height field and the flat map."""

    MAP = "surface/surface", "surface/map"
    MAP_AND_CROWD = "surface/surface_crowd", "surface/map_crowd"
    # The texture bound as KEPT, as large as the picture, is in the map's place.
    KEPT_AND_CROWD = "surface/surface_kept", "surface/map_kept"


_VERTICES = "surface/surface", "surface/map"


class SurfaceLayer(Owner):
    """The map as a height field (`mesh_edge` vertices an edge), or flat."""

    def __init__(self, gl: Any, mesh_edge: int, meter: FrameMeter) -> None:
        super().__init__()
        self._meter = meter
        self.mesh_edge = mesh_edge
        with self._making():
            indices = self._own(gl.buffer(_grid_indices(mesh_edge).tobytes()))
            self._meshes, self._triangles = {}, {}
            for fill in SurfaceFill:
                raised, flat = zip(_VERTICES, fill.value, strict=True)
                self._meshes[fill] = self._array(gl, raised, index_buffer=indices)
                self._triangles[fill] = self._array(gl, flat)

    def _array(self, gl: Any, shaders: tuple[str, str], **more: Any) -> Any:
        program = self._own(draw_program(gl, *shaders))
        return self._own(gl.vertex_array(program, [], **more))

    def draw(self, fill: SurfaceFill, *, flat: bool) -> None:
        """Draw the map. flat: without the mesh."""
        array = (self._triangles if flat else self._meshes)[fill]
        array.render(moderngl.TRIANGLES, vertices=3 if flat else -1)
        self._meter.draw_calls += 1


def _grid_indices(edge: int) -> Any:
    """Return the vertices of two triangles a cell of a grid of `edge` x `edge` vertices, [n] uint32."""
    corner = (np.arange(edge - 1)[:, None] * edge + np.arange(edge - 1)).ravel()
    offsets = np.array([0, 1, edge, edge, 1, edge + 1])
    return (corner[:, None] + offsets).astype(np.uint32).ravel()


class TrailLayer(Owner):
    """Every trail that `LodPass` listed: one instanced, indirect draw, one command a level.

    With `batched` off there is one draw call a trail, in the same order and with the same pixels: the plain
    path.
    """

    def __init__(self, gl: Any, lod: LodPass, *, batched: bool, meter: FrameMeter) -> None:
        super().__init__()
        self._gl, self._meter = gl, meter
        self._lod, self._batched = lod, batched
        self._program = self._own(draw_program(gl, "trails/trails"))
        self._make()

    def _make(self) -> None:
        instances = self._lod.instances
        self._vao = self._own(self._gl.vertex_array(self._program, [(instances, "2u /i", "in_trail")]))
        most = instances.size // TRAIL_INSTANCE.itemsize
        single = None if self._batched else self._gl.buffer(reserve=most * DRAW_COMMAND.itemsize)
        self._single = single and self._own(single)

    def fit_to_lists(self) -> None:
        """Draw from the lists that the pass has now, after `LodPass.fit_to_ring`."""
        self._free(self._vao)
        if self._single is not None:
            self._free(self._single)
        self._make()

    def draw(self) -> None:
        """Draw all trails."""
        if self._single is None:
            self._vao.render_indirect(self._lod.commands, moderngl.TRIANGLE_STRIP, count=self._lod.levels)
            self._meter.draw_calls += 1
            return
        commands = _one_by_one(self._lod.read_commands())
        if len(commands):
            self._single.write(commands.tobytes())
        for index in range(len(commands)):
            self._vao.render_indirect(self._single, moderngl.TRIANGLE_STRIP, count=1, first=index)
            self._meter.draw_calls += 1


class SplattedTrails(Owner):
    """Every trail that `LodPass` chose, by a compute shader that sums them and one draw over the picture."""

    def __init__(self, gl: Any, splats: SplatPass, meter: FrameMeter) -> None:
        super().__init__()
        self._gl, self._splats, self._meter = gl, splats, meter
        with self._making():
            self._program = self._own(draw_program(gl, "glow/whole", "trails/blend"))
            self._whole = self._own(gl.vertex_array(self._program, []))

    def draw(self, target: Any, individuals: int, *, flat: bool) -> None:
        """Draw all trails into the viewport of `target`, which is bound and has a texture of depths.

        flat: all trails are in sight. Depths are tested by the shader; the test is left as it was.
        """
        left, bottom, width, height = pane = target.viewport
        self._splats.update(individuals, pane, None if flat else target.depth_attachment)
        set_uniforms(self._program, origin=(left, bottom), size=(width, height))
        self._gl.disable(moderngl.DEPTH_TEST)
        self._whole.render(moderngl.TRIANGLES, vertices=3)
        self._meter.draw_calls += 1
        if not flat:
            self._gl.enable(moderngl.DEPTH_TEST)


def _one_by_one(commands: Any) -> Any:
    """Return a command [n] for each instance of `commands` [levels], in order (dtype DRAW_COMMAND)."""
    single = np.repeat(commands, commands["instances"])
    within = np.concatenate([np.arange(count) for count in commands["instances"]])
    single["base_instance"] += within.astype(np.uint32)
    single["instances"] = 1
    return single


class AgentLayer(Owner):
    """A mark at the end of each individual's last episode, and one at the individual.

    With `instanced` off there is one draw call a mark: the plain path.
    """

    def __init__(self, gl: Any, individuals: Individuals, *, instanced: bool, meter: FrameMeter) -> None:
        super().__init__()
        self._gl, self._meter = gl, meter
        self._individuals, self._instanced = individuals, instanced
        self._program = self._own(draw_program(gl, "marks/agents"))
        self._make()

    def _make(self) -> None:
        numbers = np.arange(2 * self._individuals.agents, dtype=np.uint32)
        self._indices = self._own(self._gl.buffer(numbers.tobytes()))
        self._vao = self._own(self._gl.vertex_array(self._program, [(self._indices, "1u /i", "in_index")]))
        self._single = None
        if not self._instanced:
            commands = np.zeros(len(numbers), DRAW_COMMAND)
            commands["vertices"], commands["instances"] = 4, 1
            commands["base_instance"] = numbers
            self._single = self._own(self._gl.buffer(commands.tobytes()))

    def fit_to_agents(self) -> None:
        """Have room for marks of as many agents as there are now."""
        for each in (self._vao, self._indices, self._single):
            if each is not None:
                self._free(each)
        self._make()

    def draw(self, *, ends: bool) -> None:
        """Draw all marks, lowest index first. ends: also those of episodes' ends."""
        count = self._individuals.count * (2 if ends else 1)
        if self._single is None:
            self._vao.render(moderngl.TRIANGLE_STRIP, vertices=4, instances=count)
            self._meter.draw_calls += 1
            return
        for index in range(count):
            self._vao.render_indirect(self._single, moderngl.TRIANGLE_STRIP, count=1, first=index)
            self._meter.draw_calls += 1
