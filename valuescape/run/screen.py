"""The screen of a run: its display, the panel beside the picture, and the events from both."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from valuescape.render.displays.display import Display
from valuescape.render.displays.events import Event
from valuescape.render.displays.gestures import Gestures
from valuescape.render.panel.standing import Past
from valuescape.render.view.changes import Change
from valuescape.render.view.viewer import Viewer
from valuescape.run.starting import UnwatchedStart, WatchedStart
from valuescape.run_state import RunState
from valuescape.sim.config.files import Config
from valuescape.sim.interrupts import Interrupts
from valuescape.sim.plugins.widgets import Section

if TYPE_CHECKING:
    from valuescape.run.panel import Tuning


class Screen:
    """A display that shows a picture and, if one is opened, a panel on its left.

    display: lent; released by its owner. panel_wanted: whether the panel, if there is one, is to be seen.
    watched: whether a person may be looking, and wants to know what is waited for.
    """

    def __init__(self, display: Display, panel_wanted: Callable[[], bool], *, watched: bool) -> None:
        self.display, self._watched = display, watched
        self.panel: Tuning | None = None
        self._panel_wanted = panel_wanted
        self._gestures = Gestures()
        self._missed: list[Event] = []  # during a start

    def open_panel(self, text: float) -> None:
        """Open a panel. text: the size of its text, as a share of the usual size."""
        from valuescape.run.panel import Tuning  # takes 0.15 s to import

        self.panel = Tuning(self.display, text)

    def release(self) -> None:
        """Free the panel."""
        if self.panel:
            self.panel.release()

    def start(
        self, config: Config, interrupts: Interrupts, hint: str, behind: Any
    ) -> UnwatchedStart | WatchedStart:
        """Return what shows the steps of a start, and ends it. hint, behind: as for WatchedStart."""
        if not self._watched:
            return UnwatchedStart(interrupts)
        title = f"Valuescape: {config.world.name.replace('_', ' ')}"
        return WatchedStart(self.display, interrupts, title, hint, self.panel_picture, behind, self._missed)

    def _panel_px(self) -> int:
        """Return how many pixels of the window's width the panel takes; 0 while it is hidden."""
        return self.panel.width_px(self.display.size_px) if self.panel and self._panel_wanted() else 0

    @property
    def panel_picture(self) -> Any | None:
        """The framebuffer of the panel; None while it is hidden."""
        return self.panel.picture if self.panel and self._panel_px() else None

    @property
    def picture_size(self) -> tuple[int, int]:
        """Width and height of the picture, pixels: the window without its panel."""
        width, height = self.display.size_px
        return width - self._panel_px(), height

    def gestures(self) -> Iterable[Event]:
        """Return the gestures since the last call, without those that the panel takes."""
        events = [*self._missed, *self.display.poll()]
        self._missed.clear()
        if self.panel and self._panel_px():
            events = self.panel.take(events)
        elif self.panel and events:
            self.panel.let_go()  # while hidden it does not see keys go up
        return self._gestures.read(events)

    def let_go(self) -> None:
        """Forget which keys and buttons are held."""
        self._gestures = Gestures()
        if self.panel:
            self.panel.let_go()

    def draw_panel(
        self,
        viewer: Viewer,
        state: Callable[[], RunState],
        past: Callable[[], Past],
        sections: Callable[[], tuple[Section, ...]],
    ) -> list[Change]:
        """Draw the panel if it is seen and due; return what a person changed in it.

        state, past, sections: make what it shows of the run, its history, and plug-ins.
        """
        if not self.panel or not self._panel_px():
            return []
        return self.panel.draw(self.display.size_px, viewer, state, past, sections)

    def present(self, picture: Any) -> None:
        """Show a picture (framebuffer), and the panel beside it."""
        self.display.present(picture, self.panel_picture)
