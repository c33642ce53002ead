"""Everything written over a frame, built anew only when something of it has changed."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from gpu.meter import FrameMeter
from render.axes import MapAxis, draw_map_axes, draw_orbit_axes, plot_rect
from render.camera import Rect
from render.cards import Card, draw_cards, draw_help
from render.events import KEYS, MOUSE
from render.legends import ColorBar, draw_color_bars, draw_end_marks, draw_heading, draw_trail_legend
from render.overlay import QUAD, Overlay, OverlayRenderer
from render.selection import draw_selection
from render.text import Font
from render.viewer import Viewer

FONT_PX = 13


@dataclass(frozen=True, slots=True)
class Heading:
    """The lines of text at the top of the picture."""

    left: tuple[str, ...] = ()
    right: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Annotations:
    """What is said about a frame beside its axes and scales: headings, cards, and what is selected."""

    heading: Heading = Heading()
    cards: tuple[Card, ...] = ()

    def also(self, line: str) -> Self:
        """Return the same with one more line on the left."""
        heading = Heading((*self.heading.left, line), self.heading.right)
        return replace(self, heading=heading)


@dataclass(frozen=True, slots=True)
class Scales:
    """The colour scales of a frame: of the fields, and of trails if their colours have one."""

    fields: tuple[ColorBar, ...]
    trails: ColorBar | None = None


class Labels:
    """Axes, colour bars, headings and cards in one draw."""

    def __init__(self, gl: Any, axes: tuple[MapAxis, MapAxis], scale: float, meter: FrameMeter) -> None:
        self._font = Font(round(FONT_PX * scale))
        self._axes = axes
        self._renderer = OverlayRenderer(gl, self._font, meter)
        self._key: tuple[object, object] | None = None
        self._said = np.zeros(0, QUAD)

    def plot(self, size_px: tuple[int, int]) -> Rect:
        """Return where the flat map is in a picture of this size."""
        return plot_rect(size_px, self._font.line_px)

    def update(
        self,
        viewer: Viewer,
        size_px: tuple[int, int],
        said: Annotations,
        scales: Scales,
    ) -> None:
        """Build and upload the overlay if anything in it changed."""
        looks = viewer.looks, viewer.layer, viewer.trail_color
        shown = viewer.help_shown, viewer.labels_shown, viewer.blind
        said_key = (*looks, *shown, size_px, said, scales)
        placed_key = viewer.map_camera, viewer.orbit_camera, viewer.lift, viewer.box, viewer.frame, size_px
        if (said_key, placed_key) == self._key:
            return
        if self._key is None or self._key[0] != said_key:
            self._said = self._write(viewer, size_px, said, scales).quads()
        self._key = said_key, placed_key
        # A camera on its way moves the axes alone: what is said is written once, which takes longer.
        self._renderer.upload(np.concatenate([self._rule(viewer, size_px).quads(), self._said]))

    def _rule(self, viewer: Viewer, size_px: tuple[int, int]) -> Overlay:
        """Draw what moves with the camera: axes and a box."""
        overlay, plot = Overlay(self._font), self.plot(size_px)
        if viewer.lift == 0:
            draw_map_axes(overlay, viewer.map_camera, plot, self._axes)
        elif viewer.lift == 1:
            draw_orbit_axes(overlay, viewer.orbit_camera, size_px, self._axes)
        draw_selection(overlay, viewer, size_px, plot)
        return overlay

    def _write(self, viewer: Viewer, size_px: tuple[int, int], said: Annotations, scales: Scales) -> Overlay:
        """Draw what does not: scales, legends, headings, cards, help."""
        overlay, plot = Overlay(self._font), self.plot(size_px)
        draw_color_bars(overlay, scales.fields, size_px, plot)
        if viewer.labels_shown:
            draw_heading(overlay, said.heading.left, said.heading.right, size_px)
            left = draw_trail_legend(overlay, scales.trails, size_px) if scales.trails else size_px[0]
            if viewer.looks.end_marks:
                draw_end_marks(overlay, size_px, left)
        if viewer.labels_shown or viewer.blind:  # whoever goes blind is told how to see again
            draw_cards(overlay, said.cards, plot.right - 4, plot.top + 4, plot.height - 8)
        if viewer.help_shown:
            draw_help(overlay, [(key, text) for key, _, text in KEYS] + list(MOUSE), size_px)
        return overlay

    def draw(self) -> None:
        """Draw what was built last."""
        self._renderer.draw()

    def release(self) -> None:
        """Free what was made."""
        self._renderer.release()
