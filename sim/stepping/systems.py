"""Steps worlds with array systems, which are timed, and switched off if they raise and ask for that."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from valuescape.sim.measuring.profiler import WORKER_SECTIONS, SpanRing
from valuescape.sim.shared.arena import Arena
from valuescape.sim.stepping.stepper import Policy, Rules, Stepper
from valuescape.sim.worlds import World
from valuescape.sim.worlds.systems.arrays import SystemRaisedError, SystemsWorld
from valuescape.sim.worlds.systems.compose import systems_of
from valuescape.sim.worlds.systems.declared import System

_WITHIN_TICKS = 1
"""Depth of a system's section in a worker's profile: right inside "ticks"."""


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """An array system that raised and was switched off, as `plugins.on_error` says.

    name: of the system. tick: the first one made without it. said: system, file, line and error.
    """

    name: str
    tick: int
    said: str


def systems_called(world: World) -> tuple[System, ...]:
    """Return the systems that are called once a tick; () if there are none, or all are compiled."""
    return systems_of(world) if isinstance(world, SystemsWorld) else ()


def worker_sections(world: World) -> tuple[str, ...]:
    """Return the names of the sections in workers' rings, by index; the systems' follow the common ones."""
    return WORKER_SECTIONS + tuple(f"system {each.name}" for each in systems_called(world))


def systems_off(arena: Arena, world: World) -> tuple[SwitchedOff, ...]:
    """Return the systems of a run that were switched off, in the order of the world's systems."""
    records = arena["system_off"]
    return tuple(
        SwitchedOff(system.name, int(record["tick"]), record["said"].decode("utf-8", "ignore"))
        for system, record in zip(systems_called(world), records, strict=True)
        if record["tick"] > 0
    )


class SystemsStepper(Stepper):
    """Steps a `SystemsWorld` in NumPy.

    disables: a system that raises is switched off, and nothing is left of the call in which it raised; else
    its error ends the run. It is off from that tick on for the slice in which it raised, and for the others
    as soon as they see the arena's record of it. spans: the worker's profiler; each system is a section.
    """

    def __init__(
        self,
        arena: Arena,
        part: slice,
        world: SystemsWorld,
        policy: Policy | None,
        rules: Rules,
        *,
        disables: bool = False,
        spans: SpanRing | None = None,
    ) -> None:
        super().__init__(arena, part, world, policy, rules)
        self._systems, self._spans, self._off = world, spans, arena["system_off"]
        self._disables = disables
        self._tick = 0
        world.guard = self._call

    def step(self, tick: int) -> None:
        """Make tick + 1 from `tick`."""
        self._tick = tick
        super().step(tick)

    def _call(self, index: int, call: Callable[[], None], changed: Sequence[NDArray[Any]]) -> None:
        if self._off[index]["tick"] > 0:
            return
        began = time.perf_counter_ns()
        if self._disables:
            self._call_or_switch_off(index, call, changed)
        else:
            self._systems.call(index, call, changed)
        if self._spans:
            took = time.perf_counter_ns() - began
            self._spans.add(len(WORKER_SECTIONS) + index, _WITHIN_TICKS, began, took)

    def _call_or_switch_off(
        self, index: int, call: Callable[[], None], changed: Sequence[NDArray[Any]]
    ) -> None:
        before = [array.copy() for array in changed]
        try:
            self._systems.call(index, call, changed)
        except SystemRaisedError as error:
            for array, values in zip(changed, before, strict=True):
                array[:] = values
            record = self._off[index]
            record["said"] = str(error).encode("utf-8")
            record["tick"] = self._tick + 1  # last: it makes the record valid
