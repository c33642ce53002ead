"""Trails of individuals summed into pixels by a compute shader, in place of the rasteriser."""

from typing import Any

import moderngl

from valuescape.gpu.bindings import Slot, Texture
from valuescape.gpu.constants import TEXEL_GROUP
from valuescape.gpu.dispatch import set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.base import ComputePass
from valuescape.gpu.passes.lod import LodPass
from valuescape.gpu.trail_ring import TrailRing

Pane = tuple[int, int, int, int]
"""Left, bottom, width and height in the picture, pixels."""


class SplatPass(ComputePass):
    """Sums of light and cover, for each pixel of a pane, of all trails that a `LodPass` chose.

    Draws the segments that the rasteriser would, at the same pixels. A pixel that one trail crosses gets the
    same colour; where several do, they hide as much of the map, in the mean of their colours instead of the
    colour of the agent drawn last (weighted, blended transparency after Bavoil and Myers 2008, with
    logarithms of transparency as weights). The sums are stale once another pane or frame is drawn.

    Performance: one invocation a segment, four atomic additions a pixel that it covers, 16 bytes a pixel.
    `make gpu` measures both ways. Data-centre cards have few rasterisers: an H200 needs 332 ms for ribbons of
    63 million segments. `docs/performance.md` has figures of both.
    """

    def __init__(self, gl: Any, ring: TrailRing, lod: LodPass, meter: FrameMeter) -> None:
        super().__init__(gl, meter)
        self._ring, self._lod = ring, lod
        self._splat, self._clear = self._program("trails/splat"), self._program("trails/clear")
        self._sums = self._own(gl.buffer(reserve=16))

    def update(self, individuals: int, pane: Pane, depth: Any) -> None:
        """Sum the trails, for the frame block, ring, individuals and colour maps that are bound.

        individuals: their number. depth: texture with the map's depths, as large as the picture; None draws
        all trails.
        """
        left, bottom, width, height = pane
        if self._sums.size < 16 * width * height:
            self._free(self._sums)
            self._sums = self._own(self._gl.buffer(reserve=16 * width * height))
        for program in (self._splat, self._clear):
            set_uniforms(program, origin=(left, bottom), size=(width, height))
        self._sums.bind_to_storage_buffer(Slot.TRAIL_SUMS)
        self._run(self._clear, width * height, group=TEXEL_GROUP)
        segments = len(self._ring.ticks) - 1
        if segments < 1:
            return
        set_uniforms(self._splat, depth_test=depth is not None)
        if depth is not None:
            self._gl.memory_barrier(moderngl.ALL_BARRIER_BITS)
            depth.use(Texture.DEPTH)
        self._lod.bind_choices()
        self._run(self._splat, individuals, segments)
