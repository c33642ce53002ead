"""Axes and ticks: where they go and what they say. No OpenGL."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from render.camera import MapCamera, OrbitCamera, Rect
from render.overlay import FAINT, INK, Overlay
from render.ticks import ticks

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MapAxis:
    """One edge of the map: its label and the state's values at its ends."""

    label: str
    low: float
    high: float

    def value(self, scene: float) -> float:
        """Return the state's value at scene coordinate `scene` in [-1, 1]."""
        return self.low + (scene + 1) / 2 * (self.high - self.low)

    def scene(self, value: float) -> float:
        """Return the scene coordinate of a value."""
        return (value - self.low) / (self.high - self.low) * 2 - 1


def plot_rect(size_px: tuple[int, int], font_px: float) -> Rect:
    """Return where the flat map goes, leaving room for ticks, labels, bars and a heading."""
    left, right, top, bottom = 6.2 * font_px, 8.5 * font_px, 4.4 * font_px, 4.6 * font_px
    return Rect(left, top, max(size_px[0] - left - right, 16), max(size_px[1] - top - bottom, 16))


def draw_map_axes(overlay: Overlay, camera: MapCamera, plot: Rect, axes: tuple[MapAxis, MapAxis]) -> None:
    """Rule the frame of the flat map, with ticks of the part that is visible."""
    em = overlay.font.line_px
    x_low, y_low, x_high, y_high = camera.visible()
    for edge in (
        ((plot.left, plot.bottom), (plot.right, plot.bottom)),
        ((plot.left, plot.top), (plot.left, plot.bottom)),
        ((plot.left, plot.top), (plot.right, plot.top)),
        ((plot.right, plot.top), (plot.right, plot.bottom)),
    ):
        overlay.line(*edge, 1, FAINT)
    horizontal, vertical = axes
    low, high = horizontal.value(x_low), horizontal.value(x_high)
    for value, text in ticks(low, high, max(3, int(plot.width / (5 * em)))):
        x = plot.left + (value - low) / (high - low) * plot.width
        overlay.line((x, plot.bottom), (x, plot.bottom + 0.3 * em), 1, FAINT)
        overlay.text(x, plot.bottom + 0.45 * em, text, anchor=(0.5, 0))
    low, high = vertical.value(y_low), vertical.value(y_high)
    widest = 0.0
    for value, text in ticks(low, high, max(3, int(plot.height / (3 * em)))):
        y = plot.bottom - (value - low) / (high - low) * plot.height
        overlay.line((plot.left - 0.3 * em, y), (plot.left, y), 1, FAINT)
        overlay.text(plot.left - 0.45 * em, y, text, anchor=(1, 0.5))
        widest = max(widest, overlay.font.width(text))
    overlay.text(plot.left + plot.width / 2, plot.bottom + 1.7 * em, horizontal.label, anchor=(0.5, 0))
    x = max(plot.left - 0.7 * em - widest, 1.1 * em)
    overlay.text(x, plot.top + plot.height / 2, vertical.label, anchor=(0.5, 1), upright=True)


def draw_orbit_axes(
    overlay: Overlay, camera: OrbitCamera, size_px: tuple[int, int], axes: tuple[MapAxis, MapAxis]
) -> None:
    """Rule the two lower edges of the box that are nearest to the camera, with ticks and labels outside."""
    matrix = camera.matrix(size_px)
    eye_x, eye_y, _ = camera.eye()
    near_x = 1.0 if eye_x > camera.target_x else -1.0
    near_y = 1.0 if eye_y > camera.target_y else -1.0
    _rule(overlay, matrix, size_px, [(near_x, -1.0), (near_x, 1.0)])
    _rule(overlay, matrix, size_px, [(-1.0, near_y), (1.0, near_y)])
    _draw_edge(overlay, matrix, size_px, axes[0], lambda t: (t, near_y), (0.0, near_y))
    _draw_edge(overlay, matrix, size_px, axes[1], lambda t: (near_x, t), (near_x, 0.0))


def _rule(
    overlay: Overlay, matrix: Float32Array, size_px: tuple[int, int], ends: list[tuple[float, float]]
) -> None:
    start, end = (project(matrix, size_px, (x, y, 0.0)) for x, y in ends)
    if start is not None and end is not None:
        overlay.line(start, end, 1, FAINT)


def _draw_edge(
    overlay: Overlay,
    matrix: Float32Array,
    size_px: tuple[int, int],
    axis: MapAxis,
    place: Callable[[float], tuple[float, float]],
    outwards: tuple[float, float],
) -> None:
    """Ticks and label of one edge; `place` maps [-1, 1] to the edge, `outwards` points off the map."""
    em = overlay.font.line_px
    for value, text in ticks(axis.low, axis.high, 6):
        x, y = place(axis.scene(value))
        start = project(matrix, size_px, (x, y, 0.0))
        end = project(matrix, size_px, (x + 0.035 * outwards[0], y + 0.035 * outwards[1], 0.0))
        far = project(matrix, size_px, (x + 0.1 * outwards[0], y + 0.1 * outwards[1], 0.0))
        if start and end and far:
            overlay.line(start, end, 1, FAINT)
            overlay.text(*far, text, anchor=(0.5, 0.5))
    x, y = place(0.0)
    middle = project(matrix, size_px, (x + 0.2 * outwards[0], y + 0.2 * outwards[1], 0.0))
    edge = project(matrix, size_px, (x, y, 0.0))
    if middle and edge:
        push = np.subtract(middle, edge)
        push = push / max(float(np.hypot(*push)), 1e-6) * em * 0.4
        # Anchored on the side that faces the map, so that a long label grows away from it.
        toward = 0.5 - 0.5 * float(np.sign(push[0])) * min(1.0, abs(push[0]) / (0.2 * em))
        overlay.text(middle[0] + push[0], middle[1] + push[1], axis.label, anchor=(toward, 0.5))


def project(
    matrix: Float32Array, size_px: tuple[int, int], point: tuple[float, float, float]
) -> tuple[float, float] | None:
    """Return the pixel (from the top left) of a scene point; None if it is behind the camera."""
    x, y, _, w = matrix @ np.array([*point, 1.0], np.float32)
    if w <= 1e-4:
        return None
    return (float(x / w) + 1) / 2 * size_px[0], (1 - float(y / w)) / 2 * size_px[1]


def draw_rectangle(
    overlay: Overlay,
    matrix: Float32Array,
    size_px: tuple[int, int],
    corners: tuple[float, float, float, float],
) -> None:
    """Rule the box (x and y from, x and y to) on the ground of the scene."""
    x_low, y_low, x_high, y_high = corners
    around = [(x_low, y_low), (x_high, y_low), (x_high, y_high), (x_low, y_high), (x_low, y_low)]
    points = [project(matrix, size_px, (x, y, 0.0)) for x, y in around]
    for start, end in pairwise(points):
        if start and end:
            overlay.line(start, end, 1.5, INK)
