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
- `{"type": "accepts", "codecs": ["vp8", "avc1.42E01F"], "prefer": "auto"}`: the video codecs that the browser
  decodes (WebCodecs' `isConfigSupported` said so), and what the person prefers: `"pictures"`, `"video"`, or
  `"auto"`, which is video on a slow link alone. A page that never says it gets pictures.
- `{"type": "control", "do": "ask"}` asks to take over from the viewer that controls; `"give"` and `"refuse"`
  answer `asked`, and are for that viewer alone.
- `{"type": "picture"}` asks for the picture as a PNG that can be made again.
- `{"type": "widget", "name": "heatmap.opacity", "value": 0.5, "held": true, "number": 9}`: a widget of the
  panel on the page was given a value, and is held or not. `render/panel/page_panel.py` makes of it what the
  panel of a window asks for. Pages of notebooks have no such panel.
- `{"type": "change", "name": "heatmap.layer", "value": "error"}`, `{"type": "request", "name": "pause"}`: the
  wishes of a notebook's controls, read by `valuescape/notebook/wishes.py`; a run in a browser takes none.

To the browser:

- `{"type": "frame", "number": 12, "format": "image/jpeg", "lossless": false}`, with the picture's bytes. The
  format is that of a picture, `"image/jpeg"`, `"image/webp"` or `"image/png"`, or of video, `"video/vp8"` or
  `"video/avc1.42E01F"` with one encoded frame (H.264 as Annex B); then `"key"` says whether it can be decoded
  without those before, and `"width"` and `"height"` are its pixels. `"heard"`: the number of the newest
  message of events, of the page that controls, that the picture shows; notebooks are not told that. Every
  frame is answered by `shown`, also one that cannot be decoded.
- `{"type": "heard", "number": 7}`: the events up to that message were taken, or passed over, as those of a
  viewer that only watches are;
- `{"type": "role", "controls": true, "controller": 3, "viewer": 3, "viewers": 2}`: whether this page
  controls, the numbers of the viewer that does and of its own, and how many there are: the first message, and
  after each change;
- `{"type": "asked", "by": 4, "within_s": 8}`, to the viewer that controls: another asks to take over, and
  does if there is no answer in that time; `{"type": "answered", "given": false}`, to that other one;
- `{"type": "answer", "number": 9, "name": "heatmap.opacity", "said": ""}`: what a widget asked for was done;
  said: why it could not be;
- `{"type": "panel", …}`: the widgets of the panel (`render/panel/page_panel.py`); `{"type": "cards", …}`: the
  texts beside the picture (`valuescape/browser/page_texts.py`);
- `{"type": "picture", "name": "picture-101500.png"}`, with its bytes;
- `{"type": "state", …}`: what controls show; `{"type": "copy", "text": …}`; `{"type": "full screen"}`;
- `{"type": "ended", "said": ""}`: the run has ended; said: what ended it, if it was an error.

A browser may be anyone's: what does not fit is passed over, and nothing in a message grows without a bound.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeGuard

from valuescape.render.displays.events import Button, Event, Move, Press, Release, Scroll
from valuescape.render.displays.streaming.keys import Pressed, key_events

_MOST_EVENTS = 1000
_MOST_CODECS = 8
_LONGEST = 100
"""Characters of the name of a codec."""

_LONGEST_NAME, _LONGEST_TEXT = 300, 2000
"""Characters of a widget's name and of its value."""

_LARGEST, _MOST_COUNTED = 1e15, 2**53
"""The largest number of a widget, and of a message."""

_LARGEST_PX, _LARGEST_RATIO, _MOST_PIXELS = 4096, 4.0, 2**24
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


class Prefer(StrEnum):
    """The kind of frames that a person prefers."""

    AUTO = "auto"
    PICTURES = "pictures"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Accepts:
    """The video codecs that a browser decodes, and the kind of frames that is preferred."""

    codecs: tuple[str, ...]
    prefer: Prefer


class Control(StrEnum):
    """A viewer asks to control, or answers another that asks."""

    ASK = "ask"
    GIVE = "give"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class PictureWanted:
    """The picture is wanted as a file."""


@dataclass(frozen=True, slots=True)
class Touched:
    """A widget of the panel was given a value, and is held or not. number: of the message."""

    name: str
    value: Any
    held: bool
    number: int


@dataclass(frozen=True, slots=True)
class Wished:
    """A wish of a notebook's controls, as it came: `valuescape/notebook/wishes.py` reads it."""

    content: Mapping[str, Any]


Message = Happened | Shown | Sized | Watching | Accepts | Control | PictureWanted | Touched | Wished


def read_message(content: object) -> Message | None:
    """Return what a browser's message says; None if it is none of the vocabulary. Never raises."""
    if not isinstance(content, dict):
        return None
    match content:
        case {"type": "events", "number": number, "events": list(events)} if _is_number(number):
            read = [each for event in events[:_MOST_EVENTS] for each in _events(event)]
            return Happened(number, tuple(read))
        case {"type": "shown", "frame": frame} if _is_number(frame):
            return Shown(frame)
        case {"type": "size", "width": width, "height": height, "ratio": ratio}:
            return _sized(width, height, ratio)
        case {"type": "watching", "on": bool(on)}:
            return Watching(on)
        case {"type": "accepts", "codecs": list(codecs), "prefer": "auto" | "pictures" | "video" as prefer}:
            return _accepts(codecs, Prefer(prefer))
        case {"type": "control", "do": "ask" | "give" | "refuse" as what}:
            return Control(what)
        case {"type": "picture"}:
            return PictureWanted()
        case {"type": "widget", "name": str(name), "value": value, "number": number}:
            fits = _is_number(number) and len(name) <= _LONGEST_NAME and _is_value(value)
            return Touched(name, value, content.get("held") is True, number) if fits else None
        case {"type": "change" | "request"}:
            return Wished(content)
    return None


def _accepts(codecs: list[Any], prefer: Prefer) -> Accepts:
    named = [each for each in codecs[:_MOST_CODECS] if isinstance(each, str) and len(each) <= _LONGEST]
    return Accepts(tuple(named), prefer)


def _is_number(value: object) -> bool:
    """Whether a value is the number of a message: whole, and no greater than a page can count to."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_COUNTED


def _is_value(value: object) -> bool:
    """Whether a value is one that widgets have, and no greater than a person makes it."""
    match value:
        case [one, other]:
            return all(isinstance(each, int | float) and _is_value(each) for each in (one, other))
        case str():
            return len(value) <= _LONGEST_TEXT
        case int() | float():
            return abs(value) <= _LARGEST  # not NaN, nor a whole number that no float can hold
    return value is None


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
