"""Individuals: agents that are drawn one by one, and those of them that are highlighted."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.bindings import Slot
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.owner import Owner

Agents = NDArray[np.intp]
"""Indices of agents, [n]."""


class Individuals(Owner):
    """The agents with a ribbon and a mark of their own.

    `buffer` (uint32) holds their `count` indices in ascending order. Agents are taken in a fixed random
    order, so an agent that is among 100 is also among 200; with more or fewer agents the others keep their
    order. Highlighted agents come before all others.
    """

    def __init__(self, gl: Any, agents: int, meter: FrameMeter) -> None:
        super().__init__()
        self._gl, self._meter = gl, meter
        self.highlighted: Agents = np.zeros(0, np.intp)
        self._make(agents)
        self.choose(agents)

    def _make(self, agents: int) -> None:
        self.agents, self.count = agents, 0
        self._sample = self._order = _in_random_order(agents)
        self.buffer = self._own(self._gl.buffer(reserve=agents * 4))
        self._highlights = self._own(self._gl.buffer(reserve=(agents + 31) // 32 * 4))

    def resize(self, agents: int, count: int) -> None:
        """Have another number of agents, `count` of them drawn one by one; highlights of the others stay."""
        lit = self.highlighted[self.highlighted < agents]
        for each in (self.buffer, self._highlights):
            self._free(each)
        self._make(agents)
        self.highlighted = np.zeros(0, np.intp)
        self.choose(count)
        self.highlight(lit)

    @property
    def everyone(self) -> bool:
        """Whether all agents are individuals, so that there is no crowd."""
        return self.count == self.agents

    def choose(self, count: int) -> bool:
        """Draw `count` agents one by one, at least 1 and at most all; return whether the number changed."""
        count = min(max(count, 1), self.agents)
        if count == self.count:
            return False
        self.count = count
        self._write()
        return True

    def highlight(self, agents: Agents) -> bool:
        """Highlight `agents` and no others; return True if the list of individuals was written anew."""
        if np.array_equal(agents, self.highlighted):
            return False
        self.highlighted = agents
        lit = np.zeros((self.agents + 31) // 32 * 32, np.bool_)
        lit[agents] = True
        bits = np.packbits(lit, bitorder="little")
        self._highlights.write(bits)
        self._meter.upload_bytes += bits.nbytes
        chosen = lit[self._sample]
        self._order = np.concatenate([self._sample[chosen], self._sample[~chosen]])
        if self.everyone:
            return False
        self._write()
        return True

    def _write(self) -> None:
        chosen = np.sort(self._order[: self.count])
        self.buffer.write(chosen)
        self._meter.upload_bytes += chosen.nbytes

    def read(self) -> NDArray[np.uint32]:
        """Return the individuals, [count] ascending: a new array, without a GPU query."""
        return np.sort(self._order[: self.count])

    def bind(self) -> None:
        """Make individuals and highlights visible to shaders."""
        self.buffer.bind_to_storage_buffer(Slot.INDIVIDUAL)
        self._highlights.bind_to_storage_buffer(Slot.HIGHLIGHT)


def _in_random_order(agents: int) -> NDArray[np.uint32]:
    """Return the indices of agents, [agents], in an order that those of fewer agents have among themselves.

    It is random, since agents with neighbouring indices may be alike.
    """
    return np.argsort(np.random.default_rng(0).random(agents), kind="stable").astype(np.uint32)
