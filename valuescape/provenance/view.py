"""The view of a picture as data: `SavedView` is made from a `Viewer`, and makes one."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Annotated, Self

import numpy as np
from pydantic import ConfigDict, Field

from valuescape.parsing import Figure, Part, at_most
from valuescape.provenance.bits import Bits, as_bits, from_bits
from valuescape.render.view.camera import MapCamera, OrbitCamera
from valuescape.render.view.selection import Region
from valuescape.render.view.viewer import Viewer, viewer_of
from valuescape.sim.config.files import Config

Caption = Annotated[str, Field(max_length=4000)]
"""A text in a picture; unlike `Text`, it may have several lines."""

_Box = tuple[Figure, Figure, Figure, Figure]
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
    outline: Annotated[
        list[Annotated[tuple[Figure, Figure, Figure], Field(strict=False)] | None], at_most(1000)
    ]

    @classmethod
    def of(cls, region: Region) -> Self:
        """Return a region as data."""
        outline = [tuple(map(float, point)) if np.isfinite(point).all() else None for point in region.outline]
        return cls(edge=len(region.cells), cells=as_bits(region.cells.ravel()) or "", outline=outline)  # type: ignore[arg-type]

    def region(self) -> Region:
        """Return the region. Raises UsageError if the cells are damaged."""
        cells = from_bits(self.cells, self.edge * self.edge)
        outline = np.array([(np.nan,) * 3 if each is None else each for each in self.outline], np.float32)
        return Region(cells.reshape(self.edge, self.edge), outline.reshape(-1, 3))


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
            help_shown=viewer.help_shown,
            labels_shown=viewer.labels_shown,
            blind=viewer.blind,
        )

    def viewer(self, config: Config, trail_colors: Sequence[str], layers: Sequence[str]) -> Viewer:
        """Return the view again. config: with the values that live settings had in the picture."""
        viewer = viewer_of(config, trail_colors)
        viewer.layers = layers
        viewer.looks = replace(viewer.looks, agent_opacity=self.agent_opacity)
        viewer.flat, viewer.lift = self.flat, self.lift
        viewer.map_camera = viewer.map_goal = MapCamera(**self.map_camera.model_dump())
        viewer.orbit_camera = viewer.orbit_goal = OrbitCamera(**self.orbit_camera.model_dump())
        viewer.box, viewer.frame = self.region.region() if self.region else self.box, self.frame
        viewer.help_shown, viewer.labels_shown = self.help_shown, self.labels_shown
        viewer.blind = self.blind
        return viewer
