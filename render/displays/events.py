"""The events of a display, independent of the window library, and the keys with their meanings."""

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """The meaning of a key."""

    PAUSE = "pause"
    STEP = "step"
    FASTER = "faster"
    SLOWER = "slower"
    RESET_VIEW = "reset view"
    FIT = "fit"
    FOLLOW = "follow"
    VIEW = "view"
    SAVE_VIEW = "save view"
    PROJECTION = "projection"
    LAYER = "layer"
    CHOOSE_LAYER = "choose layer"
    CHOOSE_BESIDE = "choose layer beside"
    BESIDE = "side by side"
    LINK = "link colours"
    SIDE = "other side"
    FINDING = "finding"
    CHECKPOINT = "checkpoint"
    LIVE = "live"
    TRAIL_COLOR = "trail colour"
    GLOW = "glow"
    UNDO = "undo"
    REDO = "redo"
    SCREENSHOT = "screenshot"
    FULL_SCREEN = "full screen"
    INTERFACE = "interface"
    PROFILE = "profile"
    RELOAD = "reload shaders"
    BLIND = "viewer off"
    HELP = "help"
    BACK = "back"
    QUIT = "quit"


class Button(StrEnum):
    """A mouse button."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Key:
    """A key with a meaning was pressed.

    number: of the view or the map, for keys that choose one; −1 for the one before instead of the next.
    """

    action: Action
    number: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """The pointer moved to (x, y): framebuffer pixels from the top left, as in all events."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Press:
    """A button was pressed at (x, y). shift: whether that key was held."""

    button: Button
    x: float
    y: float
    shift: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """A button was released at (x, y)."""

    button: Button
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Scroll:
    """The wheel turned by `steps` (forward is positive) with the pointer at (x, y)."""

    steps: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Text:
    """A character was typed."""

    character: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A key that edits text, or a modifier, was pressed or released. name: "left", "ctrl", "a"."""

    name: str
    down: bool


@dataclass(frozen=True, slots=True)
class Drag:
    """The pointer moved by (dx, dy) to (x, y) with a button held.

    box: whether the shift key was held when the button was pressed.
    """

    button: Button
    dx: float
    dy: float
    x: float = 0.0
    y: float = 0.0
    box: bool = False


@dataclass(frozen=True, slots=True)
class DragEnd:
    """The button of a drag was released. box: as for `Drag`."""

    box: bool = False


@dataclass(frozen=True, slots=True)
class Hover:
    """The pointer moved to (x, y) with no button held."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Click:
    """The left button was pressed and released at (x, y). The first half of a double click is one, too."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class DoubleClick:
    """The left button was clicked twice at (x, y)."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Close:
    """The user asked to close the window."""


Raw = Move | Press | Release | Text | Edit
"""Events of the pointer and of text as a window reports them; `gestures` makes drags and clicks of them."""

Event = Key | Hover | Click | Drag | DragEnd | DoubleClick | Scroll | Close | Raw

KEYS: tuple[tuple[str, Action, str], ...] = (
    ("Space", Action.PAUSE, "pause or go on"),
    ("→", Action.STEP, "one tick, when paused"),
    ("+", Action.FASTER, "simulate faster"),
    ("-", Action.SLOWER, "simulate slower"),
    ("R", Action.RESET_VIEW, "reset the view"),
    ("A", Action.FIT, "fit the view to the agents"),
    ("F", Action.FOLLOW, "follow the selected agent"),
    ("1 to 9", Action.VIEW, "go to a saved view"),
    ("Ctrl 1 to 9", Action.SAVE_VIEW, "save this view"),
    ("F9", Action.PROJECTION, "map or height field"),
    ("M, Shift M", Action.LAYER, "the next map, the one before"),
    ("Pad 0 to 9", Action.CHOOSE_LAYER, "a map by its number; 0: the first one again"),
    ("Ctrl pad", Action.CHOOSE_BESIDE, "the map beside it; 0: none"),
    ("B", Action.BESIDE, "two maps side by side"),
    ("L", Action.LINK, "one colour scale for both, or two"),
    ("S", Action.SIDE, "of A and B: the one whose settings change"),
    ("N, Shift N", Action.FINDING, "the next finding, the one before"),
    (". and ,", Action.CHECKPOINT, "the next checkpoint, the one before"),
    ("End", Action.LIVE, "the newest checkpoint, and those to come"),
    ("C", Action.TRAIL_COLOR, "colour trails by something else"),
    ("G", Action.GLOW, "glow"),
    ("Ctrl Z", Action.UNDO, "undo the last change of a setting"),
    ("Ctrl Y", Action.REDO, "do it again; so does Ctrl Shift Z"),
    ("F12", Action.SCREENSHOT, "screenshot"),
    ("F11", Action.FULL_SCREEN, "full screen"),
    ("Tab", Action.INTERFACE, "panel, text and marks on or off"),
    ("F3", Action.PROFILE, "what frames cost"),
    ("F5", Action.RELOAD, "reload the shaders"),
    ("V", Action.BLIND, "viewer off; the simulation goes on"),
    ("H, F1", Action.HELP, "this help"),
    ("Esc", Action.BACK, "back: help, selection; twice: quit"),
    ("Ctrl Q", Action.QUIT, "quit"),
)
"""Key, action and description, as in the help panel."""

MOUSE: tuple[tuple[str, str], ...] = (
    ("Left drag", "orbit the height field, or move the map"),
    ("Right drag", "move"),
    ("Wheel", "zoom to the pointer"),
    ("Click", "select a place: what follows from there"),
    ("Double-click", "select an agent"),
    ("Shift drag", "choose a part: who passes there"),
)
"""Gestures of the mouse and their descriptions."""
