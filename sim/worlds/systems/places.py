"""The rows of a composed world that belong to each of its systems."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from valuescape.sim.worlds.base import World
from valuescape.sim.worlds.systems.declared import System


@dataclass(frozen=True, slots=True)
class Span:
    """Rows from `begin` up to `end`."""

    begin: int
    end: int

    @property
    def rows(self) -> slice:
        """The rows as an index of arrays."""
        return slice(self.begin, self.end)

    def following(self, count: int) -> "Span":
        """Return the next `count` rows."""
        return Span(self.end, self.end + count)


@dataclass(frozen=True, slots=True)
class Places:
    """The rows of the world itself, or of one system: of state, parameters and random numbers."""

    state: Span
    parameters: Span
    draws: Span

    @classmethod
    def of(cls, world: World) -> Self:
        """Return the rows of a world without systems: the first ones."""
        sizes = len(world.state), len(world.parameters), world.step_draws
        return cls(*(Span(0, size) for size in sizes))

    def following(self, system: System) -> "Places":
        """Return the rows of `system`, which come after these."""
        return Places(
            self.state.following(len(system.memory)),
            self.parameters.following(len(system.parameters)),
            self.draws.following(system.draws),
        )


def places_of(world: World, systems: Sequence[System]) -> tuple[Places, ...]:
    """Return the rows of `world` itself, and then of each of `systems`, in their order."""
    places = [Places.of(world)]
    for system in systems:
        places.append(places[-1].following(system))
    return tuple(places)
