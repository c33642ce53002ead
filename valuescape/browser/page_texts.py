"""The texts beside a picture, as a page shows them: heading, cards, notice and help.

A message is `{"type": "cards", "whole": bool, …}` with what changed since the last one: `heading` (lines at
the left and at the right), `notice`, `cards`, `room` (the ends of the map that cards may cover, shares of the
picture's width), `help` (whether it is shown). A whole one also has `keys`: groups of keys and gestures with
their meanings, and words with theirs.
"""

import math
from collections.abc import Sequence
from typing import Any

from valuescape.render.displays.events import KEYS, MOUSE
from valuescape.render.overlay.cards import Card
from valuescape.render.overlay.curves import Curve, axis_ends
from valuescape.render.overlay.help import GLOSSARY
from valuescape.render.overlay.labels import Annotations

_MOST_VALUES = 120
"""Values of a card's plot that are sent; of more, the newest."""

_MOST_POINTS = 400
"""Points of a curve that are sent; of more, every n-th, and the last."""

_NOT_HERE = frozenset({"F5", "F12", "Tab", "Ctrl Q"})
"""Keys of the window that a browser keeps to itself."""

_ELSE = {"Esc": "back: help, selection"}
"""Keys that mean something else on a page, which does not end the run."""

_TOUCH = (
    ("One finger", "orbit the height field, or move the map"),
    ("Two fingers", "move; pinch to zoom"),
    ("Tap", "select a place"),
    ("Double tap", "reset the view"),
    ("Long press", "select an agent"),
)


class PageTexts:
    """The texts for pages: one for a session, whoever looks."""

    def __init__(self) -> None:
        self._told: dict[str, Any] = {}

    def tell(
        self, said: Annotations, room: tuple[float, float], *, help_shown: bool
    ) -> dict[str, Any] | None:
        """Return a message with what changed since the last call; None if nothing did."""
        now = {
            "heading": {"left": said.heading.left, "right": said.heading.right},
            "notice": said.notice,
            "cards": [_card(each) for each in said.cards],
            "room": room,
            "help": help_shown,
        }
        changed = {name: value for name, value in now.items() if self._told.get(name) != value}
        self._told = now
        return {"type": "cards", "whole": False} | changed if changed else None

    def whole(self) -> dict[str, Any]:
        """Return a message with all that `tell` told so far, for a page that knows nothing of it."""
        return {"type": "cards", "whole": True, "keys": _keys()} | self._told


def _keys() -> list[dict[str, Any]]:
    """Return groups of what there is to press, to touch and to know, as the help of a page lists them."""
    keys = [(key, _ELSE.get(key, said)) for key, _, said in KEYS if key not in _NOT_HERE]
    groups = (("Keys", keys), ("Mouse", MOUSE), ("Touch", _TOUCH), ("Words", GLOSSARY))
    return [{"title": title, "rows": rows} for title, rows in groups]


def _card(card: Card) -> dict[str, Any]:
    """Return a card as a message has it."""
    return {
        "title": card.title,
        "rows": card.rows,
        "values": [_number(each) for each in card.values[-_MOST_VALUES:]],
        "mark": _number(card.mark),
        "parts": [(name, _number(amount)) for name, amount in card.parts],
        "lamps": card.lamps,
        "note": card.note,
        "curves": [_curve(each) for each in card.curves],
        "steps": card.steps,
    }


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "title": curve.title,
        "said": curve.said,
        "ends": axis_ends(curve),
        "points": [[_number(each) for each in point] for point in _thinned(curve.points)],
        "dots": [[_number(each) for each in dot] for dot in _thinned(curve.dots)],
    }


def _thinned(points: Sequence[Any]) -> Sequence[Any]:
    """Return at most so many points, the last one among them."""
    every = -(-len(points) // _MOST_POINTS) or 1
    return points[::-1][::every][::-1]


def _number(value: float) -> float | None:
    """Return a number with five digits; None if it is none, which JSON cannot say."""
    return float(f"{value:.5g}") if math.isfinite(value) else None
