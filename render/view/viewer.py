"""The view as events change it: drags and clicks of the pointer, the wheel, and keys. No OpenGL."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from valuescape.render.displays.events import (
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
from valuescape.render.view.camera import OrbitCamera, Rect
from valuescape.render.view.changes import Probe, Request, Select
from valuescape.render.view.keys import Say, press
from valuescape.render.view.looks import Looks
from valuescape.render.view.panes import Pane, pane_at, panes
from valuescape.render.view.selection import Lift, region_of
from valuescape.render.view.view_state import ViewState
from valuescape.sim.config.files import Config
from valuescape.sim.insight.place import GROUND, Bounds

_ZOOM_STEP = 1.15

Asked = Request | Select | Probe | Say
"""The part of an event that `Viewer.handle` leaves to its caller."""


@dataclass(slots=True)
class Viewer(ViewState):
    """The state of the view, which events change.

    All pixels but those of `Select` and `Probe` are in a pane (`render.view.panes`).
    """

    _box_start: tuple[float, float] | None = field(default=None, init=False)
    _dragged: Pane | None = field(default=None, init=False)
    _place_before: str = field(default="", init=False)

    def handle(self, event: Event, plot: Rect, size_px: tuple[int, int]) -> Asked | None:
        """Apply an event; return the part of it that is left to the caller.

        plot: as for `matrix`. size_px: of the whole picture.
        """
        event, whole_px = self._in_pane(event, size_px), size_px
        size_px = panes(size_px, split=self.split)[0].size_px
        match event:
            case Close():
                return Request.QUIT
            case Hover(x, y):
                self.pointer = x, y
            case Key(action, number):
                return press(self, action, number)
            case Drag(box=True):
                self._stretch_box(event, plot)
            case Drag():
                self._drag(event, plot, size_px)
            case DragEnd(box=True):
                self._box_start = None
                return Request.BOX if self.frame else None
            case Click(x, y):
                self.side = pane_at(x, whole_px, split=self.versus).number
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
