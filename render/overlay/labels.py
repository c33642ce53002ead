"""All text and axes over a frame, rebuilt only when something in them has changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.render.overlay.axes import HEIGHT, Height, MapAxis, draw_map_axes, draw_orbit_axes, plot_rect
from valuescape.render.overlay.backing import back_up
from valuescape.render.overlay.cards import Card, draw_cards, draw_notice
from valuescape.render.overlay.help import draw_help
from valuescape.render.overlay.layout import Layout
from valuescape.render.overlay.legends import (
    ColorBar,
    draw_color_bars,
    draw_end_marks,
    draw_heading,
    draw_trail_legend,
    map_title,
    write_above_map,
)
from valuescape.render.overlay.overlay import FAINT, INK, QUAD, Overlay, OverlayRenderer
from valuescape.render.overlay.path import draw_path
from valuescape.render.overlay.pointer_cross import draw_cross
from valuescape.render.overlay.selection_outline import draw_selection
from valuescape.render.overlay.text import Font
from valuescape.render.view.camera import Rect
from valuescape.render.view.cross import Cross
from valuescape.render.view.panes import Pane, panes
from valuescape.render.view.picking import Positions, on_screen
from valuescape.render.view.viewer import Viewer
from valuescape.sim.worlds.base import Termination

_HEIGHT_TICKS = 5
_NARROW_EMS = 30  # in a narrower map, cards and notices begin in its left margin

FONT_PX = 13


@dataclass(frozen=True, slots=True)
class Heading:
    """The lines of text at the top of the picture."""

    left: tuple[str, ...] = ()
    right: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PaneText:
    """The texts of one of two panes: a line above its map, and cards in it. chosen: whether it stands out."""

    title: str
    cards: tuple[Card, ...] = ()
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Annotations:
    """The texts of a frame beside its axes and scales.

    cards: of the selection, of the frame's costs. notice: a message about a recent event. panes: texts of two
    panes that show two runs; none if the panes show two maps of one run.
    """

    heading: Heading = Heading()
    cards: tuple[Card, ...] = ()
    notice: str = ""
    panes: tuple[PaneText, ...] = ()
    elsewhere: bool = False

    def also(self, line: str) -> Self:
        """Return the same annotations with one more line on the left of the heading."""
        heading = Heading((*self.heading.left, line), self.heading.right)
        return replace(self, heading=heading)

    def taken_out(self) -> Self:
        """Return the same annotations for a picture beside which a page shows heading, cards and notice."""
        return replace(self, heading=Heading(), cards=(), notice="", elsewhere=True)


@dataclass(frozen=True, eq=False, slots=True)
class Marks:
    """What belongs to the map in one pane: its axes, and places that are marked on it.

    way: from the selected place, scene points; None without a place. cross: at the pointer; None without one.
    """

    axes: tuple[MapAxis, MapAxis]
    way: Positions | None = None
    cross: Cross | None = None

    def same_as(self, other: "Marks") -> bool:
        """Return whether other marks are these very objects."""
        return self.axes == other.axes and self.way is other.way and self.cross is other.cross


@dataclass(frozen=True, slots=True)
class Scales:
    """The scales of a frame: of the fields; of the trails and of the surface's height, if these have one.

    beside: of the fields in the right half, if there are two.
    """

    fields: tuple[ColorBar, ...]
    trails: ColorBar | None = None
    height: ColorBar | None = None
    beside: tuple[ColorBar, ...] = ()

    def meaning(self) -> str:
        """Return a line that explains the colours; "" if they need none, or titles above the maps do."""
        fields = () if self.beside else self.fields
        said = [f"{bar.title}: {bar.meaning}" for bar in fields if bar.meaning]
        if self.trails and self.trails.meaning:
            said.append(f"trails: {self.trails.meaning}")
        return " · ".join(said)


class Writing:
    """Decides which texts are in a picture, and where. Pure data, without OpenGL.

    All share one layout, and earlier ones have priority: the help, scales, headings, legends, the notice,
    cards; then axes, which move with the camera.
    """

    def __init__(self, font: Font, axes: tuple[MapAxis, MapAxis], termination: Termination) -> None:
        self._font, self.axes, self._termination = font, axes, termination

    def plot(self, size_px: tuple[int, int], *, split: bool = False) -> Rect:
        """Return the rectangle of the flat map in a picture of this size. split: in a pane of two."""
        return plot_rect(size_px, self._font.line_px, titled=split)

    def say(
        self,
        viewer: Viewer,
        size_px: tuple[int, int],
        said: Annotations,
        scales: Scales,
        *,
        at_left: bool = False,
    ) -> list[Overlay]:
        """Return what does not move with the camera: scales and texts, and the help to be drawn over them.

        at_left: where cards are.
        """
        em = self._font.line_px
        layout = Layout(size_px, gap_px=0.1 * em)
        overlay, help_panel = Overlay(self._font, layout), Overlay(self._font, layout)
        if viewer.help_shown and not said.elsewhere:
            draw_help(help_panel, size_px)
        parts = panes(size_px, split=viewer.split)
        for pane, bars in zip(parts, (scales.fields, scales.beside), strict=False):
            title = said.panes[pane.number] if said.panes else None
            overlay.absorb(self._explain(viewer, pane, bars, layout, title), pane.left)
        area = self._card_area(viewer, parts[-1], at_left=at_left)
        if viewer.labels_shown:
            draw_heading(overlay, said.heading.left, said.heading.right, size_px)
            if scales.trails:
                draw_trail_legend(overlay, scales.trails, size_px)
            if viewer.looks.trails.end_marks:
                draw_end_marks(overlay, self._termination, size_px)
            draw_notice(overlay, said.notice, area)
        if viewer.labels_shown or viewer.blind:  # a card says how to end the blind mode
            for pane, text in zip(parts, said.panes, strict=False):
                draw_cards(
                    overlay, text.cards, self._card_area(viewer, pane, at_left=at_left), at_left=at_left
                )
            draw_cards(overlay, said.cards, area, at_left=at_left)
        return [overlay, help_panel]

    def _card_area(self, viewer: Viewer, pane: Pane, *, at_left: bool) -> Rect:
        """Return the room for cards over the map of a pane, in pixels of the picture."""
        plot = self.plot(pane.size_px, split=viewer.split)
        # At the left a card would hide the axis.
        narrow = plot.width < _NARROW_EMS * self._font.line_px and not at_left
        left = 0.5 * self._font.line_px if narrow else plot.left + 4
        return Rect(pane.left + left, plot.top + 4, plot.right - 4 - left, plot.height - 8)

    def _pane_layout(self, pane: Pane, taken: Iterable[Rect]) -> Layout:
        """Return the room for text in a pane. taken: in the whole picture."""
        around = [replace(each, left=each.left - pane.left) for each in taken]
        return Layout(pane.size_px, gap_px=0.1 * self._font.line_px, taken=around)

    def _explain(
        self, viewer: Viewer, pane: Pane, bars: Sequence[ColorBar], whole: Layout, text: PaneText | None
    ) -> Overlay:
        """Return the colour bars of a pane, and the line above its map where there are two."""
        overlay = Overlay(self._font, self._pane_layout(pane, whole.taken))
        plot = self.plot(pane.size_px, split=viewer.split)
        draw_color_bars(overlay, bars, pane.size_px, plot)
        if text:
            write_above_map(overlay, text.title, plot, pane.size_px, INK if text.chosen else FAINT)
        elif viewer.split:
            write_above_map(overlay, map_title(bars), plot, pane.size_px)
        return overlay

    def at_right(self, viewer: Viewer, pane: Pane, way: Positions | None) -> bool:
        """Return whether the selected place is in the right half of a pane, where cards would hide it."""
        if way is None:
            return False
        plot = self.plot(pane.size_px, split=viewer.split)
        start = way[:1] * np.array((1, 1, viewer.raised), np.float32)
        x = on_screen(start, viewer.matrix(pane.size_px, plot), pane.size_px)[0, 0]
        return bool(x > (plot.left + plot.right) / 2)

    def rule(
        self, viewer: Viewer, pane: Pane, said: Overlay, height: ColorBar | None, marks: Marks | None = None
    ) -> Overlay:
        """Return what moves with the camera in a pane: axes, selection, backings of `said` over the scene.

        marks: None for the axes that were given, without a selected place.
        """
        marks = marks or Marks(self.axes)
        size_px = pane.size_px
        overlay = Overlay(self._font, self._pane_layout(pane, said.layout.taken))
        plot = self.plot(size_px, split=viewer.split)
        if viewer.lift == 0:
            draw_map_axes(overlay, viewer.map_camera, plot, marks.axes)
        else:
            if viewer.lift == 1:
                axis = Height(height.title, tuple(height.labels(_HEIGHT_TICKS)), HEIGHT) if height else None
                draw_orbit_axes(overlay, viewer.orbit_camera, size_px, marks.axes, axis, plot)
            blocks = [replace(each, left=each.left - pane.left) for each in said.blocks]
            back_up(overlay, blocks, viewer.matrix(size_px, plot), size_px, HEIGHT * viewer.raised)
        draw_selection(overlay, viewer, size_px, plot)
        if marks.way is not None:
            draw_path(overlay, viewer, marks.way, size_px, plot)
        if marks.cross and viewer.lift in (0, 1):
            draw_cross(overlay, marks.cross, pane, viewer.matrix(size_px, plot))
        return overlay


class Labels:
    """Axes, colour bars, headings and cards in one draw call.

    scale: pixels per logical pixel. text_px: size of the text in logical pixels.

    Performance: texts are laid out anew only when they change; while only a camera moves, only the axes are.
    """

    def __init__(
        self,
        gl: Any,
        axes: tuple[MapAxis, MapAxis],
        scale: float,
        meter: FrameMeter,
        *,
        text_px: float = FONT_PX,
        termination: Termination = "either",
    ) -> None:
        self._font = Font(round(text_px * scale))
        self._writing = Writing(self._font, axes, termination)
        self._gl, self._meter = gl, meter
        self._renderer = OverlayRenderer(gl, self._font, meter)
        self._rulers: list[tuple[Pane, OverlayRenderer]] = []
        self._key: tuple[object, object] | None = None
        self._marks: list[Marks] = []
        self._said: list[Overlay] = []
        self._said_quads = np.zeros(0, QUAD)

    def plot(self, size_px: tuple[int, int], *, split: bool = False) -> Rect:
        """Return the rectangle of the flat map in a picture of this size. split: in a pane of two."""
        return self._writing.plot(size_px, split=split)

    def update(
        self,
        viewer: Viewer,
        size_px: tuple[int, int],
        said: Annotations,
        scales: Scales,
        way: Positions | None = None,
        beside: Marks | None = None,
    ) -> None:
        """Build and upload the overlay if anything in it changed.

        way: from the selected place, as in `Marks`. beside: marks of the right pane; None for the same.
        """
        looks = viewer.looks, viewer.shown, viewer.trail_color
        shown = viewer.help_shown, viewer.labels_shown, viewer.blind
        parts = panes(size_px, split=viewer.split)
        at_left = self._writing.at_right(viewer, parts[-1], way)
        said_key = (*looks, *shown, size_px, said, scales, at_left)
        cameras = viewer.map_camera, viewer.orbit_camera, viewer.lift
        placed_key = *cameras, viewer.box, viewer.frame, size_px
        own = Marks(self._writing.axes, way, viewer.cross)
        marks = [own, beside or own][: len(parts)]
        if (said_key, placed_key) == self._key and _same(marks, self._marks):
            return
        if self._key is None or self._key[0] != said_key:
            self._said = self._writing.say(viewer, size_px, said, scales, at_left=at_left)
            self._said_quads = np.concatenate([each.quads() for each in self._said])
        self._key, self._marks = (said_key, placed_key), marks
        # A moving camera changes the axes alone; the texts, which take longer, are kept.
        ruled = [
            self._writing.rule(viewer, pane, self._said[0], scales.height, each)
            for pane, each in zip(parts, marks, strict=True)
        ]
        if not viewer.split:
            self._release_rulers()
            self._renderer.upload(np.concatenate([ruled[0].quads(), self._said_quads]))
            return
        self._renderer.upload(self._said_quads)
        self._rule_both(parts, ruled)

    def _rule_both(self, parts: Sequence[Pane], ruled: Sequence[Overlay]) -> None:
        """Upload the axes of two panes, each to be drawn by itself: a line must not reach into the other."""
        kept = [renderer for _, renderer in self._rulers]
        renderers = kept or [OverlayRenderer(self._gl, self._font, self._meter) for _ in parts]
        self._rulers = list(zip(parts, renderers, strict=True))
        for (pane, renderer), overlay in zip(self._rulers, ruled, strict=True):
            whole = Overlay(self._font)
            whole.absorb(overlay, pane.left)
            renderer.upload(whole.quads())

    def draw(self, picture: Any) -> None:
        """Draw what was built last into `picture`, the framebuffer that is bound."""
        for pane, renderer in self._rulers:
            picture.scissor = pane.scissor
            renderer.draw()
        picture.scissor = None
        self._renderer.draw()

    def _release_rulers(self) -> None:
        for _, renderer in self._rulers:
            renderer.release()
        self._rulers = []

    def release(self) -> None:
        """Free what was made."""
        self._release_rulers()
        self._renderer.release()


def _same(marks: Sequence[Marks], before: Sequence[Marks]) -> bool:
    """Return whether the marks of all panes are these very objects."""
    return len(marks) == len(before) and all(map(Marks.same_as, marks, before))
