"""Hands agents over from one arena to another at a tick: those that stay as they are, new ones at a start."""

import time

import numpy as np

from valuescape.sim.shared.arena import UNWRITTEN, Arena
from valuescape.sim.shared.episodes import first_episodes
from valuescape.sim.stepping.stepper import ROW_ARRAYS, on_map
from valuescape.sim.stepping.systems import systems_called
from valuescape.sim.worlds import Variable, World

_AHEAD_S = 0.004
"""The longest that one call of `go_ahead` takes, but for one row."""


class Handover:
    """Writes a tick of `before` to `after`, whose crew has made tick 0 and waits.

    Agents of both arenas keep state, episodes, and the rows of their trails as far as both reach. Those that
    only `after` has begin episode 0 at that tick, from the start that their crew wrote to tick 0. What an
    arena has no values for (trails of new agents, rows that the other trail did not reach) has no position,
    NaN, and another strand, so that no line is drawn from there.

    trail: the lengths of the trails in `before` and in `after`, ticks.

    Performance: `make` takes 7 ms for 100,000 agents (EPYC, one core); all of it is copying. Most of their
    trails, another 6 ms, is copied by `go_ahead`.
    """

    def __init__(self, before: Arena, after: Arena, trail: tuple[int, int]) -> None:
        self._before, self._after, self._trail = before, after, trail
        self._stay = min(before.layout.agents, after.layout.agents)
        self._goal: int | None = None
        self._copied = -1  # the newest tick of which trails were copied
        self._starts = after["trail_position"][0, self._stay :].copy()
        after["trail_position"][0] = np.nan

    def go_ahead(self, newest: int) -> bool:
        """Copy trails while the crew of `before` is at work; return whether that is done, for now.

        newest: a tick that is complete. Rows that are overwritten meanwhile are too old to be needed.
        """
        if self._goal is None:
            self._goal, self._copied = newest, max(-1, newest - min(self._trail))
        end = time.monotonic() + _AHEAD_S
        while self._copied < self._goal and time.monotonic() < end:
            self._copied += 1
            self._copy_trails(self._copied)
        return self._copied >= self._goal

    def make(self, tick: int) -> None:
        """Write `tick`, at which both crews rest."""
        for name in ROW_ARRAYS:
            self._hand_rows(name, tick)
        self._hand_episodes(tick)
        self._hand_trails(tick)
        log = self._after["action_log"]
        log[..., : self._stay] = self._before["action_log"][..., : self._stay]

    def _hand_rows(self, name: str, tick: int) -> None:
        before, after, stay = self._before[name], self._after[name], self._stay
        starts = after[0, ..., stay:].copy()
        after[0] = np.nan if name in UNWRITTEN else 0
        for past in range(max(0, tick + 1 - min(len(before), len(after))), tick + 1):
            after[past % len(after), ..., :stay] = before[past % len(before), ..., :stay]
        after[tick % len(after), ..., stay:] = starts

    def _hand_episodes(self, tick: int) -> None:
        stay = self._stay
        for name in ("episodes", "episode_start"):
            self._after[name][:stay] = self._before[name][:stay]
        first_episodes(self._after["episodes"][stay:], tick)
        self._after["episode_start"][stay:] = tick & 0xFFFFFFFF

    def _hand_trails(self, tick: int) -> None:
        position, strand = self._after["trail_position"], self._after["trail_strand"]
        rows, stay = len(position), self._stay
        oldest = max(0, tick + 1 - min(self._trail))
        for past in range(max(oldest, self._copied + 1), tick + 1):
            self._copy_trails(past)
        for past in range(max(0, tick + 1 - self._trail[1]), tick):
            strand[past % rows, stay:] = 1
            if past < oldest:
                position[past % rows] = np.nan
                strand[past % rows, :stay] = strand[oldest % rows, :stay] ^ 1
        position[tick % rows, stay:] = self._starts
        strand[tick % rows, stay:] = 0

    def _copy_trails(self, tick: int) -> None:
        for name in ("trail_position", "trail_strand"):
            before, after = self._before[name], self._after[name]
            after[tick % len(after), : self._stay] = before[tick % len(before), : self._stay]


def keep_systems_off(before: Arena, after: Arena, worlds: tuple[World, World]) -> None:
    """Leave the array systems switched off that raised, unless their plug-in is another.

    worlds: of `before` and `after`.
    """
    old, new = (systems_called(world) for world in worlds)
    for index, system in enumerate(new):
        if system in old:
            after["system_off"][index] = before["system_off"][old.index(system)]


def fit_window(arena: Arena, tick: int, worlds: tuple[World, World], map_axes: tuple[int, int]) -> None:
    """Wrap the agents of `tick` into the windows that periodic variables have in the second of `worlds`.

    They differ for a flock, whose square grows with its birds. Trails of agents that are moved break there.
    """
    state = arena["state"][tick % len(arena["state"])]
    at = tick % len(arena["trail_position"])
    for axis, (old, new) in enumerate(zip(*(world.state for world in worlds), strict=True)):
        if new.periodic and _window(old) != _window(new):
            inside = on_map(state[axis], new)
            moved = inside != state[axis]
            state[axis] = inside
            if axis in map_axes:
                arena["trail_position"][at, moved, map_axes.index(axis)] = inside[moved]
                arena["trail_strand"][at, moved] += 1


def _window(variable: Variable) -> tuple[float, float]:
    return variable.low, variable.high
