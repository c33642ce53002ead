"""The state of the view: cameras, maps, what is selected, and the settings that it holds. No OpenGL."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from valuescape.gpu.layers.registry import MAPS
from valuescape.render.view.camera import MapCamera, OrbitCamera, Rect, between, eased
from valuescape.render.view.changes import Set
from valuescape.render.view.choosing import MapChoice
from valuescape.render.view.cross import Cross
from valuescape.render.view.looks import Looks
from valuescape.render.view.picking import Positions
from valuescape.render.view.selection import Box, Selection
from valuescape.sim.arrays import Float32Array
from valuescape.sim.insight.place import GROUND, Bounds, Place, ground_of, place_of, place_text
from valuescape.sim.insight.signal_kinds import TRAIL_COLORS

_LIFT_S = 0.45
"""Duration of the change from the flat map to the height field."""


@dataclass(frozen=True, slots=True)
class View:
    """A saved view."""

    flat: bool
    map_camera: MapCamera
    orbit_camera: OrbitCamera


@dataclass(slots=True)
class ViewState:
    """The state of the view; `advance` moves the cameras towards their goals.

    flat: whether the map is shown, or is about to be. lift: height of the field, from 0 (the map) to 1.
    box: the selected part of the map. frame: the rectangle that is being dragged over the height field, in
    pixels; `Viewer.take_frame` makes a selection of it. beside: the map in the right half of the picture; ""
    for one map in the whole of it. beside_before: the one that was there last. linked: whether both have one
    colour scale, where they show the same quantity. versus: whether the halves of the picture show two runs;
    side: the one of them, 0 or 1, that is chosen.
    pointer: in pixels of its pane; None before it moves. cross: where it is on the map, if that is shown.
    first_layer: the one that the run began with. layers: names of the maps that can be shown here; choices:
    all that there are, for a list.

    place: the one that is selected, as `render.place` names it. bounds: of the map. path: the way from there,
    [n, 2] map positions.

    All pixels are in a pane (`render.view.panes`).
    """

    flat: bool
    layer: str
    trail_color: str
    beside: str = ""
    linked: bool = True
    versus: bool = False
    side: int = 0
    first_layer: str = ""
    pointer: tuple[float, float] | None = None
    cross: Cross | None = None
    place: str = ""
    bounds: Bounds = GROUND
    path: Positions | None = None
    turn_deg_per_s: float = 0.0
    looks: Looks = field(default_factory=Looks)
    trail_colors: Sequence[str] = TRAIL_COLORS
    layers: Sequence[str] = MAPS.names
    choices: Sequence[MapChoice] = ()
    help_shown: bool = False
    help_seen: bool = False
    labels_shown: bool = True
    profile_shown: bool = False
    blind: bool = False
    selected: int | None = None
    following: bool = False
    box: Selection | None = None
    frame: Box | None = None
    map_camera: MapCamera = field(default_factory=MapCamera)
    orbit_camera: OrbitCamera = field(default_factory=OrbitCamera)
    map_goal: MapCamera = field(default_factory=MapCamera)
    orbit_goal: OrbitCamera = field(default_factory=OrbitCamera)
    views: dict[int, View] = field(default_factory=dict)
    lift: float = field(init=False)
    beside_before: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.lift = 0.0 if self.flat else 1.0

    @property
    def cell(self) -> Place | None:
        """The selected place, x and y of the scene's ground."""
        place = place_of(self.place)
        return None if place is None else ground_of(place, self.bounds)

    def point_at(self, ground: Place | None) -> None:
        """Select a place of the scene's ground, to a millionth of the map's width; None for none."""
        self.place = place_text(ground, self.bounds) if ground else ""

    @property
    def shown(self) -> tuple[str, ...]:
        """Names of the maps in the picture, as `heatmap.layer` names them."""
        return (self.layer, self.beside) if self.beside else (self.layer,)

    @property
    def split(self) -> bool:
        """Whether two maps are shown side by side, of one run or of two."""
        return bool(self.beside) or self.versus

    @property
    def raised(self) -> float:
        """The lift, eased in and out."""
        return self.lift * self.lift * (3 - 2 * self.lift)

    def matrix(self, size_px: tuple[int, int], plot: Rect) -> Float32Array:
        """Return the 4x4 float32 matrix from scene to clip space. plot: the rectangle of the flat map."""
        if self.lift == 0:
            return self.map_camera.matrix(size_px, plot)
        field = self.orbit_camera.matrix(size_px, plot)
        if self.lift == 1:
            return field
        flat = self.map_camera.matrix(size_px, plot)
        return between(flat, field, self.orbit_camera.distance, self.raised)

    def value(self, name: str) -> Any:
        """Return the value of a setting that is declared as `Live.VIEW` or `Live.LOOKS`, as it is now."""
        match name:
            case "render.view":
                return "2d" if self.flat else "3d"
            case "render.select":
                return -1 if self.selected is None else self.selected
        return getattr(self, _KEPT_AS[name]) if name in _KEPT_AS else self.looks.value(name)

    def apply(self, change: Set) -> None:
        """Give a setting that is declared as `Live.VIEW` or `Live.LOOKS` another value.

        Raises UsageError if the value of a look does not fit.
        """
        name, value = change.name, change.value
        match name:
            case "render.view":
                self.flat = value == "2d"
            case "render.select":
                self.selected = None if value < 0 else value
                self.following = self.following and self.selected is not None
            case "render.follow":
                self.following = value and self.selected is not None
            case _ if name in _KEPT_AS:
                setattr(self, _KEPT_AS[name], value)
            case _:
                self.looks = self.looks.having(name, value)

    def advance(self, elapsed_s: float) -> None:
        """Move the cameras towards their goals for `elapsed_s`, and turn if the view turns by itself."""
        self.help_seen = self.help_seen or self.help_shown
        if self.turn_deg_per_s and not self.following:
            self.orbit_goal = self.orbit_goal.turned(math.radians(self.turn_deg_per_s) * elapsed_s)
        self.map_camera = eased(self.map_camera, self.map_goal, elapsed_s)
        self.orbit_camera = eased(self.orbit_camera, self.orbit_goal, elapsed_s)
        step = elapsed_s / _LIFT_S
        self.lift = max(self.lift - step, 0.0) if self.flat else min(self.lift + step, 1.0)

    def follow(self, x: float, y: float) -> None:
        """Move the goals so that a point of the scene, an agent's place, is in the middle."""
        self.map_goal, self.orbit_goal = self.map_goal.centered(x, y), self.orbit_goal.centered(x, y)

    def fit(self, low: tuple[float, float], high: tuple[float, float]) -> None:
        """Show the box from `low` to `high` (x, y) of the scene, and follow no agent."""
        self.following = False
        self.map_goal, self.orbit_goal = self.map_goal.fitted(low, high), self.orbit_goal.fitted(low, high)


_KEPT_AS = {
    "heatmap.layer": "layer",
    "heatmap.beside": "beside",
    "heatmap.linked": "linked",
    "trails.color_by": "trail_color",
    "render.turn_deg_per_s": "turn_deg_per_s",
    "render.follow": "following",
    "render.place": "place",
}
"""Attributes of the viewer that are settings."""
