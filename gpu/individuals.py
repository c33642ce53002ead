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

    `buffer` (uint32) holds the slots of `count` of them in the trail ring, in ascending order of the agents.
    Agents are taken in a fixed random order, so an agent that is among 100 is also among 200; with more or
    fewer agents the others keep their order. Highlighted agents come before all others.

    drawn: the ring has rows of drawn agents only. `choose` and `highlight` then only decide which agents are
    wanted; they are drawn once `show` says that the ring has their rows.
    """

    def __init__(self, gl: Any, agents: int, meter: FrameMeter, *, drawn: bool = False) -> None:
        super().__init__()
        self._gl, self._meter, self._drawn = gl, meter, drawn
        self.highlighted: Agents = np.zeros(0, np.intp)
        self._make(agents)
        self.choose(agents)

    def _make(self, agents: int) -> None:
        self.agents, self.count, self._wanted = agents, 0, 0
        self._sample = self._order = _in_random_order(agents)
        self._shown = np.zeros(0, np.uint32)
        numbers = np.arange(agents, dtype=np.uint32)
        self.buffer = self._own(self._gl.buffer(numbers))
        self._numbers = self._own(self._gl.buffer(numbers))
        self._highlights = self._own(self._gl.buffer(reserve=(agents + 31) // 32 * 4))

    def resize(self, agents: int, count: int) -> None:
        """Have another number of agents, `count` of them drawn one by one; highlights of the others stay."""
        lit = self.highlighted[self.highlighted < agents]
        for each in (self.buffer, self._numbers, self._highlights):
            self._free(each)
        self._make(agents)
        self.highlighted = np.zeros(0, np.intp)
        self.choose(count)
        self.highlight(lit)

    @property
    def everyone(self) -> bool:
        """Whether all agents are individuals, so that there is no crowd."""
        return self.count == self.agents

    @property
    def wanted(self) -> Agents:
        """The agents that were chosen, ascending: a new array."""
        return np.sort(self._order[: self._wanted]).astype(np.intp)

    def choose(self, count: int) -> bool:
        """Draw `count` agents one by one, at least 1 and at most all; return whether the number changed."""
        count = min(max(count, 1), self.agents)
        if count == self._wanted:
            return False
        self._wanted = count
        self._write()
        return True

    def show(self, drawn: Agents) -> None:
        """Draw these agents, ascending: the ring has them in its first slots."""
        numbers = drawn.astype(np.uint32)
        if np.array_equal(numbers, self._shown):
            return
        self._shown, self.count = numbers, len(drawn)
        for buffer, values in ((self.buffer, self.slots()), (self._numbers, numbers)):
            buffer.write(values)
            self._meter.upload_bytes += values.nbytes

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
        if self._wanted == self.agents:
            return False
        self._write()
        return True

    def _write(self) -> None:
        if self._drawn:
            return
        self.count = self._wanted
        chosen = self._shown = np.sort(self._order[: self.count])
        self.buffer.write(chosen)
        self._meter.upload_bytes += chosen.nbytes

    def read(self) -> NDArray[np.uint32]:
        """Return the individuals, [count] ascending: a new array, without a GPU query."""
        return self._shown.copy()

    def slots(self) -> NDArray[np.uint32]:
        """Return their slots in the ring, [count] ascending: a new array, without a GPU query."""
        return np.arange(self.count, dtype=np.uint32) if self._drawn else self.read()

    def bind(self) -> None:
        """Make individuals and highlights visible to shaders."""
        self.buffer.bind_to_storage_buffer(Slot.INDIVIDUAL)
        self._numbers.bind_to_storage_buffer(Slot.AGENT_NUMBER)
        self._highlights.bind_to_storage_buffer(Slot.HIGHLIGHT)


def _in_random_order(agents: int) -> NDArray[np.uint32]:
    """Return the indices of agents, [agents], in an order that those of fewer agents have among themselves.

    It is random, since agents with neighbouring indices may be alike.
    """
    return np.argsort(np.random.default_rng(0).random(agents), kind="stable").astype(np.uint32)
