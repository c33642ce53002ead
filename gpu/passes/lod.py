"""Which trails are drawn, and how finely: compacted instance lists and indirect draw commands."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.bindings import Slot
from valuescape.gpu.dispatch import dispatch, groups_for, set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.individuals import Individuals
from valuescape.gpu.shader_source import GROUP, compute_program
from valuescape.gpu.structs import DRAW_COMMAND, TRAIL_INSTANCE
from valuescape.gpu.trail_ring import TrailRing


class LodPass:
    """Chooses a level of detail for each individual's trail in view and lists the trails level by level.

    Of each individual it also finds the last tick of the trail in which an episode ended, for its mark.
    `instances` holds, from index L * agents on, the trails of level L in the agents' order; `commands` one
    DRAW_COMMAND a level. With `use_levels` off all are level 0, with `use_culling` off all are in view.
    """

    def __init__(
        self,
        gl: Any,
        ring: TrailRing,
        individuals: Individuals,
        levels: int,
        tolerance_px: float,
        *,
        use_levels: bool,
        use_culling: bool,
        meter: FrameMeter,
    ) -> None:
        self._gl = gl
        self._ring = ring
        self._individuals = individuals
        self._meter = meter
        self.levels = levels
        self.instances = gl.buffer(reserve=levels * ring.agents * TRAIL_INSTANCE.itemsize)
        self.commands = gl.buffer(data=bytes(levels * DRAW_COMMAND.itemsize))
        self._choices = gl.buffer(reserve=ring.agents * 4)
        self._ends = gl.buffer(reserve=ring.agents * 4)
        self._group_counts = gl.buffer(reserve=levels * groups_for(ring.agents, GROUP) * 4)
        names = ("trails/lod_choose", "trails/lod_scan", "trails/lod_scatter")
        self._choose, self._scan, self._scatter = (compute_program(gl, name) for name in names)
        set_uniforms(
            self._choose,
            levels=levels,
            tolerance_px=tolerance_px,
            use_levels=use_levels,
            use_culling=use_culling,
        )
        set_uniforms(self._scan, levels=levels)

    def update(self, margin_px: float) -> None:
        """Choose and list, for the frame block, fields and ranges that are bound now.

        margin_px: how far beyond its samples a trail's ribbon reaches.
        """
        self._ring.bind()
        self._individuals.bind()
        self._choices.bind_to_storage_buffer(Slot.CHOICE)
        self._ends.bind_to_storage_buffer(Slot.TRAIL_END)
        self._group_counts.bind_to_storage_buffer(Slot.GROUP_COUNT)
        self.commands.bind_to_storage_buffer(Slot.DRAW_COMMAND)
        self.instances.bind_to_storage_buffer(Slot.TRAIL_INSTANCE)
        set_uniforms(self._choose, margin_px=margin_px)
        groups = groups_for(self._individuals.count, GROUP)
        set_uniforms(self._scan, groups=groups)
        dispatch(self._gl, self._choose, (groups, 1), self._meter)
        dispatch(self._gl, self._scan, (1, 1), self._meter)
        dispatch(self._gl, self._scatter, (groups, 1), self._meter)

    def read_commands(self) -> NDArray[Any]:
        """Return the draw commands [levels] (dtype DRAW_COMMAND); a GPU query."""
        self._meter.queries += 1
        return np.frombuffer(self.commands.read(), DRAW_COMMAND)

    def release(self) -> None:
        """Free what this pass made."""
        buffers = (self.instances, self.commands, self._choices, self._ends, self._group_counts)
        for each in (*buffers, self._choose, self._scan, self._scatter):
            each.release()


def segments(commands: NDArray[Any]) -> int:
    """Return how many trail segments the draw commands draw."""
    per_trail = np.maximum(commands["vertices"].astype(np.int64) // 2 - 1, 0)
    return int((per_trail * commands["instances"]).sum())
