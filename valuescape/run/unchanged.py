"""Frames that would show what is shown already, and are not drawn."""

import time
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from valuescape.render.scene.scene import Scene
from valuescape.render.view.viewer import Viewer

_AWAKE_S = 0.5
"""Seconds after an event in which every frame is drawn: a panel moves by itself."""

_AT_REST_S = 0.1
"""Seconds after a change in which every frame is drawn: the next tick may be due."""

_LONGEST_S = 1.0
"""Seconds after which a picture is drawn in any case: a window may have lost what it showed."""


class Unchanged:
    """Decides which frames need not be drawn. What was shown is stale when the key of a frame differs."""

    def __init__(self) -> None:
        self._drawn: object = None
        self._drawn_s = self._happened_s = self._changed_s = 0.0

    def skips(self, key: object, *, happened: bool) -> bool:
        """Return whether a frame need not be drawn; otherwise it is taken to be drawn now.

        key: what its picture depends on; None draws it. happened: whether there was an event.
        """
        now = time.monotonic()
        if happened:
            self._happened_s = now
        if key is None or key != self._drawn:
            self._changed_s = now
        at_rest = now - self._changed_s > _AT_REST_S and now - self._happened_s > _AWAKE_S
        if at_rest and now - self._drawn_s < _LONGEST_S:
            return True
        self._drawn, self._drawn_s = key, now
        return False

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
