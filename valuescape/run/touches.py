"""A person's touches while a video is made: it then cannot be made again without them."""

from valuescape.render.displays.events import Click, DoubleClick, Drag, Event, Key, Scroll

_MOST = 50


class Touches:
    """Notes which keys and gestures came at which ticks; of more than 50 the first are named.

    names: as "glow at tick 120".
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self._last = ""

    def note(self, event: Event, tick: int) -> None:
        """Note an event, if it may change the picture; a gesture of many events is noted once."""
        match event:
            case Key(action):
                self._note(str(action.value), tick)
            case Drag():
                self._note("drag", tick)
            case Scroll():
                self._note("zoom", tick)
            case Click():
                self._note("place", tick)
            case DoubleClick():
                self._note("select", tick)

    def _note(self, name: str, tick: int) -> None:
        gesture = name in ("drag", "zoom")
        if len(self.names) < _MOST and not (gesture and name == self._last):
            self.names.append(f"{name} at tick {tick}")
        self._last = name
