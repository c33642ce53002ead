"""The view of a picture as data: `SavedView` is made from a `Viewer`, and makes one."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Annotated, Self

import numpy as np
from pydantic import ConfigDict, Field

from valuescape.parsing import Figure, Part, at_most
from valuescape.provenance.bits import Bits, as_bits, from_bits
from valuescape.render.view.camera import MapCamera, OrbitCamera
from valuescape.render.view.cross import Cross
from valuescape.render.view.picking import Positions
from valuescape.render.view.selection import Region
from valuescape.render.view.viewer import Viewer, viewer_of
from valuescape.sim.config.files import Config
from valuescape.sim.insight.place import GROUND, Bounds

Caption = Annotated[str, Field(max_length=4000)]
"""A text in a picture; unlike `Text`, it may have several lines."""

_Box = tuple[Figure, Figure, Figure, Figure]
_Point = Annotated[tuple[Figure, Figure, Figure], Field(strict=False)]
_Points = Annotated[list[_Point | None], at_most(5000)]
"""Scene points; None interrupts a line."""

_MAX_CELLS = 1024


class _Part(Part):
    model_config = ConfigDict(extra="forbid")


class SavedRegion(_Part):
    """A region under a frame, as `render.view.selection.Region`.

    cells: `edge` rows of `edge` bits. outline: points x, y, z; None where the frame's edge is not over the
    surface.
    """

    edge: int = Field(ge=1, le=_MAX_CELLS)
    cells: Bits
    outline: _Points

    @classmethod
    def of(cls, region: Region) -> Self:
        """Return a region as data."""
        cells = as_bits(region.cells.ravel()) or ""
        return cls(edge=len(region.cells), cells=cells, outline=_as_points(region.outline))

    def region(self) -> Region:
        """Return the region. Raises UsageError if the cells are damaged."""
        cells = from_bits(self.cells, self.edge * self.edge)
        return Region(cells.reshape(self.edge, self.edge), _from_points(self.outline))


class SavedCross(_Part):
    """The cross at the pointer's place, as `render.view.cross.Cross`."""

    point: _Point
    lines: _Points
    said: Annotated[list[Caption], at_most(10)]

    @classmethod
    def of(cls, cross: Cross) -> Self:
        """Return a cross as data."""
        x, y, z = map(float, cross.point[0])
        return cls(point=(x, y, z), lines=_as_points(cross.lines), said=list(cross.said))

    def cross(self) -> Cross:
        """Return the cross."""
        return Cross(np.array([self.point], np.float32), _from_points(self.lines), tuple(self.said))


def _as_points(points: Positions) -> list[tuple[float, float, float] | None]:
    return [(float(x), float(y), float(z)) if np.isfinite((x, y, z)).all() else None for x, y, z in points]


def _from_points(points: list[tuple[float, float, float] | None]) -> Positions:
    rows = [(np.nan,) * 3 if each is None else each for each in points]
    return np.array(rows, np.float32).reshape(-1, 3)


class SavedMapCamera(_Part):
    """As `render.view.camera.MapCamera`."""

    center_x: Figure
    center_y: Figure
    reach: float = Field(gt=0, le=1e3)


class SavedOrbitCamera(_Part):
    """As `render.view.camera.OrbitCamera`."""

    yaw: Figure
    pitch: Figure
    distance: float = Field(gt=0, le=1e3)
    target_x: Figure
    target_y: Figure
    target_z: Figure
    field_of_view: float = Field(gt=0, lt=3.14)


class SavedView(_Part):
    """Everything in a `Viewer` that a picture shows and no setting says."""

    flat: bool
    lift: float = Field(ge=0, le=1)
    map_camera: SavedMapCamera
    orbit_camera: SavedOrbitCamera
    agent_opacity: float = Field(ge=0, le=1)
    box: _Box | None
    region: SavedRegion | None
    frame: _Box | None
    cross: SavedCross | None
    help_shown: bool
    labels_shown: bool
    blind: bool

    @classmethod
    def of(cls, viewer: Viewer) -> Self:
        """Return a view as data."""
        region, box = (viewer.box, None) if isinstance(viewer.box, Region) else (None, viewer.box)
        return cls(
            flat=viewer.flat,
            lift=viewer.lift,
            map_camera=SavedMapCamera(**asdict(viewer.map_camera)),
            orbit_camera=SavedOrbitCamera(**asdict(viewer.orbit_camera)),
            agent_opacity=viewer.looks.agent_opacity,
            box=box,
            region=SavedRegion.of(region) if region else None,
            frame=viewer.frame,
            cross=SavedCross.of(viewer.cross) if viewer.cross else None,
            help_shown=viewer.help_shown,
            labels_shown=viewer.labels_shown,
            blind=viewer.blind,
        )

    def viewer(
        self, config: Config, trail_colors: Sequence[str], layers: Sequence[str], bounds: Bounds = GROUND
    ) -> Viewer:
        """Return the view again. config: with the values that live settings had in the picture.

        bounds: of the map.
        """
        viewer = viewer_of(config, trail_colors, bounds)
        viewer.layers = layers
        viewer.looks = replace(viewer.looks, agent_opacity=self.agent_opacity)
        viewer.flat, viewer.lift = self.flat, self.lift
        viewer.map_camera = viewer.map_goal = MapCamera(**self.map_camera.model_dump())
        viewer.orbit_camera = viewer.orbit_goal = OrbitCamera(**self.orbit_camera.model_dump())
        viewer.box, viewer.frame = self.region.region() if self.region else self.box, self.frame
        viewer.cross = self.cross.cross() if self.cross else None
        viewer.help_shown, viewer.labels_shown = self.help_shown, self.labels_shown
        viewer.blind = self.blind
        return viewer
