"""The cross that marks the pointer's place on the map, in each pane."""

from dataclasses import dataclass

import numpy as np

from valuescape.render.view.picking import Positions


@dataclass(frozen=True, eq=False, slots=True)
class Cross:
    """A place on the map.

    point: the scene point [1, 3]. lines: [n, 3] scene points of the lines to draw, with a row of NaN between
    them. said: the maps' numbers there, one a pane.
    """

    point: Positions
    lines: Positions
    said: tuple[str, ...] = ()

    def same_as(self, other: "Cross | None") -> bool:
        """Whether another cross looks the same."""
        return (
            other is not None
            and self.said == other.said
            and np.array_equal(self.point, other.point)
            and np.array_equal(self.lines, other.lines, equal_nan=True)
        )
