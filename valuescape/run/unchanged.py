"""Frames that would show what is shown already, and are not drawn."""

import time
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

import numpy as np

from valuescape.render.scene.scene import Scene
from valuescape.render.view.viewer import Viewer

_AWAKE_S = 0.5
"""Seconds after an event in which every frame is drawn: a panel moves by itself."""

_AT_REST_S = 0.1
"""Seconds after a change in which every frame is drawn: the next tick may be due."""

_AGAIN_S = 1.0
"""Seconds after which a picture is shown again in any case: a window may have lost what it showed."""

_SETTLING = 3
"""Pictures that are drawn, `_AGAIN_S` apart, before the same one is shown again: numbers that are read back
from the GPU now and then are up to date by then."""


class Due(Enum):
    """The work of a frame."""

    DRAW = "draw"
    SHOW = "show the picture again that was drawn last"
    NOTHING = "nothing"


class Unchanged:
    """Decides what a frame has to do. What was drawn is stale when the key of a frame differs."""

    def __init__(self) -> None:
        self._drawn: object = None
        self._shown_s = self._happened_s = self._changed_s = 0.0
        self._settled = 0  # pictures drawn since the last change

    def due(self, key: object, *, happened: bool) -> Due:
        """Return the work of this frame, which is taken to be done now.

        key: what its picture depends on; None draws it. happened: whether there was an event.
        """
        now = time.monotonic()
        if happened:
            self._happened_s = now
        if key is None or key != self._drawn:
            self._changed_s = now
        if now - self._changed_s <= _AT_REST_S or now - self._happened_s <= _AWAKE_S:
            self._settled = 0
        elif now - self._shown_s < _AGAIN_S:
            return Due.NOTHING
        elif self._settled == _SETTLING:
            self._shown_s = now
            return Due.SHOW
        else:
            self._settled += 1
        self._drawn, self._shown_s = key, now
        return Due.DRAW

    def forget(self) -> None:
        """Draw the next frame."""
        self._drawn = None


def picture_key(scene: Scene, viewer: Viewer) -> tuple[object, ...]:
    """Return what a scene's picture depends on beside its texts: two are equal if nothing changed."""
    view = tuple(_comparable(getattr(viewer, each.name)) for each in fields(viewer))
    highlighted = _comparable(scene.trails.individuals.highlighted)
    return scene, scene.trails.ring.newest, scene.drawing, highlighted, view


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """Equals what holds the very same object, which lives as long as this."""

    value: object

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


def _comparable(value: Any) -> object:
    """Return a value that `==` compares to one answer: arrays are compared by identity."""
    return _Same(value) if isinstance(value, np.ndarray) else value
