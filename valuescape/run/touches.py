"""Touches of a video while it is made, by persons, files and the clock, without which it is another."""

from valuescape.render.displays.events import Click, DoubleClick, Drag, Event, Hover, Key, Scroll

_MOST = 50


class Touches:
    """Notes which keys, gestures and files came at which ticks; of more than 50 the first are named.

    names: as "glow at tick 120". computing: maps that a frame did not wait for, as the first of them said it.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.computing = ""
        self._last = ""

    def note_frame(self, computing: str) -> None:
        """Note a frame. computing: its maps that are not complete, which depends on the clock; "" without."""
        self.computing = self.computing or computing

    def note_file(self, name: str, tick: int) -> None:
        """Note that a file was applied."""
        self._note(name, tick)

    def note(self, event: Event, tick: int, *, split: bool = False) -> None:
        """Note an event, if it may change the picture; a gesture of many events is noted once.

        split: two maps are shown, with a cross at the pointer.
        """
        match event:
            case Hover() if split:
                self._note("pointer", tick)
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
        gesture = name in ("drag", "zoom", "pointer")
        if len(self.names) < _MOST and not (gesture and name == self._last):
            self.names.append(f"{name} at tick {tick}")
        self._last = name
