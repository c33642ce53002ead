"""Two scenes in the halves of one picture: one view, one scale for each quantity, one set of legends."""

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.render.overlay.labels import Annotations, Marks
from valuescape.render.scene.made_maps import Shown
from valuescape.render.scene.scene import Scene
from valuescape.render.view.panes import panes
from valuescape.render.view.viewer import Viewer

_Pictures = tuple[tuple[Shown, ...], ...]


class ScenePair:
    """Draws two scenes into the picture of the first: that one at the left, the other at the right.

    Equal colours mean equal values, and so do equal heights: the scale of each map, and of the signal that
    colours trails, holds the values of both scenes. As many agents are drawn one by one on both sides.

    second: was made with the first one's target. Both are lent, and have other scales from now on.
    """

    def __init__(self, first: Scene, second: Scene, meter: FrameMeter) -> None:
        self.first, self.second, self._meter = first, second, meter
        second.fields.scales.share(first.fields.scales)
        second.trails.share(first.trails)
        self._heights = self._heights_now()

    def draw(self, viewer: Viewer, other: Viewer, said: Annotations) -> None:
        """Draw a frame, with the cameras of `viewer`. other: the view with the marks of the second scene.

        said: with texts for both panes.
        """
        self._link()
        pictures = self.first.resolve(viewer), self.second.resolve(viewer)
        parts = panes(self.first.target.size, split=True)
        self.first.clear()
        scissors = [
            *self.first.paint(viewer, pictures[0], parts[:1]),
            *self.second.paint(viewer, pictures[1], parts[1:]),
        ]
        self.first.bind()
        self.first.finish(viewer, scissors)
        with self._meter.section("labels"):
            self._label(viewer, other, said, pictures)

    def _link(self) -> None:
        """Bring what both scenes share up to date in both: heights, and the number of individuals."""
        now = self._heights_now()
        moved = [one != before for one, before in zip(now, self._heights, strict=True)]
        if self.first.fields.height_layer == self.second.fields.height_layer and moved[0] != moved[1]:
            (self.second if moved[0] else self.first).heights_changed()
        if self.second.trails.match(self.first.trails):
            self.second.heights_changed()
        self._heights = self._heights_now()

    def _heights_now(self) -> tuple[int, int]:
        return self.first.heights_revision, self.second.heights_revision

    def _label(self, viewer: Viewer, other: Viewer, said: Annotations, pictures: _Pictures) -> None:
        first, second = self.first, self.second
        bars = first.fields.bars(pictures[0][0]), second.fields.bars(pictures[1][0])
        scales = first.scales(viewer, *bars)
        said = first.explained(said, scales, (*pictures[0], *pictures[1]))
        beside = Marks(second.axes, second.way(other), other.cross)
        first.labels.update(viewer, first.target.size, said, scales, first.way(viewer), beside)
        first.draw_labels(viewer)

    def draw_afresh(self, viewer: Viewer, other: Viewer, said: Annotations) -> None:
        """Draw a frame that depends on ticks, view and ends of scales alone; GPU queries.

        Draws twice, as maps that are shown for the first time have no ends before.
        """
        self.draw(viewer, other, said)
        self.first.read_scales()  # which the second one has, too
        for each in (self.first, self.second):
            each.forget_places()
        self.draw(viewer, other, said)
