"""What the person at the screen is looking at: cameras on their way, layers, help; changed by events."""

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gpu.source import LAYERS, TRAIL_COLORS
from render.camera import MapCamera, OrbitCamera, Rect, eased
from render.events import Action, Button, Close, Drag, Event, Key, Scroll

_ZOOM_STEP = 1.15


class Request(StrEnum):
    """What a viewer cannot do by itself."""

    PAUSE = "pause"
    STEP = "step"
    SCREENSHOT = "screenshot"
    QUIT = "quit"


@dataclass(slots=True)
class Viewer:
    """The state of the view; `handle` takes events, `advance` moves the cameras smoothly."""

    flat: bool
    layer: str
    trail_color: str
    turn_deg_per_s: float = 0.0
    help_shown: bool = False
    map_camera: MapCamera = field(default_factory=MapCamera)
    orbit_camera: OrbitCamera = field(default_factory=OrbitCamera)
    map_goal: MapCamera = field(default_factory=MapCamera)
    orbit_goal: OrbitCamera = field(default_factory=OrbitCamera)

    def advance(self, elapsed_s: float) -> None:
        """Move the cameras by `elapsed_s` of time, and turn if the view turns by itself."""
        if self.turn_deg_per_s:
            self.orbit_goal = self.orbit_goal.turned(math.radians(self.turn_deg_per_s) * elapsed_s)
        self.map_camera = eased(self.map_camera, self.map_goal, elapsed_s)
        self.orbit_camera = eased(self.orbit_camera, self.orbit_goal, elapsed_s)

    def handle(self, event: Event, plot: Rect, height_px: int) -> Request | None:
        """Apply an event; returns what is left for others to do. plot: where the flat map is."""
        match event:
            case Close():
                return Request.QUIT
            case Key(action):
                return self._key(action)
            case Drag(button, dx, dy):
                self._drag(button, dx, dy, plot, height_px)
            case Scroll(steps, x, y):
                self._zoom(_ZOOM_STEP**steps, x, y, plot)
        return None

    def _key(self, action: Action) -> Request | None:
        match action:
            case Action.PAUSE:
                return Request.PAUSE
            case Action.STEP:
                return Request.STEP
            case Action.SCREENSHOT:
                return Request.SCREENSHOT
            case Action.RESET_VIEW:
                self.map_goal, self.orbit_goal = MapCamera(), OrbitCamera()
            case Action.PROJECTION:
                self.flat = not self.flat
            case Action.LAYER:
                self.layer = _following(LAYERS, self.layer)
            case Action.TRAIL_COLOR:
                self.trail_color = _following(TRAIL_COLORS, self.trail_color)
            case Action.HELP:
                self.help_shown = not self.help_shown
            case Action.BACK:
                if not self.help_shown:
                    return Request.QUIT
                self.help_shown = False
        return None

    def _drag(self, button: Button, dx: float, dy: float, plot: Rect, height_px: int) -> None:
        if self.flat:
            self.map_goal = self.map_goal.dragged(dx, dy, plot)
            self.map_camera = replace(
                self.map_camera, center_x=self.map_goal.center_x, center_y=self.map_goal.center_y
            )
        elif button is Button.LEFT:
            self.orbit_goal = self.orbit_goal.orbited(dx, dy)
        else:
            self.orbit_goal = self.orbit_goal.panned(dx, dy, height_px)

    def _zoom(self, factor: float, x: float, y: float, plot: Rect) -> None:
        if self.flat:
            self.map_goal = self.map_goal.zoomed(factor, x, y, plot)
        else:
            self.orbit_goal = self.orbit_goal.zoomed(factor)


def _following(names: tuple[str, ...], name: str) -> str:
    return names[(names.index(name) + 1) % len(names)]
