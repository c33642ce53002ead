"""Maps of a critic over the plane of a world: what it believes, what is true, where the two part."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuescape.analysis.episodes import Episodes
from valuescape.analysis.making import Makers, OnLook, TruthAsked
from valuescape.sim.arrays import Float64Array
from valuescape.sim.insight.cells import cell_means, cells_of
from valuescape.sim.insight.plane import MapPlane, grid_obs
from valuescape.sim.policy.inference import value
from valuescape.sim.rollouts.rules import RolloutRules
from valuescape.sim.rollouts.truth import Truth

_VISIT_EDGE = 64
"""Cells each way of the maps of visits: episodes have some 100,000 steps, so many a cell."""


@dataclass(frozen=True, slots=True)
class Visits:
    """Steps of the episodes by cell of a coarser grid: arrays [edge, edge]."""

    count: NDArray[np.int64]
    """Number of steps that began in the cell."""
    error: Float64Array
    """The mean of V - G over those steps; NaN where there is none."""
    td_error: Float64Array
    """The mean TD error over those steps; NaN where there is none."""


@dataclass(frozen=True, slots=True)
class Maps:
    """Fields over a plane, [edge, edge] row by row from the low corner, in units of the world's rewards."""

    plane: MapPlane
    rules: RolloutRules
    random: bool
    """Whether rollouts from one state differ."""
    value: Float64Array
    """The critic's belief: V(s)."""
    truth: Truth
    """The returns that really follow."""
    visits: Visits | None

    @property
    def error(self) -> Float64Array:
        """V - G: positive where the critic promises too much."""
        return self.value - self.truth.value

    def centres(self, edge: int) -> tuple[Float64Array, Float64Array]:
        """Return the coordinates [edge] of the centres of cells along x and y, in the state's units."""
        return centres_of(self.plane, edge)

    def support(self, least: float) -> Float64Array:
        """Return each cell's visits as a share of `least`, 1 at most; of the nearest cell of the visits.

        Raises ValueError where no visits are known.
        """
        if self.visits is None:
            raise ValueError("no visits are known")
        edge, coarse = len(self.value), len(self.visits.count)
        near = ((np.arange(edge) + 0.5) / edge * coarse).astype(np.intp)
        return np.minimum(self.visits.count[np.ix_(near, near)] / least, 1.0)

    def value_at(self, edge: int) -> Float64Array:
        """Return the critic's value at the centres of an `edge` x `edge` grid, from the nearest cells."""
        near = ((np.arange(edge) + 0.5) / edge * len(self.value)).astype(np.intp)
        return self.value[np.ix_(near, near)]

    @property
    def cut_bound(self) -> float:
        """About the most that a cell's return may lack, in units of the world's rewards.

        The largest gamma ** steps, c, times the largest |V| or |G| over 1 - c: what follows a rollout may be
        as large as any return of the map, and is part of that return itself. States beyond the map may have
        larger ones.
        """
        cut = float(np.nanmax(self.truth.cut))
        largest = float(np.nanmax(np.abs([self.value, self.truth.value])))
        return cut * largest / (1 - cut if cut < 1 else 1)


def centres_of(plane: MapPlane, edge: int) -> tuple[Float64Array, Float64Array]:
    """Return the coordinates [edge] of the centres of cells along x and y, in the state's units."""
    centres = (np.arange(edge) + 0.5) / edge
    x, y = (v.low + centres * (v.high - v.low) for v in plane.variables)
    return x, y


def critic_maps(asked: TruthAsked, made_by: Makers, on_look: OnLook = lambda _: True) -> Maps:
    """Return the maps of a critic, without visits.

    on_look: if it says no, the maps have what is there. Raises UsageError for a world whose agents cannot be
    put into a state.
    """
    truth, edge = made_by.truth(asked, on_look), asked.edge
    believed = value(asked.checkpoint, grid_obs(asked.plane, edge)).astype(np.float64).reshape(edge, edge)
    return Maps(asked.plane, asked.rules, asked.random, believed, truth, None)


def visits_of(plane: MapPlane, episodes: Episodes, edge: int = _VISIT_EDGE) -> Visits:
    """Return where the episodes' steps began, and how wrong the critic was there.

    Steps beyond the map are left out; periodic variables are taken into their period. Errors that are not
    finite do not count in a cell's mean.
    """
    cells, inside = cells_of(plane, episodes.state.T, edge)
    count = np.bincount(cells, minlength=edge * edge).reshape(edge, edge)
    errors = episodes.predicted - episodes.realised, episodes.td_error
    return Visits(count, *(cell_means(cells, each[inside], edge) for each in errors))
