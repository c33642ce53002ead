"""Changes as messages of a page: wishes of `render/displays/streaming/messages.py` and what they are here."""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from valuescape.render.view.changes import (
    Change,
    GoTo,
    Preset,
    Request,
    Restart,
    SavePreset,
    Set,
    Slice,
    Touch,
)

_LONGEST = 200
"""Characters of a name or of a text value."""

_MOST = 64
"""Values of a list, and settings of one restart."""

_LARGEST = 1e15


def change_of(content: Mapping[str, Any]) -> Change | None:
    """Return the change that a wish asks for; None if it is none of the vocabulary. Never raises.

    Values have the types of JSON and a bounded size; whether a setting can have one is for `Controls` to say.
    """
    read = _READERS.get(content.get("type", ""))
    return read(content) if read else None


def _set(content: Mapping[str, Any]) -> Set | None:
    match content:
        case {"name": name, "value": value} if _named(name) and _value(value):
            gesture = content.get("gesture", 0)
            return Set(name, value, gesture if _index(gesture) else 0)
    return None


def _request(content: Mapping[str, Any]) -> Request | None:
    name = content.get("name")
    return Request(name) if isinstance(name, str) and name in _REQUESTS else None


def _restart(content: Mapping[str, Any]) -> Restart | None:
    match content:
        case {"changes": dict(changes)} if len(changes) <= _MOST and all(
            _named(name) and _value(value) for name, value in changes.items()
        ):
            return Restart(dict(changes))
    return None


def _preset(content: Mapping[str, Any]) -> Preset | None:
    name = content.get("name")
    return Preset(name) if isinstance(name, str) and _named(name) else None


def _slice(content: Mapping[str, Any]) -> Slice | None:
    match content:
        case {"values": list(values)} if len(values) <= _MOST and all(map(_number, values)):
            return Slice(tuple(float(each) for each in values))
    return None


def _go_to(content: Mapping[str, Any]) -> GoTo | None:
    index = content.get("index")
    return GoTo(index) if isinstance(index, int) and _index(index) else None


def _save_preset(content: Mapping[str, Any]) -> SavePreset | None:
    match content:
        case {"name": name, "here": bool(here)} if _named(name):
            return SavePreset(name, here)
    return None


def _touch(content: Mapping[str, Any]) -> Touch | None:
    match content:
        case {"plugin": plugin, "label": label, "value": value} if (
            _named(plugin) and _named(label) and _value(value)
        ):
            return Touch(plugin, label, value)
    return None


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Change | None]] = {
    "change": _set,
    "request": _request,
    "restart": _restart,
    "preset": _preset,
    "slice": _slice,
    "go to": _go_to,
    "save preset": _save_preset,
    "touch": _touch,
}

_REQUESTS = frozenset(each.value for each in Request)


def _named(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= _LONGEST


def _number(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and abs(value) <= _LARGEST
    )


def _index(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST


def _value(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= _MOST and all(map(_plain, value))
    return _plain(value)


def _plain(value: Any) -> bool:
    return _named(value) or isinstance(value, bool) or _number(value)
