"""The inspection of two runs that are shown side by side: one selection for both."""

from valuescape.render.view.panes import pane_at
from valuescape.render.view.viewer import Viewer
from valuescape.run.inspection import Inspection
from valuescape.run.stage import Stage


class PairedInspection(Inspection):
    """The inspection of side A, which passes clicks in the right half of the picture on to side B's.

    beside: the inspection of B, which has a viewer of its own; released with this one.
    """

    def __init__(self, stage: Stage, beside: Inspection) -> None:
        super().__init__(stage)
        self.beside = beside

    def select(self, viewer: Viewer, x: float, y: float, size_px: tuple[int, int]) -> None:
        """Select the agent nearest to pixel (x, y) on its side, on both sides; none that only one has."""
        if pane_at(x, size_px, split=True).number:
            self.beside.select(viewer, x, y, size_px)
        else:
            super().select(viewer, x, y, size_px)
        if viewer.selected is not None and viewer.selected >= self._stage.config.agents.count:
            viewer.selected, viewer.following = None, False

    def probe(self, viewer: Viewer, x: float, y: float, size_px: tuple[int, int]) -> None:
        """Select the place at pixel (x, y) on both maps; none off the map."""
        if pane_at(x, size_px, split=True).number:
            self.beside.probe(viewer, x, y, size_px)
        else:
            super().probe(viewer, x, y, size_px)

    def release(self) -> None:
        """Wait for what is being computed on both sides."""
        super().release()
        self.beside.release()
