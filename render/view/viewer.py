"""The view: cameras that move smoothly, layers, what is selected; changed by events. No OpenGL."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from valuescape.gpu.layers.registry import MAPS
from valuescape.render.displays.events import (
    Action,
    Button,
    Click,
    Close,
    DoubleClick,
    Drag,
    DragEnd,
    Event,
    Hover,
    Key,
    Scroll,
)
from valuescape.render.view.camera import MapCamera, OrbitCamera, Rect, between, eased
from valuescape.render.view.changes import Probe, Request, Select, Set
from valuescape.render.view.choosing import MapChoice, following, linkable, partner
from valuescape.render.view.cross import Cross
from valuescape.render.view.looks import Looks
from valuescape.render.view.panes import Pane, pane_at, panes
from valuescape.render.view.picking import Positions
from valuescape.render.view.selection import Box, Lift, Selection, region_of
from valuescape.sim.arrays import Float32Array
from valuescape.sim.config.files import Config
from valuescape.sim.config.picture_sections import TRAIL_COLORS
from valuescape.sim.insight.place import GROUND, Bounds, Place, ground_of, place_of, place_text

_ZOOM_STEP = 1.15
_LIFT_S = 0.45
"""Duration of the change from the flat map to the height field."""

_GLOW = 0.7
"""Strength that the key switches on."""


@dataclass(frozen=True, slots=True)
class Say:
    """Show a notice: what an event did, or what it needs first."""

    notice: str


Asked = Request | Select | Probe | Say
"""The part of an event that `Viewer.handle` leaves to its caller."""


@dataclass(frozen=True, slots=True)
class View:
    """A saved view."""

    flat: bool
    map_camera: MapCamera
    orbit_camera: OrbitCamera


@dataclass(slots=True)
class Viewer:
    """The state of the view; `handle` takes events, `advance` moves the cameras towards their goals.

    flat: whether the map is shown, or is about to be. lift: height of the field, from 0 (the map) to 1.
    box: the selected part of the map. frame: the rectangle that is being dragged over the height field, in
    pixels; `take_frame` makes a selection of it. beside: the map in the right half of the picture; "" for one
    map in the whole of it. linked: whether both have one colour scale, where they show the same quantity.
    pointer: in pixels of its pane; None before it moves. cross: where it is on the map, if that is shown.
    first_layer: the one that the run began with. layers: names of the maps that can be shown here; choices:
    all that there are, for a list.

    place: the one that is selected, as `render.place` names it. bounds: of the map. path: the way from there,
    [n, 2] map positions.

    All pixels but those of `Select` and `Probe` are in a pane (`render.view.panes`).
    """

    flat: bool
    layer: str
    trail_color: str
    beside: str = ""
    linked: bool = True
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
    _box_start: tuple[float, float] | None = field(default=None, init=False)
    _dragged: Pane | None = field(default=None, init=False)
    _partner: str = field(default="", init=False)
    _place_before: str = field(default="", init=False)

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
        """Whether two maps are shown side by side."""
        return bool(self.beside)

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

    def handle(self, event: Event, plot: Rect, size_px: tuple[int, int]) -> Asked | None:
        """Apply an event; return the part of it that is left to the caller.

        plot: as for `matrix`. size_px: of the whole picture.
        """
        event = self._in_pane(event, size_px)
        size_px = panes(size_px, split=self.split)[0].size_px
        match event:
            case Close():
                return Request.QUIT
            case Hover(x, y):
                self.pointer = x, y
            case Key(action, number):
                return self._key(action, number)
            case Drag(box=True):
                self._stretch_box(event, plot)
            case Drag():
                self._drag(event, plot, size_px)
            case DragEnd(box=True):
                self._box_start = None
                return Request.BOX if self.frame else None
            case Click(x, y):
                self._place_before = self.place
                return Probe(x, y)
            case DoubleClick(x, y):
                self.place = self._place_before  # its first click was not meant for a place
                return Select(x, y)
            case Scroll(steps, x, y):
                self._zoom(_ZOOM_STEP**steps, x, y, plot, size_px)
        return None

    def _in_pane(self, event: Event, size_px: tuple[int, int]) -> Event:
        """Return an event in pixels of the pane that it is in. A drag stays in the pane that it began in."""
        match event:
            case Hover(x, y) | Scroll(_, x, y):
                return replace(event, x=x - pane_at(x, size_px, split=self.split).left)
            case Drag(_, dx, _, x, y):
                pane = self._dragged or pane_at(x - dx, size_px, split=self.split)
                self._dragged, self.pointer = pane, (x - pane.left, y)
                return replace(event, x=x - pane.left)
            case DragEnd():
                self._dragged = None
        return event

    def _key(self, action: Action, number: int) -> Asked | None:
        if action in _REQUESTS:
            return _REQUESTS[action]
        match action:
            case Action.BACK:
                return self._back()
            case Action.RESET_VIEW:
                self.following = False
                self.map_goal, self.orbit_goal = MapCamera(), OrbitCamera()
            case Action.FOLLOW:
                return self._follow_or_not()
            case Action.SAVE_VIEW:
                self.views[number] = View(self.flat, self.map_goal, self.orbit_goal)
                return Say(f"view {number} saved: {number} goes back to it")
            case Action.VIEW:
                return self._go_to(number)
            case Action.LAYER:
                self.apply(Set("heatmap.layer", following(self.layers, self.layer, number or 1)))
            case Action.CHOOSE_LAYER:
                return self._choose("heatmap.layer", number, self.first_layer or self.layers[0])
            case Action.CHOOSE_BESIDE:
                return self._choose("heatmap.beside", number, "")
            case Action.BESIDE:
                return self._side_by_side()
            case Action.LINK:
                return self._link()
            case Action.CHECKPOINT:
                return Request.EARLIER if number < 0 else Request.LATER
            case Action.FINDING:
                return Request.FINDING_BEFORE if number < 0 else Request.NEXT_FINDING
            case Action.TRAIL_COLOR:
                self.apply(Set("trails.color_by", following(self.trail_colors, self.trail_color)))
            case Action.GLOW:
                self.apply(Set("render.glow", 0.0 if self.looks.render.glow else _GLOW))
            case Action.PROJECTION | Action.HELP | Action.INTERFACE | Action.PROFILE | Action.BLIND:
                switch = _SWITCHES[action]
                setattr(self, switch, not getattr(self, switch))
        return None

    def _choose(self, setting: str, number: int, none: str) -> Say:
        """Show the map of a number. none: its name for the number 0."""
        if number > len(self.layers):
            return Say(f"no map {number}: there are {len(self.layers)} here ({', '.join(self.layers)})")
        name = self.layers[number - 1] if number else none
        self.apply(Set(setting, name))
        return Say(f"{'map' if setting == 'heatmap.layer' else 'beside it'}: {name or 'none'}")

    def _side_by_side(self) -> Say:
        """Show one map, or two: the one that was beside it last, or its partner."""
        if self.beside:
            self._partner = self.beside
        wanted = self._partner if self._partner in self.layers else partner(self.layers, self.layer)
        self.apply(Set("heatmap.beside", "" if self.beside else wanted))
        return Say(f"{self.layer} beside {self.beside}" if self.beside else f"{self.layer} alone")

    def _link(self) -> Say:
        if not self.beside:
            return Say("only one map is shown: B shows two side by side")
        if not linkable(*self.shown):
            return Say(f"{self.layer} and {self.beside} show different quantities: each has its own scale")
        self.linked = not self.linked
        return Say("one colour scale for both maps" if self.linked else "each map has its own colour scale")

    def _follow_or_not(self) -> Say:
        if self.selected is None:
            return Say("no agent is selected: double-click one")
        self.following = not self.following
        return Say(f"agent {self.selected:,} is followed" + (" no longer" if not self.following else ""))

    def _go_to(self, number: int) -> Say:
        view = self.views.get(number)
        if view is None:
            return Say(f"no view {number} is saved: Ctrl+{number} saves one")
        self.following = False
        self.flat, self.map_goal, self.orbit_goal = view.flat, view.map_camera, view.orbit_camera
        return Say(f"view {number}")

    def _back(self) -> Request | None:
        """Close the help, leave the blind mode or clear the selection, the first that applies; or leave."""
        if self.help_shown:
            self.help_shown = False
        elif self.blind:
            self.blind = False
        elif self.selected is not None or self.box or self.frame or self.place:
            self.selected, self.box, self.frame, self.following = None, None, None, False
            self.place = ""
        else:
            return Request.LEAVE
        return None

    def _drag(self, drag: Drag, plot: Rect, size_px: tuple[int, int]) -> None:
        if self.flat:
            self.following = False
            self.map_goal = self.map_goal.dragged(drag.dx, drag.dy, plot)
            goal = self.map_goal
            self.map_camera = self.map_camera.centered(goal.center_x, goal.center_y)
        elif drag.button is Button.LEFT:
            self.orbit_goal = self.orbit_goal.orbited(drag.dx, drag.dy)
        else:
            self.following = False
            before = drag.x - drag.dx, drag.y - drag.dy
            self.orbit_goal = self.orbit_goal.panned(before, (drag.x, drag.y), size_px, plot)

    def _zoom(self, factor: float, x: float, y: float, plot: Rect, size_px: tuple[int, int]) -> None:
        if self.flat:
            self.map_goal = self.map_goal.zoomed(factor, x, y, plot)
        else:
            self.orbit_goal = self.orbit_goal.zoomed(factor, (x, y), size_px, plot)

    def _stretch_box(self, drag: Drag, plot: Rect) -> None:
        """Let the box, or the frame over the height field, reach from the drag's start to the pointer."""
        if self._box_start is None:
            self._box_start = drag.x - drag.dx, drag.y - drag.dy
        ends = [self._box_start, (drag.x, drag.y)]
        if self.flat:
            ends = [self.map_camera.scene_at(*each, plot) for each in ends]
        (x, y), (from_x, from_y) = ends
        box = min(x, from_x), min(y, from_y), max(x, from_x), max(y, from_y)
        self.box, self.frame = (box, None) if self.flat else (None, box)

    def take_frame(self, size_px: tuple[int, int], lift: Lift, plot: Rect | None = None) -> None:
        """Select the part of the map that the frame covers. lift, plot: as for `region_of`."""
        if self.frame:
            self.box = region_of(self.frame, self.orbit_camera, size_px, lift, plot)
            self.frame = None


def viewer_of(config: Config, trail_colors: Sequence[str], bounds: Bounds = GROUND) -> Viewer:
    """Return the view that a configuration begins with.

    trail_colors: the colourings that are available. bounds: of the map.
    """
    render = config.render
    camera = OrbitCamera(math.radians(render.yaw_deg), math.radians(render.pitch_deg), render.distance)
    selected = render.select if 0 <= render.select < config.agents.count else None
    return Viewer(
        flat=render.view == "2d",
        layer=config.heatmap.layer,
        beside=config.heatmap.beside,
        first_layer=config.heatmap.layer,
        linked=config.heatmap.linked,
        place=config.render.place,
        trail_color=config.trails.color_by,
        turn_deg_per_s=render.turn_deg_per_s,
        looks=Looks.of(config),
        trail_colors=trail_colors,
        selected=selected,
        bounds=bounds,
        following=render.follow and selected is not None,
        orbit_camera=camera,
        orbit_goal=camera,
    )


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

_REQUESTS = {
    action: Request(action.value)
    for action in (
        *(Action.PAUSE, Action.STEP, Action.FASTER, Action.SLOWER, Action.FIT),
        *(Action.SCREENSHOT, Action.FULL_SCREEN, Action.RELOAD, Action.UNDO, Action.REDO, Action.QUIT),
    )
}
"""Keys that the viewer leaves to others: the request has the key's name."""

_SWITCHES = {
    Action.PROJECTION: "flat",
    Action.HELP: "help_shown",
    Action.INTERFACE: "labels_shown",
    Action.PROFILE: "profile_shown",
    Action.BLIND: "blind",
}
