"""The messages between a display and a browser that shows it: the vocabulary, and how it is read.

A message is a JSON object with a `type`. From the browser:

- `{"type": "events", "number": 7, "events": [["move", 0.5, 0.5], …]}`: what happened on the picture, the
  oldest first. Places are shares of the picture's width and height, from the top left, so that they are right
  whatever size it is shown at. Kinds: `["move", x, y]`, `["press", "left", x, y, shift]`, `["release",
  "left", x, y]`, `["scroll", steps, x, y]`, `["key", key, code, down, shift, control]`.
- `{"type": "shown", "frame": 12}`: a frame was decoded and shown.
- `{"type": "size", "width": 800, "height": 450, "ratio": 2}`: the picture's place on the page, in CSS pixels,
  and the device pixels of one.
- `{"type": "watching", "on": true}`: whether any of the picture can be seen.
- `{"type": "change", "name": "heatmap.layer", "value": "error"}` and `{"type": "request", "name": "pause"}`:
  what controls beside the picture ask for.

To the browser:

- `{"type": "frame", "number": 12, "format": "image/jpeg", "lossless": false}`, with the picture's bytes;
- `{"type": "heard", "number": 7}`: the events up to that message were taken;
- `{"type": "state", …}`: what controls show; `{"type": "copy", "text": …}`; `{"type": "full screen"}`.

A browser may be anyone's: what does not fit is passed over, and nothing in a message grows without a bound.
"""

import math
from dataclasses import dataclass
from typing import Any, TypeGuard

from valuescape.render.displays.events import Button, Event, Move, Press, Release, Scroll
from valuescape.render.displays.streaming.keys import Pressed, key_events

_MOST_EVENTS = 1000
_LONGEST = 100
"""Characters of a name or of a text value."""

_LARGEST_PX, _LARGEST_RATIO, _MOST_PIXELS = 4096, 4.0, 2**24
_LARGEST_NUMBER = 1e15
_MOST_STEPS = 20.0
"""Notches of the wheel in one event."""


@dataclass(frozen=True, slots=True)
class Happened:
    """Events on the picture. number: of the message. Places are shares of the picture until `placed`."""

    number: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame was shown."""

    frame: int


@dataclass(frozen=True, slots=True)
class Sized:
    """The picture's place on the page, CSS pixels, and the device pixels of one."""

    width: float
    height: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Watching:
    """Whether any of the picture can be seen."""

    on: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """A control wants a setting to have another value."""

    name: str
    value: str | float | int | bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A control asks for an action without a value."""

    name: str


Message = Happened | Shown | Sized | Watching | Wanted | Asked


def read_message(content: object) -> Message | None:
    """Return what a browser's message says; None if it is none of the vocabulary. Never raises."""
    if not isinstance(content, dict):
        return None
    match content:
        case {"type": "events", "number": int(number), "events": list(events)}:
            read = [each for event in events[:_MOST_EVENTS] for each in _events(event)]
            return Happened(number, tuple(read))
        case {"type": "shown", "frame": int(frame)}:
            return Shown(frame)
        case {"type": "size", "width": width, "height": height, "ratio": ratio}:
            return _sized(width, height, ratio)
        case {"type": "watching", "on": bool(on)}:
            return Watching(on)
        case {"type": "change", "name": str(name), "value": value} if _plain(name) and _plain(value):
            return Wanted(name, value)
        case {"type": "request", "name": str(name)} if _plain(name):
            return Asked(name)
    return None


def _plain(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST
    return isinstance(value, bool) or (_finite(value) and abs(value) <= _LARGEST_NUMBER)


def _finite(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf


def _sized(width: Any, height: Any, ratio: Any) -> Sized | None:
    if not (_finite(width) and _finite(height) and _finite(ratio)):
        return None
    if not (0 < width <= _LARGEST_PX and 0 < height <= _LARGEST_PX and ratio > 0):
        return None
    return Sized(width, height, min(ratio, _LARGEST_RATIO, math.sqrt(_MOST_PIXELS / (width * height))))


def _events(event: Any) -> list[Event]:
    """Return the events that a browser's event is; none if it is unknown."""
    match event:
        case ["move", x, y] if _is_place(x, y):
            return [Move(x, y)]
        case ["press", "left" | "right" as button, x, y, bool(shift)] if _is_place(x, y):
            return [Press(Button(button), x, y, shift)]
        case ["release", "left" | "right" as button, x, y] if _is_place(x, y):
            return [Release(Button(button), x, y)]
        case ["scroll", steps, x, y] if _is_place(x, y) and _finite(steps):
            return [Scroll(min(max(steps, -_MOST_STEPS), _MOST_STEPS), x, y)]
        case ["key", str(key), str(code), bool(down), bool(shift), bool(control)]:
            return key_events(Pressed(key, code, down, shift, control))
    return []


def _is_place(x: object, y: object) -> bool:
    """Whether two values are a place; a drag may lead out of the picture, but not far."""
    return all(isinstance(each, int | float) and -10 < each < 10 for each in (x, y))


def placed(event: Event, size_px: tuple[int, int]) -> Event:
    """Return an event with its place in framebuffer pixels instead of shares of the picture."""
    width, height = size_px
    match event:
        case Move(x, y):
            return Move(x * width, y * height)
        case Press(button, x, y, shift):
            return Press(button, x * width, y * height, shift)
        case Release(button, x, y):
            return Release(button, x * width, y * height)
        case Scroll(steps, x, y):
            return Scroll(steps, x * width, y * height)
    return event
