"""Keys as a browser names them, and the events that they are here."""

from dataclasses import dataclass

from valuescape.render.displays.events import Action, Edit, Event, Key, Text

_ACTIONS = {
    " ": Action.PAUSE,
    "ArrowRight": Action.STEP,
    "+": Action.FASTER,
    "=": Action.FASTER,
    "-": Action.SLOWER,
    ".": Action.CHECKPOINT,
    ",": Action.CHECKPOINT,
    "End": Action.LIVE,
    "r": Action.RESET_VIEW,
    "a": Action.FIT,
    "f": Action.FOLLOW,
    "g": Action.GLOW,
    "v": Action.BLIND,
    "m": Action.LAYER,
    "b": Action.BESIDE,
    "l": Action.LINK,
    "s": Action.SIDE,
    "n": Action.FINDING,
    "c": Action.TRAIL_COLOR,
    "h": Action.HELP,
    "F1": Action.HELP,
    "F3": Action.PROFILE,
    "F9": Action.PROJECTION,
    "F11": Action.FULL_SCREEN,
    "Escape": Action.BACK,
}
"""Keys of the window, but for those that a browser keeps to itself: Tab, F5, F12, Ctrl-Q."""

_CONTROLLED = {"z": Action.UNDO, "y": Action.REDO}
"""Keys that mean something while Ctrl is held."""

_WALKS = {Action.LAYER, Action.FINDING}
"""Actions that go to the next of several things; with Shift, to the one before."""

_EDITS = {
    "Backspace": "backspace",
    "Delete": "delete",
    "Enter": "enter",
    "ArrowLeft": "left",
    "ArrowRight": "right",
    "ArrowUp": "up",
    "ArrowDown": "down",
    "Home": "home",
    "End": "end",
    "Escape": "escape",
    "Control": "ctrl",
    "Shift": "shift",
    **{letter: letter for letter in "acvxyz"},
}
"""Keys that edit text, and modifiers."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """A key of a browser: `key` and `code` of its KeyboardEvent, and whether it goes down or up."""

    key: str
    code: str
    down: bool
    shift: bool
    control: bool


def key_events(pressed: Pressed) -> list[Event]:
    """Return the events of a key, those that edit text first; none if the key means nothing here."""
    name = pressed.key.lower() if len(pressed.key) == 1 else pressed.key
    events: list[Event] = []
    if name in _EDITS:
        events.append(Edit(_EDITS[name], pressed.down))
    if pressed.down and (meant := _meaning(name, pressed)):
        events.append(meant)
    if pressed.down and not pressed.control and len(pressed.key) == 1:
        events.append(Text(pressed.key))
    return events


def _meaning(name: str, pressed: Pressed) -> Key | None:
    if len(name) == 1 and name in "0123456789":
        return _digit(int(name), pressed)
    if pressed.control:
        again = name == "z" and pressed.shift
        return Key(Action.REDO if again else _CONTROLLED[name]) if name in _CONTROLLED else None
    if name not in _ACTIONS:
        return None
    action = _ACTIONS[name]
    back = name == "," or (pressed.shift and action in _WALKS)
    return Key(action, -1 if back else 0)


def _digit(digit: int, pressed: Pressed) -> Key | None:
    """Return the meaning of a digit: on the keypad that of a map, elsewhere that of a view."""
    if pressed.code.startswith("Numpad"):
        return Key(Action.CHOOSE_BESIDE if pressed.control else Action.CHOOSE_LAYER, digit)
    if digit == 0:
        return None
    return Key(Action.SAVE_VIEW if pressed.control else Action.VIEW, digit)
