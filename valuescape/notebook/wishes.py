"""The changes that controls on a notebook's page may ask for, and how they are read."""

from typing import Any

from valuescape.render.displays.streaming.messages import Touched, Wished
from valuescape.render.view.changes import Change, Request, Set

_SHOWN = frozenset({"heatmap.layer", "policy.steps", "sim.ticks_per_s"})
"""The settings that have a control."""

_ASKED = frozenset({Request.PAUSE, Request.STEP, Request.SCREENSHOT, Request.EARLIER, Request.LATER})

_LONGEST, _LARGEST = 200, 1e15
"""Characters of a text, and the largest number."""


def change_of(wish: Touched | Wished) -> Change | None:
    """Return the change that a wish asks for; None if controls ask for no such thing. Never raises.

    Values have the types of JSON and a bounded size; whether a setting can have one is for `Controls` to say.
    """
    match wish:
        case Wished({"type": "change", "name": str(name), "value": value}) if name in _SHOWN:
            return Set(name, value) if _is_plain(value) else None
        case Wished({"type": "request", "name": str(name)}) if name in _ASKED:
            return Request(name)
    return None


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST
    return isinstance(value, int | float) and abs(value) <= _LARGEST  # not NaN
