"""Which agents are drawn one by one; the others are the crowd."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.bindings import Slot
from gpu.meter import FrameMeter


class Individuals:
    """The agents with a ribbon and a mark of their own: `count` of them, ascending in `buffer` (uint32).

    A fixed sample of the crowd: whoever is among 100 is also among 200.
    """

    def __init__(self, gl: Any, agents: int, meter: FrameMeter) -> None:
        self._meter = meter
        self.agents = agents
        self.count = 0
        # Not the first of them: agents that stand together in number may have something in common.
        self._order: NDArray[np.uint32] = np.random.default_rng(0).permutation(agents).astype(np.uint32)
        self.buffer = gl.buffer(reserve=agents * 4)
        self.choose(agents)

    @property
    def everyone(self) -> bool:
        """Whether there is no crowd beside them."""
        return self.count == self.agents

    def choose(self, count: int) -> bool:
        """Let there be `count` individuals; return whether that is a change."""
        count = min(max(count, 1), self.agents)
        if count == self.count:
            return False
        chosen = np.sort(self._order[:count])
        self.buffer.write(chosen)
        self._meter.upload_bytes += chosen.nbytes
        self.count = count
        return True

    def bind(self) -> None:
        """Make them visible to shaders."""
        self.buffer.bind_to_storage_buffer(Slot.INDIVIDUAL)

    def release(self) -> None:
        """Free the buffer."""
        self.buffer.release()
