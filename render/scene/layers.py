"""The three layers of the scene: surface, trails, agents. Each draws what the passes prepared."""

from typing import Any

import moderngl
import numpy as np

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.individuals import Individuals
from valuescape.gpu.passes.lod import LodPass
from valuescape.gpu.shader_source import draw_program
from valuescape.gpu.structs import DRAW_COMMAND


class SurfaceLayer:
    """The fields as a height field (`mesh_edge` vertices an edge), or as a flat map."""

    def __init__(self, gl: Any, mesh_edge: int, meter: FrameMeter) -> None:
        self._meter = meter
        self.mesh_edge = mesh_edge
        self._surface, self._map = (draw_program(gl, name) for name in ("surface/surface", "surface/map"))
        self._indices = gl.buffer(_grid_indices(mesh_edge).tobytes())
        self._mesh = gl.vertex_array(self._surface, [], index_buffer=self._indices)
        self._triangle = gl.vertex_array(self._map, [])

    def draw(self, *, flat: bool) -> None:
        """Draw it."""
        if flat:
            self._triangle.render(moderngl.TRIANGLES, vertices=3)
        else:
            self._mesh.render(moderngl.TRIANGLES)
        self._meter.draw_calls += 1

    def release(self) -> None:
        """Free what this layer made."""
        for each in (self._mesh, self._triangle, self._indices, self._surface, self._map):
            each.release()


def _grid_indices(edge: int) -> Any:
    """Return two triangles for every cell of a grid of `edge` x `edge` vertices, as flat uint32."""
    corner = (np.arange(edge - 1)[:, None] * edge + np.arange(edge - 1)).ravel()
    offsets = np.array([0, 1, edge, edge, 1, edge + 1])
    return (corner[:, None] + offsets).astype(np.uint32).ravel()


class TrailLayer:
    """Every trail that `LodPass` listed: one instanced, indirect draw, one command a level.

    With `batched` off, one draw call a trail, in the same order: the plain path, with the same pixels.
    """

    def __init__(self, gl: Any, lod: LodPass, *, batched: bool, meter: FrameMeter) -> None:
        self._meter = meter
        self._lod = lod
        self._program = draw_program(gl, "trails/trails")
        self._vao = gl.vertex_array(self._program, [(lod.instances, "2u /i", "in_trail")])
        self._single = None if batched else gl.buffer(reserve=lod.instances.size // 8 * DRAW_COMMAND.itemsize)

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

    def release(self) -> None:
        """Free what this layer made."""
        for each in (self._vao, self._single, self._program):
            if each is not None:
                each.release()


def _one_by_one(commands: Any) -> Any:
    """Return a command for every single instance of `commands`, in order (dtype DRAW_COMMAND)."""
    single = np.repeat(commands, commands["instances"])
    within = np.concatenate([np.arange(count) for count in commands["instances"]])
    single["base_instance"] += within.astype(np.uint32)
    single["instances"] = 1
    return single


class AgentLayer:
    """A mark where each individual's last episode ended and one where it is; `instanced` off: a draw each."""

    def __init__(self, gl: Any, individuals: Individuals, *, instanced: bool, meter: FrameMeter) -> None:
        self._meter = meter
        self._individuals = individuals
        self._program = draw_program(gl, "marks/agents")
        numbers = np.arange(2 * individuals.agents, dtype=np.uint32)
        self._numbers = gl.buffer(numbers.tobytes())
        self._vao = gl.vertex_array(self._program, [(self._numbers, "1u /i", "in_index")])
        self._single = None
        if not instanced:
            commands = np.zeros(len(numbers), DRAW_COMMAND)
            commands["vertices"], commands["instances"] = 4, 1
            commands["base_instance"] = numbers
            self._single = gl.buffer(commands.tobytes())

    def draw(self, *, ends: bool) -> None:
        """Draw all marks, lowest index first. ends: those of episodes' ends too."""
        count = self._individuals.count * (2 if ends else 1)
        if self._single is None:
            self._vao.render(moderngl.TRIANGLE_STRIP, vertices=4, instances=count)
            self._meter.draw_calls += 1
            return
        for index in range(count):
            self._vao.render_indirect(self._single, moderngl.TRIANGLE_STRIP, count=1, first=index)
            self._meter.draw_calls += 1

    def release(self) -> None:
        """Free what this layer made."""
        for each in (self._vao, self._numbers, self._single, self._program):
            if each is not None:
                each.release()
