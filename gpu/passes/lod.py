"""Level of detail of trails: compacted instance lists and indirect draw commands."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.bindings import Slot
from valuescape.gpu.constants import AGENT_GROUP
from valuescape.gpu.dispatch import groups_for, set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.individuals import Individuals
from valuescape.gpu.passes.base import ComputePass
from valuescape.gpu.structs import DRAW_COMMAND, TRAIL_INSTANCE
from valuescape.gpu.trail_ring import TrailRing


@dataclass(frozen=True, slots=True)
class Detail:
    """The levels of detail there are, and the error that a coarser one may make, in pixels.

    use_levels: off, all trails are at level 0. use_culling: off, all trails count as in view.
    """

    levels: int
    tolerance_px: float
    use_levels: bool = True
    use_culling: bool = True


class LodPass(ComputePass):
    """Chooses a level of detail for each individual's trail in view, and lists the trails level by level.

    `instances` holds the trails of level L from index L * slots on, in the agents' order; `commands` holds
    one DRAW_COMMAND a level. `fit_to_ring` makes another buffer of `instances`. The pass also finds the last
    tick at which an individual's episode ended, for its mark.
    """

    def __init__(
        self, gl: Any, ring: TrailRing, individuals: Individuals, detail: Detail, meter: FrameMeter
    ) -> None:
        super().__init__(gl, meter)
        self._ring = ring
        self._individuals = individuals
        self.levels = levels = detail.levels
        self.commands = self._own(gl.buffer(data=bytes(levels * DRAW_COMMAND.itemsize)))
        self._make_buffers()
        self._choose = self._program("trails/lod_choose", **asdict(detail))
        self._scan = self._program("trails/lod_scan", levels=levels)
        self._scatter = self._program("trails/lod_scatter")

    def _make_buffers(self) -> None:
        own, buffer = self._own, self._gl.buffer
        slots, levels = self._ring.slots, self.levels
        self.instances = own(buffer(reserve=levels * slots * TRAIL_INSTANCE.itemsize))
        self._choices = own(buffer(reserve=slots * 4))
        self._ends = own(buffer(reserve=slots * 4))
        self._group_counts = own(buffer(reserve=levels * groups_for(slots, AGENT_GROUP) * 4))

    def fit_to_ring(self) -> None:
        """Have room for as many agents as the ring has room for now; nothing is listed until `update`."""
        for each in (self.instances, self._choices, self._ends, self._group_counts):
            self._free(each)
        self._make_buffers()
        self.commands.write(bytes(self.commands.size))

    def update(self, margin_px: float) -> None:
        """Choose and list, for the frame block, fields and ranges that are bound.

        margin_px: distance that a trail's ribbon reaches beyond its samples.
        """
        self._ring.bind()
        self._individuals.bind()
        self._choices.bind_to_storage_buffer(Slot.CHOICE)
        self._ends.bind_to_storage_buffer(Slot.TRAIL_END)
        self._group_counts.bind_to_storage_buffer(Slot.GROUP_COUNT)
        self.commands.bind_to_storage_buffer(Slot.DRAW_COMMAND)
        self.instances.bind_to_storage_buffer(Slot.TRAIL_INSTANCE)
        set_uniforms(self._choose, margin_px=margin_px)
        count = self._individuals.count
        set_uniforms(self._scan, groups=groups_for(count, AGENT_GROUP))
        self._run(self._choose, count)
        self._run(self._scan, 1)
        self._run(self._scatter, count)

    def bind_choices(self) -> None:
        """Make the level of each individual visible to shaders."""
        self._choices.bind_to_storage_buffer(Slot.CHOICE)

    def read_commands(self) -> NDArray[Any]:
        """Return the draw commands [levels] (dtype DRAW_COMMAND); a GPU query."""
        self._meter.queries += 1
        return np.frombuffer(self.commands.read(), DRAW_COMMAND)


def segments(commands: NDArray[Any]) -> int:
    """Return the number of trail segments that draw commands [levels] (dtype DRAW_COMMAND) draw."""
    per_trail = np.maximum(commands["vertices"].astype(np.int64) // 2 - 1, 0)
    return int((per_trail * commands["instances"]).sum())
