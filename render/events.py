"""What a person does, in words that know nothing of the window library."""

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What a key asks for."""

    PAUSE = "pause"
    STEP = "step"
    RESET_VIEW = "reset view"
    PROJECTION = "projection"
    LAYER = "layer"
    TRAIL_COLOR = "trail colour"
    SCREENSHOT = "screenshot"
    HELP = "help"
    BACK = "back"


class Button(StrEnum):
    """A mouse button."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Key:
    """A key was pressed."""

    action: Action


@dataclass(frozen=True, slots=True)
class Drag:
    """The pointer moved with a button held; framebuffer pixels, y downwards."""

    button: Button
    dx: float
    dy: float


@dataclass(frozen=True, slots=True)
class Scroll:
    """The wheel turned by `steps` (forward is positive) with the pointer at (x, y)."""

    steps: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Close:
    """The window is to be closed."""


Event = Key | Drag | Scroll | Close

KEYS: tuple[tuple[str, Action, str], ...] = (
    ("Space", Action.PAUSE, "pause or go on"),
    ("→", Action.STEP, "one tick, when paused"),
    ("R", Action.RESET_VIEW, "reset the view"),
    ("F9", Action.PROJECTION, "map or height field"),
    ("M", Action.LAYER, "value, density, or both"),
    ("C", Action.TRAIL_COLOR, "colour trails by age or by agent"),
    ("F12", Action.SCREENSHOT, "screenshot"),
    ("H, F1", Action.HELP, "this help"),
    ("Esc", Action.BACK, "close the help, then quit"),
)
"""Key, action and what it does: the help panel, the window's key map and the README's table."""

MOUSE: tuple[tuple[str, str], ...] = (
    ("Left drag", "orbit the height field, or move the map"),
    ("Right drag", "move"),
    ("Wheel", "zoom"),
)
"""What the mouse does."""
